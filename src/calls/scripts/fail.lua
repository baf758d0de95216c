-- fail: delivering -> failed, a dead letter. The CRM will not take it; its bytes are kept, replay brings it back.
--
-- arg: op, request_id, fence, reason, failed_ms, done?, writes_left?, and those of conclude
-- Returns {failed: yes | stale} and the hash.

local call = load(arg.request_id)
local said = answered(call)
if said then return said end
if cannot(call, 'fail') then return { cjson.encode({ failed = 'stale' }), {} } end

conclude(call)
put(call, { last_error = arg.reason, failed_at_ms = now, done = arg.done, writes_left = arg.writes_left })
count('failed')
tell(call, 'failed', 'reason=' .. arg.reason)
finish(call, 'fail', arg.failed_ms)
for _, call_id in ipairs(completions_of(call)) do redis.call('PEXPIRE', key.completion(call_id), arg.failed_ms) end
return answer(call, { failed = 'yes' })
