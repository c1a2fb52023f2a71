/* SPDX-License-Identifier: MIT */
/* guess_search.c - finds rules and first fields that are worth a closer look.
 *
 * Every position of a window can be the first field, because a capture can start within a frame.
 * For each rule, the positions are visited from the last to the first. The value of a position is
 * that of the position its length leads to, plus the similarity of the bytes around both:
 *
 *      worth[p] = max(0, similarity(p, p + length + constant) + worth[p + length + constant])
 *
 * Long fields have few positions with a possible length. Short ones need a short window, because
 * their frames are short.
 *
 */
#include "guess_search.h"

#include <string.h>

#define GUESS_SEARCH__WINDOW (1U << 20)
#define GUESS_SEARCH__POSITIONS_MAX (1U << 16)
#define GUESS_SEARCH__BYTE_WINDOW (1U << 12) /* for lengths of one byte */
#define GUESS_SEARCH__BEFORE 4               /* compared bytes before a field */
#define GUESS_SEARCH__COMPARED 16
#define GUESS_SEARCH__EXITS_MAX 4 /* chains of one rule that leave the window */
#define GUESS_SEARCH__MISMATCH 4  /* cost of a byte that differs, in the unit of the surprise */

/* A position with a possible length. */
struct guess_search__position {
    uint32_t at, value, own; /* jump = value + own + constant */
};

/* The two best chains that do not end in the same field. */
struct guess_search__best {
    int32_t worth[2];
    uint32_t at[2], end[2];
};

struct guess_search__state {
    struct guess_search *search;
    const struct guess_capture *capture;
    struct guess_search__position *positions;
    size_t positions_count;
    int32_t *worth; /* of each position in the window; 0 if it has no possible length */
    uint32_t *end;  /* of the chain from each position */
};

static void guess_search__add(struct guess_search *search, const struct guess_rule *rule,
                              size_t field)
{
    if (search->count == GUESS_SEARCH_FOUND_MAX) return;
    search->found[search->count].rule = *rule;
    search->found[search->count++].field = field;
}

static uint64_t guess_search__load(const uint8_t *bytes)
{
    uint64_t value;

    memcpy(&value, bytes, sizeof value);
    return value;
}

/* Returns whether eight bytes at both addresses have none in common. */
static bool guess_search__are_different(const uint8_t *a, const uint8_t *b)
{
    static const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);
    uint64_t differing = guess_search__load(a) ^ guess_search__load(b);

    return (((differing & low) + low) | differing | low) == UINT64_MAX;
}

/* Returns how similar the bytes around two fields are; equal bytes count more if they are rare. */
static int32_t guess_search__similarity(const struct guess_capture *capture, size_t a, size_t b)
{
    int32_t similarity = -GUESS_SEARCH__COMPARED * GUESS_SEARCH__MISMATCH;

    if (a < GUESS_SEARCH__BEFORE || b + GUESS_SEARCH__COMPARED > capture->length)
        return -GUESS_SEARCH__MISMATCH;
    a -= GUESS_SEARCH__BEFORE;
    b -= GUESS_SEARCH__BEFORE;
    if (guess_search__are_different(capture->bytes + a, capture->bytes + b)) return similarity;
    for (size_t i = 0; i < GUESS_SEARCH__COMPARED; i++) {
        if (capture->bytes[a + i] != capture->bytes[b + i]) continue;
        int32_t surprise = capture->surprise[b + i];
        similarity += GUESS_SEARCH__MISMATCH;
        if (surprise > GUESS_CAPTURE_SURPRISE_BIT)
            similarity += surprise - GUESS_CAPTURE_SURPRISE_BIT;
    }
    return similarity;
}

/* Returns the worth of the jump from a position to the next field, and of all after it. */
static int32_t guess_search__worth(const struct guess_search__state *state,
                                   const struct guess_search__position *position, int64_t next,
                                   uint32_t *end)
{
    const struct guess_capture *capture = state->capture;
    int32_t worth = 0;

    *end = position->at;
    if (next <= position->at || next >= (int64_t)capture->length) return 0;
    /* An empty frame proves nothing, nor does one that repeats earlier bytes. */
    if (position->value > 0 && guess_capture_is_fresh(capture, position->at, (size_t)next))
        worth = guess_search__similarity(capture, position->at, (size_t)next);
    if (next < GUESS_SEARCH__WINDOW) {
        worth += state->worth[next];
        if (state->worth[next] > 0) *end = state->end[next];
    }
    return worth > 0 ? worth : 0;
}

static void guess_search__update(struct guess_search__best *best, uint32_t at, int32_t worth,
                                 uint32_t end)
{
    int slot = best->end[0] == end ? 0 : 1;

    if (worth <= best->worth[slot]) return;
    if (slot == 1 && worth > best->worth[0]) {
        best->worth[1] = best->worth[0];
        best->at[1] = best->at[0];
        best->end[1] = best->end[0];
        slot = 0;
    }
    best->worth[slot] = worth;
    best->at[slot] = at;
    best->end[slot] = end;
}

/* Adds the best chains of a rule: anywhere, and from a field near the start of the capture. */
static void guess_search__chain(struct guess_search__state *state, const struct guess_rule *rule)
{
    struct guess_search__best anywhere = {.end = {UINT32_MAX, UINT32_MAX}}, start = anywhere;

    for (size_t i = state->positions_count; i > 0; i--) {
        const struct guess_search__position *position = &state->positions[i - 1];
        int64_t next = (int64_t)position->at + position->own + position->value + rule->constant;
        uint32_t end;
        int32_t worth = guess_search__worth(state, position, next, &end);
        state->worth[position->at] = worth;
        state->end[position->at] = end;
        if (worth == 0) continue;
        guess_search__update(&anywhere, position->at, worth, end);
        if (position->at <= GUESS_SEARCH_FIELD_MAX)
            guess_search__update(&start, position->at, worth, end);
    }
    for (int i = 0; i < 2; i++) {
        if (anywhere.worth[i] > 0) guess_search__add(state->search, rule, anywhere.at[i]);
        if (start.worth[i] > 0 && start.at[i] != anywhere.at[0] && start.at[i] != anywhere.at[1])
            guess_search__add(state->search, rule, start.at[i]);
    }
}

/* Sets the end of each chain that starts in the window to where it leaves the window; 0: nowhere.
 */
static void guess_search__leave(struct guess_search__state *state, const struct guess_rule *rule,
                                uint32_t window)
{
    for (size_t i = state->positions_count; i > 0; i--) {
        const struct guess_search__position *position = &state->positions[i - 1];
        int64_t next = (int64_t)position->at + position->own + position->value + rule->constant;
        if (position->at >= window) continue;
        uint32_t *end = &state->end[position->at];
        *end = 0;
        if (next >= window && next < (int64_t)state->capture->length) *end = (uint32_t)next;
        if (next > position->at && next < window) *end = state->end[next];
    }
}

/* Adds the chains that leave the window. Chains of short lengths soon meet: all starts lead to a
 * few of them, so the right one is found even if the bytes around its fields vary. */
static void guess_search__exits(struct guess_search__state *state, const struct guess_rule *rule,
                                uint32_t window)
{
    uint32_t exits[GUESS_SEARCH__EXITS_MAX];
    size_t count = 0;

    guess_search__leave(state, rule, window);
    for (size_t i = 0; i < state->positions_count && count < GUESS_SEARCH__EXITS_MAX; i++) {
        if (state->positions[i].at >= window) break;
        uint32_t end = state->end[state->positions[i].at];
        bool is_known = end == 0;
        for (size_t j = 0; j < count; j++) is_known = is_known || exits[j] == end;
        if (is_known) continue;
        exits[count++] = end;
        guess_search__add(state->search, rule, end);
    }
}

/* Reads the length at a position. Returns false if none is possible there. */
static bool guess_search__read(const struct guess_search__state *state,
                               const struct guess_rule *rule,
                               struct guess_search__position *position)
{
    const struct guess_capture *capture = state->capture;
    struct guess_rule any = *rule;
    struct guess_rule_step step;

    if (rule->kind != GUESS_RULE_NETSTRING) any.constant = GUESS_SEARCH_CONSTANT_MAX;
    if (guess_rule_read(&any, capture, position->at, &step) != GUESS_RULE_STEP) return false;
    if (step.value > capture->length) return false;
    position->value = (uint32_t)step.value;
    position->own = (uint32_t)((int64_t)(step.jump - step.value) - any.constant);
    return true;
}

