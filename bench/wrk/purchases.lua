-- Purchases of one copy: POST /v1/books/{id}/purchases. The pattern says of which title:
-- `hot` always the first, `even` each as likely, `zipf` the k-th with weight 1/k; `patient` is hot,
-- by buyers who wait when they are refused.

package.path = debug.getinfo(1, "S").source:match("^@(.*/)") .. "?.lua;" .. package.path
local load = require("load")

local DRAWS = 65536
local heads, tail, pick, prefix = {}, nil, nil, nil
local count = 0

setup = load.number_thread
done = load.report
if load.pattern == "patient" then
  load.be_patient()
end

local function purchase(rank, storefront)
  local head
  head, tail = load.post("/v1/books/" .. load.book(rank) .. "/purchases", '{"quantity":1}', storefront)
  heads[#heads + 1] = head
end

-- Drawn ahead: a sum of weights is no work for `request`.
local function zipf_draws()
  local upto, sum = {}, 0
  for rank = 1, load.titles do
    sum = sum + 1 / rank
    upto[rank] = sum
  end
  local draws = {}
  for draw = 1, DRAWS do
    local at = math.random() * sum
    local low, high = 1, load.titles
    while low < high do
      local middle = math.floor((low + high) / 2)
      if upto[middle] < at then low = middle + 1 else high = middle end
    end
    draws[draw] = low
  end
  return draws
end

local patterns = {}

function patterns.hot()
  for storefront = 1, load.storefronts do
    purchase(1, storefront)
  end
  return function() return count % load.storefronts + 1 end
end

patterns.patient = patterns.hot

function patterns.even()
  for rank = 1, load.titles do
    purchase(rank, rank)
  end
  return function() return math.random(load.titles) end
end

function patterns.zipf()
  patterns.even()
  local draws = zipf_draws()
  return function() return draws[count % DRAWS + 1] end
end

function init()
  prefix = load.key_prefix()
  pick = patterns[load.pattern]()
end

function request()
  count = count + 1
  return heads[pick()] .. prefix .. count .. tail
end
