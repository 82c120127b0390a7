; SPDX-License-Identifier: MIT
; What the guest must not do: each piece is one such instruction, with RAX set by the test, and a point.
%include "tests/cpu/layout.inc"

piece write_cr0
        mov cr0, rax
        point 1

piece write_cr4
        mov cr4, rax
        point 1

piece write_cr8
        mov cr8, rax
        point 1

piece clts
        clts
        point 1

piece lmsw
        lmsw ax
        point 1

piece read_dr0
        mov rbx, dr0
        point 1

piece write_dr7
        mov dr7, rax
        point 1

piece read_dr6
        mov rbx, dr6
        point 1

piece xsetbv
        xor ecx, ecx
        xor edx, edx
piece xsetbv_itself
        xsetbv
        point 1

piece invd
        invd
        point 1

piece wbinvd
        wbinvd
        point 1

piece monitor
        mov eax, DATA
        xor ecx, ecx
        xor edx, edx
piece monitor_itself
        monitor
        point 1

piece mwait
        xor eax, eax
        xor ecx, ecx
piece mwait_itself
        mwait
        point 1

piece rdpmc
        xor ecx, ecx
piece rdpmc_itself
        rdpmc
        point 1

piece rsm
        rsm

; What the guest sees of the registers that it may not write.
piece read_control
        mov rbx, cr0
        mov rsi, cr4
        mov rdi, cr3
        smsw r8
        point 1
