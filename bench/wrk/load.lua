-- What all loads share: settings, requests built ahead, and the figures as one line of JSON.
--
-- The generator shares two cores with what it measures, so `request` may do no more than join
-- strings that are there already, and there is no `response` (wrk would make a Lua table of every
-- answer's headers). Settings come from the environment, which every one of wrk's Lua states sees.

local load = {}

local function setting(name)
  return os.getenv(name) or error(name .. " is not set; the harness starts this script")
end

load.titles = tonumber(setting("BENCH_TITLES"))
load.pattern = setting("BENCH_PATTERN")
load.run = setting("BENCH_RUN")

local stride = tonumber(setting("BENCH_STRIDE"))
local tokens = {}
for token in setting("BENCH_TOKENS"):gmatch("[^,]+") do
  tokens[#tokens + 1] = token
end
load.storefronts = #tokens

-- The id of the book of this rank. A stride spreads the titles over a big catalogue.
function load.book(rank)
  return 1 + (rank - 1) * stride
end

-- A POST without its Idempotency-Key: what comes before the key, and what comes after it.
function load.post(path, body, storefront)
  local head = table.concat({
    "POST " .. path .. " HTTP/1.1",
    "Host: bookstore",
    "Authorization: Bearer " .. tokens[storefront % #tokens + 1],
    "Content-Type: application/json",
    "Content-Length: " .. #body,
    "Idempotency-Key: ",
  }, "\r\n")
  return head, "\r\n\r\n" .. body
end

-- A confirmation without the order's id: what comes before the id, and what comes after it.
function load.confirmation(storefront)
  return "POST /v1/orders/", table.concat({
    "/confirm HTTP/1.1",
    "Host: bookstore",
    "Authorization: Bearer " .. tokens[storefront % #tokens + 1],
    "Content-Length: 0",
    "",
    "",
  }, "\r\n")
end

-- Numbers wrk's threads, so that no two of them make the same key.
local threads = 0
function load.number_thread(thread)
  thread:set("thread_number", threads)
  threads = threads + 1
end

-- The start of this thread's keys; a counter makes each unique.
function load.key_prefix()
  math.randomseed(os.time() + 7919 * thread_number)
  return load.run .. "-" .. thread_number .. "-"
end

-- The latency that at most `count` answers exceeded, in microseconds.
local function exceeded_by(latency, count)
  local above = 0
  for index = #latency, 1, -1 do
    local value, times = latency(index)
    above = above + times
    if above > count then
      return value
    end
  end
  return 0
end

-- wrk counts an answer of 400 and above under `errors.status` and among the requests. Refusals are
-- quick and would hide how long those waited who got something: no more than one in a hundred of
-- the good answers took longer than `accepted_p99_us`.
function load.report_counts(summary, latency, accepted, refused)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "accepted": %d, "refused": %d, "connect_errors": %d, "read_errors": %d, '
      .. '"write_errors": %d, "timeouts": %d, "seconds": %.6f, "p50_us": %d, "p95_us": %d, "p99_us": %d, '
      .. '"max_us": %d, "accepted_p99_us": %d}\n',
    summary.requests, accepted, refused, errors.connect, errors.read,
    errors.write, errors.timeout, summary.duration / 1e6, latency:percentile(50),
    latency:percentile(95), latency:percentile(99), latency.max, exceeded_by(latency, accepted / 100)
  ))
end

-- Buyers who do as they are told: after a refusal they wait for a second, which is what Retry-After
-- says. wrk does not tell `delay` whose turn it is; one pause for each refusal is the same load.
function load.be_patient()
  local pauses = 0
  function response(status)
    if status == 503 then
      pauses = pauses + 1
    end
  end
  function delay()
    if pauses == 0 then
      return 0
    end
    pauses = pauses - 1
    return 1000
  end
end

-- The report of a load whose every request is counted by its own answer.
function load.report(summary, latency)
  local refused = summary.errors.status
  load.report_counts(summary, latency, summary.requests - refused, refused)
end

return load
