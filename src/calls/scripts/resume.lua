-- resume: dialing goes on. Whoever says so vouches for this store's do-not-call list, too: one that was emptied, or is
-- new, gets an epoch that every instance accepts, whatever it saw at its start.
--
-- arg: op, new_epoch (taken when the store has none), if_new (1: only when the store has none), and those of begin-dial
-- Returns {resumed: yes | no} and nothing.

local done = { cjson.encode({ resumed = 'yes' }), {} }
-- Sent again, it must not lift what has been paused since.
if redis.call('HGET', key.control, 'resume_op') == arg.op then return done end
-- Whatever the pause was for: nobody may have noticed yet.
stopped()
if redis.call('SET', key.epoch, arg.new_epoch, 'NX') == false and arg.if_new == '1' then
  return { cjson.encode({ resumed = 'no' }), {} }
end
-- Dials were forgotten: until the last of those calls must be over, the vendor is asked about a number before it is rung.
if redis.call('HDEL', key.control, 'dials_forgotten') == 1 then
  redis.call('HSET', key.control, 'wary_until_ms', digits(now + arg.line_ms))
end
-- Later than every resume that was seen, whatever became of the store and of its clock: or none would be believed.
local resumed = math.max(now, tonumber(redis.call('HGET', key.control, 'resumed_at_ms')) or 0, tonumber(arg.seen_resumed)) + 1
redis.call('HSET', key.control,
  'vouched_epoch', redis.call('GET', key.epoch), 'resumed_at_ms', digits(resumed), 'resume_op', arg.op)
-- What a person ordered, no configuration takes back.
local why = redis.call('HGET', key.control, 'paused_why')
if arg.if_new ~= '1' or why == 'store_emptied' or why == 'no_do_not_call_list' then
  redis.call('HDEL', key.control, 'paused_at_ms', 'paused_why', 'dial_rests_until_ms', 'dial_rests_why')
end
return done
