# SPDX-License-Identifier: MIT
"""Commands typed on the serial line of a real boot."""

import re

import pytest

import launch
import serial_line
import trace_log


@pytest.fixture
def shell(build):
    lines = []

    def start(*words, **settings):
        settings = {"peer": False, "network": "none", "deadline": 90, **settings}
        machine = launch.Machine(words=["exit=qemu", "shell", *words], build=build, **settings)
        lines.append(serial_line.Line(machine))
        return lines[-1].ready()

    yield start
    for line in lines:
        line.close()


def test_without_any_case(shell):
    line = shell()
    assert b'"sluice":"case"' not in line.said
    assert "no case has run" in line.ask("status")
    assert "run WORKLOAD" in line.ask("stats")
    for name in ("status", "results", "reboot"):
        assert name in line.ask("help")
    assert "strategy" in line.ask("help options")
    line.type(b"exit\r")
    assert line.end() == launch.STATUS_OK


def test_cases_then_commands(shell):
    line = shell("work=loopback", "strategy=direct", "guest=frames=100")
    assert line.said.count(b'"sluice":"result"') == 1
    assert "loopback direct: the guest ended, status 0" in line.ask("status")
    assert "200 packets" in line.ask("stats")
    before = line.said.count(b'"sluice":"boot"')
    again = line.ask("results 1 2")
    assert again.count('"sluice":"boot"') == 1 and '"seq":2,' in again and '"seq":3,' not in again
    assert line.said.count(b'"sluice":"boot"') == before + 1
    assert '"sluice":"kept","first":1,"last":6' in again


def test_set_and_run(shell):
    line = shell()
    assert line.ask("set strategy=direct guest=ms=20") == ""
    assert "strategy=direct" in line.ask("set")
    assert "did you mean direct" in line.ask("set strategy=drect")
    assert "no such option" in line.ask("set quotta=10%")
    assert "only at boot" in line.ask("set nic=auto")
    assert "unsafe-dma" in line.ask("set strategy=none")
    assert "strategy=direct" in line.ask("set")  # the wrong ones changed nothing
    ran = line.ask("run idle seed=77")
    assert '"strategy":"direct"' in ran and '"seed":77,' in ran and '"end":"exit"' in ran
    assert '"workload":"loopback"' in line.ask("run loopback quota=none guest=frames=100")
    assert '"cases":2,' in line.ask("run idle irq=poll,msi")
    assert "no plan of that name" in line.ask("run bench=fish")
    assert "seed=1" in line.ask("set")
    assert "blocked" in line.ask("domains")


def test_a_case_that_fails_is_not_the_end(shell):
    line = shell()
    assert "crash" in line.ask("run crash_fault")
    assert '"end":"exit"' in line.ask("run idle guest=ms=20")
    faults = line.ask("run probe_unmapped") + line.ask("faults")
    assert "DMA faults since boot" in faults and " 0 DMA faults since" not in faults
    line.type(b"exit\r")
    assert line.end() == launch.STATUS_CASE_FAILED


def free_megabytes(line):
    return int(re.search(r"(\d+) MiB of RAM free", line.ask("status")).group(1))


def test_the_last_trace_stays_until_the_next_guest(shell):
    line = shell()
    assert "nothing is recorded" in line.ask("trace")
    assert "trace on, then run" in line.ask("trace dump")
    assert "1K to 64M" in line.ask("trace on 5") and "is too much" in line.ask("trace off now") and "off, dump" in line.ask("trace of")
    assert line.ask("trace on 2K") == "" and "last 2048 maps" in line.ask("trace")
    printed = line.ask("run loopback trace=64K,dump guest=frames=500")
    ran = line.ask("run loopback trace=64K guest=frames=500")
    assert '"sluice":"trace"' in printed and '"sluice":"trace"' not in ran
    kept_in = free_megabytes(line)
    (first,), (again,), (kept,) = (trace_log.of_log(text.splitlines()) for text in (printed, line.ask("trace dump"), line.ask("trace dump")))
    assert again.data == kept.data
    # Their times apart, as both ran the same.
    assert [event[1:] for event in trace_log.events(first.data)] == [event[1:] for event in trace_log.events(kept.data)]
    assert line.ask("trace off") == ""
    assert '"end":"exit"' in line.ask("run loopback guest=frames=500")
    assert "trace on, then run" in line.ask("trace dump")
    assert free_megabytes(line) > kept_in
    # A guest's whole RAM in one piece, three times: nothing of it stays behind.
    for _ in range(3):
        assert '"end":"exit"' in line.ask("run loopback trace=1M mem=256M guest=frames=500")


def test_wrong_commands(shell):
    line = shell()
    assert "did you mean status" in line.ask("sttus")
    assert "takes nothing" in line.ask("status now")
    assert "not a number" in line.ask("results x")
    assert line.ask("") == ""
    assert "longer than 255 bytes" in line.ask("set guest=" + "x" * 300)
    assert "came damaged" in line.ask("stat\x00us")
    line.type(b"\xf0\x9f\x92\xa9garbage\x15")  # ^U: noise is gone
    assert "no case has run" in line.ask("status")


def test_editing(shell):
    line = shell()
    line.type(b"sttus\x1b[D\x1b[D\x1b[Da\x01\x05")
    assert "no case has run" in line.ask("")
    begin = len(line.said)
    line.type(b"half a line\x03")
    line.wait_for(serial_line.PROMPT, begin + len(line.wait_for(b"^C", begin)))
    assert "no case has run" in line.ask("\x1b[A")  # the last command again


def test_control_c_stops_between_cases(shell):
    line = shell()
    line.type(b"run idle irq=poll,msi rounds=50 guest=ms=200\r")
    line.wait_for(b'"sluice":"case_end"')
    begin = len(line.said)
    line.type(b"\x03")
    text = line.wait_for(serial_line.PROMPT, begin)
    assert b"stopped by ^C: resume=" in text
    assert text.count(b'"sluice":"case_end"') <= 3


def test_reboot(shell):
    line = shell("exit=halt")
    line.type(b"reboot\r")
    assert line.end() == 0  # -no-reboot: QEMU ends
    assert b'"code":16' in line.said


def test_on_uefi_the_record_says_so(shell):
    line = shell(firmware="efi")
    assert b'"firmware":"uefi","firmware_vendor":"' in line.said
    assert b'"firmware_vendor":"","' not in line.said
