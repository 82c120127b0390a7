; SPDX-License-Identifier: MIT
; RCX, RDX and RAX are the test's.
%include "tests/cpu/layout.inc"

piece rdmsr
        rdmsr
        point 1

piece wrmsr
        wrmsr
        point 1
