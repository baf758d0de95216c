-- pause: nobody is dialed, by any instance, until somebody resumes. What is under way goes on.
--
-- arg: reason
-- Returns {paused: yes} and nothing.

pause(arg.reason)
redis.call('HSET', key.control, 'paused_why', arg.reason)
return { cjson.encode({ paused = 'yes' }), {} }
