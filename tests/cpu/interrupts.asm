; SPDX-License-Identifier: MIT
%include "tests/cpu/layout.inc"

; IF is set without STI's shadow where a test needs that.
piece enabled
        push 0x202
        popfq
piece enabled_at
        nop
        point 1

piece late_sti
        nop
        point 1
        sti
        nop                             ; the shadow of STI
piece late_sti_at
        nop
        point 2

piece sti_hlt
        sti
        hlt
piece sti_hlt_at
        point 1

piece sti_exit
        sti
        cpuid
piece sti_exit_at
        nop
        point 1

piece mov_ss_exit
        sti
        nop
        mov eax, ss
        mov ss, eax
        cpuid
piece mov_ss_exit_at
        nop
        point 1

; Held back for good: the guest looks at what it has been given and never lets it in.
piece never
        cli
        point 1
        nop
        point 2

piece spin
        jmp guest_spin

; With interrupts on.
piece spin_enabled
        sti
piece spin_enabled_at
        jmp guest_spin_enabled_at

; Counts, for who looks from outside.
piece count
        inc qword [abs dword DATA]
        jmp guest_count
