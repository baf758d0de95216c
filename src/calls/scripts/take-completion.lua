-- take-completion: a completion has come, and its bytes were stored under its call_id just before this script.
-- Evidence: taken from every state, once per call_id.
--
-- arg: op, call_id, request_id? (ours, as the completion or its URL names it), lease_ms, horizon_ms, crm_per_second,
--      parked_ms, most_parked, and those of take
-- Returns {taken: new | duplicate | second_call | unknown, request_id?, fence?, start_in_ms?, waiting} and the hash.
--   duplicate    taken before: nothing changes
--   second_call  the request has another call_id: kept for a person to look at
--   unknown      nobody knows this call yet: parked until its dial is confirmed, or a day
--   waiting      how many calls could use the slot that is free now

local known = redis.call('GET', key.call_id(arg.call_id))
local request_id = known or arg.request_id
local call = request_id and load(request_id)

local said = answered(call)
if said then return said end

local function short(fields) return { cjson.encode(fields), {} } end

if not call and known then
  redis.call('DEL', key.completion(arg.call_id))
  return short({ taken = 'duplicate', request_id = request_id })
end

local stored = redis.call('EXISTS', key.completion(arg.call_id)) == 1
-- A store that refused the bytes must not say that they are taken.
local refused = 'NOBYTES the completion of this call_id was not stored'

if not call then
  if not stored then return redis.error_reply(refused) end
  redis.call('ZADD', key.parked, now, arg.call_id)
  redis.call('PEXPIRE', key.completion(arg.call_id), arg.parked_ms)
  redis.call('ZREMRANGEBYSCORE', key.parked, '-inf', now - arg.parked_ms)
  local surplus = redis.call('ZCARD', key.parked) - arg.most_parked
  if surplus > 0 then
    for i, oldest in ipairs(redis.call('ZPOPMIN', key.parked, surplus)) do
      if i % 2 == 1 then redis.call('DEL', key.completion(oldest)) end
    end
  end
  count('parked')
  return short({ taken = 'unknown' })
end

local taken = call.completion == arg.call_id
if taken or (known and call.second_call_id == arg.call_id) then
  -- Its bytes are gone once the CRM has the outcome: the copy's must not stay in their place.
  if taken and call.state == 'completed' then redis.call('DEL', key.completion(arg.call_id)) end
  return short({ taken = 'duplicate', request_id = request_id })
end

if call.completion or (call.call_id and call.call_id ~= arg.call_id) then
  put(call, { second_call_id = arg.call_id })
  redis.call('SET', key.call_id(arg.call_id), request_id, 'PX', arg.taken_ms)
  redis.call('PEXPIRE', key.completion(arg.call_id), arg.parked_ms)
  count('second_call')
  tell(call, 'second_call', 'call_id=' .. arg.call_id)
  return answer(call, { taken = 'second_call', request_id = request_id })
end

if not stored then return redis.error_reply(refused) end
take(call)
local wait, gap = claim_first_delivery(call)
return answer(call, {
  taken = 'new', request_id = request_id, fence = wait and call.fence or nil, start_in_ms = wait, gap_ms = wait and gap or nil,
  now_ms = now,
  waiting = redis.call('ZCOUNT', key.due_dial, '-inf', now),
})
