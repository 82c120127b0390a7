# SPDX-License-Identifier: MIT
"""irq=msi: traffic, what a wake-up costs, guests that sleep, and interrupts that must not come through."""

import resource

import pytest

import expect

WORKS = ("check_rx", "check_tx", "http", "echo", "loopback")
MACHINES = {
    "kernel-1cpu": ({}, "wait"),
    "kernel-2cpu-caching-hlt": ({"cpus": 2, "caching_mode": True}, "hlt"),
    "bios-caching": ({"firmware": "bios", "caching_mode": True}, "wait"),
    "efi-2cpu-hlt": ({"firmware": "efi", "cpus": 2}, "hlt"),
}
TIMER_SLEEPS = 20  # a second: lwIP's timers, and the longest sleep of 100 ms
EDU = ["-device", "edu,addr=5"]
EACH = "probe_irq: an interrupt for each of 20 frames"


def reasons(case):
    return dict(case.end["exits_by_reason"])


def check_exits(case):
    """An exit for each sleep, one for each interrupt that met the guest awake, and one for each burst that missed.
    Two causes, a frame that came and one that went, may interrupt one sleep."""
    seconds = case.result["tsc"] / case.tsc_hz
    by, interrupts = reasons(case), case.end["interrupts"]
    host = by.pop("host_interrupt", 0)
    assert case.result["exits_host"] == host
    assert case.result["exits"] == sum(by.values())
    awake, sleeps = by.pop("device_interrupt", 0), by.pop("hlt", 0)
    calls = by.pop("hypercall", 0)
    assert by == {}
    assert awake <= interrupts
    if case.quota != "w50%":
        sleeps += calls
        assert sleeps <= interrupts + TIMER_SLEEPS * seconds + 2
        assert interrupts - awake <= 2 * sleeps + 20


def with_rate(result, ran):
    for case in ran:
        case.tsc_hz = result.records[0]["tsc_hz"]
    return ran


@pytest.mark.parametrize("machine", MACHINES)
def test_traffic(boot, machine):
    settings, sleep = MACHINES[machine]
    words = [f"work={','.join(WORKS)}", "irq=msi", "quota=50%,w50%"]
    words += [f"guest=bytes=24M,requests=2000,frames=5000,sleep={sleep}"]
    result = boot(words, deadline=240, **settings)
    ran = with_rate(result, expect.held(result, 2 * len(WORKS)))
    expect.no_faults(result)
    assert not result.lines("sleeps ended late")
    for case in ran:
        assert (case.irq, case.result["irq"]) == ("msi", "msi")
        check_exits(case)
    assert sum(case.end["interrupts"] for case in ran) > 50
    assert sum(reasons(case).get("hlt", 0) for case in ran) > 20 or sleep == "wait"


def test_both_in_one_boot(boot):
    words = ["work=tcp_rx,tcp_tx", "strategy=none,direct,on-demand", "unsafe-dma", "irq=poll,msi"]
    result = boot([*words, "quota=50%", "guest=bytes=32M"], deadline=240)
    ran = with_rate(result, expect.held(result, 2 * 3 * 2))
    assert [case.irq for case in ran] == ["poll", "msi"] * 6
    for case in ran:
        assert case.result["irq"] == case.irq
        check_exits(case)
        if case.irq == "poll":
            assert (case.result["exits"], case.end["interrupts"]) == (0, 0)


@pytest.mark.parametrize("allowed", ("no remapping", "no IOMMU"))
def test_without_remapping(boot, allowed):
    """The message says the vector itself: allowed, where nothing remaps it."""
    words, settings = ["unsafe-msi"], {"remapping": False}
    if allowed == "no IOMMU":
        words, settings = ["strategy=none", "unsafe-dma"], {"iommu": False}
    result = boot(["work=check_rx,probe_irq", "irq=msi", *words], **settings)
    ran = expect.held_guests(result)
    assert ran[0].end["interrupts"] > 0
    assert not result.lines("sleeps ended late")
    expect.line_with(result, EACH)


def test_no_msi(boot):
    expect.refused(boot(["work=idle", "irq=poll,msi"], nic="e1000"), "00:03.0", "8086:100e", "no MSI", "irq=poll")


# ---- sleep ---------------------------------------------------------------------------------------


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def idle(boot, words):
    """A network that is up and quiet for 4 s: the case, and the seconds of CPU that QEMU took for it."""
    cost = 0
    for ms, sign in ((200, -1), (4000, 1)):
        before = cpu_seconds()
        result = boot([*words[:-1], f"{words[-1]},ms={ms}"], peer=False)
        (case,) = with_rate(result, expect.held(result, 1))
        cost += sign * (cpu_seconds() - before)
    return case, cost


def test_an_idle_guest_sleeps(boot):
    """By the time that the host's CPU had to work, beside that of a guest that polls."""
    polling, polling_cost = idle(boot, ["work=idle_net", "irq=poll", "guest=sleep=wait"])
    assert polling.result["exits"] == 0
    for sleep, reason in (("wait", "hypercall"), ("hlt", "hlt")):
        case, cost = idle(boot, ["work=idle_net", "irq=msi", f"guest=sleep={sleep}"])
        seconds = case.result["tsc"] / case.tsc_hz
        assert seconds > 3.9
        assert 0 < case.result["exits"] <= TIMER_SLEEPS * seconds
        assert reasons(case).keys() <= {reason, "host_interrupt", "device_interrupt"}
        assert case.result["busy_tsc"] < 0.05 * case.result["tsc"]
        assert cost < 0.4 * polling_cost, "the host spins"


