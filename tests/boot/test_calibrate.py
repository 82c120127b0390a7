# SPDX-License-Identifier: MIT
"""work=calibrate: prices by the machine's own clock, each of the thing it names; and nobody else may ask."""

import pytest

import cases
import expect

PRICES, QUEUE, MISSES, INTERRUPTS = expect.PRICES, expect.QUEUE, expect.MISSES, expect.INTERRUPTS
WRAPPED = ("vm_device_reset", "hypercall", "nested_map", "nested_unmap", "vtd_queue_wait", "apic_eoi")
EXTRA = 10000  # instructions that break_price.c adds
# Each miss evicts one page then, and waits for it.
WORDS = ["work=calibrate", "irq=msi", "quota=2M", "policy=fifo", "flush=strict"]
EXACT = {"icount": True, "peer": False, "network": "none", "deadline": 120}
PAGE = 0x40000000 - (2 << 20)  # the hypervisor's, below the guest's RAM


def median(record):
    return {key: record[key]["median"] for key in PRICES}


def test_exact(boot):
    """In instructions: the same twice, in the order that what is done dictates, and an exit for each interrupt."""
    first, second = boot(WORDS, **EXACT), boot(WORDS, **EXACT)
    assert first.log == second.log
    record = expect.calibrated(first)
    price = median(record)
    assert price["clock"] < price["register_write"] < price["inv_wait"] < price["hypercall"]
    assert price["hypercall"] < price["nested_fault"] < price["miss"] < price["miss_evict"]
    assert all(price["inv_wait"] < price[key] for key in QUEUE[1:])
    assert price["hypercall"] < price["interrupt_exit"] <= price["interrupt"]
    assert (record["interrupts"], record["interrupt_exits"]) == (512, 512)
    assert (record["strategy"], record["policy"], record["flush"], record["quota"]) == ("on-demand", "fifo", "strict", 512)
    assert record["tsc_hz"] == first.records[0]["tsc_hz"]


SLOWER = {
    1: {"hypercall", "miss", "miss_evict"},
    2: {"nested_fault"},
    3: {"miss_evict", *QUEUE},
    4: {"interrupt", "interrupt_exit"},
}


def test_each_price_is_of_what_it_names(boot, broken_build):
    """What takes longer by 10,000 instructions is dearer by them, and nothing else is."""
    build = broken_build("price", WRAPPED, "break_price.c")
    intact = median(expect.calibrated(boot([*WORDS, "seed=0"], build=build, **EXACT)))
    for seed, slower in SLOWER.items():
        price = median(expect.calibrated(boot([*WORDS, f"seed={seed}"], build=build, **EXACT)))
        for key in PRICES:
            assert price[key] - intact[key] == pytest.approx(EXTRA if key in slower else 0, abs=20), key


# ---- what is not there, is null, and the console says why -----------------------------------------


def test_no_msi(boot):
    result = boot(["work=calibrate", "quota=2M"], nic="e1000", peer=False)
    expect.calibrated(result, INTERRUPTS)
    expect.line_with(result, "warn calibrate", "the interrupt is not measured", "the NIC has no MSI")


def test_poll(boot):
    result = boot(["work=calibrate", "strategy=direct"], peer=False)
    expect.calibrated(result, INTERRUPTS + MISSES)
    expect.line_with(result, "warn calibrate", "the interrupt is not measured", "give irq=msi")


@pytest.mark.parametrize("words, settings, why", (
    (["strategy=none", "unsafe-dma"], {}, "with strategy=none VT-d is off"),
    (["unsafe-no-iommu", "strategy=direct"], {"iommu": False}, "this machine has no VT-d"),
))
def test_no_invalidation(boot, words, settings, why):
    result = boot(["work=calibrate", *words], peer=False, **settings)
    expect.calibrated(result, INTERRUPTS + MISSES + QUEUE)
    expect.line_with(result, "warn calibrate", "invalidations are not measured", why)


def test_native(boot):
    """A call in place of an exit, and no nested table."""
    words = [*WORDS, "guest=vm,native", "unsafe-native"]
    result = boot(words, **EXACT)
    virtual, native = (case.calibration for case in expect.held_guests(result))
    assert (virtual["guest"], native["guest"], native["backend"]) == ("vm", "native", "native")
    assert native["nested_fault"] is None
    expect.line_with(result, "warn calibrate", "guest=native has no nested table")
    assert native["hypercall"]["median"] < virtual["hypercall"]["median"]
    assert native["inv_page"] == virtual["inv_page"]


@pytest.mark.parametrize("strategy", ("shared", "single-use", "persistent"))
def test_no_eviction(boot, strategy):
    expect.calibrated(boot(["work=calibrate", f"strategy={strategy}", "irq=msi"], peer=False), ["miss_evict"])


def test_two_cpus_and_caching_mode(boot):
    expect.calibrated(boot([*WORDS, "policy=adaptive", "flush=deferred"], cpus=2, caching_mode=True, peer=False))


# ---- nobody else, and nothing else ----------------------------------------------------------------


def crashed(result, address, record):
    (case,) = expect.failed(result)
    assert case.end["end"] == "crash"
    expect.line_with(result, "error", f"0x{address:x}: outside its RAM and its device")
    assert (case.calibration is not None) == record


def test_without_calibrating_the_page_is_not_there(boot):
    crashed(boot(["work=crash_wild", f"guest=address={PAGE:#x}"], peer=False), PAGE, False)


def test_another_page_is_not_there(boot):
    for other in (PAGE - 4096, PAGE + 4096):
        crashed(boot(["work=calibrate", f"guest=address={other:#x}"], peer=False), other, False)


def test_it_goes_with_the_end(boot):
    crashed(boot(["work=calibrate", "guest=again=1"], peer=False), PAGE, True)


def test_a_page_that_stays_is_found(boot, broken_build):
    """The walker's business: after a guest nothing may be left that was not its own."""
    result = boot([*WORDS, "seed=5"], build=broken_build("price", WRAPPED, "break_price.c"), peer=False)
    expect.line_with(result, "error walker", "the guest reaches what is neither its RAM nor its device", f"0x{PAGE:x}-")
    (case,) = expect.failed(result)
    assert case.calibration["nested_fault"]["median"] < case.calibration["hypercall"]["median"]


def test_a_queue_that_dies(boot, broken_build):
    build = broken_build("price", WRAPPED, "break_price.c")
    result = boot(["work=calibrate,idle", "strategy=direct", "seed=6"], build=build, peer=False)
    ran = expect.failed(result)
    assert [(case.end["end"], case.calibration) for case in ran] == [("hardware", None)]
    expect.line_with(result, "error", "did not complete an invalidation in time")
    assert not cases.select(ran, work="idle"), "nobody else gets this hardware"
