/* SPDX-License-Identifier: MIT */
/* Options, their cross product, and plans of them. */
#include "kernel/plan.h"

#include <errno.h>
#include <stdio.h>
#include "tests/host/random.h"
#include "tests/host/unit.h"

static struct options base;
static struct plan plan;
static struct plan_walk walk;
static char error[PLAN_ERROR_TEXT];

static void parse(const char *words)
{
    assert_int_equal(options_parse(words, &base, error), 0);
}

static int read_text(const char *text)
{
    return plan_read(&plan, "p", text, strlen(text), &base, error);
}

/* "work strategy ..." of the case at hand: what means something to it. */
static void case_text(char *to, size_t size)
{
    size_t used = 0;

    to[0] = 0;
    for (unsigned d = 0; d < DIMENSIONS; d++)
        if (walk.cross.text[d])
            used += (size_t)snprintf(to + used, size - used, "%s%s", used ? " " : "",
                                     walk.cross.text[d]);
}

static void next_is(const char *text)
{
    char got[512];

    assert_true(plan_next(&walk));
    case_text(got, sizeof got);
    assert_string_equal(got, text);
}

static void the_command_line_makes_cases(void **state)
{
    (void)state;
    parse("work=a,b strategy=direct,on-demand quota=50%,w50% irq=poll,msi");
    assert_int_equal(plan_of_options(&plan, &base, error), 0);
    assert_int_equal(plan.cases, 12);
    assert_int_equal(plan.skipped, 4); /* direct with a second quota, for each irq and work */
    plan_begin(&walk, &plan);
    next_is("a direct poll vm");
    next_is("a direct msi vm");
    next_is("a on-demand batch adaptive table 16 50% poll vm");
    next_is("a on-demand batch adaptive table 16 50% msi vm");
    next_is("a on-demand batch adaptive table 16 w50% poll vm");
    assert_int_equal(walk.number, 5);
    assert_int_equal(plan_setting(&walk)->quota.kind, QUOTA_WORKING_SET);
    assert_int_equal(plan_line_number(&walk), 0);
}

static void what_means_nothing_is_as_it_begins(void **state)
{
    const struct setting *s = plan_setting(&walk);

    (void)state;
    parse("strategy=direct quota=10% policy=fifo prefetch=4 flush=strict evict=3");
    assert_int_equal(plan_of_options(&plan, &base, error), 0);
    plan_begin(&walk, &plan);
    next_is("idle direct poll vm");
    assert_int_equal(s->quota.kind, QUOTA_NONE);
    assert_int_equal(s->dma.prefetch, 0);
    assert_int_equal(s->dma.hits, DMA_HITS_FREE);
    assert_false(plan_next(&walk));
}

static void rounds_go_through_all_lines(void **state)
{
    static const char text[] = "# first\n\nwork=a strategy=direct # x\r\nwork=b,c strategy=direct";

    (void)state;
    parse("rounds=2 seed=9 guest=peer=1,bytes=2");
    assert_int_equal(read_text(text), 0);
    assert_int_equal(plan.cases, 6);
    plan_begin(&walk, &plan);
    next_is("a direct poll vm");
    assert_int_equal(plan_line_number(&walk), 3);
    next_is("b direct poll vm");
    assert_int_equal(plan_line_number(&walk), 4);
    next_is("c direct poll vm");
    assert_int_equal(walk.round, 1);
    next_is("a direct poll vm");
    assert_int_equal(walk.round, 2);
    assert_int_equal(walk.number, 4);
    assert_int_equal(walk.options.seed, 9);
    next_is("b direct poll vm");
    next_is("c direct poll vm");
    assert_false(plan_next(&walk));
}

static void guest_words_are_merged(void **state)
{
    (void)state;
    parse("guest=peer=1,bytes=2,b=3");
    assert_int_equal(read_text("guest=bytes=5,frames=6\nwork=a\n"), 0);
    plan_begin(&walk, &plan);
    assert_true(plan_next(&walk));
    assert_string_equal(walk.options.guest, "bytes=5,frames=6,peer=1,b=3");
    assert_true(plan_next(&walk)); /* a line's words are its own */
    assert_string_equal(walk.options.guest, "peer=1,bytes=2,b=3");
}

static void says(int result, const char *a, const char *b)
{
    assert_int_equal(result, -EINVAL);
    if (!strstr(error, a) || !strstr(error, b))
        fail_msg("\"%s\" has no \"%s\" or \"%s\"", error, a, b);
}

