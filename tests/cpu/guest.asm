; SPDX-License-Identifier: MIT
; The guest's beginning, and its handlers.

%include "tests/cpu/layout.inc"

GDTR equ TABLES + 168
IDTR equ TABLES + 178

; #DF, #TS, #NP, #SS, #GP, #PF, #AC, #CP
HAS_ERROR equ 1 << 8 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 17 | 1 << 21

piece prologue
        lgdt [abs dword GDTR]
        push 0x08
        lea rax, [prologue_flushed]
        push rax
        retfq
prologue_flushed:
        mov eax, 0x10
        mov ss, eax
        mov ds, eax
        mov es, eax
piece prologue_ltr
        mov eax, 0x28
        ltr ax
        lidt [abs dword IDTR]
        point 0
        hlt

; The test sees the frame on the stack, and no register has changed.
align 16
piece trap_stubs
%assign vector 0
%rep 256
align 16
  %if vector >= 32 || ((HAS_ERROR >> vector) & 1) == 0
        push strict dword 0
  %endif
        push strict dword vector
        jmp strict near trap_common
  %assign vector vector + 1
%endrep

trap_common:
        out PORT_TRAP, al
        add rsp, 16                     ; vector and error code
        iretq
