# SPDX-License-Identifier: MIT
"""One boot a case, in Bochs: VMX, the 82540EM, and nothing that translates DMA."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "boot"))
from building import booter, broken_build, build  # noqa: E402, F401
import bochs  # noqa: E402


@pytest.fixture
def boot(build, request):
    return booter(build, request, "bochs-tests", bochs.Machine, ["exit=bochs"])
