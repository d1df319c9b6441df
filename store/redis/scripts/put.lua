-- Writes a record if its condition holds.
-- KEYS: record [, ids, expiries of its partition]
-- ARGV: condition ('' any, 'absent', or the 8 bytes of a version), envelope,
--       expiry in ms ('0' never), id
-- Answers 1 (written) or 0 (the condition does not hold).
if ARGV[1] == 'absent' then
  if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
elseif ARGV[1] ~= '' then
  local there = redis.pcall('GET', KEYS[1])
  if type(there) ~= 'string' or string.sub(there, 2, 9) ~= ARGV[1] or string.byte(there) ~= 1 then return 0 end
end
if ARGV[3] == '0' then
  redis.call('SET', KEYS[1], ARGV[2])
else
  redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3])
end
if KEYS[2] then
  redis.call('ZADD', KEYS[2], 0, ARGV[4])
  if ARGV[3] == '0' then
    redis.call('ZREM', KEYS[3], ARGV[4])
  else
    redis.call('ZADD', KEYS[3], ARGV[3], ARGV[4])
  end
  -- A few that have expired leave the lists with every write, so the lists do
  -- not grow.
  local t = redis.call('TIME')
  local now = string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000))
  local past = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, 8)
  if #past > 0 then
    redis.call('ZREM', KEYS[2], unpack(past))
    redis.call('ZREM', KEYS[3], unpack(past))
  end
end
return 1
