# SPDX-License-Identifier: MIT
"""A boot's results as a table: a row for each measured window, with the machine and what was asked for in each row."""

import csv
import io

import cases

MACHINE = ("commit", "machine", "maker", "cpu", "cpu_id", "firmware", "firmware_vendor", "firmware_version")
MACHINE += ("cpus", "tsc_hz", "units", "cap", "ecap", "seed")
SEALS = ("sluice", "seq", "crc")
END = ("end", "status", "windows")


def columns(dictionaries):
    """Every key, in the order in which they come first."""
    keys = dict.fromkeys(key for one in dictionaries for key in one)
    return [key for key in keys if key not in SEALS]


def flat(record):
    """Its values, those of an object inside under names of their own: figures_p99."""
    for key, value in record.items():
        if isinstance(value, dict):
            yield from ((f"{key}_{inner}", one) for inner, one in value.items())
        elif key not in SEALS:
            yield key, value


def rows(records):
    boot = next((record for record in records if record["sluice"] == "boot"), {})
    machine = {key: boot.get(key) for key in MACHINE}
    for case in cases.group(records):
        asked = {f"asked_{key}": value for key, value in case.asked.items() if key not in SEALS + ("case",)}
        end = {key: (case.end or {}).get(key) for key in END}
        for result in case.results or [{}]:
            yield {"case": case.asked.get("case"), **machine, **asked, **end, **dict(flat(result))}


def table(lines):
    """Rows as CSV text; what does not apply is empty."""
    lines = list(lines)
    out = io.StringIO()
    writer = csv.DictWriter(out, columns(lines), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue()
