#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Made-up traces for mapsim: what drivers and allocators do that the recorded traces do not show.

usage: tools/mapsim/make_traces.py OUT [--seed 1] [--maps 60000] [--only NAME[,NAME...]] [--from RECORDED.txt[.zst]...] [--list]

One file a workload, OUT/NAME-SEED.txt; the same seed gives the same bytes. A seed also draws the sizes (pages in a pool, in a block,
in flight), so that another seed is another workload of the same kind. --from plays recorded traces in other ways as well: backwards,
in part, with pages renumbered, and two at once.
"""

import argparse
import collections
import pathlib
import random
import subprocess

PAGE = 4096


class Trace:
    """Writes maps in bursts, and unmaps in order what is beyond `flight` maps in use before the next one."""

    def __init__(self, draw, flight):
        self.draw, self.flight = draw, flight
        self.events, self.live = [], collections.deque()
        self.now, self.maps, self.left = 1000, 0, 0

    def map(self, page, pages=1, way="T", done=None):
        """done: called when the device has finished with it."""
        if self.left == 0:
            while len(self.live) > self.flight:
                self.unmap()
            self.now += 100
            self.left = self.draw.choice((1, 2, 2, 3, 4, 8))
        self.left -= 1
        self.now += 4
        self.events.append((self.now, "M", page, pages, way))
        self.live.append((page, pages, way, done))
        self.maps += pages

    def unmap(self):
        page, pages, way, done = self.live.popleft()
        self.now += 3
        self.events.append((self.now, "U", page, pages, way))
        if done:
            done()


# ---- sources of pages: each call of next() maps once ----


def ring(trace, base, pages, swapped=0.0, way="T"):
    """A ring of single pages that are taken again in the order they came back, but for a share taken out of order."""
    free = collections.deque(range(base, base + pages))

    def step():
        at = trace.draw.randrange(1, 16) if trace.draw.random() < swapped else 0
        free.rotate(-at)
        page = free.popleft()
        free.rotate(at)
        trace.map(page, 1, way, lambda: free.append(page))
    return step


def there_and_back(trace, base, pages):
    order = list(range(base, base + pages))
    order += order[::-1]
    at = 0

    def step():
        nonlocal at
        trace.map(order[at % len(order)])
        at += 1
    return step


def blocks(trace, base, count, size, offset=0, order="queue", uses=1, downwards=False, way="T"):
    """An allocator of blocks of `size` pages, each page used `uses` times while the block is walked. offset 0: aligned when size is a
    power of two. order: who is taken next, of the blocks that came back."""
    stride = size if offset else 1 << (size - 1).bit_length()
    free = collections.deque(base + offset + i * stride for i in range(count))
    block, left, busy = 0, 0, {}

    def take():
        if order == "queue":
            return free.popleft()
        if order == "random":
            free.rotate(trace.draw.randrange(len(free)))
        return free.pop()

    def done(which):
        busy[which] -= 1
        if busy[which] == 0:
            del busy[which]
            free.append(which)

    def step():
        nonlocal block, left
        if left == 0:
            block, left = take(), size * uses
            busy[block] = left
        left -= 1
        page = left // uses if downwards else size - 1 - left // uses
        mine = block
        trace.map(block + page, 1, way, lambda: done(mine))
    return step


def frags(trace, base, count, size=8, piece=6144, order="stack"):
    """A page-fragment allocator: buffers of some bytes cut from blocks, so that a map is of one, two or more pages."""
    free = [base + i * size for i in range(count)]
    block, at, busy = 0, size * PAGE, {}

    def done(which):
        busy[which] -= 1
        if busy[which] == 0 and which != block:
            free.append(which)

    def step():
        nonlocal block, at
        length = trace.draw.randrange(piece // 2, 2 * piece)
        if at + length > size * PAGE:
            if busy.get(block) == 0:
                free.append(block)
            block = free.pop() if order == "stack" else free.pop(0)
            busy[block], at = 0, 0
        first, last = at // PAGE, (at + length - 1) // PAGE
        mine = block
        busy[block] += 1
        trace.map(block + first, last - first + 1, "T", lambda: done(mine))
        at += length
    return step


def zipf(trace, base, pages, skew):
    order = list(range(base, base + pages))
    trace.draw.shuffle(order)
    total, shares = 0.0, []
    for rank in range(1, pages + 1):
        total += rank ** -skew
        shares.append(total)

    def step():
        trace.map(trace.draw.choices(order, cum_weights=shares)[0])
    return step


def files(trace, base, count, longest, skew, scattered, touched_once=False):
    """Files sent whole from the page cache; scattered: no two of a file's pages are neighbours."""
    sizes = [trace.draw.randrange(1, longest + 1) for _ in range(count)]
    pages = list(range(base, base + sum(sizes)))
    if scattered:
        trace.draw.shuffle(pages)
    starts = [sum(sizes[:i]) for i in range(count)]
    weights = [(rank + 1) ** -skew for rank in range(count)]
    todo, one_by_one = collections.deque(), iter(range(10**9))

    def step():
        if not todo:
            which = next(one_by_one) % count if touched_once else trace.draw.choices(range(count), weights)[0]
            todo.extend(pages[starts[which]:starts[which] + sizes[which]])
        trace.map(todo.popleft())
    return step


