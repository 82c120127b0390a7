/* SPDX-License-Identifier: MIT */
/*
 * What the VT-d specification (revision 3.x) lays down: registers, entries, descriptors. The width
 * of a register is in its type, so that a 64-bit register can't be read by a 32-bit accessor.
 */
#ifndef VTD_VTD_REGS_H
#define VTD_VTD_REGS_H

#include <stdint.h>

/* Register map, section 10.4. */
enum vtd_reg32 {
    VTD_VER = 0x00,
    VTD_GCMD = 0x18,
    VTD_GSTS = 0x1c,
    VTD_FSTS = 0x34,
    VTD_FECTL = 0x38,
    VTD_PMEN = 0x64,
    VTD_IECTL = 0xa0,
};

enum vtd_reg64 {
    VTD_CAP = 0x08,
    VTD_ECAP = 0x10,
    VTD_RTADDR = 0x20,
    VTD_IQH = 0x80,
    VTD_IQT = 0x88,
    VTD_IQA = 0x90,
    VTD_IRTA = 0xb8,
};

/* A field of a 64-bit word: bits high..low. */
#define VTD_FIELD(word, high, low) (((word) >> (low)) & ((2ull << ((high) - (low))) - 1))

/* Capabilities, section 10.4.2. */
#define VTD_CAP_DOMAINS(c)      (1u << (4 + 2 * VTD_FIELD(c, 2, 0)))
#define VTD_CAP_RWBF            (1ull << 4)
#define VTD_CAP_PLMR            (1ull << 5)
#define VTD_CAP_PHMR            (1ull << 6)
#define VTD_CAP_CM              (1ull << 7)
#define VTD_CAP_SAGAW(c)        VTD_FIELD(c, 12, 8)
#define VTD_SAGAW_39            0x2u
#define VTD_SAGAW_48            0x4u
#define VTD_CAP_WIDTH(c)        ((unsigned)VTD_FIELD(c, 21, 16) + 1) /* MGAW, in bits */
#define VTD_CAP_FAULT_OFFSET(c) ((uint32_t)VTD_FIELD(c, 33, 24) * 16)
#define VTD_CAP_2M              (1ull << 34)
#define VTD_CAP_1G              (1ull << 35)
#define VTD_CAP_PSI             (1ull << 39)
#define VTD_CAP_FAULTS(c)       ((uint32_t)VTD_FIELD(c, 47, 40) + 1)
#define VTD_CAP_MAMV(c)         ((unsigned)VTD_FIELD(c, 53, 48))
#define VTD_CAP_DWD             (1ull << 54)
#define VTD_CAP_DRD             (1ull << 55)

/* Extended capabilities, section 10.4.3. */
#define VTD_ECAP_C               (1ull << 0)
#define VTD_ECAP_QI              (1ull << 1)
#define VTD_ECAP_IR              (1ull << 3)
#define VTD_ECAP_EIM             (1ull << 4)
#define VTD_ECAP_PT              (1ull << 6)
#define VTD_ECAP_SC              (1ull << 7)
#define VTD_ECAP_IOTLB_OFFSET(e) ((uint32_t)VTD_FIELD(e, 17, 8) * 16)

/* Global command and status, sections 10.4.4 and 10.4.5: the same bits in both. */
#define VTD_G_TE    (1u << 31)
#define VTD_G_SRTP  (1u << 30)
#define VTD_G_WBF   (1u << 27)
#define VTD_G_QIE   (1u << 26)
#define VTD_G_IRE   (1u << 25)
#define VTD_G_SIRTP (1u << 24)
#define VTD_G_CFI   (1u << 23)
/* What a command must carry of the status: without the one-shot bits SRTP, SFL, WBF, SIRTP, which
 * would act again. */
#define VTD_G_CARRY 0x96ffffffu

/* Fault status, section 10.4.9. */
#define VTD_FSTS_PFO    (1u << 0)
#define VTD_FSTS_PPF    (1u << 1)
#define VTD_FSTS_IQE    (1u << 4)
#define VTD_FSTS_ICE    (1u << 5)
#define VTD_FSTS_ITE    (1u << 6)
#define VTD_FSTS_CLEAR  0xffu /* all that is cleared by writing 1; the rest is read-only */
#define VTD_FSTS_FRI(s) (((s) >> 8) & 0xff)

#define VTD_EVENT_MASK (1u << 31) /* FECTL and IECTL: no event messages */

/* Fault recording register, section 10.4.14: two 64-bit words. */
#define VTD_FAULT_BYTES           16
#define VTD_FAULT_ADDRESS(low)    ((low) & ~0xfffull)
#define VTD_FAULT_IRT_INDEX(low)  ((unsigned)VTD_FIELD(low, 63, 48))
#define VTD_FAULT_SOURCE(high)    ((uint16_t)(high))
#define VTD_FAULT_REASON(high)    ((uint8_t)VTD_FIELD(high, 39, 32))
#define VTD_FAULT_READ            (1ull << 62)
#define VTD_FAULT_VALID           (1ull << 63)
#define VTD_FAULT_CLEAR_OFFSET    12 /* the last 32 bits hold F alone as write-1-to-clear */
#define VTD_FAULT_CLEAR           (1u << 31)
#define VTD_FAULT_FIRST_INTERRUPT 0x20 /* reasons from here to 0x2f: interrupt remapping */

