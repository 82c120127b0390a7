# SPDX-License-Identifier: MIT
"""The traces of DMA maps that a console carries (trace=EVENTS,dump), and their compact form."""

import base64
import dataclasses
import struct

import records

MAGIC = b"SLTRACE1"
DIRECTIONS = "RTCB?"


class BadTrace(Exception):
    """A trace that the console did not bring whole."""


@dataclasses.dataclass
class Trace:
    number: int  # of the case, from 1
    case: dict  # its record
    data: bytes  # what mapsim reads


def of_records(found):
    """The traces among a console's records, each with its case."""
    number, case, parts = 0, {}, []
    for record in found:
        if record["sluice"] == "case":
            number, case = number + 1, record
        if record["sluice"] != "trace":
            continue
        if record["part"] != len(parts) + 1:
            raise BadTrace(f"case {number}: part {len(parts) + 1} of {record['parts']} is missing")
        parts.append(base64.b64decode(record["data"], validate=True))
        if record["part"] == record["parts"]:
            yield Trace(number, case, b"".join(parts))
            parts = []
    if parts:
        raise BadTrace(f"case {number}: the console ends after {len(parts)} parts")


def of_log(lines):
    found = []
    for line in lines:
        try:
            record = records.parse(records.clean(line))
        except records.BadRecord as error:
            raise BadTrace(str(error)) from None
        if record:
            found.append(record)
    return list(of_records(found))


def events(data):
    """(time in us, "M" or "U", page, pages, direction) for each event."""
    if data[:8] != MAGIC:
        raise BadTrace("no trace: it does not begin with its magic")
    count, base, pages = struct.unpack_from("<QQQ", data, 8)
    at, time, page = 32, 0, 0
    for _ in range(count):
        numbers = []
        for _ in range(3):
            value = shift = 0
            while True:
                byte = data[at]
                at += 1
                value |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
            numbers.append(value)
        time += numbers[0] >> 1
        page += numbers[1] >> 1 ^ -(numbers[1] & 1)
        assert 0 <= page < pages
        yield time, "MU"[numbers[0] & 1], base + page, numbers[2] >> 3, DIRECTIONS[numbers[2] & 7]
    if at != len(data):
        raise BadTrace(f"{len(data) - at} bytes behind the last of {count} events")
