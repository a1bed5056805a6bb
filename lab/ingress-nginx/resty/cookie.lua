-- Cookies of a request and of its response: new(), get(name), set(cookie).

local cookie = {}
cookie.__index = cookie

-- Attributes with a value (RFC 6265, section 4.1.1; SameSite is RFC 6265bis) and those without one.
local VALUED = { { "expires", "Expires" }, { "max_age", "Max-Age" }, { "domain", "Domain" }, { "path", "Path" } }
local PLAIN = { { "secure", "Secure" }, { "httponly", "HttpOnly" } }

function cookie.new()
  return setmetatable({}, cookie)
end

function cookie.get(_, name)
  return ngx.var["cookie_" .. name]
end

local function written(wanted)
  local parts = { wanted.key .. "=" .. wanted.value }
  for _, attribute in ipairs(VALUED) do
    if wanted[attribute[1]] then
      parts[#parts + 1] = attribute[2] .. "=" .. wanted[attribute[1]]
    end
  end
  for _, attribute in ipairs(PLAIN) do
    if wanted[attribute[1]] then
      parts[#parts + 1] = attribute[2]
    end
  end
  if wanted.samesite then
    parts[#parts + 1] = "SameSite=" .. wanted.samesite
  end
  return table.concat(parts, "; ")
end

-- A second try on another peer sets the cookie anew, so one of the same name is replaced.
function cookie.set(_, wanted)
  if not wanted.key or not wanted.value then
    return nil, "a cookie has a name and a value"
  end
  local before = ngx.header["Set-Cookie"] or {}
  local kept = {}
  for _, line in ipairs(type(before) == "table" and before or { before }) do
    if line:match("^[^=]*") ~= wanted.key then
      kept[#kept + 1] = line
    end
  end
  kept[#kept + 1] = written(wanted)
  ngx.header["Set-Cookie"] = kept
  return true
end

return cookie
