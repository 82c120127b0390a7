; SPDX-License-Identifier: MIT
; What the processor enters by guest/interrupt.c's table.

bits 64
default rel

extern interrupt_exception
global interrupt_serve:function, interrupt_stubs:function, interrupt_load:function
global interrupt_taken:data

%define EXCEPTIONS 32
; #DF, #TS, #NP, #SS, #GP, #PF, #AC, #CP, #VC, #SX push an error code (SDM volume 3 table 6-1, APM volume 2
; section 8.2).
%define HAS_ERROR (1 << 8 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 17 | 1 << 21 | 1 << 29 | 1 << 30)

section .text

; The device's interrupt. The polling loop does the work: that it came is all there is to say, and the
; hypervisor wants no EOI.
interrupt_serve:
        inc     qword [interrupt_taken]
        iretq

; RDI = GDT register, RSI = IDT register, DX = code selector, CX = data selector.
interrupt_load:
        lgdt    [rdi]
        movzx   edx, dx
        lea     rax, [.reloaded]
        push    rdx
        push    rax
        retfq
.reloaded:
        mov     ss, ecx
        mov     ds, ecx
        mov     es, ecx
        lidt    [rsi]
        ret

; 16 bytes each; they leave struct interrupt_frame on the stack.
align 16
interrupt_stubs:
%assign vector 0
%rep EXCEPTIONS
align 16
  %if ((HAS_ERROR >> vector) & 1) == 0
        push    strict dword 0
  %endif
        push    strict dword vector
        jmp     strict near exception
  %assign vector vector + 1
%endrep

exception:
        mov     rdi, rsp
        mov     rsi, cr2
        cld
        xor     ebp, ebp
        and     rsp, -16
        call    interrupt_exception     ; does not return
        ud2

section .bss
alignb 8
interrupt_taken: resq 1

section .note.GNU-stack noalloc noexec nowrite progbits
