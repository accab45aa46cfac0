-- One book after the other, each title as likely: GET /v1/books/{id}. Needs no token.

package.path = debug.getinfo(1, "S").source:match("^@(.*/)") .. "?.lua;" .. package.path
local load = require("load")

local requests = {}

setup = load.number_thread
done = load.report

function init()
  load.key_prefix()
  for rank = 1, load.titles do
    requests[rank] = "GET /v1/books/" .. load.book(rank) .. " HTTP/1.1\r\nHost: bookstore\r\n\r\n"
  end
end

function request()
  return requests[math.random(load.titles)]
end
