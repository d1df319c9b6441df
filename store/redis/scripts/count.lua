-- One step on the counters of one id: the arithmetic of package limit, which says
-- what every number means. Everything here is an integer below 2^53 in a double,
-- or a double where the Go code has one, in the same order of operations.
--
-- KEYS[1]  the record
-- ARGV[1]  step (1 byte: t, r or u), cost (7), now in microseconds (7; 0: the
--          clock of this server), then the limits (58 bytes each)
-- Answer: admitted (1), first limit that refused (1; 255 none), foreign (1),
--          wait (7; 2^56-1: never), then limit, remaining and reset of each (7)

local NEVER, MAXNUMBER, MAXNOW = -1, 9007199254740991, 4503599627370495
local MAXLOGGED, MAXRECORD = 1000, 32768
local byte, sub, char, floor, ceil = string.byte, string.sub, string.char, math.floor, math.ceil
local max, min = math.max, math.min

local function read(s, at) -- 7 bytes, big endian; what passes 2^53 is judged before
  local a, b, c, d, e, f, g = byte(s, at, at + 6)
  return ((((((a * 256 + b) * 256 + c) * 256 + d) * 256 + e) * 256 + f) * 256) + g
end

local function write(n)
  local low = n % 16777216
  local high = (n - low) / 16777216
  local g, f = low % 256, floor(low / 256) % 256
  local e = floor(low / 65536)
  local d, c = high % 256, floor(high / 256) % 256
  local b, a = floor(high / 65536) % 256, floor(high / 16777216)
  return char(a, b, c, d, e, f, g)
end

-- The request.
local request = ARGV[1]
local step, cost, now = sub(request, 1, 1), read(request, 2), read(request, 9)
local clock = now == 0 -- an instant that was given is a test's: nothing expires then
if clock then
  local t = redis.call('TIME')
  now = t[1] * 1000000 + t[2]
end
now = min(max(now, 0), MAXNOW)
local looks = step == 't' and cost == 0

