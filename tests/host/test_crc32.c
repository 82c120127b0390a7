/* SPDX-License-Identifier: MIT */
#include "lib/crc32.h"

#include "tests/host/random.h"
#include "tests/host/unit.h"

/* Values of Python's zlib.crc32. */
static void known_values(void **state)
{
    static const uint8_t zeroes[32], ones[32] = {[0 ... 31] = 0xff};

    (void)state;
    assert_int_equal(crc32("", 0), 0);
    assert_int_equal(crc32("a", 1), 0xe8b7be43);
    assert_int_equal(crc32("123456789", 9), 0xcbf43926);
    assert_int_equal(crc32(zeroes, 32), 0x190a55ad);
    assert_int_equal(crc32(ones, 32), 0xff6cab0b);
    assert_int_equal(crc32("{\"sluice\":\"result\"", 18), 0x94fc4e24);
}

/* The remainder of a division of polynomials, done by hand: not reflected, bit by bit. */
static uint32_t divide(const uint8_t *data, size_t bytes)
{
    uint64_t rest = 0, mirrored = 0;

    for (size_t bit = 0; bit < bytes * 8 + 32; bit++) {
        uint64_t in = bit / 8 < bytes ? data[bit / 8] >> (bit % 8) & 1 : 0;

        rest = rest << 1 | (in ^ (bit < 32));
        if (rest & 1ull << 32)
            rest ^= 0x104c11db7;
    }
    for (int i = 0; i < 32; i++)
        mirrored |= (rest >> i & 1) << (31 - i);
    return (uint32_t)~mirrored;
}

static void as_by_hand(void **state)
{
    uint64_t seed = 29;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        uint8_t data[64];
        size_t bytes = random_below(&seed, sizeof data + 1);

        for (size_t i = 0; i < bytes; i++)
            data[i] = (uint8_t)random_next(&seed);
        assert_int_equal(crc32(data, bytes), divide(data, bytes));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),
        cmocka_unit_test(as_by_hand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
