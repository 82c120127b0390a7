-- SPDX-License-Identifier: MIT
-- For wrk: random pieces of a page, or all of it, and what came of it in one line.
-- wrk -s peer_wrk.lua URL -- PIECE FILE CONNECTIONS      bytes of each piece (0: the whole page), bytes of the page
-- A new connection rests before its first request: the host accepts it long before QEMU's user network looks at it,
-- and that wait is not the guest's.

local piece, file, fresh
local REST_MS = 1000

function init(args)
    piece, file, fresh = tonumber(args[1]), tonumber(args[2]), tonumber(args[3])
    math.randomseed(1)
    wrong = 0
end

function delay()
    fresh = fresh - 1
    return fresh >= 0 and REST_MS or 0
end

function request()
    if piece == 0 then
        return wrk.format()
    end
    local first = math.random(0, file - piece)
    return wrk.format("GET", nil, { Range = string.format("bytes=%d-%d", first, first + piece - 1) })
end

function response(status, headers, body)
    if status ~= (piece == 0 and 200 or 206) or (piece > 0 and #body ~= piece) then
        wrong = wrong + 1
    end
end

local threads = {}

function setup(thread)
    table.insert(threads, thread)
end

function done(summary, latency, requests)
    local e, unexpected = summary.errors, 0
    for _, thread in ipairs(threads) do
        unexpected = unexpected + thread:get("wrong")
    end
    io.write(string.format("result requests=%d wrong=%d broken=%d late=%d p50_us=%d p90_us=%d p99_us=%d p999_us=%d max_us=%d\n",
        summary.requests, unexpected + e.status, e.connect + e.read + e.write, e.timeout,
        latency:percentile(50), latency:percentile(90), latency:percentile(99), latency:percentile(99.9), latency.max))
end
