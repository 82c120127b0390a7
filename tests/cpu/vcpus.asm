; SPDX-License-Identifier: MIT
%include "tests/cpu/layout.inc"

piece load
        mov rbx, [abs dword DATA]
        point 1
        jmp guest_load

; Until the word at DATA is not 0, counting the turns on the next page.
piece follow
        inc qword [abs dword DATA + 0x1000]
        mov rbx, [abs dword DATA]
        test rbx, rbx
        jz guest_follow
        point 1
