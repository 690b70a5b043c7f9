-- Puts jobs into a queue's order. KEYS: the order (a sorted set), then one table of tenants' tags for
-- each of the four priorities. ARGV: priority, tenant, job id, and so on in threes.
--
-- Start-time fair queuing (Goyal, Vin, Cheng: "Start-time Fair Queuing", 1996) with every job of cost
-- 1: a job's start tag is the larger of the virtual time (the tag at the head of the queue) and its
-- tenant's last finish tag. A tenant's thousandth job thus stands behind another tenant's first. When
-- a priority's queue is empty its busy period is over and the tags start anew. A job that is there
-- already keeps its place.
local band = 1e12
local tags, virtual = {}, {}
local added = 0
for i = 1, #ARGV, 3 do
    local priority = tonumber(ARGV[i])
    local base = priority * band
    local tag_key = KEYS[2 + priority]
    if virtual[priority] == nil then
        local head = redis.call('ZRANGE', KEYS[1], base, '(' .. string.format('%.0f', base + band), 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')
        if head[2] then
            virtual[priority] = tonumber(head[2]) - base
        else
            virtual[priority] = 0
            redis.call('DEL', tag_key)
        end
        tags[priority] = {}
    end
    local tenant = ARGV[i + 1]
    local finish = tags[priority][tenant]
    if finish == nil then
        finish = tonumber(redis.call('HGET', tag_key, tenant) or 0)
    end
    local start = math.max(virtual[priority], finish)
    if redis.call('ZADD', KEYS[1], 'NX', string.format('%.0f', base + start), ARGV[i + 2]) == 1 then
        finish = start + 1
        added = added + 1
    end
    tags[priority][tenant] = finish
end
for priority, by_tenant in pairs(tags) do
    for tenant, finish in pairs(by_tenant) do
        redis.call('HSET', KEYS[2 + priority], tenant, string.format('%.0f', finish))
    end
end
return added
