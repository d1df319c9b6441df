-- Steps on the counters of ids, one after the other; each on the counters of one id,
-- or of two that are charged together. The arithmetic is that of package limit, which
-- says what every number means. Everything here is an integer below 2^53 in a double,
-- or a double where the Go code has one, in the same order of operations.
--
-- It is written to take little of the server's time, which runs it anew for each
-- call: one array for each limit, numbers by struct, and no function but those
-- of token buckets and sliding logs, which are made when a step has one.
--
-- KEYS[i]  a record
-- ARGV[i]  where a step begins: step (1 byte: t, r or u), cost (7), now in microseconds
--          (7; 0: the clock of this server), then the limits of KEYS[i] (58 bytes each).
--          Only limits: the record is charged together with the one before
-- Answer for each key: admitted (1), first limit that refused (1; 255 none),
--          foreign (1), wait (7; 2^56-1: never), then limit, remaining and reset
--          of each limit (7 each)

local unpack, pack, ceil, redis, KEYS, ARGV = struct.unpack, struct.pack, math.ceil, redis, KEYS, ARGV
local NEVER, MAXNUMBER, MAXNOW = -1, 9007199254740991, 4503599627370495
local MAXLOGGED, MAXRECORD = 1000, 32768

-- The places of a limit's array. END and NEXT are those of a calendar; buckets and
-- logs have more, by name.
local ID, KIND, N, PER, END, NEXT, DEAD, A, B, READ = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
local WINDOW, BUCKET, LOG, QUOTA = 1, 2, 3, 5

local step, cost, now, time
local more -- functions of buckets and logs, by kind

local answers, asked, key = {}, #KEYS, 1
repeat

step, cost, now = unpack('>c1I7I7', ARGV[key])
local clock = now == 0 -- an instant that was given is a test's: nothing expires then
if clock then
  if not time then
    local t = redis.call('TIME')
    time = t[1] * 1000000 + t[2]
  end
  now = time
end
if now > MAXNOW then now = MAXNOW end

