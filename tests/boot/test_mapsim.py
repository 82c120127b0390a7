# SPDX-License-Identifier: MIT
"""mapsim's contract: what others script against."""

import csv
import io
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HEADER = "trace,policy,prefetch,quota,batch,evict,maps,hits,hypercalls,mapped,evictions,inv_descriptors,inv_waits,resident_peak"
POLICIES = "fifo lru clock sieve s3fifo arc csra adaptive opt".split()


@pytest.fixture(scope="session")
def mapsim():
    build = os.environ.get("SLUICE_BUILD", "build")
    subprocess.run(["make", "-s", f"BUILD={build}", f"{build}/host/mapsim"], cwd=ROOT, check=True)
    return str(ROOT / build / "host/mapsim")


def loop(path, pages=40, rounds=30):
    """A cycle of single pages, one in use at a time, and one that stays in use."""
    lines = ["# a comment", "5 M f000 1000 4096 C 0 4096", "6 # WORKLOAD begin"]
    for step in range(pages * rounds):
        address = 0x100000 + step % pages * 0x1000
        lines += [f"{10 + 100 * step} M 0 {address:x} 4096 T 0 60", f"{60 + 100 * step} U 0 {address:x} 4096 T"]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return str(path)


def run(mapsim, *words, status=0):
    done = subprocess.run([mapsim, *words], capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    return done


def rows(done):
    assert done.stdout.splitlines()[0] == HEADER
    return list(csv.DictReader(io.StringIO(done.stdout)))


def test_every_combination_in_order(mapsim, tmp_path):
    trace = loop(tmp_path / "loop")
    found = rows(run(mapsim, "--policy", ",".join(POLICIES), "--quota", "10,41", "--batch", "1,16,64,natural", "--csv", trace))
    assert [row["policy"] for row in found[::8]] == POLICIES
    assert [row["quota"] for row in found[:8]] == ["10"] * 4 + ["41"] * 4
    assert [row["batch"] for row in found[:4]] == ["1", "16", "64", "natural"]
    for row in found:
        assert int(row["maps"]) == 960 and int(row["resident_peak"]) <= int(row["quota"])
        assert int(row["hits"]) + int(row["hypercalls"]) == 960
        if row["quota"] == "41":
            assert int(row["hits"]) == 960 and int(row["evictions"]) == 0


def test_what_is_known_of_a_cycle(mapsim, tmp_path):
    """Of a cycle longer than the quota LRU hits nothing; OPT keeps what it can; adaptive brings the rest along."""
    trace = loop(tmp_path / "loop")
    fifo, lru, opt, adaptive = rows(run(mapsim, "--policy", "fifo,lru,opt,adaptive", "--quota", "21", trace))
    assert int(fifo["hits"]) == int(lru["hits"]) == 0
    assert int(lru["inv_waits"]) == int(lru["evictions"]) == int(lru["mapped"]) == 960
    assert int(opt["hits"]) >= 960 * 19 / 40 - 40
    assert int(adaptive["hypercalls"]) < int(opt["hypercalls"]) / 2


def test_warmup(mapsim, tmp_path):
    trace = loop(tmp_path / "loop")
    maps = [int(rows(run(mapsim, "--policy", "fifo", "--quota", "50", "--warmup", part, trace))[0]["maps"]) for part in ("0", "0.5")]
    assert maps == [1201, 600]


def test_forms_of_a_trace(mapsim, tmp_path):
    """Text, our binary form and both compressed give the same figures."""
    text = loop(tmp_path / "loop")
    run(mapsim, "--export", "binary", "--output", f"{text}.slt", text)
    subprocess.run(["zstd", "-q", text, f"{text}.slt"], check=True)
    forms = [text, f"{text}.zst", f"{text}.slt", f"{text}.slt.zst"]
    found = rows(run(mapsim, "--policy", "sieve", "--quota", "20", *forms))
    assert [row["trace"] for row in found] == forms
    assert len({tuple(list(row.values())[1:]) for row in found}) == 1
    assert pathlib.Path(f"{text}.slt").stat().st_size * 5 < pathlib.Path(text).stat().st_size


def test_for_libcachesim(mapsim, tmp_path):
    text = loop(tmp_path / "loop", pages=3, rounds=2)
    run(mapsim, "--export", "csv", "--output", f"{text}.csv", text)
    lines = pathlib.Path(f"{text}.csv").read_text(encoding="ascii").splitlines()
    assert lines[:3] == ["time,object,size,next_access", "0,1,1,-1", "0,256,1,4"] and len(lines) == 8
    run(mapsim, "--export", "oracleGeneral", "--output", f"{text}.oracle", text)
    data = pathlib.Path(f"{text}.oracle").read_bytes()
    assert len(data) == 7 * 24
    assert int.from_bytes(data[28:36], "little") == 256 and int.from_bytes(data[40:48], "little") == 4


def test_json(mapsim, tmp_path):
    import json
    trace = loop(tmp_path / "loop")
    found = json.loads(run(mapsim, "--policy", "lru,csra", "--quota", "20", "--json", trace).stdout)
    assert [row["policy"] for row in found] == ["lru", "csra"] and found[0]["floor"] == 2 and found[0]["working_set"] == 41


# Of each kind of guess one that it has to find: cycles, stacks, straddling blocks, blocks taken at random, none at all, and several at once.
MADE_UP = "ring,there-and-back,straddling8-queue,blocks4-stack,straddling5-random,zipf,uniform,mix-two-rings,files-cycle"


def test_adaptive_on_made_up_traces(mapsim, tmp_path):
    """The bounds that adaptive is held to, on workloads it was not tuned on one by one."""
    made = [ROOT / "tools/mapsim/make_traces.py", tmp_path, "--seed", "7", "--maps", "20000", "--only", MADE_UP]
    subprocess.run(made, check=True)
    traces = sorted(map(str, tmp_path.glob("*.txt")))
    assert len(traces) == MADE_UP.count(",") + 1
    done = subprocess.run([ROOT / "tools/mapsim/score.py", mapsim, *traces], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


BAD_LINES = {
    "5 M f000 1000 4096": "direction",
    "5 X f000 1000 4096 T": "neither M nor U",
    "5 M f000 1001 4096 T 0 60": "page boundary",
    "5 M f000 1000 100 T 0 60": "multiple of 4096",
    "5 M f000 zz 4096 T 0 60": "hexadecimal",
    "five M f000 1000 4096 T 0 60": "time",
    "5 U f000 1000 4096 T 0": "last field",
}


@pytest.mark.parametrize("line", BAD_LINES)
def test_bad_line(mapsim, tmp_path, line):
    trace = loop(tmp_path / "loop")
    with open(trace, "a", encoding="ascii") as out:
        out.write(line + "\n")
    error = run(mapsim, "--policy", "fifo", "--quota", "20", trace, status=2).stderr
    assert error.count("\n") == 1 and "line 2404:" in error and BAD_LINES[line] in error


@pytest.mark.parametrize("words,expected", [
    (["--policy", "mru", "--quota", "9"], "unknown policy mru; known: fifo lru clock"),
    (["--policy", "fifo", "--quota", "1"], "below the floor: 2 pages"),
    (["--policy", "fifo", "--quota", "x"], "--quota x"),
    (["--policy", "fifo", "--quota", "9", "--batch", "7"], "known: 1 16 64 natural"),
    (["--policy", "fifo", "--quota", "9", "--prefetch", "17"], "0 to 16"),
    (["--policy", "fifo", "--quota", "9", "--warmup", "1"], "--warmup 1"),
    (["--quota", "9"], "--policy and --quota"),
])
def test_refused(mapsim, tmp_path, words, expected):
    error = run(mapsim, *words, loop(tmp_path / "loop"), status=2).stderr
    assert error.count("\n") == 1 and expected in error


def test_damaged_files(mapsim, tmp_path):
    text = loop(tmp_path / "loop")
    run(mapsim, "--export", "binary", "--output", f"{text}.slt", text)
    whole = pathlib.Path(f"{text}.slt").read_bytes()
    subprocess.run(["zstd", "-q", text], check=True)
    packed = pathlib.Path(f"{text}.zst").read_bytes()
    for name, data in (("cut", whole[:200]), ("zcut", packed[:200]), ("empty", b""), ("head", whole[:20])):
        path = tmp_path / name
        path.write_bytes(data)
        assert run(mapsim, "--policy", "fifo", "--quota", "20", str(path), status=2).stderr.count("\n") == 1
    assert "No such file" in run(mapsim, "--policy", "fifo", "--quota", "20", str(tmp_path / "none"), status=2).stderr
