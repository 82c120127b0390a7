; SPDX-License-Identifier: MIT
; The way into a guest on the bare machine, and the ways out: its hypercall, and whatever enters by the
; interrupt table of kernel/cpu/native.c. All of it is mapped at the same address in both page tables,
; in pages of its own.

bits 64
default rel

%include "kernel/cpu/cpu_regs.inc"

; struct native_context
HOST_CR3      equ 0
GUEST_CR3     equ 8
HOST_RSP      equ 16
HYPERCALL_RAX equ 32
LATE          equ 40
HOST_IDT      equ 48
HOST_GDT      equ 64
IDT           equ 80
FOUND_IDT     equ 96
FRAME         equ 112
NMI           equ 176

; struct native_frame
F_RAX    equ 0
F_VECTOR equ 8
F_RIP    equ 24
F_CS     equ 32
F_RFLAGS equ 40
F_RSP    equ 48
F_SS     equ 56

HYPERCALL equ 256       ; NATIVE_HYPERCALL
RFLAGS_ONE equ 2
VECTORS   equ 256
VECTOR_NMI equ 2
VECTOR_MC equ 18
; #DF, #TS, #NP, #SS, #GP, #PF, #AC, #CP, #VC, #SX push an error code (SDM volume 3 table 6-1, APM
; volume 2 section 8.2).
%define HAS_ERROR (1 << 8 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 17 | 1 << 21 | 1 << 29 | 1 << 30)

global native_begin:data, native_end:data
global native_enter:function, native_hypercall:function, native_stubs:data

section .text.native progbits alloc exec nowrite align=4096
native_begin:

; RDI = struct native_context, RSI = struct cpu_regs. Interrupts are off on entry and on return.
native_enter:
        push_callee_saved
        push rsi
        mov [rdi + HOST_RSP], rsp
        mov rax, [rsi + RAX_]
        mov [rdi + FRAME + F_RAX], rax
        mov rax, [rsi + RIP_]
        mov [rdi + FRAME + F_RIP], rax
        mov rax, rdi
        load_guest rsi
        lidt [rax + IDT]
        mov rsp, [rax + GUEST_CR3]
        mov cr3, rsp
        lea rsp, [rax + FRAME + F_RIP]
        mov rax, [rax + FRAME + F_RAX]
        iretq

; The hypercall page comes here: RAX = context, interrupts off; on the guest's stack the flags from
; before that, and the address to return to.
native_hypercall:
        pop qword [rax + FRAME + F_RFLAGS]
        pop qword [rax + FRAME + F_RIP]
        mov [rax + FRAME + F_RSP], rsp
        mov rsp, [rax + HYPERCALL_RAX]
        mov [rax + FRAME + F_RAX], rsp
        mov qword [rax + FRAME + F_VECTOR], HYPERCALL

; RAX = context, its frame filled; all other registers but RSP are still the guest's.
leave_guest:
        sidt [rax + FOUND_IDT]
        mov rsp, [rax + HOST_CR3]
        mov cr3, rsp
        mov rsp, [rax + HOST_RSP]
        lidt [rax + HOST_IDT]
        lgdt [rax + HOST_GDT]
        push rsi
        mov rsi, [rsp + 8]
        store_guest rsi
        mov rcx, [rax + FRAME + F_RAX]
        mov [rsi + RAX_], rcx
        mov rcx, [rax + FRAME + F_RIP]
        mov [rsi + RIP_], rcx
        push RFLAGS_ONE                 ; the guest's AC would switch SMAP off, its DF turn copies round
        popfq
        pop rsi
        pop_callee_saved
        xor eax, eax
        clear_caller_saved
        ret

; The processor has filled the frame from its end on.
interrupted:
        push rax
        lea rax, [rsp - FRAME]
        jmp leave_guest

; An NMI or a machine check has a frame of its own, since it can come in the middle of the switch. There
; it is noted for whoever looks next; else it is taken over as if it were any other.
not_maskable:
        push rax
        mov rax, [rsp + F_RIP]
        cmp rax, native_begin
        jb .outside
        cmp rax, native_end
        jae .outside
        mov rax, [rsp + F_VECTOR]
        mov [rsp - NMI + LATE], rax
        pop rax
        add rsp, 16                     ; vector and error code
        iretq
.outside:
        lea rax, [rsp - NMI]
%assign word 0
%rep 8
        pop qword [rax + FRAME + word * 8]
  %assign word word + 1
%endrep
        jmp leave_guest

; An entry of 16 bytes for each vector.
align 16
native_stubs:
%assign vector 0
%rep VECTORS
align 16
  %if vector >= 32 || ((HAS_ERROR >> vector) & 1) == 0
        push strict dword 0
  %endif
        push strict dword vector
  %if vector == VECTOR_NMI || vector == VECTOR_MC
        jmp strict near not_maskable
  %else
        jmp strict near interrupted
  %endif
  %assign vector vector + 1
%endrep

align 4096
native_end:

section .note.GNU-stack noalloc noexec nowrite progbits