-- Read and judge each book: the limits of one key and what its record says.
local books, refusing, final = {}, nil, key
if key < asked and #ARGV[key + 1] % 58 == 0 then final = key + 1 end
for k = key, final do
  local book, text, n = { false, false, false, lived = 0, size = 0, longest = 0, n = 0 }, ARGV[k], 0
  books[k] = book
  for at = k == key and 16 or 1, #text, 58 do
    local l = { unpack('>c8BI7I7I7I7I7I7I7', text, at) }
    l[READ] = false -- where unpack had stopped
    if (l[KIND] == BUCKET or l[KIND] == LOG) and not more then
      more = (function()
        local floor, max, min = math.floor, math.max, math.min
        local bucket, log = {}, {}
        local function ceildiv(x, y)
          if x <= 0 then return 0 end
          return floor((x + y - 1) / y)
        end
        local function permits(l, k, frac)
          local x = k * l.frac - frac
          local carry = ceildiv(x, l.den)
          return k * l.step + carry, carry * l.den - x
        end
        local function after(l, k)
          local micros, frac = permits(l, k, l[A])
          return max(l[DEAD], now) + micros, frac
        end
        local function fits(l, k, room, fraction)
          local micros, r = permits(l, k, 0)
          return micros < room or (micros == room and r >= -fraction) or (micros == room + 1 and r >= l.den - fraction)
        end

        function bucket.load(l)
          if l[A] >= l.den then l[A] = 0 end
          if l[DEAD] - now > l.tau + l[PER] then
            l[DEAD], l[A], l.repaired = now + l.tau, l.taufrac, true
          end
        end
        function bucket.wait(l, k)
          if k > l[N] then return NEVER end
          local dead, frac = after(l, k)
          local w = dead - now - l.tau
          if frac < l.taufrac then w = w + 1 end
          return max(w, 0)
        end
        function bucket.charge(l) l[DEAD], l[A] = after(l, cost) end
        function bucket.left(l)
          local room, fraction = l.tau - (l[DEAD] - now), l[A] - l.taufrac
          local have = room + fraction / l.den
          local one = l.step + l.frac / l.den
          local k = min(max(floor(have / one), 0), l[N])
          local i = 0
          while i < 4 and k > 0 and not fits(l, k, room, fraction) do k, i = k - 1, i + 1 end
          i = 0
          while i < 4 and k < l[N] and fits(l, k + 1, room, fraction) do k, i = k + 1, i + 1 end
          return k
        end
        function bucket.entry(l) return pack('>c8BI2I7I7', l[ID], BUCKET, 14, l[DEAD], l[A]) end

        local function instant(l, i) -- from 0
          return min((unpack('>I7', l.log, (l.from + i) * 7 + 8)), l.late)
        end
        function log.load(l)
          l.from, l.late = 0, MAXNUMBER
          l.count = #l.log / 7 - 1
          if l[DEAD] - l[PER] - now > l[PER] then
            l[DEAD], l.late, l.repaired = now + l[PER], now, true
          end
          local low, high = 0, l.count
          while low < high do
            local mid = floor((low + high) / 2)
            if instant(l, mid) + l[PER] > now then high = mid else low = mid + 1 end
          end
          l.from, l.count = low, l.count - low
          if l.count == 0 then l[DEAD] = 0 end
        end
        function log.wait(l, k)
          if k > l[N] then return NEVER end
          local over = l.count + k - l[N]
          if over <= 0 then return 0 end
          return max(min(instant(l, over - 1) + l[PER], l[DEAD]) - now, 1)
        end
        function log.charge(l)
          l.at, l.added = now, cost
          if l[DEAD] > 0 then l.at = max(now, l[DEAD] - l[PER]) end
          l[DEAD] = l.at + l[PER]
        end
        function log.left(l) return max(l[N] - l.count - l.added, 0) end
        function log.entry(l)
          local parts = { pack('>c8BI2I7', l[ID], LOG, 7 * (1 + l.count + l.added), l[DEAD]) }
          for i = 0, l.count - 1 do parts[#parts + 1] = pack('>I7', instant(l, i)) end
          for _ = 1, l.added do parts[#parts + 1] = pack('>I7', l.at) end
          return table.concat(parts)
        end
        return { [BUCKET] = bucket, [LOG] = log }
      end)()
    end
    if l[KIND] == BUCKET then
      l.den, l.step, l.frac, l.tau, l.taufrac = l[5], l[6], l[7], l[8], l[9]
      l.rare, l[DEAD], l[A], l[B] = more[BUCKET], 0, 0, 0
    elseif l[KIND] == LOG then
      l.rare, l.count, l.added = more[LOG], 0, 0
    end
    n = n + 1
    book[n] = l
  end
  book.n = n

  local record = redis.pcall('GET', KEYS[k])
  if type(record) == 'table' then -- a value of another type
    book.foreign = true
  elseif record and record ~= '' then
    local at, length, others = 2, #record, nil
    book.foreign = string.byte(record, 1) ~= 1
    while not book.foreign and at <= length do
      local id, kind, size, dead, a, b = nil, 0, 0, MAXNUMBER + 1, 0, 0
      if at + 31 <= length then -- what most entries are
        id, kind, size, dead, a, b = unpack('>c8BI2I7I7I7', record, at)
      elseif at + 17 <= length then
        id, kind, size, dead = unpack('>c8BI2I7', record, at)
      end
      local last = at + 10 + size
      local good = size >= 7 and last <= length and dead <= MAXNUMBER
      if kind == WINDOW then
        good = good and size == 21 and a <= MAXNUMBER and b <= MAXNUMBER
      elseif kind == QUOTA or kind == 4 then
        if good and size == 14 then a, b = unpack('>I7', record, at + 18), 0 end -- nothing was added by hand
        good = good and (size == 14 or size == 21) and a <= MAXNUMBER and b <= MAXNUMBER
      elseif kind == BUCKET then
        good = good and size == 14
        if good then a = unpack('>I7', record, at + 18) end
        good = good and a <= MAXNUMBER
      elseif kind == LOG then
        good = good and size % 7 == 0 and size <= 7 * (1 + MAXLOGGED)
      end
      if not good then
        book.foreign = true
        break
      end
      local mine
      for i = 1, n do
        if book[i][ID] == id then
          mine = book[i]
          break
        end
      end
      if mine then
        if not mine.rare then
          if mine[KIND] == kind and not mine[READ] then mine[READ], mine[DEAD], mine[A], mine[B] = true, dead, a, b end
        elseif mine[KIND] == kind and not mine.read then
          mine.read, mine[DEAD], mine[A] = true, dead, a
          if kind == LOG then mine.log = string.sub(record, at + 11, last) end
        end
      elseif dead > now then
        others = others or {}
        others[#others + 1] = { dead = dead, entry = string.sub(record, at, last) }
        book.size = book.size + 11 + size
      end
      if dead > book.lived then book.lived = dead end
      at = last + 1
    end
    book.others = others
    if book.foreign then -- counts as empty
      book.others, book.size, book.lived = nil, 0, 0
      for i = 1, n do book[i][DEAD] = 0 end
    end
  end

  local want = 1
  if step == 't' and cost > 1 then want = cost end
  for i = 1, n do
    local l, w = book[i], 0
    local kind, per, dead = l[KIND], l[PER], l[DEAD]
    if dead <= now or step == 'r' then
      dead, l[DEAD], l[A], l[B] = 0, 0, 0, 0
    elseif l.rare then
      l.rare.load(l)
    elseif kind == WINDOW then
      local start = dead - 2 * per
      if start - now > per then
        l[DEAD], l[A], l[B], l.repaired = now + 2 * per, math.min(l[A] + l[B], MAXNUMBER), 0, true
      elseif now - start >= per then
        l[DEAD], l[A], l[B] = dead + per, l[B], 0
      end
      if l[A] == 0 and l[B] == 0 then l[DEAD] = 0 end
    end
    if not l.rare and kind ~= WINDOW then -- a period: where it ends if it begins now, and at the latest
      local fresh, latest = now + per, now + 2 * per
      if per == 0 then
        fresh, latest = MAXNUMBER, MAXNUMBER
      elseif l[END] > now then
        fresh = l[END]
      elseif l[NEXT] > now then
        fresh = l[NEXT]
      end
      if per > 0 and l[NEXT] > now then latest = l[NEXT] end
      l[END] = fresh
      if l[DEAD] > latest then l[DEAD], l.repaired = fresh, true end
    end
    if step == 'u' and kind == QUOTA then
      if l[DEAD] == 0 then l[DEAD], l[A], l[B] = l[END], 0, 0 end
      l[B] = math.min(l[B] + cost, MAXNUMBER)
    end

    dead = l[DEAD]
    if l.rare then
      w = l.rare.wait(l, want)
    elseif kind == WINDOW then
      local free = l[N] - want
      if free < 0 then
        w = NEVER
      elseif dead > 0 then
        -- Of the previous window a share is carried over; when the running one is
        -- full, it has to become the previous one first.
        local count, rest, after = l[A], dead - per - now, nil
        if l[B] <= free then
          free = free - l[B]
          if rest > per then rest = per end
          local share = rest / per
          if ceil(count * share) > free then after = rest end
        else
          count, after = l[B], rest + per
        end
        if after then
          local allowing = per -- the largest rest with which no more than free is carried over
          if count > free then
            local ratio = free / count
            allowing = math.floor(per * ratio)
            for _ = 1, 4 do
              local share = allowing / per
              if allowing <= 0 or ceil(count * share) <= free then break end
              allowing = allowing - 1
            end
            for _ = 1, 4 do
              local share = (allowing + 1) / per
              if allowing >= per or ceil(count * share) > free then break end
              allowing = allowing + 1
            end
          end
          w = after - allowing
          if l[B] <= l[N] - want then w = math.max(w + math.max(dead - 2 * per - now, 0), 1) end
        end
      end
    else
      local all = l[N] + l[B]
      if all > MAXNUMBER then all = MAXNUMBER end
      if l[A] > all - want then
        w = dead - now
        if want > l[N] or dead == MAXNUMBER then w = NEVER end
      end
    end
    if l.repaired then book.repaired = true end
    if w ~= 0 then
      book.refused, refusing = book.refused or i, refusing or k
      if w == NEVER or book.longest == NEVER then book.longest = NEVER elseif w > book.longest then book.longest = w end
    end
  end
end

-- Charge all books or none, write what has changed, and answer.
local out
for k = key, final do
  local book = books[k]
  local charges = step == 't' and cost > 0 and not refusing
  if charges then
    for i = 1, book.n do
      local l = book[i]
      if l.rare then
        l.rare.charge(l)
      elseif l[KIND] == WINDOW then
        if l[DEAD] == 0 then l[DEAD] = now + 2 * l[PER] end
        l[B] = l[B] + cost
      else
        if l[DEAD] == 0 then l[DEAD] = l[END] end
        l[A] = l[A] + cost
      end
    end
  end

  -- Nobody may be refused for longer than a window, so what was repaired is
  -- written when its book refuses.
  if charges or step ~= 't' or cost > 0 and refusing == k and book.repaired then
    local own, ends = nil, 0
    for i = 1, book.n do
      local l = book[i]
      local first = true -- of this id
      for j = 1, i - 1 do first = first and book[j][ID] ~= l[ID] end
      local dead = l[DEAD]
      if dead > 0 and first then
        local entry
        if l.rare then
          entry = l.rare.entry(l)
        elseif l[B] == 0 and l[KIND] ~= WINDOW then
          entry = pack('>c8BI2I7I7', l[ID], l[KIND], 14, dead, l[A])
        else
          entry = pack('>c8BI2I7I7I7', l[ID], l[KIND], 21, dead, l[A], l[B])
        end
        own = own and own .. entry or entry
        if dead > ends then ends = dead end
      end
    end
    local all = '\1'
    if book.others then
      -- Where there is no room, those that die first are left out.
      local room, ground, size = math.max(MAXRECORD - 1 - (own and #own or 0), 0), now, book.size
      while size > room do
        local least, gone = MAXNUMBER + 1, 0
        for _, o in ipairs(book.others) do
          if o.dead > ground then
            if o.dead < least then least, gone = o.dead, #o.entry elseif o.dead == least then gone = gone + #o.entry end
          end
        end
        size, ground = size - gone, least
      end
      local parts = { all }
      for _, o in ipairs(book.others) do
        if o.dead > ground then
          parts[#parts + 1] = o.entry
          if o.dead > ends then ends = o.dead end
        end
      end
      all = table.concat(parts)
    end
    if own then all = all .. own end
    if #all == 1 then
      redis.call('DEL', KEYS[k])
    elseif not clock then
      redis.call('SET', KEYS[k], all)
    elseif ends == book.lived then -- the key lives until then already
      redis.call('SET', KEYS[k], all, 'KEEPTTL')
    else
      redis.call('SET', KEYS[k], all, 'PX', string.format('%.0f', math.max(ceil((ends - now) / 1000), 1)))
    end
  end

  local refused, head = book.refused, '\1\255\0\0\0\0\0\0\0\0'
  if refused or book.foreign then
    head = string.char(refused and 0 or 1, refused and refused - 1 or 255, book.foreign and 1 or 0)
      .. (book.longest == NEVER and '\255\255\255\255\255\255\255' or pack('>I7', book.longest))
  end
  out = out and out .. head or head
  for i = 1, book.n do
    local l = book[i]
    local most, left, back, dead = l[N], l[N], now, l[DEAD]
    if dead > 0 then
      back = dead
      if l.rare then
        left = l.rare.left(l)
      elseif l[KIND] == WINDOW then
        local per = l[PER]
        local rest = dead - per - now
        if rest > per then rest = per end
        local share = rest / per
        left = l[N] - l[B] - ceil(l[A] * share)
        if left < 0 then left = 0 end
        if l[B] == 0 then back = dead - l[PER] end
      else
        most = l[N] + l[B]
        if most > MAXNUMBER then most = MAXNUMBER end
        left = most - l[A]
        if left < 0 then left = 0 end
      end
    end
    out = out .. pack('>I7I7I7', most, left, back)
  end
end

answers[#answers + 1] = out
key = final + 1
until key > asked
return table.concat(answers)
