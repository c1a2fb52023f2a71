/* SPDX-License-Identifier: MIT */
/* hand.h - the message that a handler has in hand: received bytes become messages here, and those
 * that go straight back find their way without a copy. One a worker; see hand.c. */
#ifndef SESSION_HAND_H
#define SESSION_HAND_H

#include "session.h"

struct hand {
    struct weir_session *session;       /* whose message it is; null: no message is in hand */
    struct net_buffer *buffer;          /* that the received bytes lie in */
    const struct weir_message *message; /* null: none, or it was sent back */
    uint8_t *run;                       /* the frames of the buffer that go back as they lie ... */
    uint32_t run_bytes;                 /* ... one behind the other */
};

/* Takes received bytes over: to the codec, the handler, and then the send queue or the pool. */
void hand_receive(struct weir_session *session, struct net_buffer *buffer);

/* The stream has ended: what the codec still holds is a message, or a fault. */
void hand_receive_end(struct weir_session *session);

/* Before anything else is queued for the session: what was sent back so far goes first. */
void hand_settle(struct weir_session *session);

/* Takes the message in hand, which must be this one. */
void hand_take_message(struct hand *hand, const struct weir_session *session,
                       const struct weir_message *message);

/* Whether the frame lies behind those of the run, in the buffer; it is in the run then. */
bool hand_extend_run(struct hand *hand, const struct weir_message *message);

/* Queues the frame of the message in hand. */
enum weir_code hand_send_back(struct weir_session *session, const struct weir_message *message);

#endif
