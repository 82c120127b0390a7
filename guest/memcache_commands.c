/* SPDX-License-Identifier: MIT */
#include "guest/memcache_parts.h"

#include <string.h>
#include "lib/fmt.h"

#define WORDS       8u
#define VALUE_HUGE  (1ull << 31) /* nobody means that: it is no length to skip */
#define STATS_BYTES 640u

struct word {
    const char *at;
    size_t n;
};

struct command {
    const char *name;
    unsigned least, most; /* words, its own and noreply among them */
    void (*run)(struct memcache_session *s, const struct word *words, unsigned n);
};

struct memcache_commands memcache_commands;

static bool is_word(struct word w, const char *text)
{
    return w.n == strlen(text) && memcmp(w.at, text, w.n) == 0;
}

/* Digits alone, of 64 bits. */
static bool number(const char *at, size_t n, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < n; i++) {
        if (at[i] < '0' || at[i] > '9' || __builtin_mul_overflow(*value, 10u, value) ||
            __builtin_add_overflow(*value, (uint64_t)(at[i] - '0'), value))
            return false;
    }
    return n > 0;
}

void memcache_put_item(struct memcache_session *s, struct memcache_item *item, size_t from,
                       size_t n)
{
    memcache_hold(item);
    s->put(s->to, item->text + from, n, item);
}

static void reply(struct memcache_session *s, const char *text)
{
    if (!s->no_reply)
        s->put(s->to, text, strlen(text), NULL);
}

void memcache_bad_line(struct memcache_session *s)
{
    memcache_commands.errors++;
    PUT(s, "CLIENT_ERROR bad command line format\r\n");
}

static void skip(struct memcache_session *s, uint64_t bytes, const char *why)
{
    memcache_commands.errors++;
    reply(s, why);
    s->left = bytes;
    s->state = MEMCACHE_SKIP_BYTES;
}

/* set KEY FLAGS EXPIRY BYTES [noreply], and so add and replace. */
static void store(struct memcache_session *s, const struct word *w, unsigned n)
{
    uint64_t flags, expiry, bytes;
    bool is_gone = w[3].at[0] == '-';

    if (w[1].n > MEMCACHE_KEY_MAX || !number(w[2].at, w[2].n, &flags) || flags > UINT32_MAX ||
        !number(w[3].at + is_gone, w[3].n - is_gone, &expiry) || !number(w[4].at, w[4].n, &bytes) ||
        bytes > VALUE_HUGE || (n == 6 && !s->no_reply)) {
        memcache_bad_line(s);
        return;
    }
    memcache_commands.sets++;
    if (bytes > MEMCACHE_VALUE_MAX) {
        skip(s, bytes + 2, "SERVER_ERROR object too large for cache\r\n");
        return;
    }
    s->item = memcache_new(w[1].at, w[1].n, (uint32_t)flags, bytes);
    if (!s->item) {
        skip(s, bytes + 2, "SERVER_ERROR out of memory storing object\r\n");
        return;
    }
    s->how = w[0].at[0];
    s->is_gone = is_gone;
    s->left = bytes + 2;
    s->state = MEMCACHE_DATA;
}

void memcache_end_data(struct memcache_session *s)
{
    struct memcache_item *item = s->item, *before;
    const char *end = item->text + item->bytes;

    s->item = NULL;
    s->state = MEMCACHE_COMMAND;
    if (end[-2] != '\r' || end[-1] != '\n') {
        memcache_commands.errors++;
        PUT(s, "CLIENT_ERROR bad data chunk\r\n");
        if (end[-1] != '\n')
            s->state = MEMCACHE_SKIP_LINE;
        memcache_release(item);
        return;
    }
    before = memcache_find(item->text + strlen("VALUE "), item->key_bytes);
    if ((s->how == 'a' && before) || (s->how == 'r' && !before)) {
        reply(s, "NOT_STORED\r\n");
    } else {
        if (!s->is_gone)
            memcache_link(item);
        else if (before)
            memcache_unlink(before);
        reply(s, "STORED\r\n");
    }
    memcache_release(item);
}

static void delete (struct memcache_session *s, const struct word *w, unsigned n)
{
    struct memcache_item *item = memcache_find(w[1].at, w[1].n);

    if (n == 3 && !s->no_reply && !is_word(w[2], "0")) {
        memcache_bad_line(s);
        return;
    }
    if (item)
        memcache_unlink(item);
    reply(s, item ? "DELETED\r\n" : "NOT_FOUND\r\n");
}