static void errors_name_line_and_reason(void **state)
{
    static const char zero[] = "work=a\nwork=b\0 strategy=none\n";
    char longer[1100];

    (void)state;
    parse("");
    says(read_text("work=a\n\nstratgy=direct\n"), "plan p, line 3", "did you mean strategy");
    says(read_text("strategy=drect"), "line 1", "did you mean direct");
    says(read_text("work=a com1=9600"), "line 1: com1", "command line");
    says(read_text("work=a rounds=3"), "line 1: rounds", "command line");
    says(read_text("work=a unsafe-dma"), "line 1: unsafe-dma", "command line");
    says(read_text("strategy=none"), "line 1: strategy=none", "unsafe-dma");
    says(read_text("strategy=direct calls=single"), "line 1: calls=", "shared");
    says(read_text("quota=0"), "quota=0", "more than 0");
    says(read_text("\n# nothing\n"), "plan p", "not one case");
    says(read_text("guest=\"a"), "line 1", "quote");
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = 0;
    says(read_text(longer), "line 1", "longer than 1023");
    says(plan_read(&plan, "p", zero, sizeof zero - 1, &base, error), "line 2", "no text");
}

static void too_many_lines(void **state)
{
    static char text[(PLAN_LINES + 1) * 7 + 1];

    (void)state;
    parse("");
    for (int i = 0; i <= PLAN_LINES; i++)
        memcpy(text + 7 * i, "work=a\n", 8);
    says(read_text(text), "line 129", "more lines");
    text[7 * PLAN_LINES] = 0;
    assert_int_equal(read_text(text), 0);
    assert_int_equal(plan.cases, PLAN_LINES);
}

static void refused(const char *words, const char *a)
{
    says(options_parse(words, &base, error), a, "");
}

static void values_that_no_case_has(void **state)
{
    (void)state;
    refused("policy=lru", "hits=exit");
    refused("policy=fifo,lru", "policy=lru must see");
    refused("strategy=direct hits=exit", "hits= is for on-demand");
    refused("iova=rbtree", "iova= is for");
    parse("strategy=direct policy=lru"); /* nobody looks at it */
    parse("policy=lru,fifo hits=table,exit");
    assert_int_equal(plan_of_options(&plan, &base, error), 0);
    assert_int_equal(plan.cases, 3);
    assert_int_equal(plan.skipped, 1);
}

/* Billions of combinations that are nearly all nothing take no time. */
static void pruning(void **state)
{
    static char words[2048];
    size_t used = 0;

    (void)state;
    used += (size_t)snprintf(words, sizeof words, "strategy=direct");
    for (int d = 0; d < 4; d++) {
        static const char *const keys[] = {"prefetch", "evict", "quota", "flush"};

        used += (size_t)snprintf(words + used, sizeof words - used, " %s=", keys[d]);
        for (int i = 0; i < 32; i++)
            used += (size_t)snprintf(words + used, sizeof words - used, "%s%s", i ? "," : "",
                                     d == 3   ? "batch"
                                     : d == 2 ? "1M"
                                              : "1");
    }
    parse(words);
    assert_int_equal(plan_of_options(&plan, &base, error), 0);
    assert_int_equal(plan.cases, 1);
    assert_int_equal(plan.skipped, 32 * 32 * 32 * 32 - 1);
    refused("work=a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a "
            "quota=1M,1M,1M,1M,1M,1M,1M,1M,1M,1M,1M,1M,1M,1M,1M,1M,1M,1M,1M,1M,1M,1M,1M,1M "
            "evict=1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1 flush=batch,batch,deferred "
            "policy=fifo,sieve,clock",
            "more than 100000 cases");
}

static void msi_needs_a_nic_that_has_it(void **state)
{
    (void)state;
    parse("irq=poll,msi bench=p");
    base.has_msi = false;
    assert_int_equal(read_text("strategy=direct\nirq=msi strategy=direct\n"), 0);
    assert_int_equal(plan.cases, 1);
    says(read_text("irq=msi"), "not one case", "irq=msi");
}

static void the_shell_is_stricter(void **state)
{
    (void)state;
    parse("quotta=1");
    assert_int_equal(options_change("quota=10%", OPTIONS_SHELL, &base, error), 0);
    assert_string_equal(base.list[DIM_QUOTA].value[0], "10%");
    says(options_change("quotta=10%", OPTIONS_SHELL, &base, error), "no such option", "quota");
    says(options_change("nic=00:03.0", OPTIONS_SHELL, &base, error), "nic", "only at boot");
}

/* What the rows say about meaning, said again in another way. */
static bool means(enum dimension d, const char *strategy, const char *flush, const char *policy)
{
    bool on_demand = strcmp(strategy, "on-demand") == 0;
    bool window = strcmp(strategy, "shared") == 0 || strcmp(strategy, "single-use") == 0;

    switch (d) {
    case DIM_FLUSH:
        return on_demand || window;
    case DIM_POLICY:
    case DIM_HITS:
    case DIM_QUOTA:
        return on_demand;
    case DIM_PREFETCH:
        return on_demand && strcmp(policy, "adaptive") != 0;
    case DIM_EVICT:
        return on_demand && strcmp(flush, "strict") != 0;
    case DIM_CALLS:
    case DIM_IOVA:
        return window;
    default:
        return true;
    }
}

