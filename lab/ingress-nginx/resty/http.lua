-- OCSP stapling alone would ask for it (enable-ocsp, off by default); the image has no HTTP client.

local function refuse()
  return nil, "this image has no HTTP client for Lua, so there is no OCSP stapling"
end

local function new()
  return { set_timeout = refuse, set_timeouts = refuse, parse_uri = refuse, request_uri = refuse }
end

return { new = new }
