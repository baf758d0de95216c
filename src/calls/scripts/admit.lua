-- admit: a lead comes in. At most one call is under way for a lead, and for a number.
--
-- arg: op (= request_id), request_id, lead_id, list_id, phone, call_log_id?, writes, permit (1: the caller can dial at
--      once), siblings (1: another lead with a number under way gets that call's outcome), those of begin-dial, and the
--      lead's other fields as lead.<name>
-- Returns {admitted: new | duplicate | sibling | refused, request_id, state, rule?, sibling_of?, waits_for?, fence?,
--          start_in_ms?} and the hash of a new call.

local earlier = load(arg.request_id)
if earlier then
  return answered(earlier) or { cjson.encode({ admitted = 'new', request_id = arg.request_id, state = earlier.state }), {} }
end

local same_lead, same_number = under_way(key.lead(arg.lead_id)), under_way(key.phone(arg.phone))
local first = same_lead or (arg.siblings ~= '1' and same_number)
if first then
  count('duplicate')
  return { cjson.encode({ admitted = 'duplicate', request_id = first.request_id, state = first.state }), {} }
end

local call = { request_id = arg.request_id, state = 'absent' }
local fields = {
  schema = 1,
  request_id = arg.request_id,
  lead_id = arg.lead_id,
  list_id = arg.list_id,
  phone = arg.phone,
  call_log_id = arg.call_log_id,
  writes = arg.writes,
  admitted_at_ms = now,
}
for name, value in pairs(arg) do
  if string.sub(name, 1, 5) == 'lead.' then fields[name] = value end
end
put(call, fields)
move(call, 'admit')
redis.call('SET', key.lead(call.lead_id), call.request_id)
count('admitted')
tell(call, 'admitted')

if same_number then
  count('sibling')
  follow(call, same_number)
  return answer(call, { admitted = 'sibling', request_id = call.request_id, state = call.state, sibling_of = call.sibling_of })
end
redis.call('SET', key.phone(call.phone), call.request_id)

if refused(call) then
  return answer(call, { admitted = 'refused', request_id = call.request_id, state = 'refused', rule = 'do_not_call' })
end

-- First come, first dialed: nobody overtakes the calls that are waiting for the same slots.
local wait, waits_for, at = nil, 'turn', now
if arg.permit == '1' and redis.call('ZCOUNT', key.due_dial, '-inf', now) == 0 then wait, waits_for, at = begin_dial(call) end
if wait then
  return answer(call, {
    admitted = 'new', request_id = call.request_id, state = 'dialing', fence = call.fence, start_in_ms = wait, now_ms = now,
    store = standing(),
  })
end
put(call, { waits_for = waits_for })
tell(call, 'queued', 'waits_for=' .. waits_for)
due(call, 'due_dial', waits_for == 'line' and at or now)
return answer(call, { admitted = 'new', request_id = call.request_id, state = 'queued', waits_for = waits_for })
