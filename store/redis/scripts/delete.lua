-- Deletes a record if its condition holds.
-- KEYS: record [, ids, expiries of its partition]
-- ARGV: condition ('' any, 'absent', or the 8 bytes of a version), id
-- Answers 1 (it is gone) or 0 (the condition does not hold).
if ARGV[1] == 'absent' then
  if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
elseif ARGV[1] ~= '' then
  local there = redis.pcall('GET', KEYS[1])
  if type(there) ~= 'string' or string.sub(there, 2, 9) ~= ARGV[1] or string.byte(there) ~= 1 then return 0 end
end
redis.call('DEL', KEYS[1])
if KEYS[2] then
  redis.call('ZREM', KEYS[2], ARGV[2])
  redis.call('ZREM', KEYS[3], ARGV[2])
end
return 1
