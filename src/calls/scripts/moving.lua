-- How a call moves: from state to state, from hand to hand, to its end. Stands after call and control.

-- When the call needs attention next, and in which budget. Whoever holds an older fence may no longer decide.
local function due(call, budget, at)
  for _, each in ipairs({ 'due_dial', 'due_look', 'due_deliver' }) do
    if each ~= budget then redis.call('ZREM', key[each], call.request_id) end
  end
  redis.call('ZADD', key[budget], at, call.request_id)
  retime(call, at)
end

-- Where an event takes a call, by the table of moves: the name of a state; or nothing, when it takes it nowhere.
local function leads_to(call, event)
  return moves[event][call and call.state or 'absent']
end

-- Never the same twice, not even where a failover has forgotten the last one. Fences are told apart, not ordered.
local function next_fence(call)
  return digits((tonumber(string.match(call.fence or '', '^%d+')) or 0) + 1) .. '.' .. digits(now)
end

-- The only way from state to state. Raises the fence: whoever held the call may no longer decide.
local function move(call, event)
  put(call, { state = leads_to(call, event), fence = next_fence(call), claims = 0 })
  forget(call, 'waits_for')
end

-- A decision needs the current fence, and a state it can be made in; evidence only the state.
local function cannot(call, event)
  return not call or call.fence ~= arg.fence or not leads_to(call, event)
end

-- Too many hands had it, and none brought it on: whoever works on it dies or hangs.
local MOST_CLAIMS = 5
local function worn_out(call) return (tonumber(call.claims) or 0) >= MOST_CLAIMS end

-- In hand until the lease ends.
local function claim(call, budget)
  put(call, {
    fence = next_fence(call),
    claims = (tonumber(call.claims) or 0) + 1,
    held_until_ms = now + arg.lease_ms,
  })
  due(call, budget, now + arg.lease_ms)
end

-- The call is over: nothing is due, its lead and number may come again.
local function finish(call, event, ttl)
  move(call, event)
  for _, each in ipairs({ 'due_dial', 'due_look', 'due_deliver', 'pending' }) do
    redis.call('ZREM', key[each], call.request_id)
  end
  for _, pointer in ipairs({ key.lead(call.lead_id), key.phone(call.phone) }) do
    if redis.call('GET', pointer) == call.request_id then redis.call('DEL', pointer) end
  end
  forget(call, 'held_until_ms')
  redis.call('PEXPIRE', key.call(call.request_id), ttl)
  local list = key[call.state]
  redis.call('ZADD', list, now, call.request_id)
  redis.call('ZREMRANGEBYSCORE', list, '-inf', now - ttl)
end

-- The line belongs to whoever took it: it is compared before every touch.
local function hold_line(call, ms)
  local line = key.line(call.phone)
  local holder = redis.call('GET', line)
  if holder and holder ~= call.request_id then return end
  if ms > 0 then redis.call('SET', line, call.request_id, 'PX', digits(ms)) else redis.call('DEL', line) end
end

-- What the call came to. Opt-outs enter the list in the same step, whatever becomes of the CRM.
local function conclude(call)
  if not arg.outcome then return end
  put(call, { outcome = arg.outcome, rule = arg.rule, evidence = arg.evidence })
  if arg.do_not_call == '1' then redis.call('SADD', key.dnc, call.phone) end
  hold_line(call, (tonumber(call.ended_at_ms) or now) + tonumber(arg.hold_ms) - now)
end

-- On the way to the CRM, anew. Another outcome may be on that way now: the two must not cross, so this one waits for the
-- other's lease to end, however many come after it meanwhile.
local function deliver(call, event)
  if call.state ~= 'delivering' then forget(call, 'held_until_ms') end
  local at = math.max(now, tonumber(call.held_until_ms) or 0)
  redis.call('ZREM', key.pending, call.request_id)
  for _, list in ipairs({ key.failed, key.completed }) do redis.call('ZREM', list, call.request_id) end
  put(call, { ended_at_ms = now, attempts = 0 })
  forget(call, 'first_failed_at_ms', 'done', 'writes_left')
  move(call, event)
  due(call, 'due_deliver', at)
end

-- Another lead with the number of this call: what the call comes to is its outcome as well.
local function share_with(sibling, call)
  if not leads_to(sibling, 'share') then return end
  put(sibling, {
    call_id = call.call_id, completion = call.completion, others = call.others,
    outcome = call.outcome, rule = call.rule, evidence = call.evidence,
  })
  tell(sibling, 'shared', 'by=' .. call.request_id)
  deliver(sibling, 'share')
end

local function share(call)
  if call.sibling_of then return end
  for _, request_id in ipairs(redis.call('SMEMBERS', key.siblings(call.request_id))) do
    local sibling = load(request_id)
    if sibling and sibling.sibling_of == call.request_id then share_with(sibling, call) end
  end
end

-- The call under way that a pointer names: for a lead, for a number.
local function under_way(pointer)
  local request_id = redis.call('GET', pointer)
  return request_id and load(request_id)
end

-- Another lead with the number of a call under way is not dialed: it waits for that call. Should that one vanish, it is due
-- after the longest call, and dialed then.
local function follow(sibling, first)
  put(sibling, { sibling_of = first.request_id, waits_for = 'sibling' })
  redis.call('SADD', key.siblings(first.request_id), sibling.request_id)
  tell(sibling, 'sibling', 'of=' .. first.request_id)
  tell(first, 'sibling', 'request_id=' .. sibling.request_id)
  due(sibling, 'due_dial', now + arg.line_ms)
  if first.state == 'delivering' then share_with(sibling, first) end
end

-- A call that waits in the queue, and those that follow it, follow another one from now on.
local function adopt(queued, first)
  if not queued or queued.state ~= 'queued' or queued.sibling_of or queued.request_id == first.request_id then return end
  local followers = redis.call('SMEMBERS', key.siblings(queued.request_id))
  follow(queued, first)
  for _, request_id in ipairs(followers) do
    local sibling = load(request_id)
    if sibling and sibling.state == 'queued' then follow(sibling, first) end
  end
end

-- The CRM has the outcome: the completions' bytes go, unless a lead with the same number still needs them.
local function let_go(call)
  local first = call.sibling_of or call.request_id
  local group = redis.call('SMEMBERS', key.siblings(first))
  group[#group + 1] = first
  for _, request_id in ipairs(group) do
    local state = request_id ~= call.request_id and redis.call('HGET', key.call(request_id), 'state')
    if state == 'delivering' or state == 'failed' then return end
  end
  for _, call_id in ipairs(completions_of(call)) do redis.call('DEL', key.completion(call_id)) end
end

-- A lease on a delivering call, when the CRM's rate has turns for its writes. Returns the ms to wait before the first, and
-- between two; or nothing, and the ms until there may be turns.
local function claim_delivery(call)
  local gap_us = 1000000 / crm_rate()
  local wait, again_ms = turn('crm_next_us', gap_us, tonumber(call.writes_left or call.writes) or 1)
  if not wait then return nil, again_ms end
  claim(call, 'due_deliver')
  return wait, math.ceil(gap_us / 1000)
end
