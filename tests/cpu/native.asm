; SPDX-License-Identifier: MIT
; For guests on the bare machine, where only a call of the hypercall page leaves.
%include "tests/cpu/layout.inc"

IDTR equ TABLES

piece native_registers
        hypercall
        add_to_registers
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
