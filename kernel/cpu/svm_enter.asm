; SPDX-License-Identifier: MIT
; The world switch (AMD APM volume 2, section 15.5). VMRUN itself keeps RIP, RSP, RAX, RFLAGS, the
; control registers and the descriptor tables of both sides apart; VMSAVE and VMLOAD do so for FS,
; GS, TR, LDTR and the SYSCALL and SYSENTER MSRs; all other registers are moved here.

bits 64
default rel

; struct cpu_regs
RBX_    equ 8
RCX_    equ 16
RDX_    equ 24
RSI_    equ 32
RDI_    equ 40
RBP_    equ 48
R8_     equ 56
R9_     equ 64
R10_    equ 72
R11_    equ 80
R12_    equ 88
R13_    equ 96
R14_    equ 104
R15_    equ 112

global svm_enter:function

section .text

; RDI = the guest's VMCB, RSI = struct cpu_regs, RDX = this CPU's host area, where VMSAVE has put what
; VMLOAD here brings back: the host changes none of it. Addresses are physical ones. Interrupts are
; off on entry and on return.
svm_enter:
        push rbx
        push rbp
        push r12
        push r13
        push r14
        push r15
        push rsi
        push rdx
        ; GIF = 0 and IF = 1: an interrupt ends the guest's run but is served only after STGI, with
        ; the host's own state back in place.
        clgi
        sti
        mov rax, rdi
        mov rbx, [rsi + RBX_]
        mov rcx, [rsi + RCX_]
        mov rdx, [rsi + RDX_]
        mov rdi, [rsi + RDI_]
        mov rbp, [rsi + RBP_]
        mov r8, [rsi + R8_]
        mov r9, [rsi + R9_]
        mov r10, [rsi + R10_]
        mov r11, [rsi + R11_]
        mov r12, [rsi + R12_]
        mov r13, [rsi + R13_]
        mov r14, [rsi + R14_]
        mov r15, [rsi + R15_]
        mov rsi, [rsi + RSI_]

        vmload
        vmrun
        vmsave

        ; RAX and RSP are the host's again.
        push rsi
        mov rsi, [rsp + 16]
        mov [rsi + RBX_], rbx
        mov [rsi + RCX_], rcx
        mov [rsi + RDX_], rdx
        mov [rsi + RDI_], rdi
        mov [rsi + RBP_], rbp
        mov [rsi + R8_], r8
        mov [rsi + R9_], r9
        mov [rsi + R10_], r10
        mov [rsi + R11_], r11
        mov [rsi + R12_], r12
        mov [rsi + R13_], r13
        mov [rsi + R14_], r14
        mov [rsi + R15_], r15
        pop qword [rsi + RSI_]
        pop rax
        vmload
        pop rsi
        pop r15
        pop r14
        pop r13
        pop r12
        pop rbp
        pop rbx
        stgi                            ; the interrupt that ended the run is served here
        nop
        cli
        ; Nothing of the guest stays in a register that the callee may change.
        xor eax, eax
        xor ecx, ecx
        xor edx, edx
        xor esi, esi
        xor edi, edi
        xor r8d, r8d
        xor r9d, r9d
        xor r10d, r10d
        xor r11d, r11d
        ret

section .note.GNU-stack noalloc noexec nowrite progbits
