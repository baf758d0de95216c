-- What every script knows of a call. Stands before each of them, after the table `key`.
--
-- KEYS[1]  the key prefix
-- ARGV     name, value, name, value, ... read as arg.<name>
--
-- A call's hash is read whole into a table and written through `put`, so the table and Redis never differ.

local arg = {}
for i = 1, #ARGV, 2 do arg[ARGV[i]] = ARGV[i + 1] end

-- The one clock: instances never compare theirs.
local time = redis.call('TIME')
local now_us = time[1] * 1000000 + time[2]
local now = math.floor(now_us / 1000)

local DAY_MS = 86400000
-- A month, and not the one day a key has to outlive its next attention by: a queue may stand still for days.
local KEPT_MS = 30 * DAY_MS
local LAST_STEP = 64

-- Lua prints large numbers in exponents; Redis and people want digits.
local function digits(n) return string.format('%.0f', n) end

local function load(request_id)
  local flat = redis.call('HGETALL', key.call(request_id))
  if #flat == 0 then return nil end
  local call = {}
  for i = 1, #flat, 2 do call[flat[i]] = flat[i + 1] end
  return call
end

local function flatten(call)
  local flat = {}
  for name, value in pairs(call) do
    flat[#flat + 1] = name
    flat[#flat + 1] = value
  end
  return flat
end

local function put(call, fields)
  local flat = {}
  for name, value in pairs(fields) do
    call[name] = type(value) == 'number' and digits(value) or tostring(value)
    flat[#flat + 1] = name
    flat[#flat + 1] = call[name]
  end
  -- In pieces: Lua cannot unpack thousands of values, and a lead may carry that many.
  for from = 1, #flat, 1000 do
    redis.call('HSET', key.call(call.request_id), unpack(flat, from, math.min(from + 999, #flat)))
  end
end

local function forget(call, ...)
  for _, name in ipairs({ ... }) do call[name] = nil end
  redis.call('HDEL', key.call(call.request_id), ...)
end

-- The call's story, one field per step: when, what, why. The last field takes what no longer fits.
local function tell(call, what, why)
  local number = math.min((tonumber(call.steps) or 0) + 1, LAST_STEP)
  local line = digits(now) .. ' ' .. what
  if why and why ~= '' then line = line .. ' ' .. why end
  put(call, { steps = number, ['step.' .. number] = line })
end

-- Counters of the day (UTC), for people. The date by the civil calendar's own arithmetic: Redis has no date function.
local function count(what)
  local days = math.floor(now / DAY_MS) + 719468
  local era = math.floor(days / 146097)
  local day_of_era = days - era * 146097
  local year_of_era = math.floor((day_of_era - math.floor(day_of_era / 1460) + math.floor(day_of_era / 36524)
    - math.floor(day_of_era / 146096)) / 365)
  local day_of_year = day_of_era - (365 * year_of_era + math.floor(year_of_era / 4) - math.floor(year_of_era / 100))
  local shifted = math.floor((5 * day_of_year + 2) / 153)
  local day = day_of_year - math.floor((153 * shifted + 2) / 5) + 1
  local month = shifted < 10 and shifted + 3 or shifted - 9
  local year = year_of_era + era * 400 + (month <= 2 and 1 or 0)
  local stats = key.stats(string.format('%04d-%02d-%02d', year, month, day))
  redis.call('HINCRBY', stats, what, 1)
  redis.call('PEXPIRE', stats, 9 * DAY_MS)
end

-- Re-times all keys of a call together, to well beyond its next attention: a key never ends a call.
local function retime(call, due)
  local ttl = math.max(due - now, 0) + KEPT_MS
  redis.call('PEXPIRE', key.call(call.request_id), ttl)
  for _, pointer in ipairs({ key.lead(call.lead_id), key.phone(call.phone) }) do
    if redis.call('GET', pointer) == call.request_id then redis.call('PEXPIRE', pointer, ttl) end
  end
  if call.completion then redis.call('PEXPIRE', key.completion(call.completion), ttl) end
end

-- When the call needs attention next, and in which budget. Whoever holds an older fence may no longer decide.
local function due(call, budget, at)
  for _, each in ipairs({ 'due_dial', 'due_look', 'due_deliver' }) do
    if each ~= budget then redis.call('ZREM', key[each], call.request_id) end
  end
  redis.call('ZADD', key[budget], at, call.request_id)
  retime(call, at)
end

local function enter(call, state)
  put(call, { state = state, fence = (tonumber(call.fence) or 0) + 1, claims = 0 })
  forget(call, 'waits_for')
end

-- The call is over: nothing is due, its lead and number may come again.
local function finish(call, state, ttl)
  enter(call, state)
  for _, each in ipairs({ 'due_dial', 'due_look', 'due_deliver', 'pending' }) do
    redis.call('ZREM', key[each], call.request_id)
  end
  for _, pointer in ipairs({ key.lead(call.lead_id), key.phone(call.phone) }) do
    if redis.call('GET', pointer) == call.request_id then redis.call('DEL', pointer) end
  end
  redis.call('PEXPIRE', key.call(call.request_id), ttl)
  local list = key[state]
  redis.call('ZADD', list, now, call.request_id)
  redis.call('ZREMRANGEBYSCORE', list, '-inf', now - ttl)
end

-- The line belongs to whoever took it: it is compared before every touch.
local function hold_line(call, ms)
  local line = key.line(call.phone)
  local holder = redis.call('GET', line)
  if holder and holder ~= call.request_id then return end
  if ms > 0 then redis.call('SET', line, call.request_id, 'PX', digits(ms)) else redis.call('DEL', line) end
end

-- What the call came to. Opt-outs enter the list in the same step, whatever becomes of the CRM.
local function conclude(call)
  if not arg.outcome then return end
  put(call, { outcome = arg.outcome, rule = arg.rule, evidence = arg.evidence })
  if arg.do_not_call == '1' then redis.call('SADD', key.dnc, call.phone) end
  hold_line(call, (tonumber(call.ended_at_ms) or now) + tonumber(arg.hold_ms) - now)
end

-- A turn at a rate all instances share: how many ms to wait for it. Further off than the horizon there is none: nothing,
-- and the ms after which asking again yields a horizon full of turns at once.
local function turn(rate, gap_us, turns)
  local next_us = math.max(tonumber(redis.call('HGET', key.control, rate)) or 0, now_us)
  -- Further off than turns are ever reserved: the clock has been set back since.
  if next_us > now_us + arg.horizon_ms * 1000 + 10 * gap_us then next_us = now_us end
  local wait_ms = math.ceil((next_us - now_us) / 1000)
  if wait_ms > tonumber(arg.horizon_ms) then return nil, wait_ms end
  redis.call('HSET', key.control, rate, digits(next_us + gap_us * turns))
  return wait_ms
end

-- The CRM's rate: what throttling left of it, grown back to the full in a minute.
local function crm_rate()
  local full = tonumber(arg.crm_per_second)
  local left = redis.call('HMGET', key.control, 'crm_per_second', 'crm_slowed_at_ms')
  if not left[1] then return full end
  return math.min(full, tonumber(left[1]) + full * (now - tonumber(left[2])) / 60000)
end

-- A lease on a delivering call, when the CRM's rate has turns for its writes. Returns the ms to wait before the first, and
-- between two; or nothing, and the ms until there may be turns.
local function claim_delivery(call)
  local gap_us = 1000000 / crm_rate()
  local wait, again_ms = turn('crm_next_us', gap_us, tonumber(call.writes_left or call.writes) or 1)
  if not wait then return nil, again_ms end
  put(call, { fence = tonumber(call.fence) + 1, claims = (tonumber(call.claims) or 0) + 1 })
  due(call, 'due_deliver', now + arg.lease_ms)
  return wait, math.ceil(gap_us / 1000)
end

-- Rule: every script is safe to run twice. The last op of a call and its answer are kept with it.
local function answered(call)
  if call and call.op == arg.op then return { call.op_answer, flatten(call) } end
end

local function answer(call, fields)
  local text = cjson.encode(fields)
  put(call, { op = arg.op, op_answer = text })
  return { text, flatten(call) }
end

-- A decision needs the current fence; evidence does not.
local function stale(call)
  return not call or call.fence ~= arg.fence
end
