/* SPDX-License-Identifier: MIT */
/*
 * The race that the shared DMA table is made for, and its three parties: drivers that take and give
 * references by themselves, the hypervisor that takes idle pages away, and a device whose IOTLB
 * remembers what was true a while ago. Spin tries every interleaving of the steps below. A step is
 * one access that another party can see: a locked operation on a word, a store of an entry, a
 * descriptor, a look at a token. All accesses to words are locked ones, so no CPU sees them in another
 * order than this one.
 *
 * Read driver() first, then map_call(), take() and send_page(), then unit() and device(), and what
 * judge() wants of them. What the protocol hangs on stands in RIGHT(name, ...): with -DBREAK=NAME it
 * is left out, and WRONG(name, ...) is done instead, and spin has to find what comes of it
 * (tests/model/test_model.py).
 */

/* ---- size and flavour, by -D ---- */
#ifndef PAGES
#define PAGES 2 /* or 3 */
#endif
#ifndef QUOTA
#define QUOTA 1
#endif
#ifndef RIGHTS
#define RIGHTS 2 /* 1: every page is mapped for BOTH */
#endif
#ifndef KEEPER
#define KEEPER 0
#endif
#define STRICT   1 /* an invalidation and a wait for each page */
#define BATCH    2 /* all that is idle goes at once, one wait */
#define DEFERRED 3 /* likewise, and the wait comes only for want of room */
#ifndef FLUSH
#define FLUSH STRICT
#endif

/* ---- what can be broken ---- */
#define NOTHING               0
#define REFERENCE_AFTER_LOOK  1  /* the driver looks for a hit, and takes its reference after that */
#define REFERENCE_AFTER_CALL  2  /* a miss holds no reference during its call */
#define UNMAP_BEFORE_END      3  /* the driver gives the reference back before the DMA has ended */
#define GRANT_BEFORE_ENTRY    4  /* the word shows the rights before the entry is there */
#define GRANT_BEFORE_TOKEN    5  /* the word shows WRITE before the read-only entry is gone */
#define WORDS_BELIEVED        6  /* the hypervisor asks the guest's words what is resident */
#define LOOK_THEN_STORE       7  /* eviction sees the count at 0, and takes the page a step later */
#define CLEAR_BEFORE_TAKE     8  /* eviction clears the entry before it has the page */
#define NEVER_TRIED_AGAIN     9  /* a page found in use is passed over for good */
#define INVALIDATE_THEN_CLEAR 10 /* the device can fetch the entry again in between */
#define NO_INVALIDATION       11
#define NO_WAIT               12 /* the room is used as soon as the invalidation was asked for */
#define LAST_TOKEN            13 /* the token of the last batch is taken for this one's */
#define REVIVED               14 /* a page that is still leaving is mapped at once */
#define NO_DOORBELL           15 /* the wait descriptor is not handed over */
#ifndef BREAK
#define BREAK NOTHING
#endif
#define RIGHT(name, step) if :: BREAK != name -> step :: else fi
#define WRONG(name, step) if :: BREAK == name -> step :: else fi

/* ---- what the parties share ---- */

/* Rights as in kernel/abi.h; a page is mapped for READ or for BOTH. 0: not at all. */
#define READ 1
#define BOTH 3
#define has(have, want) (((have) & (want)) == (want))

/* A word of the shared table: rights in the low bits, references above. */
#define COUNT 4
byte word[PAGES];
#define grant(p, which) word[p] = word[p] | (which)
#define refer(p)        word[p] = word[p] + COUNT
#define give_back(p)    word[p] = word[p] - COUNT

/* The hypervisor's records, which are the truth: a page is absent, mapped (rights) or leaving. */
#define QUEUED 1 /* taken from the guest; the entry is still there */
#define SENT   2 /* the entry is cleared, the invalidation handed over */
byte rights[PAGES], leaving[PAGES];
byte resident; /* pages mapped or leaving */
byte seen;     /* what eviction saw when it looked */
bool tried[PAGES];
chan calls = [3] of { byte }; /* who is in the hypervisor, then who waits for it */

/* The hardware: second-level entries, what the IOTLB holds of them, the invalidation queue, and the
 * status words that its wait descriptors write. */
byte entry[PAGES], iotlb[PAGES];
mtype = { INVALIDATE, WAIT };
chan queue = [PAGES + 3] of { mtype, byte };
#define EVICTION 0
#define WIDENING 1
bool done[2];

/* What the drivers have told the device to do: DMAs under way. */
byte reads[PAGES], writes[PAGES];
bool trying[2], using[2];

/* Something is so for a page. */
#define of_any(what) (what(0) || what(1) || what(PAGES - 1))

/* ---- the hypervisor: one call at a time, first come, first served ---- */

