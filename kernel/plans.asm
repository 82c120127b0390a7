; SPDX-License-Identifier: MIT
; The plans that are part of the image, as they are written.
        bits 64
        section .rodata

%macro plan 2
        global plan_%1_text, plan_%1_end
plan_%1_text:
        incbin %2
plan_%1_end:
%endmacro

        plan exact, "kernel/plans/exact.plan"
        plan quick, "kernel/plans/quick.plan"
        plan paper, "kernel/plans/paper.plan"
        plan full, "kernel/plans/full.plan"
