/* SPDX-License-Identifier: MIT */
#include "kernel/dma/pagelist.h"

void page_list_init(struct page_list *list)
{
    *list = (struct page_list){.newest = PAGE_NONE, .oldest = PAGE_NONE};
}

void page_list_push(struct page_list *list, struct page_record *records, uint32_t page)
{
    records[page].newer = PAGE_NONE;
    records[page].older = list->newest;
    if (list->newest == PAGE_NONE)
        list->oldest = page;
    else
        records[list->newest].newer = page;
    list->newest = page;
    list->length++;
}

void page_list_push_oldest(struct page_list *list, struct page_record *records, uint32_t page)
{
    records[page].older = PAGE_NONE;
    records[page].newer = list->oldest;
    if (list->oldest == PAGE_NONE)
        list->newest = page;
    else
        records[list->oldest].older = page;
    list->oldest = page;
    list->length++;
}

void page_list_remove(struct page_list *list, struct page_record *records, uint32_t page)
{
    uint32_t newer = records[page].newer, older = records[page].older;

    if (newer == PAGE_NONE)
        list->newest = older;
    else
        records[newer].older = older;
    if (older == PAGE_NONE)
        list->oldest = newer;
    else
        records[older].newer = newer;
    list->length--;
}
