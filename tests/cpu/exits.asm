; SPDX-License-Identifier: MIT
%include "tests/cpu/layout.inc"

piece cpuid
        cpuid
        point 1

piece cpuid_prefixed
        repe cpuid

piece hlt
        hlt
        point 1

piece hypercall
        hypercall
        point 1

piece vmcall
        vmcall
piece vmmcall
        vmmcall

; No exit at all.
piece quiet
        pause
        rdtsc
        mov rax, cr3
        mov cr3, rax
        invlpg [abs dword DATA]
        mov rax, cr2
        mov cr2, rax
        smsw ax
        point 1

; An IDT without a gate: no handler, and none for that.
piece triple_fault
        lidt [abs dword DATA]
        ud2
