/* SPDX-License-Identifier: MIT */
/* fixture_validate.h - invariants of a worker between two loop iterations. */
#ifndef SUPPORT_FIXTURE_VALIDATE_H
#define SUPPORT_FIXTURE_VALIDATE_H

#include <stdint.h>

struct worker;

/* The longest broadcast of the test. */
extern uint32_t fixture_broadcast_bytes_max;

/* The wheels are sound, the counts add up, no session costs more than its marks, and no session is
 * without a timer whose time runs. Fails the test otherwise. The worker must be its server's only
 * one. */
void fixture_validate(const struct worker *worker);

#endif
