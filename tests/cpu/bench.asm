; SPDX-License-Identifier: MIT
; Each is one turn of a loop that leaves once.
%include "tests/cpu/layout.inc"

piece bench_hypercall
        hypercall
        jmp guest_bench_hypercall

piece bench_cpuid
        cpuid
        jmp guest_bench_cpuid

piece bench_hlt
        hlt
        jmp guest_bench_hlt

piece bench_rdmsr
        mov ecx, 0x1b
piece bench_rdmsr_at
        rdmsr
        jmp guest_bench_rdmsr_at

piece bench_io
        out dx, al
        jmp guest_bench_io

piece bench_fault
        mov rax, [abs dword DATA]
        jmp guest_bench_fault
