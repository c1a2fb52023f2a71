/* SPDX-License-Identifier: MIT */
/* frame_guess.c - guesses which frame specification a captured stream was framed with.
 *
 *      guess_capture   measures how predictable each byte is without frames: the null hypothesis
 *      guess_search    finds thousands of rules and first fields that could chain frames
 *      guess_chain     walks along each chain: evidence that its fields have similar surroundings
 *      guess_start     decides how many bytes before its field a frame begins
 *      here            ranks the best, once for each way to cut the capture
 *      guess_spec      writes the simplest specification, and checks it with a decoder
 *
 * All evidence is counted in bits, minus the bits that it costs to describe the framing. So the
 * sizes of both decide, and not the order of the search.
 */
#include "frame_guess.h"

#include <string.h>

#include "guess_bits.h"
#include "guess_fixed.h"
#include "guess_known.h"
#include "guess_search.h"
#include "guess_text.h"

#define FRAME_GUESS__FIRST_FRAMES 64             /* frames of the first look at a chain */
#define FRAME_GUESS__FINALISTS_MAX 256           /* chains that are walked to the end */
#define FRAME_GUESS__CUT_MAX 6                   /* finalists that cut the same frames */
#define FRAME_GUESS__REFINED (64 * GUESS_BIT)    /* evidence that a finer cut needs */
#define FRAME_GUESS__LANDING (3 * GUESS_BIT / 2) /* evidence that each landing should have */
#define FRAME_GUESS__LINES_MAX (64 * GUESS_BIT)  /* most evidence that lines begin or end alike */
#define FRAME_GUESS__FRAMES_MIN 8 /* frames from which on each one is compared with all */
#define FRAME_GUESS__FRAMES_FEW 4 /* with fewer, chance plays a larger part than the bits say */
#define FRAME_GUESS__FAVOUR (4 * GUESS_BIT) /* in favour of any framing: a user asked for one */
#define FRAME_GUESS__EMPTY_MAX 64           /* empty frames that cost something each */
#define FRAME_GUESS__MONOTONY (8 * GUESS_BIT)
#define FRAME_GUESS__DILUTED (24 * GUESS_BIT) /* evidence that empty frames can add */
#define FRAME_GUESS__HALF (8 * GUESS_BIT)     /* evidence that halves the doubt */

/* The state of one guess. */
struct frame_guess__work {
    struct guess_capture capture;
    struct guess_search search;
    struct guess_prior prior;
    struct guess_columns columns;
    struct guess_start finalists[FRAME_GUESS__FINALISTS_MAX]; /* best first */
    size_t finalists_count;
};

/* Returns whether two chains cut the end of the capture into the same frames. */
static bool frame_guess__ends_same(const struct guess_start *a, const struct guess_start *b)
{
    return a->end == b->end && a->chain.last - a->offset == b->chain.last - b->offset;
}

/* Returns whether two chains cut the same frames, as far as they were walked. */
static bool frame_guess__is_same(const struct guess_start *a, const struct guess_start *b)
{
    return a->begin == b->begin && a->chain.jumps_hash == b->chain.jumps_hash &&
           a->chain.frames_count == b->chain.frames_count && a->end == b->end;
}

/* Removes the finalist at this index. */
static void frame_guess__remove(struct frame_guess__work *work, size_t index)
{
    work->finalists_count--;
    memmove(&work->finalists[index], &work->finalists[index + 1],
            (work->finalists_count - index) * sizeof work->finalists[0]);
}

/* Limits the finalists that cut the same frames to the simplest, so that they leave room for
 * others. Returns false if the chain is not simpler, or is one of them. */
static bool frame_guess__limit_same(struct frame_guess__work *work, const struct guess_start *start)
{
    size_t same = 0, worst = 0;

    for (size_t i = 0; i < work->finalists_count; i++) {
        const struct guess_start *other = &work->finalists[i];
        if (!frame_guess__is_same(other, start)) continue;
        bool is_equal =
            memcmp(&other->chain.rule, &start->chain.rule, sizeof start->chain.rule) == 0;
        if (is_equal && !start->known) return false;
        if (same++ == 0 || other->cost > work->finalists[worst].cost) worst = i;
    }
    if (same < FRAME_GUESS__CUT_MAX) return true;
    if (work->finalists[worst].cost <= start->cost) return false;
    frame_guess__remove(work, worst);
    return true;
}

