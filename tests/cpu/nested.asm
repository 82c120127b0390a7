; SPDX-License-Identifier: MIT
; RAX is the address.
%include "tests/cpu/layout.inc"

piece read
        mov rbx, [rax]
        point 1
piece read_byte
        mov bl, [rax]
        point 1
piece write
        mov [rax], rbx
        point 1
piece write_byte
        mov [rax], bl
        point 1
piece add
        lock add [rax], rbx
        point 1
piece fetch
        jmp rax

; To be copied to the end of a page: an instruction of five bytes.
piece long_instruction
        mov ecx, 0x12345678
piece long_instruction_end
        point 1
