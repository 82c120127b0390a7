# SPDX-License-Identifier: MIT
"""guest=native: the same image on the bare machine, the same engine below it, and not one exit."""

import pytest

import cases
import expect
from test_absent import COUNTS
from test_matrix import FACTORS

NATIVE = ["guest=native", "unsafe-native"]
NO_SVM = {"extra": ["-cpu", "max,-svm"]}
WARNING = "guest=native: ring 0 of this machine is the guest's, as unsafe-native allows"
WORKS = "loopback,check_rx,check_tx,echo,ping"
QUIET = {"peer": False, "network": "none"}
# All but exits: a virtual machine's guest leaves it to call, a native one does not.
SAME = [key for key in COUNTS if key != "exits"] + ["faults", "table_pages_peak"]


@pytest.fixture
def boot(boot):
    """On a busy machine each takes longer, and says the same."""
    return lambda words, **settings: boot(words, deadline=300, **settings)


def check(case):
    result = case.result
    assert case.asked["guest"] == result["guest"] == result["backend"] == "native"
    assert result["exits"] == 0
    assert set(case.end["exits_by_reason"]) <= {"host_interrupt"}
    assert result["maps"] >= result["packets"] > 0
    assert result["hits"] + result["misses"] == result["maps"]
    if case.strategy == "on-demand":
        assert result["resident_peak"] <= result["quota"]
    if case.quota == "w50%" and case.work in ("loopback", "check_tx"):
        assert result["hypercalls"] > 0
        assert result["evictions"] > 0
    elif case.quota != "w50%":
        assert [result[key] for key in ("hypercalls", "misses", "inv_waits")] == [0] * 3


@pytest.mark.parametrize("cpus", FACTORS["cpus"][:2])
def test_traffic(boot, cpus):
    words = [f"work={WORKS}", "strategy=none,direct,on-demand", "unsafe-dma", "quota=50%,w50%", "guest=bytes=24M"]
    result = boot([*NATIVE, *words], cpus=cpus)
    ran = expect.held(result, 20)
    expect.line_with(result, "warn main", WARNING)
    expect.no_faults(result)
    for case in ran:
        check(case)


def test_without_any_virtualization(boot):
    """Neither SVM nor VMX, and then no VT-d either."""
    words = [f"work={WORKS}", "quota=50%,w50%", "guest=bytes=24M"]
    for settings in ({}, {"iommu": False}):
        also = [] if settings == {} else ["unsafe-no-iommu"]
        result = boot([*NATIVE, *words, *also], **NO_SVM, **settings)
        for case in expect.held(result, 10):
            check(case)
        assert result.records[0]["units"] == (0 if also else 1)


def test_counts_are_those_of_a_virtual_machine(boot):
    words = ["work=loopback", "strategy=direct,on-demand", "quota=50%,w50%,w25%", "flush=batch"]
    result = boot(["guest=vm,native", "unsafe-native", *words], icount=True, **QUIET)
    ran = expect.held(result, 8)
    for vm, native in zip(ran[::2], ran[1::2]):
        assert (vm.result["backend"], native.result["backend"]) == ("svm", "native")
        assert [vm.result[key] for key in SAME] == [native.result[key] for key in SAME]
        assert vm.result["exits"] == vm.result["hypercalls"] == native.result["hypercalls"]
        assert native.result["exits"] == 0
    assert ran[-1].result["hypercalls"] > 100


def test_calls_are_those_of_a_virtual_machine(boot):
    """Where each map and unmap calls, or each map."""
    words = ["work=loopback", "guest=frames=3000", "mem=32M"]
    each = ["strategy=persistent,shared,single-use", "calls=single"]
    runs = (each, ["strategy=on-demand", "quota=w50%", "hits=exit", "wset=900"])
    for further in runs:
        result = boot(["guest=vm,native", "unsafe-native", *words, *further], icount=True, **QUIET)
        ran = expect.held(result)
        assert len(ran) >= 2
        for vm, native in zip(ran[::2], ran[1::2]):
            assert [vm.result[key] for key in SAME] == [native.result[key] for key in SAME]
            assert vm.result["exits"] == native.result["hypercalls"]
            assert native.result["exits"] == 0
        assert ran[-1].result["hypercalls"] > 100


def test_other_strategies(boot):
    words = ["work=check_rx,check_tx", "strategy=passthrough,persistent,shared,single-use", "unsafe-dma"]
    result = boot([*NATIVE, *words, "flush=deferred", "guest=bytes=24M"])
    for case in expect.held(result, 8):
        assert (case.result["backend"], case.result["exits"]) == ("native", 0)
        assert (case.result["hypercalls"] > 0) == (case.strategy in ("shared", "single-use"))
    expect.no_faults(result)


def test_loopback_is_exact(boot):
    words = [*NATIVE, "work=loopback", "strategy=direct,on-demand", "quota=50%,w50%"]
    first, second = (boot(words, icount=True, **QUIET) for _ in range(2))
    expect.held(first, 3)
    assert first.log == second.log


def test_guests_in_turn(boot):
    """Each has the machine to itself, and leaves it as it was: with SVM, without, and with SVM again."""
    words = ["guest=vm,native,vm", "unsafe-native", "work=check_tx", "quota=w50%", "wset=900", "guest=bytes=9M"]
    ran = expect.held(boot([*words, "rounds=2", "irq=poll,msi"]), 12)
    assert [case.result["backend"] for case in ran] == ["svm", "native", "svm"] * 4