/* Inserts the chain if it is among the best. */
static void frame_guess__insert(struct frame_guess__work *work, const struct guess_start *start)
{
    if (!frame_guess__limit_same(work, start)) return;
    size_t at = work->finalists_count;
    while (at > 0 && work->finalists[at - 1].score < start->score) at--;
    if (at == FRAME_GUESS__FINALISTS_MAX) return;
    if (work->finalists_count < FRAME_GUESS__FINALISTS_MAX) work->finalists_count++;
    memmove(&work->finalists[at + 1], &work->finalists[at],
            (work->finalists_count - at - 1) * sizeof work->finalists[0]);
    work->finalists[at] = *start;
}

/* Returns the cost of landings without evidence. Real headers have something in common. */
static int64_t frame_guess__silence(const struct guess_chain *chain)
{
    int64_t expected = ((int64_t)chain->landings_count - 2) * FRAME_GUESS__LANDING;

    if (chain->rule.kind == GUESS_RULE_DELIMITER) return 0; /* a line can contain anything */
    return expected > chain->gain && expected > 0 ? expected - chain->gain : 0;
}

/* Returns the cost of empty frames: they explain zeros of which the evidence is counted. */
static int64_t frame_guess__empty(const struct guess_chain *chain)
{
    int64_t count = chain->empty_count,
            few = count < FRAME_GUESS__EMPTY_MAX ? count : FRAME_GUESS__EMPTY_MAX;
    int64_t share = chain->gain > 0 ? chain->gain / 4 * count / chain->frames_count : 0;

    return few * GUESS_BIT / 2 + share;
}

/* Returns the cost of frames of one length: any constant of a record can look like its length. */
static int64_t frame_guess__monotony(const struct guess_chain *chain)
{
    bool is_number = chain->rule.kind == GUESS_RULE_NUMBER ||
                     chain->rule.kind == GUESS_RULE_VARINT ||
                     chain->rule.kind == GUESS_RULE_VARINT_SELF;

    return is_number && chain->frames_count > 2 && chain->value_min == chain->value_max
               ? FRAME_GUESS__MONOTONY
               : 0;
}

/* Walks a chain, and keeps it if it is among the best. `extra` is evidence from elsewhere. */
static void frame_guess__consider(struct frame_guess__work *work, const struct guess_chain *from,
                                  uint32_t frames_max, int64_t extra)
{
    struct guess_chain chain = *from;
    struct guess_start start;

    if (frames_max == GUESS_CHAIN_FRAMES_MAX)
        guess_chain_rewind(&chain, &work->capture, &work->columns);
    else
        guess_chain_trim(&chain, &work->capture, frames_max, &work->columns);
    guess_chain_walk(&chain, &work->capture, frames_max, &work->columns);
    if (chain.rule.kind == GUESS_RULE_DELIMITER && chain.gain > FRAME_GUESS__LINES_MAX)
        chain.gain = FRAME_GUESS__LINES_MAX;
    if (chain.frames_count == 0 ||
        !guess_start_choose(&start, &chain, &work->capture, &work->columns, &work->prior))
        return;
    start.score += extra - frame_guess__silence(&start.chain) - frame_guess__empty(&start.chain) -
                   frame_guess__monotony(&start.chain);
    frame_guess__insert(work, &start);
}

/* Considers the protocols whose headers the capture has. */
static void frame_guess__consider_known(struct frame_guess__work *work)
{
    struct guess_known known;
    struct guess_start start;

    for (size_t index = 0; guess_known_next(&work->capture, &index, &known);) {
        guess_chain_walk(&known.chain, &work->capture, GUESS_CHAIN_FRAMES_MAX, &work->columns);
        if (known.chain.frames_count == 0 ||
            !guess_start_known(&start, &known.chain, known.offset, known.evidence, known.is_greeted,
                               &work->capture, &work->columns, &work->prior))
            continue;
        start.known = known.name;
        frame_guess__insert(work, &start);
    }
}

static void frame_guess__consider_text(struct frame_guess__work *work)
{
    struct guess_text_delimiter delimiters[GUESS_TEXT_DELIMITERS_MAX];
    size_t count = guess_text_find(&work->capture, delimiters);

    for (size_t i = 0; i < count; i++) {
        struct guess_chain chain = {.rule = delimiters[i].rule};
        struct guess_rule_step step;
        int64_t evidence = delimiters[i].evidence;
        frame_guess__consider(work, &chain, GUESS_CHAIN_FRAMES_MAX, evidence);
        if (guess_rule_read(&chain.rule, &work->capture, 0, &step) != GUESS_RULE_STEP) continue;
        chain.field = (size_t)step.jump; /* the capture starts within a line */
        frame_guess__consider(work, &chain, GUESS_CHAIN_FRAMES_MAX, evidence);
    }
}

