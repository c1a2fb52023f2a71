/* SPDX-License-Identifier: MIT */
/* claim.h - whether this node may use its number.
 *
 *                  connected             no answer for CLAIM_WAIT_MS
 *      [unclaimed] ----------> [asking] ----------------------------> [owned]
 *                               ^   | the number is taken                | a live node has it, too,
 *       the other one has gone  |   v                                    | and started earlier
 *                             [refused] <--------------------------------'
 *
 * While asking, of two nodes the one that started earlier wins; against an owner the asking one
 * always loses. A node that was killed does not answer, so it can start again immediately.
 *
 * Thread: any.
 */
#ifndef CLUSTER_CLAIM_H
#define CLUSTER_CLAIM_H

#include <stdbool.h>
#include <stdint.h>

#define CLAIM_WAIT_MS 1000u

enum claim_state {
    CLAIM_UNCLAIMED,
    CLAIM_ASKING,
    CLAIM_OWNED,
    CLAIM_REFUSED,
};

/* What the bridge must send next. */
enum claim_order {
    CLAIM_NOTHING,
    CLAIM_ASK,    /* whether the number is taken */
    CLAIM_ANSWER, /* that it is */
};

struct claim;

/* Returns a claim that is not made yet; null: out of memory. silent_ms: how long the other node
 * must have been silent, until a refused node asks again. */
struct claim *claim_open(uint64_t incarnation, uint32_t silent_ms);
void claim_free(struct claim *claim); /* null is allowed */

enum claim_state claim_state(const struct claim *claim);

/* Another incarnation with the number of this node asks for it, shows that it has it, or leaves.
 * Returns whether this node has the number, too: a conflict. */
void claim_asked(struct claim *claim, uint64_t incarnation);
bool claim_taken(struct claim *claim, uint64_t incarnation, uint64_t now_ms);
bool claim_bye(struct claim *claim);

/* CLAIM_ASK could not be sent: it is returned again later. */
void claim_retry(struct claim *claim, uint64_t now_ms);

/* Returns what to send next, if the broker is connected. *next_ms: when it must be called next. */
enum claim_order claim_step(struct claim *claim, bool is_connected, uint64_t now_ms,
                            uint64_t *next_ms);

#endif
