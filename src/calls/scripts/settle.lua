-- settle: delivering -> completed. The CRM has the outcome; the completion's bytes are let go.
--
-- arg: op, request_id, fence, completed_ms, disposition? (kept: somebody else's stays in the CRM), and those of conclude
-- Returns {settled: yes | stale} and the hash.

local call = load(arg.request_id)
local said = answered(call)
if said then return said end
if cannot(call, 'settle') then return { cjson.encode({ settled = 'stale' }), {} } end

conclude(call)
-- What the CRM has now came of a completion: only that of another call may outdo it.
if call.completion or call.others then put(call, { delivered = call.outcome }) end
if call.call_id and not call.completion and not call.sibling_of then
  -- The mark still finds the call for a completion that comes after all, and goes with it.
  redis.call('PEXPIRE', key.call_id(call.call_id), arg.completed_ms)
end
-- A call that was reopened is still one call.
if not call.completed_at_ms then count('completed') end
put(call, { completed_at_ms = now })
count('outcome.' .. call.outcome)
tell(call, 'completed', 'outcome=' .. call.outcome .. (arg.disposition and ' disposition=' .. arg.disposition or ''))
finish(call, 'settle', arg.completed_ms)
let_go(call)
return answer(call, { settled = 'yes' })
