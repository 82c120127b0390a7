/* SPDX-License-Identifier: MIT */
/*
 * Included before every file of the engine and of the guest that meets in the shared words, so that
 * each access to a word is a step of tests/host/interleave.h (and can be broken on purpose). An
 * operation that is not here does not compile.
 */
#ifndef TESTS_HOST_RACE_WORDS_H
#define TESTS_HOST_RACE_WORDS_H

#include <stdbool.h>
#include <stdint.h>

uint32_t race_load(const uint32_t *word);
void race_store(uint32_t *word, uint32_t value);
uint32_t race_add(uint32_t *word, uint32_t value);
uint32_t race_sub(uint32_t *word, uint32_t value);
uint32_t race_or(uint32_t *word, uint32_t value);
uint32_t race_and(uint32_t *word, uint32_t value);
bool race_swap(uint32_t *word, uint32_t *expected, uint32_t desired);

#define __atomic_load_n(word, order)           race_load(word)
#define __atomic_store_n(word, value, order)   race_store(word, value)
#define __atomic_fetch_add(word, value, order) race_add(word, value)
#define __atomic_fetch_sub(word, value, order) race_sub(word, value)
#define __atomic_fetch_or(word, value, order)  race_or(word, value)
#define __atomic_fetch_and(word, value, order) race_and(word, value)
#define __atomic_compare_exchange_n(word, expected, desired, weak, yes, no) \
    race_swap(word, expected, desired)

#define __atomic_exchange_n       not_a_step
#define __atomic_add_fetch        not_a_step
#define __atomic_sub_fetch        not_a_step
#define __atomic_or_fetch         not_a_step
#define __atomic_and_fetch        not_a_step
#define __atomic_exchange         not_a_step
#define __atomic_compare_exchange not_a_step
#define __atomic_load             not_a_step
#define __atomic_store            not_a_step

#endif
