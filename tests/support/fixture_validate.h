/* SPDX-License-Identifier: MIT */
/* fixture_validate.h - invariants of a worker between two loop iterations. */
#ifndef SUPPORT_FIXTURE_VALIDATE_H
#define SUPPORT_FIXTURE_VALIDATE_H

#include <stdint.h>

struct weir_stats;
struct worker;

/* The longest broadcast of the test. */
extern uint32_t fixture_broadcast_bytes_max;

/* Every offer of a broadcast was delivered or dropped under one cause. Fails the test otherwise. */
void fixture_validate_broadcasts(const struct weir_stats *stats);

/* The wheels are sound, the counts add up, no session costs more than its marks, and no session is
 * without a timer whose time runs. Fails the test otherwise. The worker must be its server's only
 * one. */
void fixture_validate(const struct worker *worker);

#endif