static void frame_guess__consider_fixed(struct frame_guess__work *work)
{
    uint32_t sizes[GUESS_FIXED_SIZES_MAX];
    size_t count = guess_fixed_find(&work->capture, sizes);

    for (size_t i = 0; i < count; i++) {
        struct guess_chain chain = {.rule = {.kind = GUESS_RULE_FIXED}};
        chain.rule.constant = (int32_t)sizes[i];
        frame_guess__consider(work, &chain, GUESS_CHAIN_FRAMES_MAX, 0);
        chain.field = work->capture.length % sizes[i];
        frame_guess__consider(work, &chain, GUESS_CHAIN_FRAMES_MAX, 0);
        chain.field = guess_fixed_begin(&work->capture, sizes[i]);
        frame_guess__consider(work, &chain, GUESS_CHAIN_FRAMES_MAX, 0);
    }
}

/* Walks the chains that the first look found to the end. */
static void frame_guess__walk_finalists(struct frame_guess__work *work, struct arena *arena)
{
    size_t count = work->finalists_count;
    struct guess_chain *chains = arena_alloc(arena, count * sizeof *chains + 1);

    if (!chains) return;
    for (size_t i = 0; i < count; i++) chains[i] = work->finalists[i].chain;
    work->finalists_count = 0;
    for (size_t i = 0; i < count; i++)
        frame_guess__consider(work, &chains[i], GUESS_CHAIN_FRAMES_MAX, 0);
}

/* ---- ranking ---- */

/* Returns 1000 * 2^(-bits / FRAME_GUESS__HALF). */
static int64_t frame_guess__doubt(int64_t bits)
{
    int64_t doubt = 1000, rest = bits % FRAME_GUESS__HALF;

    if (bits <= 0) return 1000;
    if (bits >= 16 * FRAME_GUESS__HALF) return 0;
    doubt >>= bits / FRAME_GUESS__HALF;
    return doubt - doubt * rest / (2 * FRAME_GUESS__HALF);
}

/* Sets the confidence by the evidence, by the next best guess, and by how much is explained. */
static void frame_guess__trust(const struct frame_guess__work *work, struct frame_guess *guess,
                               int64_t rival)
{
    uint64_t good = guess->check.good_bytes, all = good + guess->check.bad_bytes;
    int64_t score = guess->start.score + FRAME_GUESS__FAVOUR;
    uint64_t normal = guess->start.chain.jump_max > 64 ? guess->start.chain.jump_max : 64;

    if (guess->skipped_bytes > normal) all += guess->skipped_bytes - normal;
    int64_t share = all > 0 ? (int64_t)(good * 1000 / all) : 0;
    int64_t trust = (1000 - frame_guess__doubt(score)) *
                    (1000 - frame_guess__doubt(guess->start.score - rival) * 6 / 10) / 1000;
    trust = trust * (1000 - frame_guess__doubt(guess->start.rival) * 6 / 10) / 1000;
    for (int i = 0; i < 4; i++) trust = trust * share / 1000;
    if (!guess->start.known && guess->start.chain.frames_count < FRAME_GUESS__FRAMES_FEW)
        trust = trust * 3 / 4;
    good += good > 0 ? guess->start.offset : 0; /* before the first field */
    guess->explained_bytes = good < work->capture.length ? good : work->capture.length;
    guess->confidence_percent = (int)(trust / 10);
}

/* Describes a finalist. Returns false if no specification can. */
static bool frame_guess__describe(struct frame_guess__work *work, const struct guess_start *start,
                                  struct frame_guess *guess)
{
    memset(guess, 0, sizeof *guess);
    guess->start = *start;
    guess->skipped_bytes = start->begin;
    if (!guess_spec_write(&guess->spec, start, &work->capture)) return false;
    if (guess->spec.messages_count == 0) return false;
    struct guess_chain chain = start->chain;
    guess_chain_walk(&chain, &work->capture, GUESS_CHAIN_FRAMES_MAX, &work->columns);
    guess_chain_check(&chain, &work->capture, &work->columns, &guess->check);
    /* A line can contain anything, and a few frames say little about what is usual. */
    if (chain.rule.kind == GUESS_RULE_DELIMITER || start->known ||
        chain.frames_count < FRAME_GUESS__FRAMES_MIN) {
        guess->check.good_bytes += guess->check.bad_bytes;
        guess->check.bad_bytes = 0;
    }
    return true;
}

