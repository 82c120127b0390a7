; SPDX-License-Identifier: MIT
; Every virtualization instruction. RAX is a page of the guest's for those that take one.
%include "tests/cpu/layout.inc"

; SVM
piece vmrun
        vmrun
piece vmload
        vmload
piece vmsave
        vmsave
piece stgi
        stgi
piece clgi
        clgi
piece skinit
        skinit
piece invlpga
        invlpga

; VMX
piece vmclear
        vmclear [rax]
piece vmlaunch
        vmlaunch
piece vmresume
        vmresume
piece vmptrld
        vmptrld [rax]
piece vmptrst
        vmptrst [rax]
piece vmread
        vmread rbx, rcx
piece vmwrite
        vmwrite rcx, rbx
piece vmxoff
        vmxoff
piece vmxon
        vmxon [rax]
piece invept
        invept rcx, [rax]
piece invvpid
        invvpid rcx, [rax]
piece getsec
        getsec
piece vmfunc
        db 0x0f, 0x01, 0xd4
