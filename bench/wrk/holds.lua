-- One copy of the hot title held, then confirmed: POST /v1/orders with hold_seconds, and
-- POST /v1/orders/{id}/confirm. Counts what was confirmed. All by one storefront, since an answer
-- does not say whose order it is.
--
-- The order's id is in the answer, so here is a `response` after all: it costs the generator more
-- than the other loads do.

package.path = debug.getinfo(1, "S").source:match("^@(.*/)") .. "?.lua;" .. package.path
local load = require("load")

local STOREFRONT = 1
local hold_head, hold_tail, confirm_head, confirm_tail, prefix
local count = 0
-- Ids of what is held and not confirmed yet, as a queue.
local ids, first, last = {}, 1, 0
-- Global, for `done` to read.
confirmed, refused = 0, 0

local threads = {}
function setup(thread)
  load.number_thread(thread)
  threads[#threads + 1] = thread
end

function init()
  prefix = load.key_prefix()
  local body = '{"lines":[{"book_id":' .. load.book(1) .. ',"quantity":1}],"hold_seconds":600}'
  hold_head, hold_tail = load.post("/v1/orders", body, STOREFRONT)
  confirm_head, confirm_tail = load.confirmation(STOREFRONT)
end

function request()
  if first <= last then
    local id = ids[first]
    ids[first] = nil
    first = first + 1
    return confirm_head .. id .. confirm_tail
  end
  count = count + 1
  return hold_head .. prefix .. count .. hold_tail
end

function response(status, _, body)
  if status == 201 then
    -- {"id":"0199...
    last = last + 1
    ids[last] = body:sub(8, 43)
  elseif status == 200 then
    confirmed = confirmed + 1
  else
    refused = refused + 1
  end
end

function done(summary, latency)
  local counts = { confirmed = 0, refused = 0 }
  for _, thread in ipairs(threads) do
    for name, sum in pairs(counts) do
      counts[name] = sum + thread:get(name)
    end
  end
  load.report_counts(summary, latency, counts.confirmed, counts.refused)
end
