; SPDX-License-Identifier: MIT
; What boot loaders look for in the image's first 8 KiB (Multiboot Specification 0.6.96 section 3.1)
; and 32 KiB (Multiboot2 Specification 2.0 section 3.1).

MB1_MAGIC        equ 0x1badb002
MB1_PAGE_ALIGNED equ 1 << 0
MB1_MEMORY_MAP   equ 1 << 1
MB1_FLAGS        equ MB1_PAGE_ALIGNED | MB1_MEMORY_MAP

MB2_MAGIC        equ 0xe85250d6
MB2_I386         equ 0
MB2_TAG_END      equ 0
MB2_TAG_REQUEST  equ 1
MB2_TAG_ALIGN    equ 6
MB2_CMDLINE      equ 1
MB2_MODULE       equ 3
MB2_MEMORY_MAP   equ 6

section .multiboot progbits alloc exec nowrite align=8

multiboot1_header:
        dd MB1_MAGIC
        dd MB1_FLAGS
        dd -(MB1_MAGIC + MB1_FLAGS)

align 8
multiboot2_header:
        dd MB2_MAGIC
        dd MB2_I386
        dd multiboot2_end - multiboot2_header
        dd -(MB2_MAGIC + MB2_I386 + multiboot2_end - multiboot2_header)
; information request: without a memory map there is no starting
        dw MB2_TAG_REQUEST, 0
        dd 20
        dd MB2_CMDLINE, MB2_MODULE, MB2_MEMORY_MAP
align 8
; modules on page boundaries
        dw MB2_TAG_ALIGN, 0
        dd 8
        dw MB2_TAG_END, 0
        dd 8
multiboot2_end:
