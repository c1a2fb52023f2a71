/* SPDX-License-Identifier: MIT */
/* counts.c - pending questions for counts; counts.h draws their way. */
#include "counts.h"

#include "check.h"
#include "list.h"
#include "memory.h"
#include "thread.h"

struct counts__question {
    struct list in_pending;
    uint64_t number, deadline_ms;
    struct nodes_set waits_for;
    struct counts_result result;
};

struct counts {
    struct lock *lock;
    struct list pending;
    uint32_t pending_count;
    uint64_t asked_count;
};

struct counts *counts_open(void)
{
    struct counts *counts = memory_alloc(sizeof *counts);

    if (!counts) return NULL;
    list_init(&counts->pending);
    counts->lock = lock_open();
    if (counts->lock) return counts;
    memory_free(counts);
    return NULL;
}

void counts_free(struct counts *counts)
{
    if (!counts) return;
    weir_check(counts->pending_count == 0);
    lock_free(counts->lock);
    memory_free(counts);
}

uint64_t counts_ask(struct counts *counts, const struct nodes_set *asked, bool incomplete,
                    uint64_t deadline_ms, struct weir_bridge_count *count)
{
    struct counts__question *question = memory_alloc(sizeof *question);
    uint64_t number = 0;

    if (!question) return 0;
    list_init(&question->in_pending);
    question->deadline_ms = deadline_ms;
    question->waits_for = *asked;
    question->result.count = count;
    question->result.incomplete = incomplete;
    lock_take(counts->lock);
    if (counts->pending_count < COUNTS_PENDING_MAX) {
        number = question->number = ++counts->asked_count;
        list_add_last(&counts->pending, &question->in_pending);
        counts->pending_count++;
    }
    lock_give_back(counts->lock);
    if (number == 0) memory_free(question);
    return number;
}

/* Under the lock, as the next ones. */
static struct counts__question *counts__find(struct counts *counts, uint64_t number)
{
    for (struct list *node = counts->pending.next; node != &counts->pending; node = node->next) {
        struct counts__question *question =
            weir_container_of(node, struct counts__question, in_pending);
        if (question->number == number) return question;
    }
    return NULL;
}

static bool counts__is_complete(const struct counts__question *question,
                                const struct nodes_set *live)
{
    for (uint32_t i = 0; i < NODES_COUNT_MAX / 64; i++)
        if ((question->waits_for.bits[i] & (live ? live->bits[i] : UINT64_MAX)) != 0) return false;
    return true;
}

bool counts_answered(struct counts *counts, uint64_t question, uint8_t node,
                     const struct counts_result *answer)
{
    bool is_complete = false;
    uint64_t bit = UINT64_C(1) << node % 64;

    lock_take(counts->lock);
    struct counts__question *found = counts__find(counts, question);
    if (found && (found->waits_for.bits[node / 64] & bit) != 0) {
        found->waits_for.bits[node / 64] &= ~bit;
        found->result.members += answer->members;
        found->result.offered += answer->offered;
        found->result.dropped += answer->dropped;
        found->result.incomplete |= answer->incomplete;
        is_complete = counts__is_complete(found, NULL);
    }
    lock_give_back(counts->lock);
    return is_complete;
}

static struct counts__question *counts__find_done(struct counts *counts,
                                                  const struct nodes_set *live, uint64_t now_ms,
                                                  bool ends, uint64_t *next_ms)
{
    *next_ms = UINT64_MAX;
    for (struct list *node = counts->pending.next; node != &counts->pending; node = node->next) {
        struct counts__question *question =
            weir_container_of(node, struct counts__question, in_pending);
        if (ends || question->deadline_ms <= now_ms || counts__is_complete(question, live))
            return question;
        if (question->deadline_ms < *next_ms) *next_ms = question->deadline_ms;
    }
    return NULL;
}

bool counts_take(struct counts *counts, const struct nodes_set *live, uint64_t now_ms, bool ends,
                 struct counts_result *result, uint64_t *next_ms)
{
    lock_take(counts->lock);
    struct counts__question *question = counts__find_done(counts, live, now_ms, ends, next_ms);
    if (question) {
        list_remove(&question->in_pending);
        counts->pending_count--;
    }
    lock_give_back(counts->lock);
    if (!question) return false;
    *result = question->result;
    result->incomplete |= !counts__is_complete(question, NULL); /* also if a node has gone */
    memory_free(question);
    return true;
}
