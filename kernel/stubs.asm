; SPDX-License-Identifier: MIT
; An entry of 16 bytes for each of the 256 vectors, all ending in trap_dispatch(struct trap_frame *).

extern trap_dispatch
global trap_stubs, trap_capture

section .text

; #DF, #TS, #NP, #SS, #GP, #PF, #AC, #CP, #VC, #SX push an error code: SDM volume 3 table 6-1, APM
; volume 2 section 8.2.
%define HAS_ERROR (1 << 8 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 17 | 1 << 21 | 1 << 29 | 1 << 30)

align 16
trap_stubs:
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

align 16
trap_common:
        push rax
        push rbx
        push rcx
        push rdx
        push rsi
        push rdi
        push rbp
        push r8
        push r9
        push r10
        push r11
        push r12
        push r13
        push r14
        push r15
        cld
        mov rdi, rsp
        xor ebp, ebp                    ; the frame says where a backtrace goes on
        mov rbx, rsp
        and rsp, -16
        call trap_dispatch
        mov rsp, rbx
        pop r15
        pop r14
        pop r13
        pop r12
        pop r11
        pop r10
        pop r9
        pop r8
        pop rbp
        pop rdi
        pop rsi
        pop rdx
        pop rcx
        pop rbx
        pop rax
        add rsp, 16                     ; vector and error code
        iretq

; RDI = frame. Offsets as in struct trap_frame.
trap_capture:
        mov [rdi + 0x00], r15
        mov [rdi + 0x08], r14
        mov [rdi + 0x10], r13
        mov [rdi + 0x18], r12
        mov [rdi + 0x20], r11
        mov [rdi + 0x28], r10
        mov [rdi + 0x30], r9
        mov [rdi + 0x38], r8
        mov [rdi + 0x40], rbp
        mov [rdi + 0x48], rdi
        mov [rdi + 0x50], rsi
        mov [rdi + 0x58], rdx
        mov [rdi + 0x60], rcx
        mov [rdi + 0x68], rbx
        mov [rdi + 0x70], rax
        xor eax, eax
        mov [rdi + 0x78], rax           ; vector
        mov [rdi + 0x80], rax           ; error
        mov rax, [rsp]
        mov [rdi + 0x88], rax           ; rip: where the caller goes on
        mov eax, cs
        mov [rdi + 0x90], rax
        pushfq
        pop rax
        mov [rdi + 0x98], rax
        lea rax, [rsp + 8]
        mov [rdi + 0xa0], rax           ; rsp after the return
        mov eax, ss
        mov [rdi + 0xa8], rax
        ret