def test_interrupts(boot):
    words = ["irq=msi", "quota=50%", "guest=bytes=24M,requests=2000"]
    result = boot([*NATIVE, *words, "work=check_rx,check_tx,http,echo,idle_net"])
    for case in expect.held(result, 5):
        assert (case.result["irq"], case.result["exits"]) == ("msi", 0)
    ran = cases.group(result.records)
    # Sleeps are calls; who has work to do does not sleep.
    assert sum(case.end["interrupts"] for case in ran) > 0
    assert cases.select(ran, work="idle_net")[0].result["hypercalls"] > 0


@pytest.mark.parametrize("sleep", ("wait", "hlt"))
def test_sleeps(boot, sleep):
    words = ["irq=msi", "quota=50%", f"guest=sleep={sleep},count=50"]
    for case in expect.held(boot([*NATIVE, *words, "work=ping,idle_net"]), 2):
        assert case.result["exits"] == 0


def test_no_interrupt_is_lost(boot):
    """probe_irq: one for each of 20 frames. probe_wake: none sleeps whose interrupt has come, by HLT nor by WAIT_UNTIL."""
    result = boot([*NATIVE, "irq=msi", "work=probe_irq,probe_wake"], peer=False)
    expect.held_guests(result)
    expect.line_with(result, "probe_irq: an interrupt for each of 20 frames")
    for how in ("HLT", "WAIT_UNTIL"):
        expect.line_with(result, f"probe_wake: {how} sleeps when it should, and only then")


@pytest.mark.parametrize("probe", ("probe_unmapped", "probe_hypervisor", "probe_vtd", "probe_evicted"))
def test_the_device_is_held_back(boot, probe):
    """VT-d does not care what ring the driver is in."""
    result = boot([*NATIVE, f"work={probe}", "quota=50%"], peer=False)
    expect.probe_faults(result, probe, {expect.NO_READ, expect.NO_WRITE})


CRASHES = {
    # What virtualization is not needed for. A port, an MSR, a wrong LIDT: nothing stops these (docs/security.md).
    "crash_fault": ("crash", ("page fault at 0x8, error 0x2", "no handlers")),
    "crash_wild": ("crash", ("page fault at 0x", "error 0x2")),
    "crash_virt": ("crash", ("invalid opcode",)),
    "crash_vmx": ("crash", ("invalid opcode",)),
    "crash_spin": ("deadline", ("heartbeat stood still for 2000 ms",)),
}


@pytest.mark.parametrize("workload", CRASHES)
def test_crash(boot, workload):
    end, words = CRASHES[workload]
    result = boot([*NATIVE, f"work={workload},idle", "deadline=2000", "guest=ms=20"], peer=False, **NO_SVM)
    crashed, after = expect.failed(result)
    assert crashed.end["end"] == end
    expect.line_with(result, "error vm: guest:", *words)
    expect.line_with(result, "RIP", "= image + 0x")
    assert "not readable" not in result.log
    assert after.held


def test_a_guest_reports_its_own_exception(boot):
    result = boot([*NATIVE, "irq=msi", "work=crash_fault,idle", "guest=ms=20"], peer=False)
    crashed, after = expect.failed(result)
    assert (crashed.end["end"], crashed.end["status"]) == ("exit", 1)
    expect.line_with(result, "info guest: crashed: exception 14 (page fault, error 0x2)", "CR2 0x8")
    assert after.held


def test_the_tick_comes_to_a_guest_with_a_table(boot):
    """LIDT took it away, and the guest's next call gave it back."""
    result = boot([*NATIVE, "irq=msi", "work=crash_spin,idle", "deadline=2000", "guest=ms=20"], peer=False)
    spun, after = expect.failed(result)
    assert spun.end["end"] == "deadline"
    assert after.held


def test_a_second_cpu_ends_what_holds_the_tick_back(boot):
    """CLI and HLT: no interrupt comes through. Twice, and the machine is as it was."""
    words = ["work=crash_hlt,idle", "rounds=2", "deadline=2000", "guest=ms=20"]
    ran = expect.failed(boot([*NATIVE, *words], peer=False, cpus=2))
    assert [case.end["end"] for case in ran] == ["deadline", "exit"] * 2
    assert [case.end["exits_by_reason"] for case in ran if case.results] == [{}] * 2


def test_hostile(boot):
    result = boot([*NATIVE, "work=hostile_calls,hostile_dma,idle", "guest=ms=20"], peer=False)
    assert len(expect.held_guests(result)) == 3


REFUSALS = {
    "not-allowed": (["guest=native"], {}, ("guest=native", "ring 0", "add unsafe-native", "guest=vm")),
    "no-name": (["guest=nativ", "unsafe-native"], {}, ("guest=nativ", "known: vm native")),
    "no-svm": (["guest=vm"], NO_SVM, ("neither VMX nor SVM", "or guest=native")),
    "one-of-two": (["guest=vm,native", "unsafe-native"], NO_SVM, ("neither VMX nor SVM",)),
}


@pytest.mark.parametrize("why", REFUSALS)
def test_refusal(boot, why):
    words, settings, said = REFUSALS[why]
    expect.refused(boot([*words, "work=idle"], peer=False, **settings), *said)
