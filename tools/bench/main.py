#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make bench BENCH=quick|paper|full|FILE: the papers' comparison, from boots of this image, as records, table and pictures.

Real traffic under the plan's configurations, round by round; and the plan `exact`, whose cases need no peer, twice under a clock
that counts instructions: both runs must be the same byte for byte. Writes out/bench. Ends with 1 when a case failed.
"""

import argparse
import concurrent.futures
import json
import pathlib
import sys
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parents[1])]
sys.dont_write_bytecode = True
import cases as grouping  # noqa: E402
import claims  # noqa: E402
import launch  # noqa: E402
import model  # noqa: E402
import page  # noqa: E402
import pictures  # noqa: E402
import records  # noqa: E402
import results_csv  # noqa: E402
import rows  # noqa: E402

UNSAFE = ["unsafe-dma", "unsafe-native"]
HOURS = {"quick": 0.5, "paper": 6, "full": 48}
HOURS_OF_A_FILE = 12
MACHINE = ("machine", "cpu", "firmware", "tsc_hz", "cap", "ecap", "commit", "seed")


def machine(options, name, words, hours, **settings):
    """A boot, told case by case."""
    start = time.monotonic()

    def tell(record):
        if record["sluice"] == "case" and (record["case"] % 10 == 1 or record["case"] == record["of"]):
            print(f"  {time.monotonic() - start:5.0f} s  {name}: case {record['case']} of {record['of']}", flush=True)

    return launch.Machine(
        words=["exit=qemu", "progress=off", *words, *UNSAFE],
        build=options.build,
        deadline=hours * 3600,
        log_path=options.out / f"{name}.log",
        on_record=tell,
        **settings,
    )


def boot_all(options):
    modules = [options.build / "guest.elf", *([options.bench] if options.plan not in HOURS else [])]
    words = [f"bench={options.plan}", f"rounds={options.rounds}"]
    boots = {"traffic": machine(options, "traffic", words, HOURS.get(options.plan, HOURS_OF_A_FILE), modules=modules).run()}
    still = {"icount": True, "peer": False, "network": "none"}
    # Each on a CPU of its own: what they count is not time.
    with concurrent.futures.ThreadPoolExecutor() as pool:
        runs = {name: pool.submit(machine(options, name, ["bench=exact"], HOURS["quick"], **still).run) for name in ("exact", "exact-again")}
        boots.update({name: run.result() for name, run in runs.items()})
    return boots


def failures(boots):
    found = []
    for name, boot in boots.items():
        ran = grouping.group(boot.records)
        planned = next((record["cases"] for record in boot.records if record["sluice"] == "plan"), None)
        found += [f"{name}: {case.why()} {case.args}".rstrip() for case in ran if not case.held]
        found += [f"{name}: {text}" for text in boot.bad_records]
        if planned is None or len(ran) != planned:
            found.append(f"{name}: {len(ran)} of {planned} cases ran; {boot.status_text()}")
    if boots["exact"].log != boots["exact-again"].log:
        found.append("exact: two runs under a counting clock differ: see exact.log and exact-again.log")
    return found


def write_records(options, boots):
    with open(options.out / "results.jsonl", "w", encoding="utf-8") as file:
        for name, boot in boots.items():
            file.write(records.seal({"sluice": "part", "name": name, "status": boot.status, "seconds": round(boot.seconds, 1)}) + "\n")
            for record in boot.records:
                file.write(json.dumps(record, separators=(",", ":")) + "\n")
    lines = [{"part": name, **row} for name in ("traffic", "exact") for row in results_csv.rows(boots[name].records)]
    (options.out / "results.csv").write_text(results_csv.table(lines), encoding="utf-8")
    # Apart from what was measured: counts times prices (docs/costs.md).
    lines = [{"part": name, **row} for name in ("traffic", "exact") for row in model.rows(grouping.group(boots[name].records))]
    (options.out / "model.csv").write_text(results_csv.table(lines), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description="the papers' comparison")
    parser.add_argument("--build", type=pathlib.Path, default=launch.ROOT / "build")
    parser.add_argument("--out", type=pathlib.Path, default=launch.ROOT / "out" / "bench")
    parser.add_argument("--rounds", type=int, default=2, help="of the traffic")
    parser.add_argument("bench", nargs="?", default="quick", help=f"{', '.join(HOURS)}, or a file with a plan (docs/console.md)")
    options = parser.parse_args()
    options.plan = pathlib.Path(options.bench).name
    if options.bench not in HOURS and not pathlib.Path(options.bench).is_file():
        sys.exit(f"bench: {options.bench}: neither one of {', '.join(HOURS)} nor a file with a plan")
    options.out.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    try:
        boots = boot_all(options)
    except launch.LaunchError as error:
        sys.exit(f"bench: {error}")
    failed = failures(boots)
    write_records(options, boots)
    traffic, exact = (rows.of_boot(name, boots[name].records) for name in ("traffic", "exact"))
    held = claims.of_rows(traffic, exact)
    drawn = pictures.draw_all(traffic, exact, options.out)
    about = next((record for record in boots["traffic"].records if record["sluice"] == "boot"), {})
    text = page.page(options.plan, {key: about.get(key) for key in MACHINE}, traffic, exact, held, drawn)
    (options.out / "index.html").write_text(text, encoding="utf-8")
    for claim in held:
        print(f"{ {True: 'shown', False: 'NOT SHOWN', None: 'no rows'}[claim.shown]:10} {claim.text}\n           {claim.numbers}")
    print(f"\n{time.monotonic() - start:.0f} s, of these {boots['traffic'].seconds:.0f} s for bench={options.plan}. {len(drawn)} pictures, "
          f"records and the page: {options.out}/index.html")
    if failed:
        sys.exit("FAILED:\n  " + "\n  ".join(failed))
    print("Every case held.")


if __name__ == "__main__":
    main()
