# Sidekiq as a peer, the producer: enqueue N [--bulk] | enqueue-paced N --gap-ms G

require 'json'
require_relative 'noop'

BULK = 1000

def seconds
  began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  yield
  Process.clock_gettime(Process::CLOCK_MONOTONIC) - began
end

case ARGV
in ['enqueue', count]
  taken = seconds { count.to_i.times { |sequence| Noop.perform_async(Noop.job(sequence)) } }
  puts({ seconds: taken }.to_json)
in ['enqueue', count, '--bulk']
  taken = seconds do
    (0...count.to_i).each_slice(BULK) { |slice| Noop.perform_bulk(slice.map { |sequence| [Noop.job(sequence)] }) }
  end
  puts({ seconds: taken }.to_json)
in ['enqueue-paced', count, '--gap-ms', gap_ms]
  count.to_i.times do |sequence|
    Record.append(Record.entry(sequence, Record::ENQUEUE))
    Noop.perform_async(Noop.job(sequence))
    sleep(gap_ms.to_i / 1000.0)
  end
end
