# SPDX-License-Identifier: MIT
"""What a boot must look like, in the words of a test."""

import re

import cases
import launch

NIC = "00:03.0"
BLOCKED, NO_WRITE, NO_READ = 2, 5, 6  # VT-d's fault reasons
# The NIC is reset once the next guest's memory is there. A large one leaves time for something to come in before.
LATE = "mem=256M"
# Of a calibrate record: what the guest measures, and the hypervisor.
GUEST = ("clock", "hypercall", "nested_fault", "miss", "miss_evict", "register_write", "interrupt", "interrupt_exit")
QUEUE = ("inv_wait", "inv_page", "inv_domain", "inv_global")
PRICES = GUEST + QUEUE
MISSES, INTERRUPTS = ("miss", "miss_evict"), ("interrupt", "interrupt_exit")
FAULT = re.compile(
    r"unit (?P<unit>\d+): fault: (?P<device>[0-9a-f:.]+) (?P<access>read|write) at "
    r"0x(?P<address>[0-9a-f]+): .* \(reason 0x(?P<reason>[0-9a-f]+)\)"
)


def line_with(result, *texts):
    """One line of the log holds all of the texts."""
    for line in result.log.splitlines():
        if all(text in line for text in texts):
            return line
    raise AssertionError(f"no line with {' and '.join(map(repr, texts))}")


def refused(result, *texts):
    """Said in one line that holds all of the texts, with the refusal's own status, and nothing worse happened."""
    line_with(result, *texts)
    assert result.status == launch.STATUS_REFUSED, result.status_text()
    assert not result.bad_records
    assert "panic" not in result.log.lower()


def held(result, count=None):
    """Every case held; returns them. count: how many there must be."""
    ran = cases.group(result.records)
    assert not result.bad_records, result.bad_records
    assert [case.why() for case in ran if not case.held] == []
    assert result.status == launch.STATUS_OK, result.status_text()
    assert cases.closing(result.records)["failed"] == 0
    if count is not None:
        assert len(ran) == count
    return ran


def failed(result):
    """The guest failed and the hypervisor did not: the case's own status, and an end record."""
    assert result.status == launch.STATUS_CASE_FAILED, result.status_text()
    assert not result.bad_records, result.bad_records
    assert cases.closing(result.records)["failed"] >= 1
    return cases.group(result.records)


def faults(result):
    """The faults the log decodes, as dictionaries of numbers."""
    found = []
    for match in FAULT.finditer(result.log):
        fields = match.groupdict()
        fields["address"], fields["reason"] = int(fields["address"], 16), int(fields["reason"], 16)
        found.append(fields)
    return found


def addresses_said(result, workload):
    """What the guest said it would reach for: `probe_x: the device reads 0x...`."""
    pattern = rf"{workload}: the device (?:reads|writes|reads and writes) 0x([0-9a-f]+)"
    return [int(address, 16) for address in re.findall(pattern, result.log)]


def probe_faults(result, workload, reasons):
    """Every fault is this device's, at an address the guest named, for a reason it can have; returns them."""
    named = [address & ~0xFFF for address in addresses_said(result, workload)]
    found = faults(result)
    assert named
    assert found, "no fault was recorded"
    for fault in found:
        assert fault["device"] == NIC
        assert fault["address"] in named
        assert fault["reason"] in reasons
        assert (fault["reason"] == NO_WRITE) == (fault["access"] == "write")
    assert sum(case.end["faults_total"] for case in cases.group(result.records)) >= len(found)
    assert "panic" not in result.log.lower()
    return found


def no_faults(result):
    assert faults(result) == []
    for case in cases.group(result.records):
        assert case.end is None or case.end["faults_total"] == 0


def held_guests(result):
    """Each guest ended well; it need not have measured anything."""
    ran = cases.group(result.records)
    assert not result.bad_records, result.bad_records
    assert [(case.work, case.end["end"], case.end["status"]) for case in ran] == [
        (case.work, "exit", 0) for case in ran
    ]
    assert result.status == launch.STATUS_OK, result.status_text()
    return ran


def calibrated(result, nulls=()):
    """The one record, in which these prices, and no others, are null; of the others what must be."""
    (case,) = held_guests(result)
    no_faults(result)
    record = case.calibration
    assert {key for key in PRICES if record[key] is None} == set(nulls)
    for key in set(PRICES) - set(nulls):
        spread = record[key]
        assert 0 < spread["min"] <= spread["median"] <= spread["p99"]
        assert 0 < spread["times"] <= 512
        assert spread["times"] == 512 or key in MISSES
    return record
