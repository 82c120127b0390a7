; SPDX-License-Identifier: MIT
; Where the hypervisor enters (kernel/abi.h): RDI = boot structure, RSP = a stack, nothing relocated.

bits 64
default rel

extern image_base, _DYNAMIC
extern relocate, guest_main
global _start:function

section .text
_start:
    xor     ebp, ebp                ; ends a debugger's chain of frames
    and     rsp, -16
    mov     rbx, rdi
    lea     rdi, [image_base]
    lea     rsi, [_DYNAMIC]
    call    relocate                ; before this no pointer in the image's data is right
    mov     rdi, rbx
    call    guest_main
    ud2

section .note.GNU-stack noalloc noexec nowrite progbits
