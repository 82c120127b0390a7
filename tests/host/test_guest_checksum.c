/* SPDX-License-Identifier: MIT */
/* The guest's fast checksum against the words of RFC 1071, one by one. */
#include "tests/host/unit.h"

#include "guest/checksum.h"
#include "tests/host/random.h"

static uint16_t plain(const uint8_t *data, size_t bytes)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < bytes; i++) {
        sum += i % 2 ? (uint32_t)data[i] << 8 : data[i];
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)sum;
}

static void equals_the_plain_sum(void **state)
{
    uint64_t random = 1;

    (void)state;
    for (size_t bytes = 0; bytes < 1600; bytes++) {
        for (size_t shift = 0; shift < 3; shift++) { /* aligned or not */
            uint8_t data[1610];

            for (size_t i = 0; i < sizeof(data); i++)
                data[i] = bytes % 5 ? (uint8_t)random_next(&random) : 0xff;
            if (checksum(data + shift, (int)bytes) != plain(data + shift, bytes))
                fail_msg("%zu bytes at offset %zu", bytes, shift);
        }
    }
}

static void reads_no_byte_too_many(void **state)
{
    (void)state;
    for (size_t bytes = 1; bytes < 40; bytes++) {
        uint8_t zero[40] = {0};
        uint8_t *copy = exact_copy(zero, bytes);

        assert_int_equal(checksum(copy, (int)bytes), 0);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_the_plain_sum),
        cmocka_unit_test(reads_no_byte_too_many),
    };

    return cmocka_run_group_tests_name("guest_checksum", tests, NULL, NULL);
}
