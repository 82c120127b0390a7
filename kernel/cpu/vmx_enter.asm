; SPDX-License-Identifier: MIT
; The world switch (SDM volume 3, chapters 27 and 28). The processor keeps RIP, RSP, RFLAGS, the
; control registers, segments and SYSENTER's MSRs of both sides apart; all other registers are moved
; here.

bits 64
default rel

; struct cpu_regs
RAX_    equ 0
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

; struct vmx_vcpu
HOST_RSP_    equ 0
IS_LAUNCHED_ equ 8

VMX_HOST_RSP equ 0x6c14

extern panic_vmcs
global vmx_enter:function, vmx_exit:function, vmx_read:function, vmx_write:function

section .text

; RDI = struct cpu_regs, RSI = struct vmx_vcpu, whose VMCS is current. Interrupts are off on entry
; and on return. Returns 0 after a VM exit, 1 when there was no VMCS (CF), 2 when the processor
; refused it (ZF).
vmx_enter:
        push rbx
        push rbp
        push r12
        push r13
        push r14
        push r15
        push rdi
        ; Called from one place, it finds the stack where it was: the VMWRITE is rare.
        cmp rsp, [rsi + HOST_RSP_]
        je .stack_is_known
        mov [rsi + HOST_RSP_], rsp
        mov eax, VMX_HOST_RSP
        vmwrite rax, rsp
.stack_is_known:
        cmp qword [rsi + IS_LAUNCHED_], 0
        mov rax, [rdi + RAX_]           ; MOV keeps the flags
        mov rbx, [rdi + RBX_]
        mov rcx, [rdi + RCX_]
        mov rdx, [rdi + RDX_]
        mov rsi, [rdi + RSI_]
        mov rbp, [rdi + RBP_]
        mov r8, [rdi + R8_]
        mov r9, [rdi + R9_]
        mov r10, [rdi + R10_]
        mov r11, [rdi + R11_]
        mov r12, [rdi + R12_]
        mov r13, [rdi + R13_]
        mov r14, [rdi + R14_]
        mov r15, [rdi + R15_]
        mov rdi, [rdi + RDI_]
        jne .resume
        vmlaunch
        jmp .failed
.resume:
        vmresume
.failed:
        mov eax, 1
        mov ecx, 2
        cmovz eax, ecx
        pop rdi
        jmp leave

; Where the VMCS sends every VM exit, with the stack as vmx_enter left it.
vmx_exit:
        xchg rdi, [rsp]
        mov [rdi + RAX_], rax
        mov [rdi + RBX_], rbx
        mov [rdi + RCX_], rcx
        mov [rdi + RDX_], rdx
        mov [rdi + RSI_], rsi
        mov [rdi + RBP_], rbp
        mov [rdi + R8_], r8
        mov [rdi + R9_], r9
        mov [rdi + R10_], r10
        mov [rdi + R11_], r11
        mov [rdi + R12_], r12
        mov [rdi + R13_], r13
        mov [rdi + R14_], r14
        mov [rdi + R15_], r15
        pop qword [rdi + RDI_]
        xor eax, eax
leave:
        pop r15
        pop r14
        pop r13
        pop r12
        pop rbp
        pop rbx
        ; Nothing of the guest stays in a register that the callee may change.
        xor ecx, ecx
        xor edx, edx
        xor esi, esi
        xor edi, edi
        xor r8d, r8d
        xor r9d, r9d
        xor r10d, r10d
        xor r11d, r11d
        ret

; EDI = field. Every field in use exists where vmx_controls_init agreed: a failure is a defect.
vmx_read:
        mov edi, edi
        vmread rax, rdi
        jbe panic_vmcs
        ret

; EDI = field, RSI = value.
vmx_write:
        mov edi, edi
        vmwrite rdi, rsi
        jbe panic_vmcs
        ret

section .note.GNU-stack noalloc noexec nowrite progbits
