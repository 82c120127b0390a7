; SPDX-License-Identifier: MIT
; Where a CPU starts after a startup IPI: in real mode at a page below 1 MiB (SDM volume 3 section
; "MP Initialization Protocol"). Only [ap_trampoline, ap_trampoline_end) is copied there, and it
; holds no data that changes: what this CPU needs is in ap_start, which 32-bit code can reach.

CR0_PE     equ 1 << 0
CODE32     equ 0x08
DATA       equ 0x10

; struct ap_start of kernel/smp.c
AP_TABLES  equ 0
AP_STACK   equ 8

extern ap_start, ap_main, boot_gdt, long_mode
global ap_trampoline, ap_trampoline_end

section .rodata
bits 16

ap_trampoline:
        cli
        o32 lgdt [cs:.gdtr - ap_trampoline]
        mov eax, cr0
        or al, CR0_PE
        mov cr0, eax
        jmp dword CODE32:ap_entry
.gdtr:  dw 4 * 8 - 1
        dd boot_gdt
ap_trampoline_end:

section .text.boot progbits alloc exec nowrite align=16
bits 32

ap_entry:
        mov eax, DATA
        mov ds, eax
        mov es, eax
        mov ss, eax
        ; Taking the stack is what claims the start: a CPU that comes after smp_start gave up, or
        ; twice, finds none and stops here.
        xor esp, esp
        xchg esp, [ap_start + AP_STACK]
        test esp, esp
        jz .halt
        mov eax, [ap_start + AP_TABLES]
        mov edx, ap_entry64
        jmp long_mode
.halt:  cli
        hlt
        jmp .halt

bits 64
ap_entry64:
        mov esp, esp
        xor ebp, ebp
        call ap_main
.halt:  cli
        hlt
        jmp .halt
