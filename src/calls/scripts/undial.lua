-- undial: dialing -> queued, for what provably rang nobody. Slot, line and attempt are given back.
--
-- arg: op, request_id, fence, reason, wait_ms (until this call may be dialed), rest_ms (until anybody may; 0: no rest),
--      refused (1: by the vendor, for what is not this call's fault), pause (1: nobody is dialed until a person has seen to it)
-- Returns {undialed: yes | stale} and the hash.

local call = load(arg.request_id)
local said = answered(call)
if said then return said end

-- What the vendor says of our account is so, whoever holds the call.
if arg.pause == '1' then pause(arg.reason) end
-- A longer rest is not cut short by a shorter one.
local rests_until = tonumber(redis.call('HGET', key.control, 'dial_rests_until_ms')) or 0
if tonumber(arg.rest_ms) > 0 and now + arg.rest_ms > rests_until then
  redis.call('HSET', key.control, 'dial_rests_until_ms', digits(now + arg.rest_ms), 'dial_rests_why', arg.reason)
end
if not_of_this_dial(call, 'undial') then return { cjson.encode({ undialed = 'stale' }), {} } end

give_back_dial(call)
move(call, 'undial')
put(call, {
  waits_for = arg.reason, last_error = arg.reason,
  refusals = (tonumber(call.refusals) or 0) + tonumber(arg.refused),
})
tell(call, 'queued', 'reason=' .. arg.reason)
due(call, 'due_dial', now + arg.wait_ms)
return answer(call, { undialed = 'yes' })
