-- resume: dialing goes on. Whoever says so vouches for this store's do-not-call list, too: one that was emptied, or is
-- new, gets an epoch that every instance accepts, whatever it saw at its start.
--
-- arg: new_epoch (taken when the store has none), line_ms, if_new (1: only when the store has none)
-- Returns {resumed: yes | no} and nothing.

local fresh = redis.call('SET', key.epoch, arg.new_epoch, 'NX') ~= false
if arg.if_new == '1' and not fresh then return { cjson.encode({ resumed = 'no' }), {} } end
-- Dials were forgotten: until the last of those calls must be over, the vendor is asked about a number before it is rung.
-- So it may be when nobody has noticed yet that the store was emptied: whoever resumes a store without an epoch is faster.
local why = redis.call('HGET', key.control, 'paused_why')
if why == 'store_emptied' or why == 'store_rolled_back' or (fresh and arg.if_new ~= '1') then
  redis.call('HSET', key.control, 'wary_until_ms', digits(now + arg.line_ms))
end
redis.call('HSET', key.control, 'vouched_epoch', redis.call('GET', key.epoch), 'resumed_at_ms', digits(now))
redis.call('HDEL', key.control, 'paused_at_ms', 'paused_why', 'dial_rests_until_ms', 'dial_rests_why')
return { cjson.encode({ resumed = 'yes' }), {} }
