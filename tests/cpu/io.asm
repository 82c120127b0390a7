; SPDX-License-Identifier: MIT
; DX, AL and so on are the test's.
%include "tests/cpu/layout.inc"

piece out8
        out dx, al
        point 1
piece out16
        out dx, ax
        point 1
piece out32
        out dx, eax
        point 1
piece in8
        in al, dx
        point 1
piece in16
        in ax, dx
        point 1
piece in32
        in eax, dx
        point 1
piece in8_short
        in al, 0xff
        point 1
piece outsb
        outsb
        point 1
piece insw
        insw
        point 1
piece rep_outsd
        rep outsd
        point 1
piece rep_insb
        rep insb
        point 1
