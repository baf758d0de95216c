-- pause: nobody is dialed, by any instance, until somebody resumes. What is under way goes on.
--
-- arg: reason
-- Returns {paused: yes} and nothing.

redis.call('HSETNX', key.control, 'paused_at_ms', digits(now))
redis.call('HSET', key.control, 'paused_why', arg.reason)
return { cjson.encode({ paused = 'yes' }), {} }
