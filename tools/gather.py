# SPDX-License-Identifier: MIT
"""The records of one boot, by their numbers: which came, which are missing, and asking for these again."""

import time

import records

QUIET = 1.0  # seconds without a byte: whoever was asked has answered
AT_ONCE = 32  # records a request: a lost answer costs no more
NEW_LINE = b"\x15"  # ^U: whatever noise has typed so far is no part of the command


class GatherError(Exception):
    """What is there is not all; the text says what is missing."""


class Boot:
    """Lines as they came, by seq. Damaged ones count, and are otherwise nothing."""

    def __init__(self):
        self.lines = {}
        self.damaged = 0
        self.first = 1  # what is older has left the machine's memory
        self.last = 0  # the last record that there is, as far as is known
        self.answers = 0  # of the shell
        self.has_exit = False
        self.rest = b""

    def take(self, data):
        """Bytes from the line; returns how many new records they held."""
        *whole, self.rest = (self.rest + data).split(b"\n")
        return sum(self.take_line(raw.decode("ascii", errors="replace")) for raw in whole)

    def take_line(self, raw):
        text = records.clean(raw)
        try:
            record = records.parse(text)
        except records.BadRecord:
            self.damaged += 1
            return 0
        if record is None:
            return 0
        if record["sluice"] == "kept":
            self.answers += 1
            self.first, self.last = record["first"], max(self.last, record["last"])
            return 0
        return self.keep(record, records.RECORD.search(text).group(0))

    def keep(self, record, line):
        seq = record.get("seq", 0)
        if seq == 0 or self.lines.get(seq) == line:
            return 0
        if seq in self.lines:
            # Numbers begin anew with each boot, and only one boot is gathered: the latest.
            rest = self.rest
            self.__init__()
            self.rest = rest
        self.lines[seq] = line
        self.last = max(self.last, seq)
        self.has_exit |= record["sluice"] == "exit"
        return 1

    def missing(self):
        return [seq for seq in range(1, self.last + 1) if seq not in self.lines]

    def is_whole(self):
        """All are there, and it is known that these are all."""
        return bool(self.lines) and not self.missing() and (self.has_exit or self.answers > 0)

    def text(self):
        return "".join(self.lines[seq] + "\n" for seq in sorted(self.lines))


def ranges(numbers):
    """[(1, 3), (7, 7)] of 1, 2, 3, 7."""
    found = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def in_words(numbers):
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges(numbers))


def incomplete(boot, why):
    if not boot.lines:
        return GatherError(f"{why}: not one whole record came, {boot.damaged} damaged ones")
    missing = boot.missing()
    what = f"missing of {boot.last}: {in_words(missing)}" if missing else (
        f"{boot.last} records came, and whether more were sent is not known: no exit record")
    return GatherError(f"{why}: {what} ({boot.damaged} damaged lines)")


class Gatherer:
    """Listens, and asks for what is missing as soon as the line is quiet."""

    def __init__(self, line, tries, silence, say):
        self.line, self.tries, self.silence, self.say = line, tries, silence, say
        self.boot = Boot()
        self.requests = 0

    def listen(self):
        """Until the line is quiet; returns (bytes, new records), None at its end."""
        count = new = 0
        while True:
            data = self.line.read(QUIET)
            if data is None:
                return None
            if not data:
                return count, new
            count += len(data)
            new += self.boot.take(data)

    def ask(self):
        missing = self.boot.missing()
        first = missing[0] if missing else self.boot.last + 1
        run = ranges(missing)[0][1] if missing else first
        last = min(run, first + AT_ONCE - 1)
        self.requests += 1
        self.say(f"asking for records {first} to {last}" if missing else "asking whether there are more")
        self.line.write(NEW_LINE + f"results {first} {last}\r".encode())

    def run(self):
        """The boot, whole; GatherError when it cannot be had."""
        fruitless, heard = 0, time.monotonic()
        while True:
            result = self.listen()
            if self.boot.is_whole():
                return self.boot
            if result is None:
                raise incomplete(self.boot, "the line has ended")
            count, new = result
            now = time.monotonic()
            heard = now if count else heard
            if now - heard > self.silence:
                raise incomplete(self.boot, f"nothing came for {self.silence} s")
            # A machine that runs a case is silent, and answers later; noise in place of an answer counts.
            fruitless = 0 if new else fruitless + (count > 0)
            if any(seq < self.boot.first for seq in self.boot.missing()):
                raise incomplete(self.boot, f"the machine keeps no records before {self.boot.first}")
            if fruitless >= self.tries:
                raise incomplete(self.boot, f"{self.tries} requests brought nothing: the line is too bad")
            self.ask()


def from_log(data):
    boot = Boot()
    boot.take(data + b"\n")
    if not boot.is_whole():
        raise incomplete(boot, "the log is not whole")
    return boot
