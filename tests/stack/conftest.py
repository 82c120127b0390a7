# SPDX-License-Identifier: MIT
"""One boot a case, where VMX and VT-d are both there: QEMU under KVM in a Linux in Bochs (tools/stack.py)."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "boot"))
from building import booter, broken_build, build  # noqa: E402, F401
import stack  # noqa: E402


@pytest.fixture
def boot(build, request):
    return booter(build, request, "stack-tests", stack.Machine, ["exit=qemu"])
