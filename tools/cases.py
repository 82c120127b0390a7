# SPDX-License-Identifier: MIT
"""A boot's records, case by case: what was asked for, the measured window, and how the guest ended."""

import dataclasses


@dataclasses.dataclass
class Case:
    asked: dict  # the case record
    results: list = dataclasses.field(default_factory=list)
    calibration: dict | None = None  # the calibrate record of work=calibrate, which has no windows
    end: dict | None = None  # the case_end record; None: the boot ended first

    @property
    def work(self):
        return self.asked["workload"]

    @property
    def args(self):
        """The workload's own arguments, as in work=NAME:KEY=VALUE; "" without any."""
        return self.asked.get("args", "").replace(",", ":")

    @property
    def strategy(self):
        return self.asked["strategy"]

    @property
    def quota(self):
        """As on the command line; None where a quota does not apply."""
        return self.asked["quota"]

    @property
    def irq(self):
        return self.asked["irq"]

    @property
    def guest(self):
        """vm, or native: without virtualization."""
        return self.asked.get("guest", "vm")

    @property
    def config(self):
        quota, irq = f" {self.quota}" if self.quota else "", "" if self.irq == "poll" else f" {self.irq}"
        return self.strategy + quota + irq + ("" if self.guest == "vm" else f" {self.guest}")

    @property
    def result(self):
        """The last window; None when the guest did not get that far."""
        return self.results[-1] if self.results else None

    @property
    def floor(self):
        """Pages that must be resident at once, as the guest declared it; 0 when it did not."""
        return (self.end or {}).get("floor", 0)

    @property
    def held(self):
        return bool(
            self.end and self.end["end"] == "exit" and self.end["status"] == 0
            and (self.results or self.calibration)
        )

    def why(self):
        if self.held:
            return ""
        if self.end is None:
            return f"{self.work} {self.config}: the boot ended in it"
        return f"{self.work} {self.config}: {self.end['end']}, status {self.end['status']}"


def group(records):
    """The cases of one boot, in order."""
    cases = []
    for record in records:
        kind = record["sluice"]
        if kind == "case":
            cases.append(Case(record))
        elif kind == "result" and cases:
            cases[-1].results.append(record)
        elif kind == "calibrate" and cases:
            cases[-1].calibration = record
        elif kind == "case_end" and cases:
            cases[-1].end = record
    return cases


def closing(records):
    """The end record, or None when the boot did not come so far."""
    return next((record for record in records if record["sluice"] == "end"), None)


def select(cases, **fields):
    """Cases with these attributes, as in select(cases, work="echo", strategy="direct")."""
    return [
        case for case in cases if all(getattr(case, key) == value for key, value in fields.items())
    ]
