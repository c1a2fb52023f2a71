/* SPDX-License-Identifier: MIT */
/* attempts.h - in which order and when the addresses of one host are tried: RFC 8305 ("Happy
 * Eyeballs Version 2"), sections 4 and 5. It opens no socket and reads no clock: the caller starts
 * each attempt, and reports the time and what failed.
 *
 *      addresses --init--> IPv6 first, then both families alternate
 *                                      |
 *              .---------> the next address is due --start--> an attempt runs
 *              |                                                   |
 *              '---- it failed, or ATTEMPTS_DELAY_MS have passed <-'
 *
 * Several attempts can run at the same time. The caller keeps the first that succeeds, and closes
 * the others.
 */
#ifndef TEXT_ATTEMPTS_H
#define TEXT_ATTEMPTS_H

#include <stdbool.h>
#include <stdint.h>

#define ATTEMPTS_MAX 16u       /* addresses of one host; further ones are never tried */
#define ATTEMPTS_DELAY_MS 250u /* "Connection Attempt Delay", as section 8 recommends it */
#define ATTEMPTS_NONE UINT32_MAX
#define ATTEMPTS_NEVER UINT64_MAX

struct attempts {
    uint64_t due_ms;  /* when the next attempt starts; ATTEMPTS_NEVER: no address is left */
    uint32_t count;   /* addresses */
    uint32_t started; /* attempts that were started, in this order */
    uint32_t running; /* of those */
    uint8_t order[ATTEMPTS_MAX]; /* indexes of the caller's addresses */
};

/* Begins with `count` addresses, at most ATTEMPTS_MAX, in the order of preference within each
 * family. The first attempt is due immediately. */
void attempts_init(struct attempts *attempts, const bool *is_ipv4, uint32_t count);

/* Starts the attempt that is due. Returns the index of its address; ATTEMPTS_NONE: none is due. */
uint32_t attempts_start(struct attempts *attempts, uint64_t now_ms);

/* An attempt that runs has failed: the next one is due immediately. */
void attempts_failed(struct attempts *attempts, uint64_t now_ms);

/* Returns whether every attempt has failed. */
bool attempts_are_over(const struct attempts *attempts);

#endif
