-- The step from queued to dialing. Stands before the scripts that may take it: admit and claim-due.
--
-- arg: epoch, seen_dials, seen_resumed (of the store, as this instance has seen it), max_concurrent, dial_gap_us,
--      horizon_ms, line_ms, first_look_ms, attempts_ms

-- Why this store may not be believed when it says whom it dialed and who must not be; nothing when it may. An instance
-- that has not read the store's epoch yet (no arg.epoch) cannot tell, and dials nobody.
local function distrust()
  local epoch = redis.call('GET', key.epoch)
  local control = redis.call('HMGET', key.control, 'vouched_epoch', 'resumed_at_ms', 'dials')
  if not epoch or (epoch ~= arg.epoch and epoch ~= control[1]) then
    return arg.epoch == '' and 'no_do_not_call_list' or 'store_emptied'
  end
  -- It lacks a resume, or dials, that were seen in it: an older state of it came back, which knows nothing of the last ones.
  local resumed, dials = tonumber(control[2]) or 0, tonumber(control[3]) or 0
  if resumed < tonumber(arg.seen_resumed) or (resumed == tonumber(arg.seen_resumed) and dials < tonumber(arg.seen_dials)) then
    return 'store_rolled_back'
  end
end

-- Why nobody may be dialed, and when to ask again; nothing when somebody may.
local function stopped()
  if not arg.epoch then return 'epoch', now + 1000 end
  local doubt = distrust()
  if doubt then
    pause(doubt)
    -- Kept apart from the reason, which an operator may put another in place of.
    if doubt ~= 'no_do_not_call_list' then redis.call('HSET', key.control, 'dials_forgotten', '1') end
  end
  local control = redis.call('HMGET', key.control, 'paused_at_ms', 'dial_rests_until_ms')
  if control[1] then return 'pause', now + 1000 end
  -- No rest is longer than an hour: a later one was written by a clock that has been set back since.
  local rests_until = tonumber(control[2]) or 0
  if rests_until > now + 3600000 then rests_until = 0 end
  if rests_until > now then return 'rest', rests_until end
end

-- Returns the ms to wait before the POST; or nothing, what the call waits for, and when to ask again.
local function begin_dial(call)
  local why, until_ms = stopped()
  if why then return nil, why, until_ms end
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
  redis.call('HINCRBY', key.control, 'dials', 1)
  move(call, 'dial')
  due(call, 'due_look', now + arg.first_look_ms)
  put(call, { dialed_at_ms = now, dial_fence = call.fence })
  tell(call, 'dialing')
  return wait
end

-- What an instance remembers of a store that is believed: who it is, how far it has come, and whether dials were forgotten
-- in it.
local function standing()
  if not arg.epoch or distrust() then return nil end
  local control = redis.call('HMGET', key.control, 'dials', 'resumed_at_ms', 'wary_until_ms')
  return {
    epoch = redis.call('GET', key.epoch),
    dials = tonumber(control[1]) or 0,
    resumed = tonumber(control[2]) or 0,
    wary = (tonumber(control[3]) or 0) > now,
  }
end

-- A number on the do-not-call list is not dialed: the call ends as REFUSED, and the CRM is told.
local function refused(call)
  if redis.call('SISMEMBER', key.dnc, call.phone) == 0 then return false end
  put(call, { outcome = 'REFUSED', rule = 'do_not_call', evidence = 'number is on the do-not-call list' })
  count('refused')
  tell(call, 'refused', 'rule=do_not_call')
  deliver(call, 'refuse')
  share(call)
  return true
end

-- A call has one dialer, and that this one rang nobody is evidence: it is believed for as long as the call is in that dial,
-- whoever has looked after it meanwhile.
local function not_of_this_dial(call, event)
  return not leads_to(call, event) or call.dial_fence ~= arg.fence
end

-- Nobody was rung: slot, attempt and line are given back.
local function give_back_dial(call)
  redis.call('ZREM', key.pending, call.request_id)
  redis.call('ZREM', key.attempts(call.phone), call.request_id)
  hold_line(call, 0)
end
