-- replay: a person asks for another try. failed | delivering -> delivering, due at once, with a curve that starts anew.
--
-- arg: op, request_id
-- Returns {replayed: yes | unknown | no, state?} and the hash.

local call = load(arg.request_id)
if not call then return { cjson.encode({ replayed = 'unknown' }), {} } end
local said = answered(call)
if said then return said end
if not leads_to(call, 'replay') then
  return { cjson.encode({ replayed = 'no', state = call.state }), {} }
end

-- Somebody is writing it at this moment: only the curve starts anew.
local under_lease = call.state == 'delivering' and (tonumber(call.held_until_ms) or 0) > now
put(call, { attempts = 0 })
forget(call, 'first_failed_at_ms', 'failed_at_ms')
tell(call, 'replayed')
if under_lease then return answer(call, { replayed = 'yes', state = 'delivering' }) end

redis.call('ZREM', key.failed, call.request_id)
move(call, 'replay')
due(call, 'due_deliver', now)
return answer(call, { replayed = 'yes', state = 'delivering' })
