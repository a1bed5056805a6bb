-- Consistent hashing: new(self, nodes), find(key), reinit(nodes); `nodes` is a table id -> weight.
--
-- The ring follows from the names and weights alone, so every worker of every replica has the same
-- one. The field `nodes` stays as it was given: the controller compares it to see a change.

local POINTS = 160 -- on the ring, for each unit of weight

local chash = {}
chash.__index = chash

local function position(text)
  return tonumber(ngx.md5(text):sub(1, 8), 16)
end

function chash.new(_, nodes)
  return chash.reinit(setmetatable({}, chash), nodes)
end

function chash:reinit(nodes)
  self.nodes, self.ring = {}, {}
  for id, weight in pairs(nodes or {}) do
    self.nodes[id] = weight
    for number = 1, math.floor(POINTS * weight) do
      self.ring[#self.ring + 1] = { at = position(id .. " " .. number), id = id }
    end
  end
  table.sort(self.ring, function(one, other)
    return one.at < other.at or (one.at == other.at and one.id < other.id)
  end)
  return self
end

-- The first point at or after the key's position, which the binary search closes in on; past the last
-- point the ring begins again.
function chash:find(key)
  local first, past = 1, #self.ring + 1
  if past == 1 then
    return nil
  end
  local wanted = position(tostring(key))
  while first < past do
    local middle = math.floor((first + past) / 2)
    if self.ring[middle].at < wanted then
      first = middle + 1
    else
      past = middle
    end
  end
  local index = (first - 1) % #self.ring + 1
  return self.ring[index].id, index
end

return chash
