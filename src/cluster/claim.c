/* SPDX-License-Identifier: MIT */
/* claim.c - the claim of this node to its number; claim.h draws the states. */
#include "claim.h"

#include "atomic.h"
#include "memory.h"
#include "thread.h"

#define CLAIM__RETRY_MS 100u

struct claim {
    struct lock *lock;
    uint64_t incarnation;
    uint32_t silent_ms;
    _Atomic int state; /* enum claim_state; changed under the lock */
    bool has_to_answer;
    uint64_t until_ms; /* ASKING: when it has won; otherwise when it asks */
};

struct claim *claim_open(uint64_t incarnation, uint32_t silent_ms)
{
    struct claim *claim = memory_alloc(sizeof *claim);

    if (!claim) return NULL;
    claim->incarnation = incarnation;
    claim->silent_ms = silent_ms;
    claim->lock = lock_open();
    if (claim->lock) return claim;
    memory_free(claim);
    return NULL;
}

void claim_free(struct claim *claim)
{
    if (!claim) return;
    lock_free(claim->lock);
    memory_free(claim);
}

enum claim_state claim_state(const struct claim *claim)
{
    return (enum claim_state)atomic_load(&claim->state);
}

void claim_asked(struct claim *claim, uint64_t incarnation)
{
    lock_take(claim->lock);
    enum claim_state state = claim_state(claim);
    if (state == CLAIM_OWNED || (state == CLAIM_ASKING && claim->incarnation < incarnation))
        claim->has_to_answer = true;
    lock_give_back(claim->lock);
}

bool claim_taken(struct claim *claim, uint64_t incarnation, uint64_t now_ms)
{
    lock_take(claim->lock);
    enum claim_state state = claim_state(claim);
    bool is_earlier = claim->incarnation < incarnation; /* this node */
    if (state == CLAIM_OWNED && is_earlier) {
        claim->has_to_answer = true; /* so that the other one is refused */
    } else if (state != CLAIM_UNCLAIMED) {
        atomic_store(&claim->state, CLAIM_REFUSED);
        claim->has_to_answer = false;
        claim->until_ms = now_ms + claim->silent_ms;
    }
    lock_give_back(claim->lock);
    return state == CLAIM_OWNED;
}

bool claim_bye(struct claim *claim)
{
    lock_take(claim->lock);
    enum claim_state state = claim_state(claim);
    if (state == CLAIM_REFUSED) claim->until_ms = 0;
    lock_give_back(claim->lock);
    return state == CLAIM_OWNED;
}

void claim_retry(struct claim *claim, uint64_t now_ms)
{
    lock_take(claim->lock);
    if (claim_state(claim) == CLAIM_ASKING) {
        atomic_store(&claim->state, CLAIM_UNCLAIMED);
        claim->until_ms = now_ms + CLAIM__RETRY_MS;
    }
    lock_give_back(claim->lock);
}

/* Under the lock. */
static enum claim_order claim__advance(struct claim *claim, bool is_connected, uint64_t now_ms)
{
    enum claim_state state = claim_state(claim);

    if (!is_connected) { /* the question may be lost */
        if (state == CLAIM_ASKING) {
            atomic_store(&claim->state, CLAIM_UNCLAIMED);
            claim->until_ms = now_ms;
        }
        return CLAIM_NOTHING;
    }
    bool can_ask = state == CLAIM_UNCLAIMED || state == CLAIM_REFUSED;
    if (can_ask && claim->until_ms <= now_ms) {
        atomic_store(&claim->state, CLAIM_ASKING);
        claim->until_ms = now_ms + CLAIM_WAIT_MS;
        return CLAIM_ASK;
    }
    if (state == CLAIM_ASKING && claim->until_ms <= now_ms)
        atomic_store(&claim->state, CLAIM_OWNED);
    if (!claim->has_to_answer) return CLAIM_NOTHING;
    claim->has_to_answer = false;
    return CLAIM_ANSWER;
}

enum claim_order claim_step(struct claim *claim, bool is_connected, uint64_t now_ms,
                            uint64_t *next_ms)
{
    lock_take(claim->lock);
    enum claim_order order = claim__advance(claim, is_connected, now_ms);
    enum claim_state state = claim_state(claim);
    bool waits = is_connected && state != CLAIM_OWNED;
    *next_ms = claim->has_to_answer ? now_ms : waits ? claim->until_ms : UINT64_MAX;
    lock_give_back(claim->lock);
    return order;
}