def huge(trace, base, count, pages):
    """Buffers within transparent huge pages: each map is of many pages."""
    def step():
        at = base + 512 * trace.draw.randrange(count) + pages * trace.draw.randrange(64 // pages)
        trace.map(at, pages)
    return step


def huge_cycle(trace, base, count, pages):
    at = 0

    def step():
        nonlocal at
        trace.map(base + 512 * (at // 8 % count) + pages * (at % 8), pages)
        at += 1
    return step


def recycled(trace, base, pages, chance):
    """A receive ring whose halves of pages are used in turn; some pages go up the stack and come back late, in another order."""
    free, late, half = collections.deque(range(base, base + pages)), [], {}

    def done(page):
        half[page] = half.get(page, 0) + 1
        if half[page] % 2 == 0 and trace.draw.random() < chance:
            late.append(page)
        else:
            free.appendleft(page) if half[page] % 2 else free.append(page)
        if len(late) > pages // 4:
            trace.draw.shuffle(late)
            free.extend(late)
            late.clear()

    def step():
        page = free.popleft()
        trace.map(page, 1, "R", lambda: done(page))
    return step


# ---- workloads: name -> (maps in flight, source) ----


def mixed(trace, sources, chunk):
    """Each source in turn for 1 to chunk maps."""
    left, source = 0, None

    def step():
        nonlocal left, source
        if left == 0:
            source, left = trace.draw.choice(sources), trace.draw.randrange(1, chunk + 1)
        left -= 1
        source()
    return step


def phases(trace, sources, maps):
    return lambda: sources[min(trace.maps * len(sources) // maps, len(sources) - 1)]()


def about(draw, value):
    return draw.randrange(value * 3 // 4, value * 5 // 4 + 1)


WORKLOADS = {
    "ring": lambda t, d, n: ring(t, 0, about(d, 400)),
    "ring-swapped": lambda t, d, n: ring(t, 0, about(d, 400), 0.1),
    "ring-swapped-much": lambda t, d, n: ring(t, 0, about(d, 300), 0.4),
    "there-and-back": lambda t, d, n: there_and_back(t, 0, about(d, 400)),
    "pool-stack": lambda t, d, n: mixed(t, [blocks(t, 0, about(d, 300), 1, 0, "stack"), ring(t, 4096, 60)], 40),
    "pool-random": lambda t, d, n: blocks(t, 0, about(d, 400), 1, 0, "random"),
    "blocks2-queue": lambda t, d, n: blocks(t, 0, about(d, 200), 2),
    "blocks4-stack": lambda t, d, n: blocks(t, 0, about(d, 100), 4, 0, "stack", 2),
    "blocks8-queue": lambda t, d, n: blocks(t, 0, about(d, 60), 8, 0, "queue", 2, True),
    "blocks8-random": lambda t, d, n: blocks(t, 0, about(d, 60), 8, 0, "random", 2),
    "blocks16-queue": lambda t, d, n: blocks(t, 0, about(d, 30), 16),
    "blocks16-random": lambda t, d, n: blocks(t, 0, about(d, 30), 16, 0, "random"),
    "blocks3-random": lambda t, d, n: blocks(t, 0, about(d, 120), 3, 0, "random"),
    "straddling8-queue": lambda t, d, n: blocks(t, 0, about(d, 60), 8, 3),
    "straddling8-random": lambda t, d, n: blocks(t, 0, about(d, 60), 8, 5, "random", 2),
    "straddling5-random": lambda t, d, n: blocks(t, 0, about(d, 90), 5, 1, "random"),
    "straddling12-random": lambda t, d, n: blocks(t, 0, about(d, 40), 12, 2, "random"),
    "straddling8-stack": lambda t, d, n: mixed(t, [blocks(t, 0, about(d, 60), 8, 3, "stack"), ring(t, 4096, 40)], 24),
    "frags-stack": lambda t, d, n: mixed(t, [frags(t, 0, about(d, 50)), ring(t, 4096, 64, 0, "R")], 16),
    "frags-queue": lambda t, d, n: frags(t, 0, about(d, 50), 8, 3000, "queue"),
    "files-cycle": lambda t, d, n: files(t, 0, about(d, 60), 16, 0, True, True),
    "files-zipf": lambda t, d, n: files(t, 0, about(d, 100), 16, 0.9, True),
    "files-zipf-together": lambda t, d, n: files(t, 0, about(d, 100), 16, 0.9, False),
    "files-once": lambda t, d, n: mixed(t, [files(t, 4096, n // 8, 16, 0, True, True), ring(t, 0, 300)], 16),
    "zipf-flat": lambda t, d, n: zipf(t, 0, about(d, 500), 0.6),
    "zipf": lambda t, d, n: zipf(t, 0, about(d, 500), 0.9),
    "zipf-steep": lambda t, d, n: zipf(t, 0, about(d, 800), 1.2),
    "uniform": lambda t, d, n: zipf(t, 0, about(d, 300), 0),
    "phases-ring": lambda t, d, n: phases(t, [ring(t, 1000 * i, about(d, 300)) for i in range(3)], n),
    "phases-kinds": lambda t, d, n: phases(t, [zipf(t, 0, 300, 0.9), blocks(t, 400, 40, 8), ring(t, 800, 320, 0.1),
                                               blocks(t, 2000, 40, 8, 3, "random")], n),
    "mix-ring-zipf": lambda t, d, n: mixed(t, [ring(t, 0, about(d, 250)), zipf(t, 1024, about(d, 250), 0.9)], 1),
    "mix-blocks-ring": lambda t, d, n: mixed(t, [blocks(t, 0, about(d, 30), 8), ring(t, 1024, about(d, 200), 0, "R")], 4),
    "mix-three": lambda t, d, n: mixed(t, [blocks(t, 0, about(d, 25), 8, 3), ring(t, 1024, about(d, 150)),
                                           zipf(t, 2048, about(d, 150), 0.8)], 2),
    "mix-two-rings": lambda t, d, n: mixed(t, [ring(t, 0, about(d, 150)), ring(t, 1024, about(d, 250))], 1),
    "request-response": lambda t, d, n: mixed(t, [ring(t, 0, about(d, 24), 0, "R"), blocks(t, 64, 12, 2, 0, "stack"),
                                                  zipf(t, 512, about(d, 200), 0.7)], 2),
    "huge-random": lambda t, d, n: huge(t, 0, 8, 16),
    "huge-cycle": lambda t, d, n: huge_cycle(t, 0, 6, 16),
    "rx-recycled": lambda t, d, n: recycled(t, 0, about(d, 350), 0.02),
    "rx-recycled-late": lambda t, d, n: recycled(t, 0, about(d, 350), 0.3),
    "both-ways": lambda t, d, n: mixed(t, [recycled(t, 0, about(d, 200), 0.05), frags(t, 1024, about(d, 30))], 8),
    "http": lambda t, d, n: mixed(t, [files(t, 1024, about(d, 50), 24, 0.8, True), frags(t, 0, about(d, 6), 8, 400),
                                      ring(t, 8192, 64, 0, "R")], 6),
    "http-together": lambda t, d, n: mixed(t, [files(t, 1024, about(d, 50), 24, 0.8, False), frags(t, 0, about(d, 6), 8, 400),
                                               ring(t, 8192, 64, 0, "R")], 6),
}


def make(name, seed, maps):
    draw = random.Random(f"{name} {seed}")
    trace = Trace(draw, draw.choice((4, 12, 24)))
    step = WORKLOADS[name](trace, draw, maps)
    while trace.maps < maps:
        step()
    while trace.live:
        trace.unmap()
    return trace.events


# ---- recorded traces, played in other ways ----


def read(path):
    if path.suffix == ".zst":
        text = subprocess.run(["zstd", "-dc", path], capture_output=True, check=True, text=True).stdout
    else:
        text = path.read_text(encoding="ascii")
    events = []
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 6 and words[1] in "MU":
            events.append((int(words[0]), words[1], int(words[3], 16) // PAGE, int(words[4]) // PAGE, words[5]))
    return events


def backwards(events):
    end = events[-1][0]
    events = unmapped_at_the_end(events)
    return [(end - min(at, end), "U" if op == "M" else "M", page, pages, way) for at, op, page, pages, way in reversed(events)]


def unmapped_at_the_end(events):
    live, kept = collections.Counter(), []
    for event in events:
        key = event[2:]
        if event[1] == "U" and live[key] == 0:
            continue
        live[key] += 1 if event[1] == "M" else -1
        kept.append(event)
    end = events[-1][0]
    return kept + [(end, "U", *key) for key, count in sorted(live.items()) for _ in range(count)]


def renumbered(events, draw, unit):
    """Aligned groups of `unit` pages elsewhere; a map over two groups becomes two."""
    groups = sorted({page // unit + i for _, _, page, pages, _ in events for i in range(pages // unit + 2)})
    where = dict(zip(groups, draw.sample(range(len(groups)), len(groups))))
    out = []
    for at, op, page, pages, way in events:
        while pages:
            part = min(pages, unit - page % unit)
            out.append((at, op, where[page // unit] * unit + page % unit, part, way))
            page, pages = page + part, pages - part
    return out


def together(one, other):
    base = max(page + pages for _, _, page, pages, _ in one) + 8 & ~7
    low = min(event[2] for event in other) & ~7
    zero = one[0][0] - other[0][0]
    moved = [(at + zero, op, page - low + base, pages, way) for at, op, page, pages, way in other]
    return sorted(one + moved, key=lambda event: event[0])


def variants(paths, seed, maps):
    draw = random.Random(seed)
    recorded = {path.name.split(".")[0]: read(path) for path in paths}
    for name, events in recorded.items():
        at = draw.randrange(max(1, len(events) - 2 * maps))
        part = events[at:at + 2 * maps]
        yield f"{name}-part", part
        yield f"{name}-backwards", backwards(part)
        yield f"{name}-pages", renumbered(part, draw, 1)
        yield f"{name}-regions", renumbered(part, draw, 8)
        yield f"{name}-moved", [(at, op, page + 3, pages, way) for at, op, page, pages, way in part] + [(part[-1][0], "M", 0, 1, "C")]
    names = list(recorded)
    for i, one in enumerate(names[:-1]):
        yield f"{one}+{names[i + 1]}", together(recorded[one][:maps], recorded[names[i + 1]][:maps])


def write(path, events):
    low = min(event[2] for event in events)
    with open(path, "w", encoding="ascii") as out:
        for at, op, page, pages, way in events:
            address = (page - low // 8 * 8 + 256) * PAGE
            tail = f" 0 {pages * PAGE}" if op == "M" else ""
            out.write(f"{at} {op} {address:x} {address:x} {pages * PAGE} {way}{tail}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--maps", type=int, default=60000)
    parser.add_argument("--only", default=",".join(WORKLOADS))
    parser.add_argument("--from", dest="recorded", type=pathlib.Path, nargs="+", default=[])
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    if args.list:
        print(*WORKLOADS, sep="\n")
        return
    args.out.mkdir(parents=True, exist_ok=True)
    for name in filter(None, args.only.split(",")):
        if name not in WORKLOADS:
            parser.error(f"unknown workload {name}; --list shows them")
        write(args.out / f"{name}-{args.seed}.txt", make(name, args.seed, args.maps))
    for name, events in variants(args.recorded, args.seed, args.maps):
        write(args.out / f"{name}-{args.seed}.txt", events)


if __name__ == "__main__":
    main()
