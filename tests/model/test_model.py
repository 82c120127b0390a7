# SPDX-License-Identifier: MIT
"""evict.pml, every interleaving of it: the protocol holds in each flavour, and each way to break it is found out.

Spin makes a C program of the model, and that program looks at every state there is. What it printed is in
build/model/CASE/pan.log.
"""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("SLUICE_BUILD", "build")
MODEL = ROOT / "tests/model/evict.pml"
SECONDS = 120
DEPTH = 1000000  # steps of one run; each takes 64 bytes

# pan with every assertion, deadlocks included; or besides with what must come to an end.
SAFETY = (["-DSAFETY", "-DNOCLAIM"], [])
ENDING = (["-DNFAIR=3"], ["-a", "-f"])

# Room for one of two pages, where nothing else is said.
THREE = ["-DPAGES=3", "-DQUOTA=2", "-DRIGHTS=1"]
ROOMY = ["-DQUOTA=2", "-DRIGHTS=1", "-DKEEPER=1"]
FLAVOURS = {
    "strict": (SAFETY, ["-DFLUSH=STRICT", "-DKEEPER=1"]),
    "batch": (SAFETY, ["-DFLUSH=BATCH", *THREE]),
    "deferred": (SAFETY, ["-DFLUSH=DEFERRED"]),
    "deferred-three": (SAFETY, ["-DFLUSH=DEFERRED", *THREE]),
    "deferred-roomy": (SAFETY, ["-DFLUSH=DEFERRED", *ROOMY]),
    "hostile-strict": (SAFETY, ["-DFLUSH=STRICT", "-DHOSTILE", "-DKEEPER=1"]),
    "hostile-batch": (SAFETY, ["-DFLUSH=BATCH", "-DHOSTILE", *THREE]),
    "hostile-deferred": (SAFETY, ["-DFLUSH=DEFERRED", "-DHOSTILE", "-DKEEPER=1"]),
    "ends-strict": (ENDING, ["-DFLUSH=STRICT", "-DRIGHTS=1", "-DKEEPER=1"]),
    "ends-deferred": (ENDING, ["-DFLUSH=DEFERRED", "-DRIGHTS=1", "-DKEEPER=1"]),
}

FAULT, REUSE, QUOTA = "assertion violated dma_fault", "assertion violated used_again", "assertion violated over_quota"
ENDLESS = "acceptance cycle"
BROKEN = {
    "REFERENCE_AFTER_LOOK": (SAFETY, [], FAULT),
    "REFERENCE_AFTER_CALL": (SAFETY, [], FAULT),
    "UNMAP_BEFORE_END": (SAFETY, [], FAULT),
    "GRANT_BEFORE_ENTRY": (SAFETY, [], FAULT),
    "GRANT_BEFORE_TOKEN": (SAFETY, [], FAULT),
    "WORDS_BELIEVED": (SAFETY, ["-DHOSTILE", "-DKEEPER=1"], QUOTA),
    "LOOK_THEN_STORE": (SAFETY, [], FAULT),
    "CLEAR_BEFORE_TAKE": (SAFETY, [], FAULT),
    "NEVER_TRIED_AGAIN": (ENDING, ["-DRIGHTS=1"], ENDLESS),
    "INVALIDATE_THEN_CLEAR": (SAFETY, [], REUSE),
    "NO_INVALIDATION": (SAFETY, [], REUSE),
    "NO_WAIT": (SAFETY, [], REUSE),
    "LAST_TOKEN": (SAFETY, [], REUSE),
    "REVIVED": (SAFETY, ["-DFLUSH=DEFERRED", *ROOMY], REUSE),
    "NO_DOORBELL": (ENDING, ["-DRIGHTS=1"], ENDLESS),
}


def search(name, kind, options, optimise="-O1"):
    """What pan says of the model with these options."""
    folder = BUILD / "model" / name
    folder.mkdir(parents=True, exist_ok=True)
    flags, words = kind
    for command in (
        ["spin", "-a", *options, str(MODEL)],
        ["cc", optimise, "-w", "-DCOLLAPSE", *flags, "-o", "pan", "pan.c"],
        ["./pan", f"-m{DEPTH}", *words],
    ):
        done = subprocess.run(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}"
    (folder / "pan.log").write_text(done.stdout)
    return done.stdout


def errors(said):
    found = re.search(r"errors: (\d+)", said)
    assert found, said
    return int(found[1])


@pytest.mark.parametrize("name", FLAVOURS)
def test_the_protocol_holds(name):
    kind, options = FLAVOURS[name]
    said = search(name, kind, options)
    replay = f"to see the steps: cd {BUILD}/model/{name} && spin -t -p -g {' '.join(options)} {MODEL}"
    assert errors(said) == 0, f"{said}\n{replay}"
    for incomplete in ("Search not completed", "search depth too small", "out of memory"):
        assert incomplete not in said, said
    assert "Full statespace search" in said


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_protocol_is_found_out(name):
    kind, options, verdict = BROKEN[name]
    said = search(name.lower(), kind, [*options, f"-DBREAK={name}"], "-O0")
    assert errors(said) > 0 and verdict in said, said


def test_every_way_to_break_it_is_tried():
    named = re.findall(r"(?:RIGHT\(|WRONG\(|BREAK [!=]= )([A-Z_]{2,})", MODEL.read_text())
    assert set(named) == set(BROKEN)
