/* SPDX-License-Identifier: MIT */
/* attempts.c - sorts the addresses of a host, and says when each of them is due. */
#include "attempts.h"

/* Returns the first index from `from` on whose address is of that family; `count` if none is. */
static uint32_t attempts__find(const bool *is_ipv4, uint32_t from, uint32_t count, bool wants_ipv4)
{
    while (from < count && is_ipv4[from] != wants_ipv4) from++;
    return from;
}

void attempts_init(struct attempts *attempts, const bool *is_ipv4, uint32_t count)
{
    uint32_t next[2] = {0, 0}; /* of IPv6, of IPv4 */
    bool wants_ipv4 = false;

    *attempts = (struct attempts){.count = count, .due_ms = count > 0 ? 0 : ATTEMPTS_NEVER};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t found = attempts__find(is_ipv4, next[wants_ipv4], count, wants_ipv4);
        if (found == count) { /* the other family has the rest */
            wants_ipv4 = !wants_ipv4;
            found = attempts__find(is_ipv4, next[wants_ipv4], count, wants_ipv4);
        }
        attempts->order[i] = (uint8_t)found;
        next[wants_ipv4] = found + 1;
        wants_ipv4 = !wants_ipv4;
    }
}

uint32_t attempts_start(struct attempts *attempts, uint64_t now_ms)
{
    if (now_ms < attempts->due_ms || attempts->started == attempts->count) return ATTEMPTS_NONE;
    uint32_t index = attempts->order[attempts->started++];
    attempts->running++;
    attempts->due_ms =
        attempts->started < attempts->count ? now_ms + ATTEMPTS_DELAY_MS : ATTEMPTS_NEVER;
    return index;
}

void attempts_failed(struct attempts *attempts, uint64_t now_ms)
{
    attempts->running--;
    if (attempts->started < attempts->count) attempts->due_ms = now_ms;
}

bool attempts_are_over(const struct attempts *attempts)
{
    return attempts->running == 0 && attempts->started == attempts->count;
}
