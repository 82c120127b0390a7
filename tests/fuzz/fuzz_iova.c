/* SPDX-License-Identifier: MIT */
/* Lives of an IOVA space, every choice in them a fuzzer's, the allocator the first. */
#include "tests/fuzz/fuzz.h"
#include "tests/host/iova_life.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct draw source = draw_bytes(data, bytes);
    static struct iova_life life;

    iova_life_start(&life, iova_find(iova_names[draw(&source, 5)]), &source);
    while (!draw_is_over(&source) && iova_life_step(&life))
        ;
    if (!iova_life_finish(&life)) {
        fprintf(stderr, "%s\n", life.failure);
        abort();
    }
    return 0;
}
