# SPDX-License-Identifier: MIT
"""The comparison's pictures: what each shows, and from which rows."""

import plot
from rows import select, spread

# name, the rows it stands for
STRATEGIES = (
    ("none", {"strategy": "none"}),
    ("passthrough", {"strategy": "passthrough"}),
    ("direct", {"strategy": "direct"}),
    ("persistent", {"strategy": "persistent"}),
    ("on-demand, no quota", {"strategy": "on-demand", "quota": "none"}),
    ("on-demand w50%", {"strategy": "on-demand", "quota": "w50%"}),
    ("shared", {"strategy": "shared"}),
    ("single-use", {"strategy": "single-use"}),
)
CALLS = ("single", "piggyback", "batch")
FLUSHES = ("strict", "batch", "deferred", "percpu")
POLICIES = ("fifo", "clock", "sieve", "s3fifo", "arc", "csra", "adaptive")
KERNELS = ("loopback", "map_pool", "map_scatter", "map_pool:burst=1", "map_scatter:burst=1")


def label(work):
    """For below a group of bars: a name, and its own settings in the next line."""
    return work.replace(":", "\\n", 1)


def works_of(rows):
    return list(dict.fromkeys(row.work for row in rows))


def plain(rows):
    """Polled, in a virtual machine, the default policy without prefetch, hits by the table."""
    found = select(rows, irq="poll", guest="vm", policy=("adaptive", "none"))
    return [row for row in found if row.asked["hits_by"] in ("table", None)]


def by_strategy(rows, works, figure, **more):
    return {name: [spread(select(rows, work=work, **which, **more), figure) for work in works] for name, which in STRATEGIES}


def without_empty(series):
    return {name: points for name, points in series.items() if any(points)}


def throughput(traffic, exact):
    rows = [row for row in plain(traffic) if row.flush in ("none", "batch", "strict") and ":msg" not in row.work]
    rows = [row for row in rows if row.strategy not in ("shared", "single-use") or row.flush in ("strict", "batch")]
    works = [work for work in works_of(rows) if select(rows, work=work)[0].bytes and work not in ("loopback", "tcp_rr", "memcached")]
    if not works:
        return None
    return "Throughput and CPU by strategy (traffic with the host, which varies: median, lowest, highest)", [
        plot.Bars("Throughput", "Mbit/s", [label(work) for work in works], without_empty(by_strategy(rows, works, lambda row: row.mbit))),
        plot.Bars("The guest's CPU share", "% of the window", [label(work) for work in works], without_empty(by_strategy(rows, works, lambda row: row.cpu))),
    ]


def latency(traffic, exact):
    rows = [row for row in plain(traffic) if "p50_us" in row.result.get("figures", {})]
    works = works_of(rows)
    if not works:
        return None
    return "Latency of requests (wrk)", [
        plot.Bars(title, "us", [label(work) for work in works], without_empty(by_strategy(rows, works, lambda row, key=key: row.figures[key])), log=True, floor=10)
        for title, key in (("Median", "p50_us"), ("99th percentile", "p99_us"))
    ]


def messages(traffic, exact):
    rows = [row for row in plain(traffic) if row.work.startswith("tcp_tx:msg=")]
    sizes = {row.work: int(row.work.split("msg=")[1]) for row in rows}
    if len(set(sizes.values())) < 3:
        return None
    panels = []
    for title, axis, figure in (("Throughput", "Mbit/s", lambda row: row.mbit), ("The guest's CPU for a megabyte", "ms", lambda row: row.busy_tsc / row.tsc_hz / row.bytes * 1e9)):
        series = {}
        for name, which in (("none", {"strategy": "none"}), ("on-demand, no quota", {"strategy": "on-demand", "quota": "none"}), ("single-use, strict", {"strategy": "single-use", "flush": "strict"})):
            points = [(size, spread(select(rows, work=work, **which), figure)) for work, size in sizes.items()]
            series[name] = sorted((size, point[0]) for size, point in points if point)
        panels.append(plot.Curves(title, "message, bytes", axis, series, log_x=True))
    return "Sending in messages of 64 to 65,536 bytes, IOMMU off and on", panels


def percent_of(text):
    return None if text in (None, "none") else int(text[1:-1])