def test_nobody_sleeps_too_long(boot):
    result = boot(["work=probe_wake", "irq=msi"], peer=False)
    for how in ("HLT", "WAIT_UNTIL"):
        expect.line_with(result, f"probe_wake: {how} sleeps when it should, and only then")
    expect.held_guests(result)


def test_exact(boot):
    words = ["work=loopback,probe_irq,probe_wake,idle_net", "strategy=direct,on-demand", "quota=50%", "irq=msi"]
    settings = {"icount": True, "peer": False, "network": "none", "deadline": 90}
    first, second = boot(words, **settings), boot(words, **settings)
    assert first.log == second.log
    for result in (first, second):
        ran = with_rate(result, expect.held_guests(result))
        assert len(result.lines(EACH)) == 2
        for case in ran:
            if case.work == "loopback":
                assert (case.result["exits"], case.result["exits_host"]) == (0, 0)
            if case.work == "idle_net":
                assert reasons(case) == {"hypercall": case.result["exits"]}


# ---- what must not come through ------------------------------------------------------------------

SPOILT = {
    # seed= of break_irq.c, and QEMU's own words, which say that it was VT-d that stopped it
    "wrong-index": (1, "non-present IRTE (index=1,"),
    "wrong-source": (2, "invalid IRTE SID (index=0, sid=24, source_id=25)"),
    "not-present": (3, "non-present IRTE (index=0,"),
}
NONE_CAME = "probe_irq: no interrupt came for frame 0 within 2000 ms"


@pytest.fixture
def spoil(boot, broken_build):
    def run(seed, words=("work=probe_irq",), **settings):
        build = broken_build("irq", "vm_interrupt_open", "break_irq.c")
        return boot([*words, "irq=msi", f"seed={seed}"], build=build, **settings)

    return run


def test_intact(spoil):
    """The control for the spoilt ones."""
    result = spoil(0, peer=False)
    expect.line_with(result, EACH)
    expect.held_guests(result)
    assert "IRTE" not in result.stderr


@pytest.mark.parametrize("how", SPOILT)
def test_blocked(spoil, how):
    seed, words = SPOILT[how]
    result = spoil(seed, peer=False)
    expect.line_with(result, NONE_CAME)
    assert words in result.stderr
    (case,) = expect.failed(result)
    if how == "wrong-source":
        expect.line_with(result, "walker", "interrupt entry 0 is open for 00:03.1", "belongs to no guest")
    else:
        assert (case.end["end"], case.end["status"]) == ("exit", 1)


def test_traffic_goes_on_without(spoil):
    """Nobody hangs for want of an interrupt: the guest looks every 100 ms, and says what is wrong."""
    result = spoil(3, ["work=echo", "guest=bytes=64K,count=5"])
    expect.line_with(result, "sleeps ended late")
    expect.held_guests(result)


def test_another_device_is_blocked(spoil):
    """It sends the very message of the NIC; the entry compares who sent it."""
    result = spoil(4, peer=False, extra=EDU)
    expect.line_with(result, "edu has sent the NIC's message 0xfee00018")
    expect.line_with(result, EACH)
    expect.held_guests(result)
    assert "invalid IRTE SID (index=0, sid=40, source_id=24)" in result.stderr


def test_another_device_would_be_noticed(spoil):
    """The control for the one above: with the other device's source-id in the entry its message comes through."""
    result = spoil(5, peer=False, extra=EDU)
    expect.line_with(result, "probe_irq: 1 interrupts came, and the NIC may raise none")
    expect.line_with(result, "walker", "interrupt entry 0 is open for 00:05.0", "belongs to no guest")
    expect.failed(result)


def test_nothing_is_left(boot, broken_build):
    """The walker looks after each guest: an entry that stayed open ends the run."""
    words = ["work=probe_irq,idle", "irq=msi,poll"]
    result = boot(words, peer=False, build=broken_build("irq-left", "vtd_interrupt_close", "break_irq_left.c"))
    expect.line_with(result, "walker", "interrupt entry 0 is open for 00:03.0", "belongs to no guest")
    assert [case.end["end"] for case in expect.failed(result)] == ["hardware"]
    result = boot(["work=probe_irq,idle,probe_irq", "irq=msi"], peer=False)
    expect.held_guests(result)
    assert not result.lines("walker")


def test_after_the_end(boot, flood):
    """As test_negative's: what comes in for a guest that has ended interrupts nobody."""
    words = ["work=probe_late,idle", "irq=msi", "quota=50%", expect.LATE]
    result = boot(words, **flood.settings("probe_late:"))
    expect.line_with(result, "probe_late:", "receive buffers posted")
    expect.held_guests(result)
    expect.no_faults(result)
    assert not result.lines("which nothing serves")


# ---- a guest with handlers of its own --------------------------------------------------------------


@pytest.mark.parametrize("irq", ("poll", "msi"))
def test_an_exception_is_reported(boot, irq):
    """By the hypervisor, or by the guest that has handlers; both name exception, address and RIP."""
    result = boot(["work=crash_fault,idle", f"irq={irq}"], peer=False)
    line = expect.line_with(result, "exception 14 (page fault", "0x8", "RIP 0x")
    crashed, after = expect.failed(result)
    assert crashed.end["end"] == ("crash" if irq == "poll" else "exit")
    assert ("guest: crashed:" in line) == (irq == "msi")
    assert after.held


@pytest.mark.parametrize("workload, end", (("crash_triple", "crash"), ("crash_hlt", "deadline"), ("crash_spin", "deadline")))
def test_crashes_end_as_before(boot, workload, end):
    result = boot([f"work={workload},idle", "irq=msi", "deadline=500"], deadline=30, peer=False)
    crashed, after = expect.failed(result)
    assert crashed.end["end"] == end
    assert after.held
