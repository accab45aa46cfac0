-- Pages of books, of all or of those that a search finds: GET of the paths in a file, one after the
-- other. Needs no token.

package.path = debug.getinfo(1, "S").source:match("^@(.*/)") .. "?.lua;" .. package.path
local load = require("load")

local requests = {}
local count = 0

setup = load.number_thread
done = load.report

function init()
  for path in io.lines(os.getenv("BENCH_PATHS")) do
    requests[#requests + 1] = "GET " .. path .. " HTTP/1.1\r\nHost: bookstore\r\n\r\n"
  end
end

function request()
  count = count + 1
  return requests[count % #requests + 1]
end
