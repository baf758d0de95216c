-- What all instances share: rates, and the stop button. Stands after call.

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

-- Nobody is dialed until somebody resumes. The first reason stands: it is what an operator has to see to.
local function pause(why)
  if redis.call('HSETNX', key.control, 'paused_at_ms', digits(now)) == 1 then
    redis.call('HSET', key.control, 'paused_why', why)
  end
end
