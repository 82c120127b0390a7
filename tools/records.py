# SPDX-License-Identifier: MIT
"""What the console says: log lines, and result records with a checksum each."""

import json
import re
import zlib

# OVMF and GRUB draw on the serial line before Sluice owns it.
ESCAPES = re.compile(r"\x1b(\[[0-9;?=]*[A-Za-z]|[()][A-Za-z0-9])")
RECORD = re.compile(r'\{"sluice":.*\}')
CRC = re.compile(r',"crc":"([0-9a-f]{8})"\}$')
LOG = re.compile(r"^\[\s*(\d+\.\d+)\] (\w+) ([^:]+): (.*)$")


class BadRecord(Exception):
    """A record that the serial line damaged, or that was never right."""


# The status line, which the next line takes the place of.
ERASE = "\r\x1b[K"


def clean(line):
    return ESCAPES.sub("", line.rsplit(ERASE, 1)[-1].replace("\r", ""))


def parse(line):
    """The record in this line as a dictionary, None when there is none. BadRecord for a damaged one."""
    found = RECORD.search(line)
    if not found:
        if '{"sluice":' in line:
            raise BadRecord(f"cut short: {line}")
        return None
    text = found.group(0)
    crc = CRC.search(text)
    if not crc:
        raise BadRecord(f"no crc: {text}")
    actual = f"{zlib.crc32(text[: crc.start()].encode()):08x}"
    if actual != crc.group(1):
        raise BadRecord(f"crc is {crc.group(1)}, the bytes give {actual}: {text}")
    try:
        return json.loads(text)
    except ValueError as error:
        raise BadRecord(f"{error}: {text}") from None


def seal(fields):
    """A record of the host's own, in the same form."""
    body = json.dumps(fields, separators=(",", ":"))[:-1]
    return f'{body},"crc":"{zlib.crc32(body.encode()):08x}"}}'


def log_fields(line):
    """(seconds, level, module, text) of a log line, None for any other."""
    found = LOG.match(line)
    return (float(found.group(1)),) + found.groups()[1:] if found else None
