-- Weighted round robin: new(self, nodes), find(), reinit(nodes); `nodes` is a table id -> weight.
--
-- The controller compares the field `nodes` with the table it would give next, to tell whether
-- endpoints changed, so it stays as it was given.

local roundrobin = {}
roundrobin.__index = roundrobin

function roundrobin.new(_, nodes)
  return roundrobin.reinit(setmetatable({}, roundrobin), nodes)
end

function roundrobin:reinit(nodes)
  self.nodes, self.order, self.total = {}, {}, 0
  for id, weight in pairs(nodes or {}) do
    self.nodes[id] = weight
    if weight > 0 then
      self.order[#self.order + 1] = id
      self.total = self.total + weight
    end
  end
  table.sort(self.order)
  self.balance = {}
  -- A start of its own keeps each worker from sending its first request to the same node.
  for index, id in ipairs(self.order) do
    self.balance[index] = math.random() * self.nodes[id]
  end
  return self
end

-- Smooth weighted round robin: every node earns its weight, the richest is taken and pays the total.
function roundrobin:find()
  local richest
  for index, id in ipairs(self.order) do
    self.balance[index] = self.balance[index] + self.nodes[id]
    if not richest or self.balance[index] > self.balance[richest] then
      richest = index
    end
  end
  if not richest then
    return nil
  end
  self.balance[richest] = self.balance[richest] - self.total
  return self.order[richest], richest
end

return roundrobin
