-- The step into delivering by a completion whose bytes are stored under its call_id. Stands before the scripts that may
-- take it: take-completion and confirm-dial.
--
-- arg: call_id, request_id, permit (1: the caller can deliver at once), taken_ms, hold_transferred_ms, line_ms; lead_id, list_id, phone, call_log_id?, writes: to make a call
--      anew that a store has forgotten

-- Whose call_id this is, and whether its completion was taken: 'taken', or ''. Nothing when nobody knows it.
local function marked()
  return string.match(redis.call('GET', key.call_id(arg.call_id)) or '', '^(%S+) ?(%S*)$')
end

local function mark(call)
  redis.call('SET', key.call_id(arg.call_id), call.request_id, 'PX', KEPT_MS)
end

-- Remembered as taken, which outlives the call; parked no longer, so that nobody makes room with it.
local function mark_taken(call)
  redis.call('SET', key.call_id(arg.call_id), call.request_id .. ' taken', 'PX', arg.taken_ms)
  redis.call('ZREM', key.parked, arg.call_id)
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
  keep_line(call)
  tell(call, 'completion', 'from=' .. call.state)
  deliver(call, 'complete')
  share(call)
end

-- The completion of another call that was placed for the request: delivered if that came to more than the first.
local function take_other(call)
  put(call, { others = (call.others and call.others .. ' ' or '') .. arg.call_id })
  mark_taken(call)
  if call.second_call_id ~= arg.call_id then count('second_call') end
  tell(call, 'second_call', 'call_id=' .. arg.call_id)
  if leads_to(call, 'outdo') then
    keep_line(call)
    deliver(call, 'outdo')
    share(call)
  else
    retime(call, now)
  end
end

-- Its completion was here before anybody knew whose it was.
local function is_parked()
  return redis.call('ZSCORE', key.parked, arg.call_id) and redis.call('EXISTS', key.completion(arg.call_id)) == 1
end

-- The taker goes on with the call at once where it has room, unless others wait for their turn at the CRM: nobody
-- overtakes them.
local function claim_first_delivery(call)
  if arg.permit ~= '1' then return nil end
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
    dialed_at_ms = arg.dialed_at_ms or now,
    -- Whoever held it before it was forgotten shows a fence that was counted from one.
    fence = now_us,
  })
  hold_line(call, tonumber(arg.hold_transferred_ms))
  tell(call, 'rebuilt', 'from=' .. from)
  count('rebuilt')
  -- Who came for the same lead or number meanwhile did not find this call, and is not dialed beside it.
  for _, pointer in ipairs({ key.lead(call.lead_id), key.phone(call.phone) }) do adopt(under_way(pointer), call) end
  redis.call('SET', key.lead(call.lead_id), call.request_id, 'NX')
  local first = under_way(key.phone(call.phone))
  if not first or first.sibling_of == call.request_id then redis.call('SET', key.phone(call.phone), call.request_id) end
  return call
end
