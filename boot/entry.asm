; SPDX-License-Identifier: MIT
; From the boot loader's 32-bit protected mode to kernel_main in 64-bit mode, on identity-mapped
; tables for the first 4 GiB that serve until paging_init. Other CPUs come by the same long_mode.

CR0_PE     equ 1 << 0
CR0_MP     equ 1 << 1
CR0_NE     equ 1 << 5
CR0_WP     equ 1 << 16
CR0_PG     equ 1 << 31
CR4_PAE    equ 1 << 5
MSR_EFER   equ 0xc0000080
EFER_LME   equ 1 << 8
EFER_NXE   equ 1 << 11

PTE_P      equ 1 << 0
PTE_W      equ 1 << 1
PTE_LARGE  equ 1 << 7

CPUID_EXT  equ 0x80000001
CPUID_NX   equ 1 << 20
CPUID_LM   equ 1 << 29

COM1       equ 0x3f8
COM1_LSR   equ COM1 + 5
LSR_EMPTY  equ 0x20

PAGE       equ 4096
STACK      equ 32 * 1024           ; STACK_BYTES of kernel/stack.h
STACKS     equ 4                   ; boot CPU's: main, #DF, NMI, #MC

CODE32     equ 0x08
DATA       equ 0x10
CODE64     equ 0x18

extern kernel_main
global boot_entry, long_mode, boot_gdt, boot_stacks

section .text.boot progbits alloc exec nowrite align=16
bits 32

boot_entry:
        cli
        cld
        mov esp, boot_stacks + PAGE + STACK
        mov edi, eax                ; magic and info stay in EDI, ESI: kernel_main's arguments
        mov esi, ebx
        call check_cpu
        call fill_tables
        lgdt [boot_gdtr]
        mov eax, boot_pml4
        mov edx, boot_entry64
        jmp long_mode

; EAX = page tables, EDX = where to go on in 64-bit mode; keeps EDI, ESI, EBX, EBP, ESP.
long_mode:
        mov cr3, eax
        mov eax, CR4_PAE            ; and nothing of what the firmware used
        mov cr4, eax
        push edx
        mov ecx, MSR_EFER
        rdmsr
        or eax, EFER_LME | EFER_NXE
        wrmsr
        pop edx
        ; A CPU comes out of INIT with caches off (CR0.CD, CR0.NW): hence no "or".
        mov eax, CR0_PG | CR0_WP | CR0_NE | CR0_MP | CR0_PE
        mov cr0, eax
        jmp CODE64:.compatibility_left
bits 64
.compatibility_left:
        mov eax, DATA
        mov ds, eax
        mov es, eax
        mov ss, eax
        xor eax, eax
        mov fs, eax
        mov gs, eax
        mov edx, edx                ; the upper halves are undefined after the switch
        jmp rdx

boot_entry64:
        mov esp, esp
        mov edi, edi
        mov esi, esi
        push 0                      ; the loader's RFLAGS.AC would switch SMAP off
        popfq
        xor ebp, ebp                ; the backtrace ends here
        call kernel_main
.over:  cli
        hlt
        jmp .over

bits 32
fill_tables:
        mov eax, PTE_P | PTE_W | PTE_LARGE
        xor ecx, ecx
.large: mov [boot_pds + ecx * 8], eax
        add eax, 2 << 20
        inc ecx
        cmp ecx, 4 * 512
        jne .large
        mov eax, boot_pds + (PTE_P | PTE_W)
        xor ecx, ecx
.pd:    mov [boot_pdpt + ecx * 8], eax
        add eax, PAGE
        inc ecx
        cmp ecx, 4
        jne .pd
        mov dword [boot_pml4], boot_pdpt + (PTE_P | PTE_W)
        ret

check_cpu:
        mov eax, 0x80000000
        cpuid
        cmp eax, CPUID_EXT
        jb .old
        mov eax, CPUID_EXT
        cpuid
        and edx, CPUID_LM | CPUID_NX
        cmp edx, CPUID_LM | CPUID_NX
        jne .old
        ret
.old:   mov esi, old_text
.next:  lodsb
        test al, al
        jz .halt
        mov ah, al
        mov ecx, 1 << 20            ; a port that is not there must not hang what is to be seen
        mov edx, COM1_LSR
.wait:  in al, dx
        test al, LSR_EMPTY
        loopz .wait
        mov al, ah
        mov edx, COM1
        out dx, al
        jmp .next
.halt:  cli
        hlt
        jmp .halt

section .rodata
old_text: db "Sluice needs a 64-bit CPU with no-execute pages: enable both in the firmware", 13, 10, 0

align 8
boot_gdt:
        dq 0
        dq 0x00cf9b000000ffff       ; CODE32
        dq 0x00cf93000000ffff       ; DATA
        dq 0x00af9b000000ffff       ; CODE64
boot_gdtr:
        dw $ - boot_gdt - 1
        dd boot_gdt

section .bss
align PAGE
boot_pml4: resb PAGE
boot_pdpt: resb PAGE
boot_pds:  resb 4 * PAGE

; Each is a page that paging_init leaves unmapped, then the stack that grows down to it.
section .stacks nobits alloc noexec write align=4096
boot_stacks: resb STACKS * (PAGE + STACK)