local limits, position = {}, {}
for at = 16, #request, 58 do
  local l = { id = sub(request, at, at + 7), kind = byte(request, at + 8), n = read(request, at + 9), per = read(request, at + 16) }
  local x, y = read(request, at + 23), read(request, at + 30)
  if l.kind == 2 then
    l.den, l.step = x, y
    l.frac, l.tau, l.taufrac = read(request, at + 37), read(request, at + 44), read(request, at + 51)
  else
    l.ending, l.next = x, y
  end
  limits[#limits + 1] = l
  if not position[l.id] then position[l.id] = #limits end
end

-- The record: states of these limits, and the entries of others.
local function sound(kind, payload, size)
  local n = size / 7
  if kind == 1 or kind == 4 or kind == 5 then
    return size == 21 and byte(payload, 1) < 32 and byte(payload, 8) < 32 and byte(payload, 15) < 32
  elseif kind == 2 then
    return size == 14 and byte(payload, 1) < 32 and byte(payload, 8) < 32
  elseif kind == 3 then
    return size % 7 == 0 and n >= 1 and n <= 1 + MAXLOGGED and byte(payload, 1) < 32
  end
  return size >= 7 and byte(payload, 1) < 32
end

local function parse(record)
  local states, others, size = {}, {}, 0
  if byte(record, 1) ~= 1 then return nil end
  local at, length = 2, #record
  while at <= length do
    if length - at + 1 < 11 then return nil end
    local kind = byte(record, at + 8)
    local high, low = byte(record, at + 9, at + 10)
    local n = high * 256 + low
    if length - at + 1 < 11 + n then return nil end
    local payload = sub(record, at + 11, at + 10 + n)
    if not sound(kind, payload, n) then return nil end
    local i = position[sub(record, at, at + 7)]
    if i then
      if not states[i] and kind == limits[i].kind then states[i] = payload end
    else
      local dead = read(payload, 1)
      if dead > now then
        others[#others + 1] = { dead = dead, entry = sub(record, at, at + 10 + n) }
        size = size + 11 + n
      end
    end
    at = at + 11 + n
  end
  return states, others, size
end

local record = redis.pcall('GET', KEYS[1])
local foreign = false
if type(record) == 'table' then
  record, foreign = '', true -- a value of another type
elseif not record then
  record = ''
end
local states, others, size = {}, {}, 0
if record ~= '' then
  local s, o, n = parse(record)
  if s then
    states, others, size = s, o, n
  else
    foreign = true
  end
end

-- Period of a quota and of a fixed window.
local function periodend(l)
  if l.per == 0 then return MAXNUMBER end
  if l.ending > now then return l.ending end
  if l.next > now then return l.next end
  return now + l.per
end

local function latest(l)
  if l.per == 0 then return MAXNUMBER end
  if l.next > now then return l.next end
  return now + 2 * l.per
end

-- Sliding window.
local function rest(l, s) return min(s.dead - l.per - now, l.per) end

local function carried(l, count, r)
  local share = r / l.per
  return ceil(count * share)
end

local function restallowing(l, count, free)
  if count <= free then return l.per end
  local ratio = free / count
  local r = floor(l.per * ratio)
  local i = 0
  while i < 4 and r > 0 and carried(l, count, r) > free do r, i = r - 1, i + 1 end
  i = 0
  while i < 4 and r < l.per and carried(l, count, r + 1) <= free do r, i = r + 1, i + 1 end
  return r
end

-- Token bucket.
local function ceildiv(x, y)
  if x <= 0 then return 0 end
  return floor((x + y - 1) / y)
end

local function permits(l, k, frac)
  local x = k * l.frac - frac
  local carry = ceildiv(x, l.den)
  return k * l.step + carry, carry * l.den - x
end

local function after(l, s, k)
  local micros, frac = permits(l, k, s.a)
  return max(s.dead, now) + micros, frac
end

local function fits(l, k, room, fraction)
  local micros, r = permits(l, k, 0)
  return micros < room or (micros == room and r >= -fraction) or (micros == room + 1 and r >= l.den - fraction)
end

-- Sliding log.
local function instant(s, i) -- from 0
  return min(read(s.log, (s.from + i) * 7 + 8), s.late)
end

local function load(l, stored)
  local s = { dead = 0, a = 0, b = 0, count = 0, added = 0 }
  if not stored then return s end
  s.dead = read(stored, 1)
  if s.dead <= now then
    s.dead = 0
    return s
  end
  if l.kind == 1 then
    s.a, s.b = read(stored, 8), read(stored, 15)
    local start = s.dead - 2 * l.per
    if start - now > l.per then
      s.dead, s.a, s.b, s.repaired = now + 2 * l.per, min(s.a + s.b, MAXNUMBER), 0, true
    elseif now - start >= l.per then
      s.dead, s.a, s.b = s.dead + l.per, s.b, 0
    end
    if s.a == 0 and s.b == 0 then s.dead = 0 end
  elseif l.kind == 2 then
    s.a = read(stored, 8)
    if s.a >= l.den then s.a = 0 end
    if s.dead - now > l.tau + l.per then
      s.dead, s.a, s.repaired = now + l.tau, l.taufrac, true
    end
  elseif l.kind == 3 then
    s.log, s.from, s.late = stored, 0, MAXNUMBER
    s.count = #stored / 7 - 1
    if s.dead - l.per - now > l.per then
      s.dead, s.late, s.repaired = now + l.per, now, true
    end
    local low, high = 0, s.count
    while low < high do
      local mid = floor((low + high) / 2)
      if instant(s, mid) + l.per > now then high = mid else low = mid + 1 end
    end
    s.from, s.count = low, s.count - low
    if s.count == 0 then s.dead = 0 end
  else
    s.a, s.b = read(stored, 8), read(stored, 15)
    if s.dead > latest(l) then s.dead, s.repaired = periodend(l), true end
  end
  return s
end

local function total(l, s) return min(l.n + s.b, MAXNUMBER) end

local function wait(l, s, k)
  if l.kind == 1 then
    local free = l.n - k
    if free < 0 then return NEVER end
    if s.dead == 0 then return 0 end
    if s.b <= free then
      local r = rest(l, s)
      if carried(l, s.a, r) <= free - s.b then return 0 end
      return max(r - restallowing(l, s.a, free - s.b) + max(s.dead - 2 * l.per - now, 0), 1)
    end
    return s.dead - l.per - now + l.per - restallowing(l, s.b, free)
  elseif l.kind == 2 then
    if k > l.n then return NEVER end
    local dead, frac = after(l, s, k)
    local w = dead - now - l.tau
    if frac < l.taufrac then w = w + 1 end
    return max(w, 0)
  elseif l.kind == 3 then
    if k > l.n then return NEVER end
    local over = s.count + k - l.n
    if over <= 0 then return 0 end
    return max(min(instant(s, over - 1) + l.per, s.dead) - now, 1)
  end
  if s.a <= total(l, s) - k then return 0 end
  if k > l.n or s.dead == MAXNUMBER then return NEVER end
  return s.dead - now
end

local function charge(l, s, k)
  if l.kind == 1 then
    if s.dead == 0 then s.dead = now + 2 * l.per end
    s.b = s.b + k
  elseif l.kind == 2 then
    s.dead, s.a = after(l, s, k)
  elseif l.kind == 3 then
    s.at, s.added = now, k
    if s.dead > 0 then s.at = max(now, s.dead - l.per) end
    s.dead = s.at + l.per
  else
    if s.dead == 0 then s.dead = periodend(l) end
    s.a = s.a + k
  end
end

local function usage(l, s)
  if s.dead == 0 then return l.n, l.n, now end
  if l.kind == 1 then
    local left = max(l.n - s.b - carried(l, s.a, rest(l, s)), 0)
    if s.b == 0 then return l.n, left, s.dead - l.per end
    return l.n, left, s.dead
  elseif l.kind == 2 then
    local room, fraction = l.tau - (s.dead - now), s.a - l.taufrac
    local have = room + fraction / l.den
    local one = l.step + l.frac / l.den
    local k = min(max(floor(have / one), 0), l.n)
    local i = 0
    while i < 4 and k > 0 and not fits(l, k, room, fraction) do k, i = k - 1, i + 1 end
    i = 0
    while i < 4 and k < l.n and fits(l, k + 1, room, fraction) do k, i = k + 1, i + 1 end
    return l.n, k, s.dead
  elseif l.kind == 3 then
    return l.n, max(l.n - s.count - s.added, 0), s.dead
  end
  return total(l, s), max(total(l, s) - s.a, 0), s.dead
end

local function payload(l, s)
  if l.kind == 2 then return write(s.dead) .. write(s.a) end
  if l.kind == 3 then
    local parts = { write(s.dead) }
    for i = 0, s.count - 1 do parts[#parts + 1] = write(instant(s, i)) end
    for _ = 1, s.added do parts[#parts + 1] = write(s.at) end
    return table.concat(parts)
  end
  return write(s.dead) .. write(s.a) .. write(s.b)
end

-- The step.
local cells, refused, longest, repaired = {}, nil, 0, false
local function judge(i, w)
  if w == 0 then return end
  if not refused then refused = i end
  if w == NEVER or longest == NEVER then longest = NEVER else longest = max(longest, w) end
end

if step == 't' then
  for i, l in ipairs(limits) do
    cells[i] = load(l, states[i])
    repaired = repaired or cells[i].repaired
    judge(i, wait(l, cells[i], max(cost, 1)))
  end
  if not refused and cost > 0 then
    for i, l in ipairs(limits) do charge(l, cells[i], cost) end
  end
else
  for i, l in ipairs(limits) do
    cells[i] = load(l, step == 'u' and states[i] or nil)
    local s = cells[i]
    if step == 'u' and l.kind == 5 then
      if s.dead == 0 then s.dead, s.a, s.b = periodend(l), 0, 0 end
      s.b = min(s.b + cost, MAXNUMBER)
    end
    judge(i, wait(l, s, 1))
  end
end

if not looks and (step ~= 't' or not refused or repaired) then
  local own, room, until_ = {}, 1, 0
  for i, l in ipairs(limits) do
    if cells[i].dead > 0 and position[l.id] == i then
      local p = payload(l, cells[i])
      own[#own + 1] = l.id .. char(l.kind, floor(#p / 256), #p % 256) .. p
      room = room + 11 + #p
      until_ = max(until_, cells[i].dead)
    end
  end
  room = max(MAXRECORD - room, 0)
  local ground = now
  while size > room do
    local least, gone = MAXNUMBER + 1, 0
    for _, o in ipairs(others) do
      if o.dead > ground then
        if o.dead < least then least, gone = o.dead, #o.entry elseif o.dead == least then gone = gone + #o.entry end
      end
    end
    size, ground = size - gone, least
  end
  local parts = { '\1' }
  for _, o in ipairs(others) do
    if o.dead > ground then
      parts[#parts + 1] = o.entry
      until_ = max(until_, o.dead)
    end
  end
  for _, e in ipairs(own) do parts[#parts + 1] = e end
  if #parts == 1 then
    redis.call('DEL', KEYS[1])
  elseif not clock then
    redis.call('SET', KEYS[1], table.concat(parts))
  else
    local px = ceil((until_ - now) / 1000)
    redis.call('SET', KEYS[1], table.concat(parts), 'PX', string.format('%.0f', max(px, 1)))
  end
end

local answer = { char(refused and 0 or 1, refused and refused - 1 or 255, foreign and 1 or 0), longest == NEVER and '\255\255\255\255\255\255\255' or write(longest) }
for i, l in ipairs(limits) do
  local a, b, c = usage(l, cells[i])
  answer[#answer + 1] = write(a) .. write(b) .. write(c)
end
return table.concat(answer)
