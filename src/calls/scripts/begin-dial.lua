-- The step from queued to dialing. Stands before the scripts that may take it: admit and claim-due.
--
-- Returns the ms to wait before the POST; or nothing, what the call waits for, and when to ask again.
-- arg: epoch, max_concurrent, dial_gap_us, horizon_ms, line_ms, first_look_ms, attempts_ms
local function begin_dial(call)
  -- An emptied store has lost its do-not-call list: it dials nobody until somebody has said that it may.
  local epoch = redis.call('GET', key.epoch)
  local control = redis.call('HMGET', key.control, 'vouched_epoch', 'paused_at_ms', 'dial_rests_until_ms')
  if not epoch or (epoch ~= arg.epoch and epoch ~= control[1]) then return nil, 'epoch', now + 1000 end
  if control[2] then return nil, 'pause', now + 1000 end
  -- No rest is longer than an hour: a later one was written by a clock that has been set back since.
  local rests_until = tonumber(control[3]) or 0
  if rests_until > now + 3600000 then rests_until = 0 end
  if rests_until > now then return nil, 'rest', rests_until end
  local line = key.line(call.phone)
  local holder = redis.call('GET', line)
  if holder and holder ~= call.request_id then return nil, 'line', now + redis.call('PTTL', line) + 1 end
  -- A slot comes back with a completion, whose taker asks at once: for the others, now and then is enough.
  if redis.call('ZCARD', key.pending) >= tonumber(arg.max_concurrent) then return nil, 'slot', now + 1000 end
  local wait, again_ms = turn('dial_next_us', tonumber(arg.dial_gap_us), 1)
  if not wait then return nil, 'pace', now + again_ms end

  redis.call('SET', line, call.request_id, 'PX', arg.line_ms)
  redis.call('ZADD', key.pending, now, call.request_id)
  local attempts = key.attempts(call.phone)
  redis.call('ZADD', attempts, now, call.request_id)
  redis.call('ZREMRANGEBYSCORE', attempts, '-inf', now - arg.attempts_ms)
  redis.call('PEXPIRE', attempts, arg.attempts_ms)
  enter(call, 'dialing')
  due(call, 'due_look', now + arg.first_look_ms)
  put(call, { dialed_at_ms = now, dial_fence = call.fence })
  tell(call, 'dialing')
  return wait
end

-- A number on the do-not-call list is not dialed: the call ends as REFUSED, and the CRM is told.
local function refused(call)
  if redis.call('SISMEMBER', key.dnc, call.phone) == 0 then return false end
  enter(call, 'delivering')
  put(call, { outcome = 'REFUSED', rule = 'do_not_call', evidence = 'number is on the do-not-call list', ended_at_ms = now })
  count('refused')
  tell(call, 'refused', 'rule=do_not_call')
  due(call, 'due_deliver', now)
  return true
end

-- A call has one dialer, and that this one rang nobody is evidence: it is believed for as long as the call is in that dial,
-- whoever has looked after it meanwhile.
local function dialed_by_another(call)
  return not call or call.state ~= 'dialing' or call.dial_fence ~= arg.fence
end

-- Nobody was rung: slot, attempt and line are given back.
local function give_back_dial(call)
  redis.call('ZREM', key.pending, call.request_id)
  redis.call('ZREM', key.attempts(call.phone), call.request_id)
  hold_line(call, 0)
end
