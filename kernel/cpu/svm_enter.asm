; SPDX-License-Identifier: MIT
; The world switch (AMD APM volume 2, section 15.5). VMRUN itself keeps RIP, RSP, RAX, RFLAGS, the
; control registers and the descriptor tables of both sides apart; VMSAVE and VMLOAD do so for FS,
; GS, TR, LDTR and the SYSCALL and SYSENTER MSRs; all other registers are moved here.

bits 64
default rel

%include "kernel/cpu/cpu_regs.inc"

global svm_enter:function

section .text

; RDI = the guest's VMCB, RSI = struct cpu_regs, RDX = this CPU's host area, where VMSAVE has put what
; VMLOAD here brings back: the host changes none of it. Addresses are physical ones. Interrupts are
; off on entry and on return.
svm_enter:
        push_callee_saved
        push rsi
        push rdx
        ; GIF = 0 and IF = 1: an interrupt ends the guest's run but is served only after STGI, with
        ; the host's own state back in place.
        clgi
        sti
        mov rax, rdi
        load_guest rsi

        vmload
        vmrun
        vmsave

        ; RAX and RSP are the host's again.
        push rsi
        mov rsi, [rsp + 16]
        store_guest rsi
        pop rax
        vmload
        pop rsi
        pop_callee_saved
        stgi                            ; the interrupt that ended the run is served here
        nop
        cli
        xor eax, eax
        clear_caller_saved
        ret

section .note.GNU-stack noalloc noexec nowrite progbits
