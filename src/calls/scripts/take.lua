-- The step into delivering by a completion whose bytes are stored under its call_id. Stands before the scripts that may
-- take it: take-completion and confirm-dial.
--
-- arg: call_id, taken_ms, hold_transferred_ms
local function take(call)
  -- Another outcome may be on its way to the CRM: the two writes must not cross, so this one waits for that lease to end.
  local at = now
  if call.state == 'delivering' and (tonumber(call.claims) or 0) > 0 then
    at = math.max(now, tonumber(redis.call('ZSCORE', key.due_deliver, call.request_id)) or now)
  end
  put(call, { call_id = arg.call_id, completion = arg.call_id, ended_at_ms = now, attempts = 0 })
  forget(call, 'first_failed_at_ms', 'done', 'writes_left')
  redis.call('SET', key.call_id(arg.call_id), call.request_id, 'PX', arg.taken_ms)
  redis.call('ZREM', key.pending, call.request_id)
  for _, list in ipairs({ key.failed, key.completed }) do redis.call('ZREM', list, call.request_id) end
  -- What it came to is not known yet: until it is, the customer may be with an agent.
  if redis.call('GET', key.line(call.phone)) == call.request_id
    and redis.call('PTTL', key.line(call.phone)) < tonumber(arg.hold_transferred_ms) then
    redis.call('PEXPIRE', key.line(call.phone), arg.hold_transferred_ms)
  end
  tell(call, 'completion', 'from=' .. call.state)
  enter(call, 'delivering')
  due(call, 'due_deliver', at)
end

-- The taker goes on with the call at once, unless others wait for their turn at the CRM: nobody overtakes them.
local function claim_first_delivery(call)
  if tonumber(redis.call('ZSCORE', key.due_deliver, call.request_id)) > now then return nil end
  if redis.call('ZCOUNT', key.due_deliver, '-inf', now) > 1 then return nil end
  return claim_delivery(call)
end
