-- claim-due: what is due and can run now, each under a lease of its own. Crash recovery, retry, back-off, a line that
-- was busy and an overdue completion are all the same thing: a call that is due.
--
-- arg: op, instance, dial, look, deliver (how many of each the instance has room for), lease_ms, crm_per_second, failed_ms,
--      parked_ms, and those of begin-dial
-- Returns {claims: [{budget, fence, start_in_ms, now_ms}], next_ms (until asking again is worth it), vanished: [request_id],
--          poisoned: [request_id], store?: {epoch, dials, resumed, wary}} and the hash of each claim, in the same order.

-- Asked again because the answer was lost: the same claims, or a dialing call would wait for a POST nobody sends.
local last = redis.call('HMGET', key.claim(arg.instance), 'op', 'answer', 'claims')
if last[1] == arg.op then
  local hashes = {}
  for request_id in string.gmatch(last[3], '%S+') do hashes[#hashes + 1] = flatten(load(request_id) or {}) end
  return { last[2], hashes }
end

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

-- A sibling waits for the call it shares a number with. One that is due has outlasted it: either that call still waits
-- itself, or it is gone, and the number has not been called. Of the siblings that it leaves behind one is dialed.
local function still_waits(sibling)
  if not sibling.sibling_of then return false end
  local state = redis.call('HGET', key.call(sibling.sibling_of), 'state')
  if state and state ~= 'completed' and state ~= 'failed' then
    due(sibling, 'due_dial', now + arg.line_ms)
    return true
  end
  local heir = under_way(key.phone(sibling.phone))
  if heir and heir.request_id ~= sibling.request_id then
    follow(sibling, heir)
    return true
  end
  redis.call('SET', key.phone(sibling.phone), sibling.request_id)
  forget(sibling, 'sibling_of')
  tell(sibling, 'alone')
  return false
end

local function take_dials(room)
  -- More than there is room for: some wait for a line, and must not keep those behind them.
  for call in each_due(key.due_dial, room + 50) do
    if room == 0 then return end
    if not still_waits(call) and not refused(call) then
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

-- Poison: kept with its bytes, and a person looks.
local function give_up(call)
  finish(call, 'poison', arg.failed_ms)
  put(call, { last_error = 'poison', failed_at_ms = now })
  for _, call_id in ipairs(completions_of(call)) do redis.call('PEXPIRE', key.completion(call_id), arg.failed_ms) end
  count('failed')
  tell(call, 'failed', 'reason=poison')
  poisoned[#poisoned + 1] = call.request_id
end

local function take_looks(room)
  for call in each_due(key.due_look, room) do
    local ends_at = (tonumber(call.dialed_at_ms) or now) + arg.line_ms
    if not worn_out(call) then
      if not call.looked_up_at_ms then
        put(call, { looked_up_at_ms = now })
        count('looked_up')
      end
      claim(call, 'due_look')
      claimed(call, 'look', 0)
    elseif now < ends_at then
      -- It may be on the line: its slot is held, and a completion is waited for.
      due(call, 'due_look', ends_at)
    else
      local outcome = call.state == 'dialing' and 'DIAL_UNCONFIRMED' or 'NO_COMPLETION'
      put(call, { outcome = outcome, rule = 'poison', evidence = 'claims=' .. call.claims, ended_at_ms = now })
      share(call)
      give_up(call)
    end
  end
end

local function take_deliveries(room)
  for call in each_due(key.due_deliver, room) do
    if worn_out(call) then
      give_up(call)
    else
      local wait, gap = claim_delivery(call)
      -- Without a turn the second value says when there may be one.
      if not wait then return now + gap end
      claimed(call, 'deliver', wait, gap)
    end
  end
end

-- Completions nobody knew for a day: their bytes are gone by now.
local function forget_parked()
  local gone_by = redis.call('ZREMRANGEBYSCORE', key.parked, '-inf', now - arg.parked_ms)
  if gone_by > 0 then count('unmatched', gone_by) end
end

-- An emptied store is told, and pauses, whether anybody is to be dialed or not.
stopped()
forget_parked()
local held_up = { take_dials(tonumber(arg.dial)) or math.huge, take_deliveries(tonumber(arg.deliver)) or math.huge }
take_looks(tonumber(arg.look))

local next_at = math.min(held_up[1], held_up[2])
for _, list in ipairs({ key.due_dial, key.due_look, key.due_deliver }) do
  local first = redis.call('ZRANGEBYSCORE', list, '(' .. digits(now), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  if first[2] then next_at = math.min(next_at, tonumber(first[2])) end
end

local text = cjson.encode({
  claims = claims, next_ms = math.min(next_at - now, DAY_MS), vanished = vanished, poisoned = poisoned, store = standing(),
})
if #claims > 0 then
  redis.call('HSET', key.claim(arg.instance), 'op', arg.op, 'answer', text, 'claims', table.concat(ids, ' '))
  redis.call('PEXPIRE', key.claim(arg.instance), DAY_MS)
end
return { text, hashes }