inline enter()
{
    calls!_pid;
    calls?[eval(_pid)]
}

inline leave()
{
    calls?_
}

#define is_queued(p) (leaving[p] == QUEUED)
#define is_sent(p)   (leaving[p] == SENT)

/* The entry first: while it can be fetched, no invalidation makes it go away. */
inline send_page(p)
{
    if
    :: is_queued(p) ->
        RIGHT(INVALIDATE_THEN_CLEAR, entry[p] = 0);
        RIGHT(NO_INVALIDATION, queue!INVALIDATE(p));
        WRONG(INVALIDATE_THEN_CLEAR, entry[p] = 0);
        leaving[p] = SENT
    :: else
    fi
}

/* All queued pages, with one wait. */
inline send()
{
    RIGHT(LAST_TOKEN, done[EVICTION] = false);
    send_page(0);
    send_page(1);
#if PAGES == 3
    send_page(2);
#endif
    RIGHT(NO_DOORBELL, queue!WAIT(EVICTION))
}

#define RELEASE(p) if :: is_sent(p) -> leaving[p] = 0; resident-- :: else fi

/* The token of what was sent shows. Only now is its room free, and might its frames be another's. */
inline release()
{
    d_step { RELEASE(0); RELEASE(1); RELEASE(PAGES - 1) }
}

inline wait_and_release()
{
    done[EVICTION] || BREAK == NO_WAIT;
    release()
}

/* Until no page is leaving any more. */
inline flush_all()
{
    if
    :: of_any(is_sent) -> wait_and_release()
    :: else
    fi;
    if
    :: of_any(is_queued) -> send(); wait_and_release()
    :: else
    fi
}

/* Takes a page away from the guest if nobody uses it. The load is a look and no more: what counts is
 * the compare-and-swap, which removes the rights in the step that sees the count at 0. */
inline take(p)
{
    d_step { tried[p] = true; seen = word[p] }
    WRONG(CLEAR_BEFORE_TAKE, entry[p] = (seen < COUNT -> 0 : entry[p]));
    d_step {
        if
        :: seen < COUNT && (word[p] == seen || BREAK == LOOK_THEN_STORE) ->
            word[p] = 0;
            rights[p] = 0;
            leaving[p] = QUEUED
        :: else
        fi;
        seen = 0
    }
}

#define is_mapped(p) (BREAK == WORDS_BELIEVED -> has(word[p], READ) : rights[p] != 0)
#define is_enough    (FLUSH == STRICT && of_any(is_queued))
#define candidate(p) (is_mapped(p) && !tried[p] && p != wanted && !is_enough)

/* Evicts what is idle, but not the wanted page, in any order: that is the policy's affair. */
inline evict(wanted)
{
    do
    :: candidate(0) -> take(0)
    :: candidate(1) -> take(1)
    :: PAGES == 3 && candidate(PAGES - 1) -> take(PAGES - 1)
    :: else -> break
    od;
    RIGHT(NEVER_TRIED_AGAIN, d_step { tried[0] = false; tried[1] = false; tried[PAGES - 1] = false });
    if
    :: of_any(is_sent) && done[EVICTION] -> release()
    :: else
    fi;
    if
    :: of_any(is_queued) && !of_any(is_sent) -> send()
    :: FLUSH == DEFERRED /* they wait for company */
    :: else
    fi;
    if
    :: of_any(is_sent) && FLUSH != DEFERRED -> wait_and_release()
    :: else
    fi
}

inline make_room(page)
{
    if
    :: leaving[page] && BREAK != REVIVED -> flush_all()
    :: else
    fi;
    if
    :: resident == QUOTA || FLUSH == DEFERRED -> evict(page)
    :: else
    fi;
    if
    :: resident == QUOTA -> flush_all()
    :: else
    fi
}

inline map_absent(page, want)
{
    make_room(page);
    if
    :: resident < QUOTA ->
        /* Counted before the device can reach it. */
        d_step { rights[page] = want; resident++ }
        WRONG(GRANT_BEFORE_ENTRY, grant(page, want));
        entry[page] = want
    :: else
    fi
}

inline widen(page, want)
{
    d_step { rights[page] = want; done[WIDENING] = false; entry[page] = want }
    WRONG(GRANT_BEFORE_TOKEN, grant(page, want));
    /* The IOTLB may have the narrower entry, and the device would fault on that. */
    queue!INVALIDATE(page);
    queue!WAIT(WIDENING);
    done[WIDENING]
}

/* The hypercall of a miss. */
inline map_call(page, want, ok)
{
    enter();
    if
    :: has(rights[page], want) /* another driver's miss was first */
    :: !rights[page] -> map_absent(page, want)
    :: rights[page] && !has(rights[page], want) -> widen(page, want)
    fi;
    atomic {
        ok = has(rights[page], want);
        if
        :: ok -> grant(page, rights[page])
        :: else
        fi
    }
    leave()
}

