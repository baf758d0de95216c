-- confirm-dial: the vendor has the call, and this is its call_id. Evidence: taken from every state, whoever brings it.
--
-- arg: op, deadline_ms, line_ms, lease_ms, horizon_ms, crm_per_second, and those of take
-- Returns {confirmed: pending | later | again | joined | second_call, fence?, start_in_ms?} and the hash.
--   later        the call has moved on already: its completion overtook this answer
--   again        known
--   joined       its completion was here before anybody knew whose it was: taken now
--   second_call  another call_id was known: two calls were placed for one request

local call = load(arg.request_id)
local said = answered(call)
if said then return said end

-- Its completion was taken, and the call has been forgotten since: not a store that was emptied.
local owner, taken = marked()
if not call and taken == 'taken' then
  return { cjson.encode({ confirmed = 'again' }), {} }
end
call = call or rebuild('dial')

local function joined(wait, gap)
  return answer(call, {
    confirmed = 'joined', fence = wait and call.fence or nil, start_in_ms = wait, gap_ms = wait and gap or nil, now_ms = now,
  })
end

if call.call_id and call.call_id ~= arg.call_id then
  if is_parked() then
    take_other(call)
  elseif owner ~= call.request_id then
    mark(call)
    put(call, { second_call_id = arg.call_id })
    count('second_call')
    tell(call, 'second_call', 'call_id=' .. arg.call_id)
  end
  return answer(call, { confirmed = 'second_call' })
end
local moved_on = not leads_to(call, 'confirm')
if moved_on and call.call_id then return answer(call, { confirmed = 'again' }) end

put(call, { call_id = arg.call_id })
mark(call)
if moved_on then
  tell(call, 'answered', 'call_id=' .. arg.call_id)
else
  redis.call('ZADD', key.pending, 'NX', now, call.request_id)
  hold_line(call, tonumber(arg.line_ms))
  move(call, 'confirm')
  -- The looks so far were for the call; from now on they are for what it came to.
  put(call, { looks = 0, missed = 0 })
  due(call, 'due_look', now + arg.deadline_ms)
  tell(call, 'pending', 'call_id=' .. arg.call_id)
end

if is_parked() then
  take(call)
  return joined(claim_first_delivery(call))
end
return answer(call, { confirmed = moved_on and 'later' or 'pending' })