/* incr and decr KEY DELTA [noreply]: a new item, since the old one may be on its way out. */
static void add(struct memcache_session *s, const struct word *w, unsigned n)
{
    struct memcache_item *item = memcache_find(w[1].at, w[1].n);
    uint64_t value, delta;
    uint32_t flags;
    char text[24];

    if (!number(w[2].at, w[2].n, &delta) || (n == 4 && !s->no_reply)) {
        PUT(s, "CLIENT_ERROR invalid numeric delta argument\r\n");
        return;
    }
    if (!item) {
        reply(s, "NOT_FOUND\r\n");
        return;
    }
    if (!number(item->text + item->value, memcache_value_bytes(item), &value)) {
        reply(s, "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n");
        return;
    }
    flags = item->flags;
    if (w[0].at[0] == 'i')
        value += delta;
    else
        value = value > delta ? value - delta : 0;
    int length = fmt_snprintf(text, sizeof(text), "%zu", (size_t)value);
    item = memcache_new(w[1].at, w[1].n, flags, (size_t)length);
    if (!item) {
        reply(s, "SERVER_ERROR out of memory in incr\r\n");
        return;
    }
    memcpy(item->text + item->value, text, (size_t)length);
    memcache_link(item);
    if (!s->no_reply)
        memcache_put_item(s, item, item->value, item->bytes - item->value);
    memcache_release(item);
}

static void flush_all(struct memcache_session *s, const struct word *w, unsigned n)
{
    if (n > 1 && !is_word(w[1], "0") && !is_word(w[1], "noreply")) {
        reply(s, "SERVER_ERROR only at once\r\n");
        return;
    }
    memcache_flush();
    reply(s, "OK\r\n");
}

static void stats(struct memcache_session *s, const struct word *w, unsigned n)
{
    const struct memcache_commands *c = &memcache_commands;
    const struct memcache_counters *m = &memcache_counters;
    struct memcache_item *item = NULL;

    if (n > 1) { /* of kinds that there are not */
        if (s->no_reply)
            memcache_bad_line(s);
        else
            PUT(s, "END\r\n");
        return;
    }
    (void)w;
    item = memcache_new(NULL, 0, 0, STATS_BYTES);
    if (!item) {
        PUT(s, "SERVER_ERROR out of memory\r\n");
        return;
    }
    int length = fmt_snprintf(
        item->text, STATS_BYTES,
        "STAT pid 1\r\nSTAT version 1.0.0\r\nSTAT pointer_size 64\r\nSTAT threads 1\r\n"
        "STAT curr_items %zu\r\nSTAT total_items %zu\r\nSTAT bytes %zu\r\n"
        "STAT limit_maxbytes %zu\r\nSTAT evictions %zu\r\nSTAT cmd_get %zu\r\n"
        "STAT get_hits %zu\r\nSTAT get_misses %zu\r\nSTAT cmd_set %zu\r\nEND\r\n",
        (size_t)m->items, (size_t)m->total_items, (size_t)m->bytes, (size_t)m->limit,
        (size_t)m->evictions, (size_t)c->gets, (size_t)c->hits, (size_t)(c->gets - c->hits),
        (size_t)c->sets);
    memcache_put_item(s, item, 0, (size_t)length);
    memcache_release(item);
}

static void version(struct memcache_session *s, const struct word *w, unsigned n)
{
    (void)w;
    (void)n;
    PUT(s, "VERSION 1.0.0\r\n");
}

static void verbosity(struct memcache_session *s, const struct word *w, unsigned n)
{
    (void)w;
    (void)n;
    reply(s, "OK\r\n");
}

static void quit(struct memcache_session *s, const struct word *w, unsigned n)
{
    (void)w;
    (void)n;
    s->quit = true;
}

static const struct command commands[] = {
    {"set", 5, 6, store},           {"add", 5, 6, store},   {"replace", 5, 6, store},
    {"delete", 2, 4, delete},       {"incr", 3, 4, add},    {"decr", 3, 4, add},
    {"flush_all", 1, 3, flush_all}, {"stats", 1, 3, stats}, {"version", 1, 1, version},
    {"verbosity", 2, 3, verbosity}, {"quit", 1, 1, quit},
};

static unsigned split(const char *line, size_t length, struct word words[WORDS])
{
    unsigned n = 0;

    for (size_t i = 0; i < length && n < WORDS; n++) {
        while (i < length && line[i] == ' ')
            i++;
        if (i == length)
            break;
        words[n].at = line + i;
        while (i < length && line[i] != ' ')
            i++;
        words[n].n = (size_t)(line + i - words[n].at);
    }
    return n;
}

void memcache_end_line(struct memcache_session *s)
{
    struct word words[WORDS];
    unsigned n;

    s->length -= s->length > 0 && s->line[s->length - 1] == '\r';
    n = split(s->line, s->length, words);
    s->length = 0;
    s->no_reply = n > 1 && is_word(words[n - 1], "noreply");
    for (unsigned i = 0; n > 0 && i < sizeof(commands) / sizeof(commands[0]); i++) {
        const struct command *c = &commands[i];

        if (!is_word(words[0], c->name))
            continue;
        memcache_commands.others += c->run != store;
        if (n >= c->least && n <= c->most)
            c->run(s, words, n);
        else
            memcache_bad_line(s);
        return;
    }
    memcache_commands.errors++;
    PUT(s, "ERROR\r\n");
}
