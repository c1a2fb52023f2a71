/* SPDX-License-Identifier: MIT */
/* session.h - one session: who is connected, and what is queued for them. Owned by its worker; see
 * session.c for its states, deadline.c for its times, hand.c for what comes, peers.c for sessions
 * over datagrams. */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include <weir/weir.h>

#include "bucket.h"
#include "list.h"
#include "net.h"
#include "send_queue.h"
#include "wheel.h"

struct worker;
struct place; /* a listener or datagram socket of the worker, in place.h */
struct group_membership;

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
    SESSION_CLOSING,   /* the reason is fixed; NET_CLOSED (a datagram peer: the flush) is awaited */
    SESSION_STATES_COUNT
};

/* Stamps are milliseconds of worker.now_ms cut to 32 bits: only how long ago they were is asked,
 * and every time that is waited for is shorter than half their range. */
struct weir_session {
    struct owner owner;
    uint8_t state;  /* enum session_state; written by session__enter alone */
    uint8_t reason; /* enum weir_reason; NONE until the end is decided */
    bool admitted;  /* true exactly when it counts; false: it is there to be told farewell */
    bool opened;    /* true exactly when on_open was due: on_close is then, too */
    struct worker *worker;
    const struct place *place;
    uint64_t id; /* 0: stands for the sender of the datagram that is being handled */
    struct weir_address peer;
    union {
        struct { /* TCP */
            struct net_handle handle;
            struct send_queue queue;
        };
        struct {                            /* UDP: a peer of peers.c */
            struct weir_address local;      /* where its last datagram was sent to */
            struct weir_session *next_peer; /* of the same slot of the peers' table */
            uint64_t reply_bytes;           /* what may be sent to it yet */
        };
    };
    struct list in_sessions; /* on worker.open (UDP: worker.peers) while not FREE */
    struct list
        in_pending_flush; /* on worker.pending_flush while it has something to send or end this turn */
    struct wheel_timer deadline;          /* the soonest of its times, or sooner (deadline.c) */
    struct wheel_timer user_timer;        /* the handler's */
    struct group_membership *memberships; /* the groups that it is in (group.c) */
    char *decode_error;                   /* what was wrong with what came; null: nothing */
    struct bucket bytes_bucket, messages_bucket;
    uint32_t opened_ms, received_ms, sent_ms, frame_ms, send_ms, finished_ms, resume_ms;
    bool send_out : 1;       /* true exactly when a net_send awaits its answer */
    bool queue_paused : 1;   /* true exactly when the high mark keeps receiving off */
    bool rate_paused : 1;    /* true exactly when the rate keeps receiving off, until resume_ms */
    bool receiving_off : 1;  /* true exactly when net was told not to receive, for either */
    bool peer_done : 1;      /* true exactly when the peer's end has come */
    bool has_received : 1;   /* true exactly when something has come */
    bool frame_partial : 1;  /* true exactly when the codec has begun a frame, at frame_ms */
    bool finished : 1;       /* true exactly when net_finish was called, at finished_ms */
    bool is_datagram : 1;    /* true exactly when it is a datagram peer */
    bool drain_notified : 1; /* true exactly when the end of the worker was made known to it */
};

#define SESSION_BYTES_MAX 256 /* a session costs at most this besides what is queued for it */

/* Makes a session of an accepted socket and starts receiving, or turns it away (admission.c). The
 * socket is taken over in any case. */
void session_open(struct worker *worker, const struct place *place, struct net_socket socket,
                  const struct weir_address *peer);

/* What is common to all that begin: a session in the table becomes OPEN. */
void session_start(struct weir_session *session, struct worker *worker, const struct place *place,
                   const struct weir_address *peer);

/* The other end of it: counted, told to the handler, and its place in the table free. */
void session_end(struct weir_session *session);

/* What net says of its connection. */
void session_on_received(struct weir_session *session, struct net_buffer *buffer);
void session_on_peer_done(struct weir_session *session);
void session_on_sent(struct weir_session *session, enum weir_code code);
void session_on_broken(struct weir_session *session, enum weir_code code);
void session_on_closed(struct weir_session *session);

/* Sends what is queued, and ends what is done. Once a turn for each touched session. */
void session_flush(struct weir_session *session);

/* Ends the session in peace: what is queued goes first, then our end, then the peer's is
 * awaited. Harmless on one that is ending already. */
void session_finish(struct weir_session *session, enum weir_reason reason);

/* The same, because of what came. */
void session_fail(struct weir_session *session, const char *text);

/* Ends the session now, whatever is queued. Harmless on one that is closing already. */
void session_close(struct weir_session *session, enum weir_reason reason);

/* Switches receiving by what holds it up: the high mark, the rate. */
void session_update_receiving(struct weir_session *session);

/* Whether it can still be sent to. */
bool session_may_send(const struct weir_session *session);

/* Queues a message as the codec frames it; weir.h says what weir_session_send returns. */
enum weir_code session_send(struct weir_session *session, const void *bytes, size_t length);

/* Queues bytes as they are; whatever may be in the way, or else the session ends: what was promised
 * is not left out. */
void session_send_or_close(struct weir_session *session, const uint8_t *bytes, size_t length);

/* Queues a share of a broadcast, by the policy where the queue is full. */
void session_share(struct weir_session *session, struct payload *payload);

/* What the codec and the handler keep about it. */
void *session_codec_state(struct weir_session *session);
void *session_handler_state(struct weir_session *session);

#endif
