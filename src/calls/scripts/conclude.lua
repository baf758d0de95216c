-- conclude: dialing | pending -> delivering, for a call that ends without a completion.
--
-- arg: op, request_id, fence, outcome, rule, evidence, do_not_call (0 | 1), hold_ms, rang (0: provably nobody was rung)
-- Returns {concluded: yes | stale} and the hash.

local call = load(arg.request_id)
local said = answered(call)
if said then return said end
local event = arg.rang == '0' and 'turn_down' or 'conclude'
if (event == 'turn_down' and not_of_this_dial or cannot)(call, event) then
  return { cjson.encode({ concluded = 'stale' }), {} }
end

if event == 'turn_down' then give_back_dial(call) end
put(call, { ended_at_ms = now })
conclude(call)
if arg.outcome == 'REFUSED' then count('refused') end
tell(call, 'concluded', 'outcome=' .. arg.outcome .. ' rule=' .. arg.rule)
deliver(call, event)
share(call)
return answer(call, { concluded = 'yes' })
