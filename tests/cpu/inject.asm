; SPDX-License-Identifier: MIT
%include "tests/cpu/layout.inc"

piece nothing
        point 1

piece raise_ud
        ud2
        point 1

piece raise_bp
        int3
piece raise_bp_after
        point 1

piece raise_int
        int 0x40
piece raise_int_after
        point 1

piece wait_here
        sti
        nop
piece wait_here_at
        nop
        point 1
