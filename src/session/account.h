/* SPDX-License-Identifier: MIT */
/* account.h - the memory that the peers of one worker make it hold: its limit, the share of one
 * session, and the sessions that hold the most. Owner: the worker.
 *
 *      0                 half            line       limit
 *      |-- full marks ----|-- smaller ----|-reserve--|
 *
 * Up to half of the limit each session may use its full marks. Above that the marks shrink, down to
 * one buffer at the line. What lies beyond the line is the reserve: sessions whose queues are empty
 * receive and send there. When the line is passed, the loop closes the session that holds the most.
 * The same holds for the pool of stream buffers, which is one part of the memory.
 *
 * A session is listed in the class of what it held at most: powers of two. It stays there when it
 * holds less, so that a session which sends and receives is not moved for each message. A search
 * moves it then, so that the session that holds the most is found in constant time on average.
 */
#ifndef SESSION_ACCOUNT_H
#define SESSION_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "check.h"
#include "list.h"

struct weir_session;

#define ACCOUNT_CLASSES_COUNT 33 /* class n: more than 2^(n-1) bytes, and at most 2^n */
#define ACCOUNT_SHARE_FULL 256u  /* a share of 1.0 */

/* An amount of memory of which the last part is a reserve. */
struct account_part {
    uint64_t limit_bytes;
    uint64_t reserve_bytes; /* at most a quarter of the limit */
};

struct account {
    struct account_part memory;    /* all memory */
    struct account_part streams;   /* the stream buffers */
    uint64_t charged_bytes;        /* everything but buffers and payloads */
    uint64_t charged_max_bytes;    /* when charged_bytes exceeds it, the memory is looked at */
    uint64_t leaving_bytes;        /* of sessions that are closing, and not yet freed */
    uint64_t leaving_stream_bytes; /* of leaving_bytes: stream buffers */
    uint64_t table_bytes;          /* of charged_bytes: sessions and their handles */
    uint64_t membership_bytes;     /* of charged_bytes: memberships in groups */
    bool must_look;                /* more memory is in use than at the last look at it */
    struct list classes[ACCOUNT_CLASSES_COUNT];
};

/* `limit_bytes`: of all memory; 0: no limit. */
void account_init(struct account *account, uint64_t limit_bytes);

/* Sets the size of the pool of stream buffers, with a reserve for one batch of events. */
void account_set_streams(struct account *account, uint64_t bytes, uint64_t batch_bytes);

/* Charges `after` bytes instead of `before`. No session is closed here: the loop does that. */
static inline void account_move(struct account *account, uint64_t after, uint64_t before)
{
    weir_check(account->charged_bytes + after >= before);
    account->charged_bytes += after - before;
    if (account->charged_bytes <= account->charged_max_bytes) return;
    account->charged_max_bytes = account->charged_bytes;
    account->must_look = true;
}

/* Charges memory for more sessions, or for a membership. No session is closed to free such memory.
 * So they return false, and charge nothing, if sessions and memberships would then take more than
 * half of the memory, or memberships more than a quarter, or if the reserve is reached. */
bool account_charge_table(struct account *account, uint64_t bytes);
bool account_charge_membership(struct account *account, uint64_t bytes);
void account_release_table(struct account *account, uint64_t bytes);
void account_release_membership(struct account *account, uint64_t bytes);

/* The session has become CLOSING: what it still holds will soon be free, and it is found no longer.
 */
void account_leave(struct account *account, struct weir_session *session);

/* Buffers that a closing session had in flight were released: they are free. */
void account_left_buffers(struct account *account, struct weir_session *session);

/* The session has ended: nothing is left. */
void account_left(struct account *account, struct weir_session *session);

/* Returns which share of its marks a session may use: ACCOUNT_SHARE_FULL up to half of the part, 0
 * from the reserve on. */
uint32_t account_share(const struct account_part *part, uint64_t used_bytes);

/* Returns what the session holds: its queue, its unread input, its partial frame, its filters. */
uint64_t account_held_bytes(const struct weir_session *session);

/* Lists the session in the class of what it holds, if it holds more than its class says. */
void account_list(struct account *account, struct weir_session *session);

/* How account_find() chooses. */
struct account_search {
    uint32_t now_ms;
    uint32_t stale_ms;    /* 0: no session is stale */
    uint64_t share_bytes; /* a session that held more than this for stale_ms is stale */
    bool stale_only;
    bool buffers_only; /* only sessions of which at least half is stream buffers */
};

/* Returns the session to close: a stale one among those that hold the most, else the one that holds
 * the most, within a factor of two; of these the one that was listed first. Null: none holds
 * anything. It looks at a limited number of sessions, and may then return null, too. */
struct weir_session *account_find(struct account *account, const struct account_search *search);

#endif