/* Returns the simplest finalist that cuts the same frames as this one, and was not tried;
 * FRAME_GUESS__FINALISTS_MAX: there is none. */
static size_t frame_guess__simplest(const struct frame_guess__work *work,
                                    const struct guess_start *first,
                                    const bool tried[FRAME_GUESS__FINALISTS_MAX])
{
    size_t best = FRAME_GUESS__FINALISTS_MAX;

    for (size_t i = 0; i < work->finalists_count; i++) {
        if (tried[i] || !frame_guess__is_same(&work->finalists[i], first)) continue;
        if (best == FRAME_GUESS__FINALISTS_MAX ||
            work->finalists[i].cost < work->finalists[best].cost)
            best = i;
    }
    return best;
}

/* Describes the simplest of the finalists that cut the same frames as this one. Each finalist whose
 * frames are the same at the end is a variant, and is marked. */
static bool frame_guess__describe_simplest(struct frame_guess__work *work, size_t at,
                                           bool marks[FRAME_GUESS__FINALISTS_MAX],
                                           struct frame_guess *guess)
{
    struct guess_start first = work->finalists[at];
    bool tried[FRAME_GUESS__FINALISTS_MAX] = {false};

    for (size_t i = at; i < work->finalists_count; i++)
        if (frame_guess__ends_same(&work->finalists[i], &first)) marks[i] = true;
    for (;;) {
        size_t best = frame_guess__simplest(work, &first, tried);
        if (best == FRAME_GUESS__FINALISTS_MAX) return false;
        tried[best] = true;
        struct guess_start start = work->finalists[best];
        start.score = first.score;
        if (frame_guess__describe(work, &start, guess)) return true;
    }
}

/* Returns whether `fine` cuts wherever `coarse` does, is more usual, and has evidence of its own. A
 * protocol that repeats a pattern of messages has both. */
static bool frame_guess__is_refined(const struct frame_guess__work *work,
                                    const struct guess_start *coarse,
                                    const struct guess_start *fine)
{
    uint32_t proving = fine->chain.frames_count - fine->chain.empty_count;

    return fine->cost < coarse->cost && proving > coarse->chain.frames_count &&
           fine->score > FRAME_GUESS__REFINED && fine->begin < work->capture.length / 4 &&
           guess_chain_contains(&fine->chain, fine->offset, &coarse->chain, coarse->offset,
                                &work->capture);
}

/* Returns whether `fine` only adds empty frames to `coarse`: it reads zeros before a number as
 * empty frames. */
static bool frame_guess__is_diluted(const struct frame_guess__work *work,
                                    const struct guess_start *coarse,
                                    const struct guess_start *fine)
{
    uint32_t proving = fine->chain.frames_count - fine->chain.empty_count;

    return fine->chain.rule.kind != GUESS_RULE_DELIMITER && coarse->begin <= fine->begin + 8 &&
           fine->chain.frames_count > coarse->chain.frames_count &&
           proving <= coarse->chain.frames_count &&
           coarse->score > fine->score - FRAME_GUESS__DILUTED &&
           guess_chain_contains(&fine->chain, fine->offset, &coarse->chain, coarse->offset,
                                &work->capture);
}

/* Moves finer cuts before the coarse ones that they contain, and coarse ones before finer ones that
 * only add empty frames. */
static void frame_guess__refine(struct frame_guess__work *work)
{
    for (size_t i = 1; i < work->finalists_count; i++) {
        struct guess_start fine = work->finalists[i];
        size_t at = i;
        for (size_t j = i; j > 0; j--)
            if (frame_guess__is_refined(work, &work->finalists[j - 1], &fine) ||
                frame_guess__is_diluted(work, &fine, &work->finalists[j - 1]))
                at = j - 1;
        if (at == i) continue;
        fine.score = work->finalists[at].score;
        memmove(&work->finalists[at + 1], &work->finalists[at], (i - at) * sizeof fine);
        work->finalists[at] = fine;
    }
}

/* Returns whether two chains end in the same number. Then they differ only in the begin of frames.
 */
