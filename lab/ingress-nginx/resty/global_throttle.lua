-- Rate limits counted in memcached (global-rate-limit-memcached-host), which the image does not have.

local function new()
  return nil, "this image does not enforce global rate limits"
end

return { new = new }
