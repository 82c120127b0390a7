# SPDX-License-Identifier: MIT
"""Builds of the image; make and its lock are the boot tests'."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "boot")]
from building import BUILD, make, relative  # noqa: E402


def image_build(folder, *flags):
    make(f"BUILD={relative(folder)}", *flags, "cpu-test-image")
    return folder


@pytest.fixture
def build():
    return image_build(BUILD)


@pytest.fixture
def broken_build():
    """With one function replaced: broken_build("name", "function", "source")."""
    return lambda name, function, source: image_build(
        BUILD / f"cpu-break-{name}", f"WRAP={function}", f"WRAP_SRC=tests/cpu/{source}"
    )


@pytest.fixture
def debug_build():
    return image_build(BUILD / "cpu-debug", "DEBUG=1")