/* Whether this combination is a case, by looking at all of it at once. */
static bool is_case(const uint32_t at[DIMENSIONS])
{
    const char *v[DIMENSIONS];

    for (unsigned d = 0; d < DIMENSIONS; d++)
        v[d] = base.list[d].value[at[d]];
    for (unsigned d = 0; d < DIMENSIONS; d++)
        if (at[d] > 0 && !means((enum dimension)d, v[DIM_STRATEGY], v[DIM_FLUSH], v[DIM_POLICY]))
            return false;
    return !(strcmp(v[DIM_STRATEGY], "on-demand") == 0 && strcmp(v[DIM_POLICY], "lru") == 0 &&
             strcmp(v[DIM_HITS], "table") == 0);
}

static bool turn(uint32_t at[DIMENSIONS])
{
    for (unsigned d = DIMENSIONS; d-- > 0;) {
        if (++at[d] < base.list[d].count)
            return true;
        at[d] = 0;
    }
    return false;
}

static void draw_words(uint64_t *seed, char *words, size_t size)
{
    static const char *const keys[] = {"strategy", "flush", "policy", "hits",  "quota",
                                       "calls",    "iova",  "work",   "evict", "prefetch"};
    static const char *const values[][4] = {{"direct", "on-demand", "shared", "persistent"},
                                            {"strict", "batch", "deferred", "percpu"},
                                            {"lru", "fifo", "adaptive", "clock"},
                                            {"table", "exit", "exit", "table"},
                                            {"1M", "none", "w5%", "w120%"},
                                            {"single", "batch", "piggyback", "single"},
                                            {"rbtree", "magazine", "eiovar", "identity"},
                                            {"a", "b", "c", "d"},
                                            {"1", "16", "4", "2"},
                                            {"0", "1", "16", "2"}};
    size_t used = 0;

    words[0] = 0;
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
        uint64_t n = random_below(seed, 4), from = random_below(seed, 4);

        for (uint64_t i = 0; i < n; i++)
            used += (size_t)snprintf(words + used, size - used, "%s%s%s", i ? "," : keys[k],
                                     i ? "" : "=", values[k][(from + i) % 4]);
        if (n > 0)
            used += (size_t)snprintf(words + used, size - used, " ");
    }
}

static void cases_are_those_of_a_plain_search(void **state)
{
    uint64_t seed = 11, compared = 0;

    (void)state;
    for (int round = 0; round < 400; round++) {
        uint32_t at[DIMENSIONS] = {0};
        uint64_t skipped = 0;
        char words[512];

        draw_words(&seed, words, sizeof words);
        if (options_parse(words, &base, error) != 0)
            continue;
        assert_int_equal(plan_of_options(&plan, &base, error), 0);
        plan_begin(&walk, &plan);
        do {
            if (!is_case(at)) {
                skipped++;
                continue;
            }
            assert_true(plan_next(&walk));
            assert_memory_equal(walk.cross.at, at, sizeof at);
            compared++;
        } while (turn(at));
        assert_false(plan_next(&walk));
        assert_int_equal(plan.cases, walk.number);
        assert_true(plan.skipped == skipped);
    }
    assert_true(compared > 3000);
}

static size_t read_file(const char *name, char *text, size_t size)
{
    char path[64];
    FILE *f;
    size_t bytes;

    snprintf(path, sizeof path, "kernel/plans/%s.plan", name);
    f = fopen(path, "r");
    assert_non_null(f);
    bytes = fread(text, 1, size, f);
    fclose(f);
    return bytes;
}

/* They can be read, and no share of a working set comes before what measures it. */
static void our_own_plans(void **state)
{
    static const char *const names[] = {"exact", "quick", "paper", "full"};
    static char text[16384], measured[64];

    (void)state;
    parse("unsafe-dma unsafe-native");
    for (int i = 0; i < 4; i++) {
        size_t bytes = read_file(names[i], text, sizeof text);

        if (plan_read(&plan, names[i], text, bytes, &base, error) != 0)
            fail_msg("%s", error);
        measured[0] = 0;
        for (plan_begin(&walk, &plan); plan_next(&walk);) {
            const struct setting *s = plan_setting(&walk);

            if (s->dma.strategy == DMA_ON_DEMAND && s->quota.kind == QUOTA_NONE)
                snprintf(measured, sizeof measured, "%s", s->work);
            if (s->quota.kind == QUOTA_WORKING_SET)
                assert_string_equal(measured, s->work);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_command_line_makes_cases),
        cmocka_unit_test(what_means_nothing_is_as_it_begins),
        cmocka_unit_test(rounds_go_through_all_lines),
        cmocka_unit_test(guest_words_are_merged),
        cmocka_unit_test(errors_name_line_and_reason),
        cmocka_unit_test(too_many_lines),
        cmocka_unit_test(values_that_no_case_has),
        cmocka_unit_test(pruning),
        cmocka_unit_test(msi_needs_a_nic_that_has_it),
        cmocka_unit_test(the_shell_is_stricter),
        cmocka_unit_test(cases_are_those_of_a_plain_search),
        cmocka_unit_test(our_own_plans),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
