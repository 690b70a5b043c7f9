"""The queue benchmark in parts: private servers, proof of what ran, the queues
under test, the measurements and the report. bench.py puts them together."""
