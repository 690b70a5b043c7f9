-- One account's places, by the clock of Redis. KEYS[1] a sorted set of who is inside, by when their time is over.
-- ARGV: 1 'enter', 2 who, 3 how many may be inside, 4 how long in ms: answers 1 when there was a place, else 0
--       1 'leave', 2 who
if ARGV[1] == 'leave' then
    return redis.call('ZREM', KEYS[1], ARGV[2])
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then
    return 0
end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[4]), ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
