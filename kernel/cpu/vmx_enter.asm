; SPDX-License-Identifier: MIT
; The world switch (SDM volume 3, chapters 27 and 28). The processor keeps RIP, RSP, RFLAGS, the
; control registers, segments and SYSENTER's MSRs of both sides apart; all other registers are moved
; here.

bits 64
default rel

%include "kernel/cpu/cpu_regs.inc"

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
        push_callee_saved
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
        load_guest rdi
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
        store_guest rdi
        xor eax, eax
leave:
        pop_callee_saved
        clear_caller_saved
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
