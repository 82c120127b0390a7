/* SPDX-License-Identifier: MIT */
/* lib/string.c under names of its own, beside the host's functions, which are the reference. */
#include "tests/host/random.h"
#include "tests/host/unit.h"

void *lib_memcpy(void *restrict to, const void *restrict from, size_t n);
void *lib_memmove(void *to, const void *from, size_t n);
void *lib_memset(void *to, int byte, size_t n);
int lib_memcmp(const void *a, const void *b, size_t n);
size_t lib_strlen(const char *s);
size_t lib_strnlen(const char *s, size_t limit);
int lib_strcmp(const char *a, const char *b);
int lib_strncmp(const char *a, const char *b, size_t n);
char *lib_strchr(const char *s, int c);

#define memcpy  lib_memcpy
#define memmove lib_memmove
#define memset  lib_memset
#define memcmp  lib_memcmp
#define strlen  lib_strlen
#define strnlen lib_strnlen
#define strcmp  lib_strcmp
#define strncmp lib_strncmp
#define strchr  lib_strchr
#include "lib/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr

#define AREA 128

static uint8_t got[AREA], want[AREA];

static void fill(uint64_t *seed)
{
    for (int i = 0; i < AREA; i++)
        got[i] = want[i] = (uint8_t)random_next(seed);
}

/* The whole area is compared: a byte written before or behind shows as well. */
static void copies(void **state)
{
    uint64_t seed = 31;

    (void)state;
    for (int round = 0; round < 100000; round++) {
        size_t n = random_below(&seed, AREA / 2), to, from;

        fill(&seed);
        to = random_below(&seed, (uint32_t)(AREA - n + 1));
        from = random_below(&seed, (uint32_t)(AREA - n + 1));
        if (to + n <= from || from + n <= to) {
            memmove(want + to, want + from, n);
            assert_ptr_equal(lib_memcpy(got + to, got + from, n), got + to);
            assert_memory_equal(got, want, AREA);
        }
        memmove(want + to, want + from, n);
        assert_ptr_equal(lib_memmove(got + to, got + from, n), got + to);
        assert_memory_equal(got, want, AREA);
    }
}

static void sets(void **state)
{
    uint64_t seed = 37;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        size_t n = random_below(&seed, AREA), to = random_below(&seed, (uint32_t)(AREA - n + 1));
        int byte = (int)random_next(&seed);

        fill(&seed);
        memset(want + to, byte, n);
        assert_ptr_equal(lib_memset(got + to, byte, n), got + to);
        assert_memory_equal(got, want, AREA);
    }
}

static int sign(int v)
{
    return (v > 0) - (v < 0);
}

/* Words of few letters, so that many begin alike; 0x80 and above must compare as unsigned. */
static void random_text(uint64_t *seed, char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        text[i] = (char)(random_chance(seed, 12) ? 0x80 + random_below(seed, 3)
                                                 : 'a' + random_below(seed, 2));
    text[bytes] = 0;
}

static void comparisons(void **state)
{
    uint64_t seed = 41;

    (void)state;
    for (int round = 0; round < 50000; round++) {
        size_t bytes = 1 + random_below(&seed, 24), limit = random_below(&seed, 30);
        char a[32], b[32];
        char *x, *y;

        random_text(&seed, a, bytes - 1);
        random_text(&seed, b, random_below(&seed, (uint32_t)bytes));
        if (random_chance(&seed, 2)) {
            memcpy(b, a, sizeof a);
            b[random_below(&seed, (uint32_t)bytes)] ^= random_chance(&seed, 2);
        }
        x = exact_copy(a, strlen(a) + 1);
        y = exact_copy(b, strlen(b) + 1);
        assert_int_equal(lib_strlen(x), strlen(a));
        assert_int_equal(lib_strnlen(x, limit), strnlen(a, limit));
        assert_int_equal(sign(lib_strcmp(x, y)), sign(strcmp(a, b)));
        assert_int_equal(sign(lib_strncmp(x, y, limit)), sign(strncmp(a, b, limit)));
        bytes = strlen(a) < strlen(b) ? strlen(a) : strlen(b);
        assert_int_equal(sign(lib_memcmp(x, y, bytes)), sign(memcmp(a, b, bytes)));
        assert_ptr_equal(lib_strchr(x, 'b'), strchr(x, 'b'));
        assert_ptr_equal(lib_strchr(x, 0), strchr(x, 0));
        assert_ptr_equal(lib_strchr(x, 0x81), strchr(x, 0x81));
        free(x);
        free(y);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies),
        cmocka_unit_test(sets),
        cmocka_unit_test(comparisons),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
