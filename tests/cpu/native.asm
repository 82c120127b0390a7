; SPDX-License-Identifier: MIT
; For guests on the bare machine, where only a call of the hypercall page leaves.
%include "tests/cpu/layout.inc"

IDTR equ TABLES

piece native_registers
        hypercall
        add rax, 1
        add rbx, 2
        add rcx, 3
        add rdx, 4
        add rsi, 5
        add rdi, 6
        add rbp, 7
        add r8, 8
        add r9, 9
        add r10, 10
        add r11, 11
        add r12, 12
        add r13, 13
        add r14, 14
        add r15, 15
        hypercall

piece native_flags
        hypercall
piece native_flags_after
        pushfq
        pop rax
        push rbx
        popfq
        hypercall

piece native_fpu
        movq xmm0, rax
        movq xmm15, rbx
        hypercall
piece native_fpu_read
        movq rax, xmm0
        movq rbx, xmm15
        hypercall

; Nothing here changes a register.
piece native_spin
        jmp guest_native_spin

piece native_count
        inc qword [abs dword DATA]
        jmp guest_native_count

piece native_ud
        ud2

piece native_write
        mov [rax], rbx
        hypercall

piece native_lidt
        cli
        lidt [abs dword IDTR]
        hypercall

piece native_nothing
        hypercall

piece native_late_sti
        cli
        hypercall
        nop
        hypercall
        sti
        nop                             ; the shadow of STI
piece native_late_sti_at
        nop
        hypercall

piece native_handler
        hypercall
        iretq

piece native_handler_error
        hypercall
        add rsp, 8
        iretq
