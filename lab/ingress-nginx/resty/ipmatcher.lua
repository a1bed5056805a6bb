-- Networks that global rate limits leave out; the image has no such limits (see global_throttle.lua).

local function new()
  return nil, "this image does not enforce global rate limits"
end

return { new = new }
