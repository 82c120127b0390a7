/* SPDX-License-Identifier: MIT */
/*
 * What the engine knows of a page, in 8 bytes, and doubly linked lists threaded through these
 * records. The links are page indices of 26 bits (256 GiB of guest), so that the page's state fits
 * beside them. Links, queue and uses are the eviction policy's to keep; policies that keep no lists
 * of pages put other things of 26 bits there (region.h).
 */
#ifndef KERNEL_DMA_PAGELIST_H
#define KERNEL_DMA_PAGELIST_H

#include <stdint.h>

#define PAGE_NONE 0x03ffffffu /* no page: ends a list. Larger than every page index */

struct page_record {
    uint32_t newer : 26;
    uint32_t rights : 2; /* what the second-level entry allows; 0: there is none */
    uint32_t wanted : 2; /* what the burst in hand asks for; not 0 keeps the page from eviction */
    uint32_t had : 2;    /* rights of the last stay: what a page that is brought along gets */
    uint32_t older : 26;
    uint32_t leaving : 1; /* taken by eviction: resident until its invalidation has completed */
    uint32_t queue : 3;   /* enum evict_queue */
    uint32_t uses : 2;    /* saturates */
};

_Static_assert(sizeof(struct page_record) == 8, "the private cost of a page is part of the design");

struct page_list {
    uint32_t newest, oldest; /* page indices or PAGE_NONE */
    uint32_t length;
};

void page_list_init(struct page_list *list);
void page_list_push(struct page_list *list, struct page_record *records, uint32_t page);
/* At the other end: the page becomes the oldest. */
void page_list_push_oldest(struct page_list *list, struct page_record *records, uint32_t page);
void page_list_remove(struct page_list *list, struct page_record *records, uint32_t page);

#endif
