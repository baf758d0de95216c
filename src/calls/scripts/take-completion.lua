-- take-completion: a completion has come, and its bytes were stored under its call_id just before this script.
-- Evidence: taken from every state, once per call_id.
--
-- arg: op, call_id, request_id? (ours, as the completion or its URL names it), lease_ms, horizon_ms, crm_per_second,
--      parked_ms, most_parked, rebuild (1: it is signed, and says itself whose it is), dialed_at_ms?, and those of take
-- Returns {taken: new | duplicate | second_call | unknown, request_id?, fence?, start_in_ms?, waiting} and the hash.
--   duplicate    taken before: nothing changes
--   second_call  another call was placed for the request: kept, and delivered if it came to more than the first
--   unknown      nobody knows this call yet: parked until its dial is confirmed, or a day
--   waiting      how many calls could use the slot that is free now

local owner, taken = marked()
local request_id = owner or arg.request_id
local call = request_id and load(request_id)

local said = answered(call)
if said then return said end

local function short(fields) return { cjson.encode(fields), {} } end

if not call and taken == 'taken' then
  let_go({ request_id = owner, completion = arg.call_id })
  return short({ taken = 'duplicate', request_id = request_id })
end

for _, call_id in ipairs(call and completions_of(call) or {}) do
  if call_id == arg.call_id then
    -- Its bytes are gone once the CRM has the outcome: the copy's must not stay in their place.
    if call.state == 'completed' then let_go(call) end
    return short({ taken = 'duplicate', request_id = request_id })
  end
end

-- A store that refused the bytes must not say that they are taken.
if redis.call('EXISTS', key.completion(arg.call_id)) == 0 then
  return redis.error_reply('NOBYTES the completion of this call_id was not stored')
end

-- Later than a taken completion is remembered, nobody could tell it from a copy.
local recent = now - (tonumber(arg.dialed_at_ms) or 0) < tonumber(arg.taken_ms)
if not call and arg.rebuild == '1' and recent then call = rebuild('completion') end

if not call then
  if redis.call('ZADD', key.parked, now, arg.call_id) == 1 then count('parked') end
  redis.call('PEXPIRE', key.completion(arg.call_id), arg.parked_ms)
  local surplus = redis.call('ZCARD', key.parked) - arg.most_parked
  if surplus > 0 then
    local oldest = redis.call('ZPOPMIN', key.parked, surplus)
    for i = 1, #oldest, 2 do redis.call('DEL', key.completion(oldest[i])) end
    count('unmatched', surplus)
  end
  return short({ taken = 'unknown' })
end

if call.completion or (call.call_id and call.call_id ~= arg.call_id) then
  take_other(call)
  return answer(call, { taken = 'second_call', request_id = request_id })
end

take(call)
local wait, gap = claim_first_delivery(call)
return answer(call, {
  taken = 'new', request_id = call.request_id, fence = wait and call.fence or nil, start_in_ms = wait,
  gap_ms = wait and gap or nil, now_ms = now,
  waiting = redis.call('ZCOUNT', key.due_dial, '-inf', now),
})
