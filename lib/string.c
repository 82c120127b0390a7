/* SPDX-License-Identifier: MIT */
/*
 * Bulk moves are the string instructions: processors have fast paths for them, and a C loop would
 * be turned by the compiler into a call of the very function it stands in. Eight bytes a step,
 * because an emulator pays for each step; the last, incomplete word is one that overlaps.
 */
#include <stdint.h>
#include <string.h>

typedef uint64_t __attribute__((aligned(1), may_alias)) word_t;

static inline word_t *word_at(void *p, size_t offset)
{
    return (word_t *)((uint8_t *)p + offset);
}

static inline word_t word_of(const void *p, size_t offset)
{
    return *(const word_t *)((const uint8_t *)p + offset);
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    void *d = to;
    const void *s = from;
    size_t count = n < 8 ? n : n / 8;

    if (n < 8) {
        __asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(count)::"memory");
        return to;
    }
    __asm__ volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(count)::"memory");
    if (n % 8 != 0)
        *word_at(to, n - 8) = word_of(from, n - 8);
    return to;
}

/* Highest address first. No descending string instruction: they are byte-wise slow on hardware. */
static void move_down(uint8_t *to, const uint8_t *from, size_t n)
{
    for (; n >= 8; n -= 8)
        *word_at(to, n - 8) = word_of(from, n - 8);
    while (n > 0) {
        n--;
        to[n] = from[n];
        __asm__ volatile("" ::: "memory"); /* else this loop becomes a call of memmove */
    }
}

void *memmove(void *to, const void *from, size_t n)
{
    void *d = to;
    const void *s = from;
    uintptr_t above = (uintptr_t)to - (uintptr_t)from; /* huge when to is the lower one */

    if (above >= n && 0 - above >= n)
        return memcpy(to, from, n);
    if (above < n)
        move_down(to, from, n);
    else
        __asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(n)::"memory");
    return to;
}

void *memset(void *to, int byte, size_t n)
{
    void *d = to;
    uint64_t word = (uint8_t)byte * 0x0101010101010101ull;
    size_t count = n < 8 ? n : n / 8;

    if (n < 8) {
        __asm__ volatile("rep stosb" : "+D"(d), "+c"(count) : "a"(word) : "memory");
        return to;
    }
    __asm__ volatile("rep stosq" : "+D"(d), "+c"(count) : "a"(word) : "memory");
    if (n % 8 != 0)
        *word_at(to, n - 8) = word;
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *p = a, *q = b;
    size_t i = 0;

    while (i + 8 <= n && word_of(p, i) == word_of(q, i))
        i += 8;
    for (; i < n; i++)
        if (p[i] != q[i])
            return p[i] - q[i];
    return 0;
}

size_t strnlen(const char *s, size_t limit)
{
    size_t n = 0;

    while (n < limit && s[n] != 0)
        n++;
    return n;
}

size_t strlen(const char *s)
{
    return strnlen(s, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (a[i] != b[i])
            return (uint8_t)a[i] - (uint8_t)b[i];
        if (a[i] == 0)
            break;
    }
    return 0;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c)
            return (char *)(uintptr_t)s;
        if (*s == 0)
            return NULL;
    }
}