/* ---- the guest ---- */

/* Any page, either way. */
inline choose(page, want)
{
    atomic {
        if
        :: page = 0
        :: page = 1
        :: PAGES == 3 -> page = 2
        fi;
        if
        :: RIGHTS == 2 -> want = READ
        :: want = BOTH
        fi
    }
}

#ifndef HOSTILE

inline map(page, want)
{
    do
    :: atomic { old = word[page]; RIGHT(REFERENCE_AFTER_LOOK, refer(page)) }
        WRONG(REFERENCE_AFTER_LOOK, refer(page));
        if
        :: has(old, want) -> break /* a hit: with the reference held, it stays one */
        :: else
        fi;
        WRONG(REFERENCE_AFTER_CALL, give_back(page));
        map_call(page, want, ok);
        WRONG(REFERENCE_AFTER_CALL, refer(page));
        if
        :: ok -> break
        :: else -> give_back(page) /* all of the quota is in use: again */
        fi
    od
}

/* One of two CPUs, each of which sends or receives for ever. */
active [2] proctype driver()
{
    byte page, want, old;
    bool ok;

end:
    do
    :: trying[_pid] = true;
        choose(page, want);
        map(page, want);
        atomic {
            trying[_pid] = false; using[_pid] = true; old = 0; ok = false;
            reads[page]++; writes[page] = writes[page] + (want == BOTH)
        }
        WRONG(UNMAP_BEFORE_END, give_back(page));
        /* The device is at it. */
        d_step {
            reads[page]--; writes[page] = writes[page] - (want == BOTH);
            using[_pid] = false
        }
        RIGHT(UNMAP_BEFORE_END, give_back(page));
        d_step { page = 0; want = 0 }
    od
}

#else

/* A guest that calls for what it likes, and writes what it likes into its words meanwhile. Its DMAs
 * need no part of their own: device() uses entries without being told. */
active proctype hostile_caller()
{
    byte page, want;
    bool ok;

end:
    do
    :: choose(page, want);
        map_call(page, want, ok);
        d_step { page = 0; want = 0; ok = false }
    od
}

#define SCRIBBLE(p) word[p] = 0 :: word[p] = BOTH :: word[p] = COUNT :: word[p] = COUNT + READ

active proctype hostile_writer()
{
end:
    do
    :: SCRIBBLE(0)
    :: SCRIBBLE(1)
    od
}

#endif

/* ---- the hypervisor's calls to itself: a quota that is lowered, a timer that ends the waiting ---- */
#if KEEPER
active proctype keeper()
{
end:
    do
    :: enter();
        if
        :: evict(PAGES)
        :: of_any(is_queued) && !of_any(is_sent) -> send()
        fi;
        leave()
    od
}
#endif

/* ---- the hardware ---- */

/* Takes invalidations from the queue. */
active proctype unit()
{
    byte what;

end:
    do
    :: d_step { queue?INVALIDATE(what) -> iotlb[what] = 0; what = 0 }
    :: d_step { queue?WAIT(what) -> done[what] = true; what = 0 }
    od
}

/* The IOTLB fetches entries whenever it likes, DMA or not, and forgets none by itself: the worst that
 * there can be. */
#define FETCH(p) d_step { entry[p] && !iotlb[p] -> iotlb[p] = entry[p] }

active proctype device()
{
end:
    do
    :: FETCH(0)
    :: FETCH(1)
    :: FETCH(PAGES - 1)
    od
}

/* ---- the judge ---- */
bool over_quota, used_again, dma_fault; /* never true: they name what is asserted */

#define reachable(p) (entry[p] || iotlb[p])
#define reaches(p, want) (has(entry[p], want) && (!iotlb[p] || has(iotlb[p], want)))

#define all_reachable (reachable(0) + reachable(1) + (PAGES == 3 && reachable(PAGES - 1)))
#define is_astray(p)  (reachable(p) && !rights[p] && !leaving[p])
#define faults(p)     ((reads[p] && !reaches(p, READ)) || (writes[p] && !reaches(p, BOTH)))

active proctype judge()
{
end:
    do
    :: resident > QUOTA || all_reachable > QUOTA -> assert(over_quota)
    :: of_any(is_astray) -> assert(used_again)
    :: of_any(faults) -> assert(dma_fault)
    od
}

/*
 * What must come to an end, as long as each party that can go on does so some day (weak fairness): a
 * call always; and a map, unless the other driver has DMAs under way again and again. Drivers are
 * alike, so one of them is asked.
 */
#ifndef HOSTILE
#define calls_end (!calls??[0])
ltl everything_ends { ([]<> calls_end) && (([]<> !trying[0]) || ([]<> using[1])) }
#endif
