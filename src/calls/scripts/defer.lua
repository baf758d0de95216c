-- defer: not now, again in a while; the state stays. Of a delivering call the next write, of the others the next look.
--
-- arg: op, request_id, fence, step (what the story calls it), reason, wait_ms, live (1: the vendor says the call goes on, so its line does too), line_ms,
--      missed (1: the vendor says it does not know the call),
--      and for deliveries: done? (names of writes that are done), writes_left, throttled (0 | 1),
--      crm_per_second, and those of conclude
-- Returns {deferred: yes | stale, first_failed_at_ms} and the hash.

local call = load(arg.request_id)
local said = answered(call)
if said then return said end
local event = call and call.state == 'delivering' and 'defer' or 'look'
if cannot(call, event) then return { cjson.encode({ deferred = 'stale' }), {} } end

move(call, event)
put(call, { last_error = arg.reason })
tell(call, arg.step, 'reason=' .. arg.reason)
forget(call, 'held_until_ms')
if event == 'defer' then
  conclude(call)
  put(call, {
    attempts = (tonumber(call.attempts) or 0) + 1,
    first_failed_at_ms = call.first_failed_at_ms or now,
    done = arg.done,
    writes_left = arg.writes_left,
  })
  local slowed = tonumber(redis.call('HGET', key.control, 'crm_slowed_at_ms')) or 0
  if arg.throttled == '1' and now - slowed >= 1000 then
    redis.call('HSET', key.control, 'crm_per_second', tostring(math.max(1, crm_rate() / 2)), 'crm_slowed_at_ms', digits(now))
  end
  due(call, 'due_deliver', now + arg.wait_ms)
else
  put(call, {
    looks = (tonumber(call.looks) or 0) + (arg.step == 'looked' and 1 or 0),
    -- A look that failed says neither that the vendor knows the call nor that it does not.
    missed = arg.live == '1' and 0 or (tonumber(call.missed) or 0) + tonumber(arg.missed),
  })
  if arg.live == '1' then hold_line(call, tonumber(arg.line_ms)) end
  due(call, 'due_look', now + arg.wait_ms)
end
return answer(call, { deferred = 'yes' })
