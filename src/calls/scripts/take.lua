-- The step into delivering by a completion whose bytes are stored under its call_id. Stands before the scripts that may
-- take it: take-completion and confirm-dial.
--
-- arg: call_id, request_id, taken_ms, hold_transferred_ms; lead_id, list_id, phone, call_log_id?, writes: to make a call
--      anew that a store has forgotten

local function mark_taken(call)
  redis.call('SET', key.call_id(arg.call_id), call.request_id, 'PX', arg.taken_ms)
end

-- Its completion was here before anybody knew whose it was: it is parked no longer, and nobody may make room with it.
local function was_parked()
  return redis.call('ZREM', key.parked, arg.call_id) == 1 and redis.call('EXISTS', key.completion(arg.call_id)) == 1
end

-- What it came to is not known yet: until it is, the customer may be with an agent.
local function keep_line(call)
  local line = key.line(call.phone)
  if redis.call('GET', line) == call.request_id and redis.call('PTTL', line) < tonumber(arg.hold_transferred_ms) then
    redis.call('PEXPIRE', line, arg.hold_transferred_ms)
  end
end

local function take(call)
  put(call, { call_id = arg.call_id, completion = arg.call_id })
  mark_taken(call)
  redis.call('ZREM', key.parked, arg.call_id)
  keep_line(call)
  tell(call, 'completion', 'from=' .. call.state)
  deliver(call, 'complete')
  share(call)
end

-- The taker goes on with the call at once, unless others wait for their turn at the CRM: nobody overtakes them.
local function claim_first_delivery(call)
  if tonumber(redis.call('ZSCORE', key.due_deliver, call.request_id)) > now then return nil end
  if redis.call('ZCOUNT', key.due_deliver, '-inf', now) > 1 then return nil end
  return claim_delivery(call)
end

-- A call that the store has forgotten, made anew from what came back of it.
local function rebuild(from)
  local call = { request_id = arg.request_id, state = 'absent' }
  put(call, {
    schema = 1, request_id = arg.request_id, lead_id = arg.lead_id, list_id = arg.list_id, phone = arg.phone,
    call_log_id = arg.call_log_id, writes = arg.writes, admitted_at_ms = now, rebuilt_from = from,
    dialed_at_ms = arg.dialed_at_ms,
    -- Whoever held it before it was forgotten shows a fence that was counted from one.
    fence = now_us,
  })
  redis.call('SET', key.lead(call.lead_id), call.request_id, 'NX')
  redis.call('SET', key.phone(call.phone), call.request_id, 'NX')
  count('rebuilt')
  tell(call, 'rebuilt', 'from=' .. from)
  return call
end
