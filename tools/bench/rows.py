# SPDX-License-Identifier: MIT
"""Measured windows as rows: what was asked for, what was counted, and the figures that pictures and verdicts take from both."""

import dataclasses
import statistics

import cases as grouping
import model


@dataclasses.dataclass(frozen=True)
class Row:
    part: str
    asked: dict  # the case record
    result: dict
    tsc_hz: int
    modelled: dict  # model_low, ...: cycles a packet, never added to what was measured (docs/costs.md)

    def __getattr__(self, key):
        """What was counted, then what was asked for: row.maps, row.strategy."""
        if key in self.result:
            return self.result[key]
        if key in self.asked:
            return self.asked[key]
        raise AttributeError(key)

    @property
    def work(self):
        args = self.asked.get("args", "")
        return self.asked["workload"] + (":" + args.replace(",", ":") if args else "")

    @property
    def quota_text(self):
        return self.asked["quota"]

    @property
    def seconds(self):
        return self.result["tsc"] / self.tsc_hz

    @property
    def mbit(self):
        return self.result["bytes"] * 8 / self.seconds / 1e6

    @property
    def cpu(self):
        """The guest's CPU share, in percent (docs/records.md)."""
        return 100 * self.result["busy_tsc"] / self.result["tsc"]

    def a_packet(self, key):
        return self.result[key] / max(1, self.result["packets"])

    def a_thousand_maps(self, key):
        return 1000 * self.result[key] / max(1, self.result["maps"])

    @property
    def hit_percent(self):
        return 100 * self.result["hits"] / max(1, self.result["maps"])


def of_boot(part, records):
    boot = next((record for record in records if record["sluice"] == "boot"), None)
    ran = [case for case in grouping.group(records) if case.result]
    return [Row(part, case.asked, case.result, boot["tsc_hz"], model.columns(case)) for case in ran]


def select(rows, **wanted):
    """Rows with these values; a value may be a tuple of several. quota is as it was written."""
    def fits(row, key, value):
        found = row.quota_text if key == "quota" else getattr(row, key, None)
        return found in value if isinstance(value, tuple) else found == value

    return [row for row in rows if all(fits(row, key, value) for key, value in wanted.items())]


def spread(rows, figure):
    """Median, lowest, highest; None without a row."""
    values = [figure(row) for row in rows]
    return (statistics.median(values), min(values), max(values)) if values else None
