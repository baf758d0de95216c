-- conclude: dialing | pending -> delivering, for a call that ends without a completion.
--
-- arg: op, request_id, fence, outcome, rule, evidence, do_not_call (0 | 1), hold_ms, rang (0: provably nobody was rung)
-- Returns {concluded: yes | stale} and the hash.

local call = load(arg.request_id)
local said = answered(call)
if said then return said end
local refused = arg.rang == '0' and dialed_by_another(call)
local given_up = arg.rang == '1' and (stale(call) or (call.state ~= 'dialing' and call.state ~= 'pending'))
if refused or given_up then
  return { cjson.encode({ concluded = 'stale' }), {} }
end

put(call, { ended_at_ms = now, attempts = 0 })
if arg.rang == '0' then give_back_dial(call) end
redis.call('ZREM', key.pending, call.request_id)
enter(call, 'delivering')
conclude(call)
if arg.outcome == 'REFUSED' then count('refused') end
tell(call, 'concluded', 'outcome=' .. arg.outcome .. ' rule=' .. arg.rule)
due(call, 'due_deliver', now)
return answer(call, { concluded = 'yes' })