/* Protected memory enable, section 10.4.16. */
#define VTD_PMEN_EPM (1u << 31)
#define VTD_PMEN_PRS (1u << 0)

/* Interrupt remapping table address, section 10.4.29: 2^(S+1) entries. */
#define VTD_IRTA_EIME    (1ull << 11)
#define VTD_IRTA_256     7u
#define VTD_ENTRY_FRAME  0x000ffffffffff000ull
#define VTD_PAGE_ENTRIES 512u

/* Root, context and interrupt-remapping entries, sections 9.1, 9.3 and 9.10. Present is bit 0 of
 * the low word. */
struct vtd_entry128 {
    uint64_t low, high;
};
#define VTD_PRESENT             1ull
#define VTD_CONTEXT_PASS        (2ull << 2) /* translation type: none. Needs ECAP.PT */
#define VTD_CONTEXT_ENTRIES     256u
#define VTD_CONTEXT_AW(levels)  ((uint64_t)(levels)-2)
#define VTD_CONTEXT_DOMAIN(id)  ((uint64_t)(id) << 8)
#define VTD_CONTEXT_ID_OF(high) ((uint16_t)VTD_FIELD(high, 23, 8))

/* Interrupt-remapping entries, section 9.10: the vector in the low word; source-id and how much of
 * it to compare in the high one. */
#define VTD_IRTE_VECTOR(v)     ((uint64_t)(v) << 16)
#define VTD_IRTE_VERIFY_SOURCE (1ull << 18) /* SVT 1, SQ 0: all 16 bits */

/* Interrupt messages: remappable, section 5.1.2.2 (the index is the handle, and the data, which is
 * 0, is added to it); compatibility format, section 5.1.2.1. */
#define VTD_MESSAGE          0xfee00018ull
#define VTD_MESSAGE_INDEX(i) ((uint64_t)(i) << 5)
#define VTD_COMPATIBLE       0xfee00000ull
#define VTD_COMPATIBLE_TO(a) ((uint64_t)(a) << 12)
#define VTD_COMPATIBLE_ID    254u /* the last APIC id it can name */

/* Second-level paging entries, section 9.8. */
#define VTD_SL_READ  (1ull << 0)
#define VTD_SL_WRITE (1ull << 1)
#define VTD_SL_LARGE (1ull << 7)
#define VTD_SL_SNOOP (1ull << 11) /* reserved unless ECAP.SC */
/* Ignored by hardware, present or not: a page of the domain's reserve stands behind this entry. */
#define VTD_SL_BACKED (1ull << 52)

/* Invalidation descriptors, sections 6.5.2.1, 6.5.2.3, 6.5.2.7, 6.5.2.8. */
struct vtd_descriptor {
    uint64_t low, high;
};
#define VTD_INV_CONTEXT   0x1ull
#define VTD_INV_IOTLB     0x2ull
#define VTD_INV_INTERRUPT 0x4ull
#define VTD_INV_WAIT      0x5ull
#define VTD_INV_TYPE(low) VTD_FIELD(low, 3, 0)

#define VTD_INV_GLOBAL        (1ull << 4) /* of context and IOTLB */
#define VTD_INV_ONE           (1ull << 4) /* of interrupts: the index's, not all */
#define VTD_INV_DOMAIN        (2ull << 4)
#define VTD_INV_SELECTIVE     (3ull << 4) /* device of context, page of IOTLB */
#define VTD_INV_DRAIN_WRITES  (1ull << 6)
#define VTD_INV_DRAIN_READS   (1ull << 7)
#define VTD_INV_LEAVES_ONLY   (1ull << 6) /* IH, in the high word: upper-level caches may stay */
#define VTD_INV_ID(id)        ((uint64_t)(id) << 16)
#define VTD_INV_SOURCE(id)    ((uint64_t)(id) << 32)
#define VTD_INV_INDEX(i)      ((uint64_t)(i) << 32)
#define VTD_INV_WAIT_STATUS   (1ull << 5)
#define VTD_INV_WAIT_DATA(v)  ((uint64_t)(uint32_t)(v) << 32)
#define VTD_INV_QUEUE_ENTRIES 256u /* of a queue of one page, 128-bit descriptors */

_Static_assert(sizeof(struct vtd_entry128) == 16, "a root or context entry is 128 bits");
_Static_assert(sizeof(struct vtd_entry128) * VTD_CONTEXT_ENTRIES == 4096, "a table is one page");
_Static_assert(sizeof(struct vtd_descriptor) == 16, "a descriptor is 128 bits");
_Static_assert(sizeof(struct vtd_descriptor) * VTD_INV_QUEUE_ENTRIES == 4096,
               "IQA.QS 0 is one page");
_Static_assert(sizeof(uint64_t) * VTD_PAGE_ENTRIES == 4096, "a paging table is one page");

#endif