def against_quota(exact, work, policies, figure):
    series = {}
    for name, which in policies:
        rows = select(exact, work=work, strategy="on-demand", guest="vm", **which)
        rows = [row for row in rows if percent_of(row.quota_text) is not None]
        if rows:
            series[name] = sorted((percent_of(row.quota_text), figure(row)) for row in rows)
    return series


QUOTA_CURVES = [(policy, {"policy": policy, "hits_by": "table", "flush": "batch"}) for policy in POLICIES]
QUOTA_CURVES += [("lru, hits=exit", {"policy": "lru", "prefetch": "0"}), ("lru + 8 followers, hits=exit", {"policy": "lru", "prefetch": "8"})]


def quota(traffic, exact):
    panels = []
    for work in ("loopback", "map_pool:burst=1", "map_scatter:burst=1"):
        title = f"{work.split(':')[0]}, {'in bursts' if work == 'loopback' else 'each map by itself'}"
        hits = against_quota(exact, work, QUOTA_CURVES, lambda row: row.hit_percent)
        calls = against_quota(exact, work, QUOTA_CURVES[: len(POLICIES)], lambda row: row.a_thousand_maps("hypercalls"))
        panels.append(plot.Curves(f"{title}: hits", "quota, % of the way from floor to working set", "hits, % of maps", hits))
        panels.append(plot.Curves(f"{title}: hypercalls", "quota, % of the way from floor to working set", "hypercalls per 1,000 maps", calls, log=True))
    return "Hit rate and hypercalls against the quota (repeatable)", panels


def policies(traffic, exact):
    wanted = select(exact, strategy="on-demand", quota="w50%", guest="vm", flush="batch", hits_by="table", work=KERNELS)
    if not wanted:
        return None
    panels = []
    for title, axis, figure, log in (
        ("Hypercalls", "per 1,000 maps", lambda row: row.a_thousand_maps("hypercalls"), False),
        ("Invalidation waits", "per 1,000 maps", lambda row: row.a_thousand_maps("inv_waits"), False),
        ("Evictions", "pages per 1,000 maps", lambda row: row.a_thousand_maps("evictions"), False),
        ("Instructions, guest and hypervisor", "a frame or map", lambda row: row.a_packet("tsc"), False),
    ):
        series = {policy: [spread(select(wanted, work=work, policy=policy), figure) for work in KERNELS] for policy in POLICIES}
        panels.append(plot.Bars(title, axis, [label(work) for work in KERNELS], without_empty(series), log))
    return "Policies against each other at half of the way from floor to working set", panels


def loopback_by_strategy(exact):
    """Labels, and for each the rows of loopback under one strategy and flush."""
    rows = [row for row in plain(exact) if row.asked.get("iova") in ("magazine", None) and row.work == "loopback"]
    groups, chosen = [], []
    for name, which in STRATEGIES[:6]:
        groups.append(name.replace(" ", "\\n", 1))
        chosen.append(select(rows, flush=("none", "batch"), **which))
    for strategy in ("shared", "single-use"):
        for flush in FLUSHES:
            groups.append(f"{strategy}\\n{flush}")
            chosen.append(select(rows, strategy=strategy, flush=flush, calls="batch"))
    return groups, chosen


def events(traffic, exact):
    groups, chosen = loopback_by_strategy(exact)
    if not any(chosen):
        return None
    measures = (("exits", "exits"), ("invalidation descriptors", "inv_descriptors"), ("invalidation waits", "inv_waits"))
    series = {name: [spread(found, lambda row, key=key: row.a_packet(key)) for found in chosen] for name, key in measures}
    return "Exits and invalidations a packet (loopback, repeatable; below 0.001: none)", [plot.Bars("", "a packet", groups, series, log=True)]


def modelled(traffic, exact):
    groups, chosen = loopback_by_strategy(exact)
    points = []
    for rows in chosen:
        model = rows[0].modelled if rows else {}
        found = [model.get(f"model_{level}") for level in ("mid", "low", "high")]
        points.append(tuple(found) if None not in found else None)
    if not any(points):
        return None
    bars = plot.Bars("counts times prices that are assumed, low to high (docs/costs.md); nothing here was measured", "cycles a packet", groups, {"model": points})
    return "What the events of loopback would cost on hardware, by a model", [bars]


