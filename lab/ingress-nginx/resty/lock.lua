-- A lock that the workers share: new(self, dict, {timeout, exptime}), lock(key), unlock(); in seconds.
--
-- An entry of a shared dictionary is the lock; add() is atomic over all workers. With timeout 0 it
-- never sleeps, since the log phase must not.

local PAUSE = 0.02

local lock = {}
lock.__index = lock

function lock.new(_, name, options)
  local dict = ngx.shared[name]
  if not dict then
    return nil, "there is no shared dictionary " .. tostring(name)
  end
  options = options or {}
  local made = { dict = dict, timeout = options.timeout or 5, exptime = options.exptime or 30 }
  return setmetatable(made, lock)
end

function lock:lock(key)
  if self.key then
    return nil, "locked"
  end
  local owner = ngx.worker.pid() .. " " .. tostring(self)
  local waited = 0
  repeat
    local added, problem = self.dict:add(key, owner, self.exptime)
    if added then
      self.key, self.owner = key, owner
      return waited
    end
    if problem ~= "exists" then
      return nil, problem
    end
    if waited < self.timeout then
      ngx.sleep(PAUSE)
    end
    waited = waited + PAUSE
  until waited > self.timeout
  return nil, "timeout"
end

function lock:unlock()
  local key = self.key
  if not key then
    return nil, "unlocked"
  end
  self.key = nil
  -- Another worker holds it when it was kept beyond exptime.
  if self.dict:get(key) == self.owner then
    self.dict:delete(key)
  end
  return 1
end

return lock
