; SPDX-License-Identifier: MIT
%include "tests/cpu/layout.inc"

piece add_numbers
        point 1
        add_to_registers
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