/* Collects the positions of the window that can be fields of this kind. */
static void guess_search__collect(struct guess_search__state *state, const struct guess_rule *rule)
{
    size_t window = state->capture->length;

    if (window > GUESS_SEARCH__WINDOW) window = GUESS_SEARCH__WINDOW;
    if (rule->kind == GUESS_RULE_NUMBER && rule->width == 1 && window > GUESS_SEARCH__BYTE_WINDOW)
        window = GUESS_SEARCH__BYTE_WINDOW;
    state->positions_count = 0;
    for (size_t at = 0; at < window; at++) {
        struct guess_search__position position = {.at = (uint32_t)at};
        if (state->positions_count == GUESS_SEARCH__POSITIONS_MAX) break;
        if (guess_search__read(state, rule, &position))
            state->positions[state->positions_count++] = position;
    }
}

/* Adds chains from the start of the capture whose meaning is the usual one, without looking. */
static void guess_search__usual(struct guess_search__state *state, struct guess_rule rule)
{
    for (int32_t field = 0; field <= GUESS_SEARCH_FIELD_MAX; field++) {
        int32_t width = rule.kind == GUESS_RULE_NUMBER ? rule.width : 0;
        const int32_t constants[] = {field + width, 0, field};
        if ((size_t)field >= state->capture->length) return;
        for (size_t i = 0; i < 3; i++) {
            rule.constant = constants[i];
            guess_search__add(state->search, &rule, (size_t)field);
        }
    }
}

static void guess_search__try(struct guess_search__state *state, struct guess_rule rule)
{
    size_t quarter = state->capture->length / 4;
    uint32_t window =
        quarter < GUESS_SEARCH__BYTE_WINDOW ? (uint32_t)quarter : GUESS_SEARCH__BYTE_WINDOW;

    guess_search__usual(state, rule);
    guess_search__collect(state, &rule);
    for (int32_t i = GUESS_SEARCH_CONSTANT_MIN; i <= GUESS_SEARCH_CONSTANT_MAX; i++) {
        rule.constant = i;
        guess_search__chain(state, &rule);
        bool is_short = rule.kind == GUESS_RULE_VARINT || rule.width == 1;
        if (is_short) guess_search__exits(state, &rule, window);
    }
    for (size_t i = 0; i < state->positions_count; i++) state->worth[state->positions[i].at] = 0;
}

bool guess_search_run(struct guess_search *search, const struct guess_capture *capture,
                      struct arena *arena)
{
    struct guess_search__state state = {.search = search, .capture = capture};
    struct guess_rule rule = {.kind = GUESS_RULE_NUMBER};

    search->count = 0;
    search->found = arena_alloc(arena, GUESS_SEARCH_FOUND_MAX * sizeof search->found[0]);
    state.positions = arena_alloc(arena, GUESS_SEARCH__POSITIONS_MAX * sizeof state.positions[0]);
    state.worth = arena_alloc(arena, GUESS_SEARCH__WINDOW * sizeof state.worth[0]);
    state.end = arena_alloc(arena, GUESS_SEARCH__WINDOW * sizeof state.end[0]);
    if (!search->found || !state.positions || !state.worth || !state.end) return false;
    for (rule.width = 1; rule.width <= 4; rule.width++) {
        rule.is_little = false;
        guess_search__try(&state, rule);
        rule.is_little = true;
        if (rule.width > 1) guess_search__try(&state, rule);
    }
    rule = (struct guess_rule){.kind = GUESS_RULE_VARINT};
    guess_search__try(&state, rule);
    rule.kind = GUESS_RULE_VARINT_SELF;
    guess_search__try(&state, rule);
    rule = (struct guess_rule){.kind = GUESS_RULE_NETSTRING};
    guess_search__collect(&state, &rule);
    guess_search__chain(&state, &rule);
    guess_search__add(search, &rule, 0);
    for (size_t i = 0; i < state.positions_count; i++) state.worth[state.positions[i].at] = 0;
    rule = (struct guess_rule){.kind = GUESS_RULE_SUNRPC, .width = 4, .constant = 4};
    guess_search__collect(&state, &rule);
    guess_search__chain(&state, &rule);
    guess_search__add(search, &rule, 0);
    return true;
}
