# SPDX-License-Identifier: MIT
"""Both backends under one list of cases, and machines that have neither or only half of one."""

import pytest

import ktap
import launch
import machines

# What an emulator cannot be brought to do. A skip more is a case that nobody runs any longer.
SKIPPED = {
    "qemu": {
        "control.xsetbv_is_denied",
        "exceptions.sse_error",
        "exceptions.int1",
        "exceptions.alignment_check_is_seen_by_the_host",
        "svm.nested_cr3",
    },
    "bochs": {"walk.read_only_guest_tables"},
}
BACKEND = {"qemu": "svm", "bochs": "vmx"}
BOOTS = {"qemu": machines.qemu, "bochs": machines.bochs_}


def all_held(emulator, result, cpus):
    print(result.log, result.stderr)
    cases = ktap.parse(result.log)
    assert f"info test: {BACKEND[emulator]} on {cpus} CPUs" in result.log
    failed = [f"{case.name}: {case.said}" for case in cases if not case.held]
    assert not failed, "\n".join(failed)
    others = {case.name for case in cases if case.skipped == "another backend's"}
    alone = {case.name for case in cases if case.skipped == "needs more CPUs"}
    skipped = {case.name for case in cases if case.skipped} - others - alone
    assert skipped == SKIPPED[emulator]
    assert not any(name.startswith(BACKEND[emulator] + ".") for name in others)
    assert bool(alone) == (cpus == 1)
    if emulator == "qemu":
        assert result.status == launch.STATUS_OK, result.status_text()


@pytest.mark.parametrize("cpus", (1, 2))
@pytest.mark.parametrize("emulator", BOOTS)
def test_every_case_holds(build, emulator, cpus):
    all_held(emulator, BOOTS[emulator](build, cpus=cpus), cpus)


@pytest.mark.parametrize("emulator", BOOTS)
def test_flushes_are_asserted(debug_build, emulator):
    """Debug builds check at each entry that nothing stale is left in the TLB: no case of these brings one to light."""
    all_held(emulator, BOOTS[emulator](debug_build, cpus=2), 2)


@pytest.mark.parametrize("cpus", (1, 2))
@pytest.mark.parametrize("emulator", BOOTS)
def test_native(build, emulator, cpus):
    """The guest on the bare machine. Only a call leaves it there, so its cases are its own."""
    result = BOOTS[emulator](build, machines.NATIVE, cpus=cpus)
    print(result.log, result.stderr)
    ran = ktap.parse(result.log)
    assert f"info test: native on {cpus} CPUs" in result.log
    assert [f"{case.name}: {case.said}" for case in ran if not case.held] == []
    assert {case.skipped for case in ran} == ({None} if cpus == 2 else {None, "needs more CPUs"})
    assert len(ran) > 10


def test_firmware_that_leaves_vmx_unlocked(build):
    """SeaBIOS leaves IA32_FEATURE_CONTROL 0: it is set."""
    all_held("bochs", machines.bochs_(build, firmware="seabios"), 1)


@pytest.mark.parametrize("why", machines.REFUSALS)
def test_refusal(build, why):
    boot, words = machines.REFUSALS[why]
    (line,) = boot(build).lines("no hardware virtualization: ")
    assert words in line


@pytest.mark.parametrize("emulator", BOOTS)
def test_a_broken_backend_is_caught(broken_build, emulator):
    """Registers that are not switched: the next guest finds the last one's."""
    result = BOOTS[emulator](broken_build("fpu", "fpu_switch", "break_fpu.c"))
    failed = {case.name for case in ktap.parse(result.log) if not case.held}
    assert failed == {"state.a_new_guest_finds_nothing_in_the_fpu", "state.two_guests_have_their_own_fpu"}
    if emulator == "qemu":
        assert result.status == launch.STATUS_CASE_FAILED, result.status_text()


@pytest.mark.parametrize("log", ("", "1..2\nok 1 a\n", "1..2\nok 1 a\nok 3 b\n", "1..1\nok 1 a\nok 2 b\n"))
def test_lost_cases_are_missed(log):
    with pytest.raises(ValueError):
        ktap.parse(log)
