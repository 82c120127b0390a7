# SPDX-License-Identifier: MIT
"""The machine's serial line, read as it comes: to a log file, to callbacks, and into records."""

import pathlib
import queue
import threading
import time

import records


TAIL_SECONDS = 0.02


class Console:
    """Reads the serial line as it comes: to the log file, the callback and the record parser."""

    def __init__(self, path, on_line, on_record):
        self.lines, self.records, self.bad = [], [], []
        self.on_line, self.on_record = on_line, on_record
        if path:
            pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
        self.file = open(path, "w", encoding="utf-8", newline="") if path else None

    def follow(self, stream, until):
        """True when the stream ended before the deadline."""
        chunks = queue.Queue()
        threading.Thread(target=read_all, args=(stream, chunks), daemon=True).start()
        rest = b""
        while True:
            try:
                chunk = chunks.get(timeout=max(0, until - time.monotonic()))
            except queue.Empty:
                self.line(rest)
                return False
            if not chunk:
                self.line(rest)
                return True
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                self.line(line)

    def line(self, raw):
        text = records.clean(raw.decode("utf-8", errors="replace"))
        if not text:
            return
        self.lines.append(text)
        if self.file:
            self.file.write(text + "\n")
            self.file.flush()
        self.record(text)
        if self.on_line:
            self.on_line(text)

    def record(self, text):
        try:
            record = records.parse(text)
        except records.BadRecord as error:
            self.bad.append(str(error))
            return
        if record is None:
            return
        if self.records and record.get("seq", 0) != self.records[-1].get("seq", 0) + 1:
            self.bad.append(f"record {record.get('seq')} follows {self.records[-1].get('seq')}")
        self.records.append(record)
        if self.on_record:
            self.on_record(record)

    def close(self):
        if self.file:
            self.file.close()


def read_all(stream, chunks):
    while chunk := stream.read1(1 << 16):
        chunks.put(chunk)
    chunks.put(b"")


class Tail:
    """A file that a process still writes, as a stream: it ends when the process has."""

    def __init__(self, path, process):
        self.file = open(path, "rb")
        self.process = process

    def read1(self, count):
        while True:
            # Asked first: what the process wrote before it ended is then there to be read.
            ended = self.process.poll() is not None
            data = self.file.read(count)
            if ended and not data:
                self.file.close()
            if data or ended:
                return data
            time.sleep(TAIL_SECONDS)