static bool frame_guess__is_shifted(const struct guess_start *a, const struct guess_start *b)
{
    uint32_t a_anchor = guess_rule_anchor(&a->chain.rule);
    uint32_t b_anchor = guess_rule_anchor(&b->chain.rule);

    uint32_t a_count = a->chain.frames_count, b_count = b->chain.frames_count;

    return a_count <= b_count + b_count / 8 + 1 && b_count <= a_count + a_count / 8 + 1 &&
           a->chain.last + a_anchor == b->chain.last + b_anchor &&
           a->chain.next + a_anchor == b->chain.next + b_anchor;
}

/* Decides the begin of frames among chains of the same numbers without counting the evidence of the
 * numbers, which is about the same. */
static void frame_guess__shift(struct frame_guess__work *work)
{
    struct guess_start first = work->finalists[0];
    size_t best = 0;

    for (size_t i = 1; i < work->finalists_count; i++) {
        const struct guess_start *other = &work->finalists[i], *now = &work->finalists[best];
        if (!frame_guess__is_shifted(other, &first)) continue;
        if (other->chain.gain < first.chain.gain - first.chain.gain / 16) continue;
        if (other->score - other->chain.gain > now->score - now->chain.gain) best = i;
    }
    if (best == 0) return;
    struct guess_start start = work->finalists[best];
    start.score = first.score > start.score ? first.score : start.score;
    memmove(&work->finalists[1], &work->finalists[0], best * sizeof start);
    work->finalists[0] = start;
}

/* Describes the best finalists, once for each way to cut the capture. */
static void frame_guess__describe_best(struct frame_guess__work *work,
                                       struct frame_guess_result *result)
{
    bool marks[FRAME_GUESS__FINALISTS_MAX] = {false};

    for (size_t i = 0; i < work->finalists_count && result->count < FRAME_GUESS_MAX; i++) {
        const struct guess_start *finalist = &work->finalists[i];
        if (marks[i] || finalist->score <= -FRAME_GUESS__FAVOUR) continue;
        if (!frame_guess__describe_simplest(work, i, marks, &result->guesses[result->count]))
            continue;
        for (size_t j = i + 1; j < work->finalists_count; j++)
            if (!marks[j] && (frame_guess__is_refined(work, &work->finalists[j], finalist) ||
                              frame_guess__is_diluted(work, finalist, &work->finalists[j])))
                marks[j] = true;
        result->count++;
    }
}

/* Sorts the guesses by confidence, and drops those that have little beside the first. */
static void frame_guess__sort(struct frame_guess_result *result)
{
    for (size_t i = 1; i < result->count; i++) {
        struct frame_guess guess = result->guesses[i];
        size_t at = i;
        for (; at > 0; at--) {
            if (result->guesses[at - 1].confidence_percent >= guess.confidence_percent) break;
            result->guesses[at] = result->guesses[at - 1];
        }
        result->guesses[at] = guess;
    }
    int least = result->count > 0 ? result->guesses[0].confidence_percent / 10 : 0;
    while (result->count > 0 && result->guesses[result->count - 1].confidence_percent <= least)
        result->count--;
}

static void frame_guess__rank(struct frame_guess__work *work, struct frame_guess_result *result)
{
    frame_guess__describe_best(work, result);
    for (size_t i = 0; i < result->count; i++) {
        size_t other = i == 0 ? 1 : 0;
        int64_t rival = other < result->count ? result->guesses[other].start.score : INT32_MIN;
        frame_guess__trust(work, &result->guesses[i], rival);
    }
    frame_guess__sort(result);
}

bool frame_guess_run(const uint8_t *bytes, size_t length, struct frame_guess_result *result)
{
    struct arena arena = {0};
    struct frame_guess__work *work = arena_alloc(&arena, sizeof *work);

    memset(result, 0, sizeof *result);
    if (length > FRAME_GUESS_BYTES_MAX) length = FRAME_GUESS_BYTES_MAX;
    result->bytes = length;
    bool has_memory = work && guess_capture_measure(&work->capture, bytes, length, &arena) &&
                      guess_search_run(&work->search, &work->capture, &arena);
    if (has_memory) {
        guess_prior_open(&work->prior);
        for (size_t i = 0; i < work->search.count; i++)
            frame_guess__consider(work, &work->search.found[i], FRAME_GUESS__FIRST_FRAMES, 0);
        result->chains_count = work->search.count;
        frame_guess__walk_finalists(work, &arena);
        frame_guess__consider_text(work);
        frame_guess__consider_fixed(work);
        frame_guess__consider_known(work);
        frame_guess__refine(work);
        if (work->finalists_count > 0) frame_guess__shift(work);
        frame_guess__rank(work, result);
    }
    arena_free(&arena);
    return has_memory;
}
