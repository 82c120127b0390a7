; SPDX-License-Identifier: MIT
%include "tests/cpu/layout.inc"

; Adds to each register its number, without touching another.
piece add_numbers
        point 1
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
        point 2

piece flags
        point 1
        pushfq
        pop rax
        push rbx
        popfq
        point 2

piece system
        mov rax, rsp
        mov rbx, cr2
        mov rcx, cr3
        mov rdx, 0x9876543210
        mov cr2, rdx
        lea rsp, [rsp - 64]
        point 1

piece segments
        mov eax, cs
        mov ebx, ss
        mov ecx, ds
        mov edx, es
        mov esi, fs
        mov edi, gs
        str r8d
        sldt r9d
        point 1

piece tsc
        rdtsc
        point 1

; Everything that FXSAVE knows, to DATA.
piece fpu_save
        fxsave64 [abs dword DATA]
        point 1

; All registers from RAX and its neighbours.
piece fpu_set
        fninit
        mov [abs dword DATA], eax
        fild dword [abs dword DATA]
        or eax, 0x1f80                  ; every exception stays masked
        and eax, 0xff80
        mov [abs dword DATA], eax
        ldmxcsr [abs dword DATA]
%assign i 0
%rep 16
        movq xmm %+ i, rbx
        inc rbx
  %assign i i + 1
%endrep
        point 1
