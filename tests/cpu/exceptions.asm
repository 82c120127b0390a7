; SPDX-License-Identifier: MIT
; An exception each. guest_NAME_at is the instruction that raises it where that is not the first one.
%include "tests/cpu/layout.inc"

NON_CANONICAL equ 0x8000000000000000

piece de
        xor ecx, ecx
piece de_at
        div ecx

piece int1
        db 0xf1
piece int1_after
        point 1

piece step                              ; TF
        pushfq
        or qword [rsp], 0x100
        popfq
        nop
piece step_after
        nop

piece bp
        int3
piece bp_after
        nop

piece ud
        ud2

piece nm
        fnop

piece np
        mov eax, 0x38
piece np_at
        mov ds, eax

piece ss
        mov eax, 0x38
piece ss_at
        mov ss, eax

piece gp
        mov rax, NON_CANONICAL
piece gp_at
        mov rax, [rax]

piece gp_selector
        mov eax, 0x1000
piece gp_selector_at
        mov ds, eax

; RAX is the address for these.
piece pf_read
        mov rbx, [rax]
        point 1
piece pf_write
        mov [rax], rbx
        point 1
piece pf_exec
        jmp rax

piece mf
        fninit
        push 0x33f                      ; the control word: room for it
        mov word [rsp], 0x37b
        fldcw [rsp]
        add rsp, 8
        fldz
        fld1
        fdiv st0, st1
piece mf_at
        fwait
        point 1

piece xm
        push 0x1d80                     ; MXCSR, division by zero not masked
        ldmxcsr [rsp]
        add rsp, 8
        xorps xmm0, xmm0
        mov eax, 0x3f800000             ; 1.0
        movd xmm1, eax
piece xm_at
        divss xmm1, xmm0
        point 1

piece int_n
        int 0x30
piece int_n_after
        point 1

; To ring 3, and there a CPUID, which exits, and an HLT, which must not be.
piece user
        push 0x23
        lea rax, [rsp + 8]
        push rax
        push 0x02
        push 0x1b
        lea rax, [guest_user_cpuid]
        push rax
        iretq
piece user_cpuid
        cpuid
piece user_hlt
        hlt

; A misaligned access in ring 3 with AM and AC set.
piece ac
        push 0x23
        lea rax, [rsp + 8]
        push rax
        push 0x40002
        push 0x1b
        lea rax, [guest_ac_at]
        push rax
        iretq
piece ac_at
        mov eax, [abs dword DATA + 1]
        point 1
