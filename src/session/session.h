/* SPDX-License-Identifier: MIT */
/* session.h - one session: who is connected, and what is queued for them. Owned by its worker; see
 * session.c. */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include <weir/weir.h>

#include "list.h"
#include "net.h"
#include "send_queue.h"

struct worker;
struct place; /* a listener or datagram socket of the worker, in worker.h */

/* What a net handle belongs to: the first member of whatever net knows as `owner`. */
enum owner_kind { OWNER_SESSION, OWNER_PLACE };

struct owner {
    enum owner_kind kind;
};

enum session_state {
    SESSION_FREE,      /* in the table, unused */
    SESSION_OPEN,      /* both sides may send */
    SESSION_PEER_DONE, /* the peer's end came; its answers are still on their way */
    SESSION_FINISHING, /* our end is wanted: what is queued goes first, what comes is discarded */
    SESSION_CLOSING,   /* net_close was called, the reason is fixed; NET_CLOSED is awaited */
    SESSION_STATES_COUNT
};

struct weir_session {
    struct owner owner;
    struct worker *worker;
    const struct place *place;
    uint64_t id; /* 0: stands for the sender of the datagram that is being handled */
    struct net_handle handle;
    struct weir_address peer;
    struct send_queue queue;
    struct list in_open; /* on worker.open while not FREE */
    /* on worker.touched while it has something to send or to end this turn */
    struct list in_touched;
    /* the buffer of the message that the handler has right now; null once sent back */
    struct net_buffer *lent;
    uint64_t received_at_ns;
    uint64_t finished_at_ns; /* when net_finish was called; 0: it was not */
    uint8_t state;           /* enum session_state; written by session__enter alone */
    uint8_t reason;          /* enum weir_reason; NONE until the end is decided */
    bool send_out;           /* true exactly when a net_send awaits its answer */
    bool paused;             /* true exactly when receiving is off because of the high mark */
    bool peer_done;          /* true exactly when the peer's end has come */
};

#define SESSION_BYTES_MAX 256 /* a session costs at most this besides what is queued for it */

/* Makes a session of an accepted socket and starts receiving. On failure the socket has been closed
 * and counted. */
void session_open(struct worker *worker, const struct place *place, struct net_socket socket,
                  const struct weir_address *peer);

/* What net says of its connection. */
void session_on_received(struct weir_session *session, struct net_buffer *buffer);
void session_on_peer_done(struct weir_session *session);
void session_on_sent(struct weir_session *session, enum weir_code code);
void session_on_broken(struct weir_session *session, enum weir_code code);
void session_on_closed(struct weir_session *session);

/* Sends what is queued, and ends what is done. Once a turn for each touched session. */
void session_flush(struct weir_session *session);

/* Ends the session in peace: what is queued goes first, then our end, then the peer's is
 * awaited. */
void session_finish(struct weir_session *session, enum weir_reason reason);

/* Ends the session now, whatever is queued. Harmless on one that is closing already. */
void session_close(struct weir_session *session, enum weir_reason reason);

/* Queues bytes, or the message in hand itself; weir.h says what weir_session_send* return. */
enum weir_code session_send(struct weir_session *session, const void *bytes, size_t length);
enum weir_code session_send_back(struct weir_session *session, const struct weir_message *message);

#endif