def calls(traffic, exact):
    panels = []
    for work in ("loopback", "map_scatter"):
        rows = select(plain(exact), work=work)
        groups = [f"{strategy}\\n{flush}" for strategy in ("shared", "single-use") for flush in ("strict", "batch")]
        series = {}
        for call in CALLS:
            series[call] = [spread(select(rows, strategy=strategy, flush=flush, calls=call, iova=("magazine", None)), lambda row: row.a_packet("tsc"))
                            for strategy in ("shared", "single-use") for flush in ("strict", "batch")]
        panels.append(plot.Bars(work, "instructions a frame or map", groups, without_empty(series)))
    bursts = {}
    for name, which in (("on-demand w50%", {"strategy": "on-demand", "quota": "w50%"}), ("single-use", {"strategy": "single-use"})):
        rows = [row for row in plain(exact) if row.work.startswith("map_scatter:burst=")]
        bursts[name] = sorted((int(row.work.split("=")[1]), row.a_thousand_maps("hypercalls")) for row in select(rows, **which))
    panels.append(plot.Curves("map_scatter: the driver's burst", "maps handed over at a time", "hypercalls per 1,000 maps", bursts, log_x=True))
    return "A call for each map and unmap, for each map, for each burst", panels


def bare(traffic, exact):
    panels = []
    groups = ["none", "direct", "on-demand\\nno quota", "on-demand\\nw50%"]
    wanted = [{"strategy": "none"}, {"strategy": "direct"}, {"strategy": "on-demand", "quota": "none"}, {"strategy": "on-demand", "quota": "w50%"}]
    for source, works, axis, figure in (
        (traffic, ("tcp_rx", "tcp_tx"), "Mbit/s", lambda row: row.mbit),
        (exact, ("loopback", "map_scatter"), "instructions a frame or map", lambda row: row.a_packet("tsc")),
    ):
        for work in works:
            series = {}
            for name, place in (("bare machine", "native"), ("virtual machine", "vm")):
                rows = select(source, work=work, guest=place, irq="poll", flush=("none", "batch"), policy=("adaptive", "none"))
                rows = [row for row in rows if row.asked["hits_by"] in ("table", None)]
                series[name] = [spread(select(rows, **which), figure) for which in wanted]
            panels.append(plot.Bars(work, axis, groups, without_empty(series)))
    return "The same guest on the bare machine and in a virtual one, IOMMU off and on", panels


def iova(traffic, exact):
    names = ("identity", "rbtree", "eiovar", "magazine", "sizeclass")
    rows = select(exact, work="map_scatter", flush="deferred", calls="batch")
    series = {strategy: [spread(select(rows, strategy=strategy, iova=name), lambda row: row.a_packet("tsc")) for name in names]
              for strategy in ("shared", "single-use")}
    if not any(any(points) for points in series.values()):
        return None
    return "Who hands out IOVAs (map_scatter, deferred invalidation, repeatable)", [plot.Bars("", "instructions a map", list(names), series)]


PICTURES = (
    # file, what to see in it, how it is made
    ("throughput", "What each strategy costs real traffic.", throughput),
    ("bare", "What virtualization costs, and what the IOMMU costs, apart.", bare),
    ("messages", "Small messages cost CPU whatever the IOMMU does; single-use adds to each.", messages),
    ("latency", "How long requests take under each strategy.", latency),
    ("events", "Where the cost comes from: strategies without a bar never exit and never invalidate.", events),
    ("modelled", "An emulator's time says nothing about hardware; counts times published prices say something.", modelled),
    ("calls", "Batching against piggyback against single calls; bursts of the driver.", calls),
    ("quota", "How much of the working set must stay mapped.", quota),
    ("policies", "Who leaves when there is no room.", policies),
    ("iova", "The allocators' own cost in the guest.", iova),
)


def draw_all(traffic, exact, out):
    """Draws what there are rows for; (file, title, caption) of each."""
    drawn = []
    for name, caption, make in PICTURES:
        made = make(traffic, exact)
        if made and plot.draw(out, name, *made):
            drawn.append((name, made[0], caption))
    return drawn
