-- Orders of five different titles, each as likely: POST /v1/orders.

package.path = debug.getinfo(1, "S").source:match("^@(.*/)") .. "?.lua;" .. package.path
local load = require("load")

local LINES = 5
local BASKETS = 4096
local heads, tails, prefix = {}, {}, nil
local count = 0

setup = load.number_thread
done = load.report

local function basket()
  local lines, chosen = {}, {}
  while #lines < LINES do
    local rank = math.random(load.titles)
    if not chosen[rank] then
      chosen[rank] = true
      lines[#lines + 1] = '{"book_id":' .. load.book(rank) .. ',"quantity":1}'
    end
  end
  return '{"lines":[' .. table.concat(lines, ",") .. "]}"
end

function init()
  prefix = load.key_prefix()
  for index = 1, BASKETS do
    heads[index], tails[index] = load.post("/v1/orders", basket(), index)
  end
end

function request()
  count = count + 1
  local index = count % BASKETS + 1
  return heads[index] .. prefix .. count .. tails[index]
end
