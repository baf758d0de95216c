-- claim-due: what is due and can run now, each under a lease of its own. Crash recovery, retry, back-off, a line that
-- was busy and an overdue completion are all the same thing: a call that is due.
--
-- arg: op, instance, dial, look, deliver (how many of each the instance has room for), lease_ms, crm_per_second, and
--      those of begin-dial
-- Returns {claims: [{budget, fence, start_in_ms, now_ms}], next_ms (until asking again is worth it), vanished: [request_id],
--          poisoned: [request_id]} and the hash of each claim, in the same order.

-- Asked again because the answer was lost: the same claims, or a dialing call would wait for a POST nobody sends.
local last = redis.call('HMGET', key.claim(arg.instance), 'op', 'answer', 'claims')
if last[1] == arg.op then
  local hashes = {}
  for request_id in string.gmatch(last[3], '%S+') do hashes[#hashes + 1] = flatten(load(request_id) or {}) end
  return { last[2], hashes }
end

local MOST_CLAIMS = 5
local claims, hashes, ids, vanished, poisoned = {}, {}, {}, {}, {}

-- A call whose hash is gone: taken off every list, and told.
local function gone(request_id)
  for _, list in ipairs({ key.due_dial, key.due_look, key.due_deliver, key.pending }) do
    redis.call('ZREM', list, request_id)
  end
  vanished[#vanished + 1] = request_id
  count('vanished')
end

local function claimed(call, budget, wait, gap)
  claims[#claims + 1] = { budget = budget, fence = call.fence, start_in_ms = wait, gap_ms = gap, now_ms = now }
  hashes[#hashes + 1] = flatten(call)
  ids[#ids + 1] = call.request_id
end

-- The calls that are due in a list, one by one, loaded as they are asked for.
local function each_due(list, most)
  local due_ids = redis.call('ZRANGEBYSCORE', list, '-inf', now, 'LIMIT', 0, most)
  local at = 0
  return function()
    while due_ids[at + 1] do
      at = at + 1
      local call = load(due_ids[at])
      if call then return call end
      gone(due_ids[at])
    end
  end
end

local function take_dials(room)
  -- More than there is room for: some wait for a line, and must not keep those behind them.
  for call in each_due(key.due_dial, room + 50) do
    if room == 0 then return end
    if not refused(call) then
      local wait, waits_for, at = begin_dial(call)
      if wait then
        room = room - 1
        claimed(call, 'dial', wait)
      else
        if call.waits_for ~= waits_for then put(call, { waits_for = waits_for }) end
        -- All but a busy line holds for every call behind this one too.
        if waits_for ~= 'line' then return at end
        due(call, 'due_dial', at)
      end
    end
  end
end

local function take_looks(room)
  for call in each_due(key.due_look, room) do
    put(call, { fence = tonumber(call.fence) + 1, claims = (tonumber(call.claims) or 0) + 1 })
    due(call, 'due_look', now + arg.lease_ms)
    claimed(call, 'look', 0)
  end
end

local function take_deliveries(room)
  for call in each_due(key.due_deliver, room) do
    if (tonumber(call.claims) or 0) >= MOST_CLAIMS then
      -- Whoever works on it dies or hangs: its bytes are kept, and a person looks.
      finish(call, 'failed', arg.failed_ms)
      put(call, { last_error = 'poison' })
      tell(call, 'failed', 'reason=poison')
      poisoned[#poisoned + 1] = call.request_id
    else
      local wait, gap = claim_delivery(call)
      -- Without a turn the second value says when there may be one.
      if not wait then return now + gap end
      claimed(call, 'deliver', wait, gap)
    end
  end
end

local held_up = { take_dials(tonumber(arg.dial)) or math.huge, take_deliveries(tonumber(arg.deliver)) or math.huge }
take_looks(tonumber(arg.look))

local next_at = math.min(held_up[1], held_up[2])
for _, list in ipairs({ key.due_dial, key.due_look, key.due_deliver }) do
  local first = redis.call('ZRANGEBYSCORE', list, '(' .. digits(now), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  if first[2] then next_at = math.min(next_at, tonumber(first[2])) end
end

local text = cjson.encode({
  claims = claims, next_ms = math.min(next_at - now, DAY_MS), vanished = vanished, poisoned = poisoned,
})
if #claims > 0 then
  redis.call('HSET', key.claim(arg.instance), 'op', arg.op, 'answer', text, 'claims', table.concat(ids, ' '))
  redis.call('PEXPIRE', key.claim(arg.instance), DAY_MS)
end
return { text, hashes }
