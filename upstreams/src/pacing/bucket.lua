-- One account's bucket, by the clock of Redis. It does what bucket.rs does; there it is explained.
-- KEYS[1] the bucket. ARGV: 1 window in ms, 2 our share of 1, 3 the operation, then
--   'book', longest wait in ms, cost, the limit as long as none is known or 0: books a call unless it has to wait
--     longer; answers {booked, wait in ms}
--   'settle', amount: gives back what was booked too much; less than nothing takes more
--   'note', used, limit: takes over what the upstream reported
--   'empty', wait in ms: nobody calls before that time is over
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local window, share, operation = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]

-- `at` is when `used` was so; `closed` until when nobody calls. A clock that was set back drains nothing, but makes
-- nobody wait.
local stored = redis.call('HMGET', KEYS[1], 'used', 'limit', 'at', 'closed')
local used, limit = tonumber(stored[1]) or 0, tonumber(stored[2]) or 0
if limit == 0 and operation == 'book' then
    limit = tonumber(ARGV[6])
end
local at, closed = tonumber(stored[3]) or now, tonumber(stored[4]) or 0
used = math.max(0, used - limit * math.max(0, now - math.max(at, closed)) / window)

local booked, wait = 1, math.max(0, closed - now)
if operation == 'book' then
    if limit > 0 then
        wait = wait + math.max(0, used + tonumber(ARGV[5]) - share * limit) * window / limit
    end
    if wait > tonumber(ARGV[4]) then
        booked = 0
    elseif limit > 0 then
        used = used + tonumber(ARGV[5])
    end
elseif operation == 'settle' then
    if limit > 0 then
        used = math.max(0, used - tonumber(ARGV[4]))
    end
elseif operation == 'note' then
    used = math.max(used, tonumber(ARGV[4]))
    limit = tonumber(ARGV[5])
else
    used = math.max(used, share * limit)
    closed = math.max(closed, now + tonumber(ARGV[4]))
end

-- An unknown account leaves nothing behind. A known limit is remembered for a day after the last call.
if limit > 0 or closed > now then
    local text = function(number) return string.format('%.3f', number) end
    redis.call('HSET', KEYS[1], 'used', text(used), 'limit', text(limit), 'at', text(now), 'closed', text(closed))
    redis.call('PEXPIRE', KEYS[1], math.ceil(86400000 + math.max(0, closed - now)))
end
return {booked, math.ceil(wait)}
