# SPDX-License-Identifier: MIT
"""The hypervisor's own mistakes: each is stopped by the page tables, and ends with words, names and a status of its own."""

import pytest

import expect
import launch

# seed= of break_panic.c, what the panic says, and the function that did it.
MISTAKES = {
    "write-text": (0, ("CPU 0: #PF", "write at", "the hypervisor's text, read-only"), "broken_write_text"),
    "run-data": (1, ("CPU 0: #PF", "execution at", "data, not executable"), "__wrap_cases_run"),
    "read-null": (2, ("CPU 0: #PF", "read at 0 ", "a NULL pointer"), "broken_read_null"),
    "reach-guest": (3, ("CPU 0: #PF", "write at", "guest memory"), "broken_reach_guest"),
    "stack": (4, ("CPU 0: #PF", "write at", "the guard page of a stack"), "broken_fill_stack"),
    "second-cpu": (5, ("CPU 1: #PF", "read at 0 ", "a NULL pointer"), "broken_second_cpu"),
    "asked-for": (6, ("CPU 0: seed 6 is asked for",), "__wrap_cases_run"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_panic(boot, broken_build, mistake):
    seed, words, function = MISTAKES[mistake]
    build = broken_build("panic", "cases_run", "break_panic.c")
    result = boot([f"seed={seed}"], build=build, cpus=2, peer=False)
    assert result.status == launch.STATUS_PANIC, result.status_text()
    expect.line_with(result, "error panic:", *words)
    expect.line_with(result, "panic: #", f" {function}+")
    expect.line_with(result, "panic: rip")
