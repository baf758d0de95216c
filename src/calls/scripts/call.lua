-- What every script knows of a call. Stands before each of them, after the tables `key` and `moves`.
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
local function count(what, by)
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
  redis.call('HINCRBY', stats, what, by or 1)
  redis.call('PEXPIRE', stats, 9 * DAY_MS)
end

-- The completions of a call: its own, and those of other calls that were placed for it.
local function completions_of(call)
  local ids = { call.completion }
  for call_id in string.gmatch(call.others or '', '%S+') do ids[#ids + 1] = call_id end
  return ids
end

-- Re-times all keys of a call together, to well beyond its next attention: a key never ends a call.
local function retime(call, due)
  local ttl = math.max(due - now, 0) + KEPT_MS
  redis.call('PEXPIRE', key.call(call.request_id), ttl)
  -- Never sooner than it was: it says whose bytes a dead letter of the group still needs.
  local siblings = key.siblings(call.sibling_of or call.request_id)
  if redis.call('PTTL', siblings) < ttl then redis.call('PEXPIRE', siblings, ttl) end
  for _, pointer in ipairs({ key.lead(call.lead_id), key.phone(call.phone) }) do
    if redis.call('GET', pointer) == call.request_id then redis.call('PEXPIRE', pointer, ttl) end
  end
  for _, call_id in ipairs(completions_of(call)) do redis.call('PEXPIRE', key.completion(call_id), ttl) end
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
