/* SPDX-License-Identifier: MIT */
/* tallies.c - adds to and reads the sharded counts. */
#include "tallies.h"

#include "thread.h"

void tallies_add(struct tallies *tallies, enum tally tally, uint64_t amount)
{
    uint64_t mixed = (uint64_t)thread_self() * UINT64_C(0x9E3779B97F4A7C15);
    struct tallies_shard *shard = &tallies->shards[mixed >> 60];

    atomic_fetch_add_explicit(&shard->values[tally], amount, memory_order_relaxed);
}

uint64_t tallies_read(const struct tallies *tallies, enum tally tally)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < TALLIES_SHARDS_COUNT; i++)
        sum += atomic_load_explicit(&tallies->shards[i].values[tally], memory_order_relaxed);
    return sum;
}
