-- resume: dialing goes on. Whoever says so vouches for this store's do-not-call list, too: one that was emptied, or is
-- new, gets an epoch that every instance accepts, whatever it saw at its start.
--
-- arg: new_epoch (taken when the store has none)
-- Returns {resumed: yes} and nothing.

redis.call('SET', key.epoch, arg.new_epoch, 'NX')
redis.call('HSET', key.control, 'vouched_epoch', redis.call('GET', key.epoch))
redis.call('HDEL', key.control, 'paused_at_ms', 'paused_why', 'dial_rests_until_ms', 'dial_rests_why')
return { cjson.encode({ resumed = 'yes' }), {} }
