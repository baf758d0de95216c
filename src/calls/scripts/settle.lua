-- settle: delivering -> completed. The CRM has the outcome; the completion's bytes are let go.
--
-- arg: op, request_id, fence, completed_ms, and those of conclude
-- Returns {settled: yes | stale} and the hash.

local call = load(arg.request_id)
local said = answered(call)
if said then return said end
if cannot(call, 'settle') then return { cjson.encode({ settled = 'stale' }), {} } end

conclude(call)
if call.completion or call.others then
  -- What the CRM has now came of a completion: only that of another call may outdo it.
  put(call, { delivered = call.outcome })
end
if call.call_id and not call.completion then
  -- The mark says "taken", and nothing was: it finds the call for a completion that comes after all, and goes with it.
  redis.call('PEXPIRE', key.call_id(call.call_id), arg.completed_ms)
end
put(call, { completed_at_ms = now })
count('completed')
count('outcome.' .. call.outcome)
tell(call, 'completed', 'outcome=' .. call.outcome)
finish(call, 'settle', arg.completed_ms)
let_go(call)
return answer(call, { settled = 'yes' })
