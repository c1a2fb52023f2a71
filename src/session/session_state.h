/* SPDX-License-Identifier: MIT */
/* session_state.h - the data of one session: its connection, its send queue, its timestamps and
 * flags. Its worker's thread owns it. session.c draws the states.
 *
 * A session is a TCP connection or a UDP peer (remote address + local socket). `ops` says which:
 * session.c and udp_socket.c each define a row.
 */
#ifndef SESSION_SESSION_STATE_H
#define SESSION_SESSION_STATE_H

#include <weir/weir.h>

#include "bucket.h"
#include "deadline.h"
#include "list.h"
#include "net.h"
#include "owner.h"
#include "send_queue.h"
#include "service.h"
#include "wheel.h"

struct worker;
struct udp_socket;
struct filters;
struct group;
struct name;

enum session_state {
    SESSION_FREE,      /* unused, in the table */
    SESSION_OPENING,   /* its filters open; the handler does not know it yet */
    SESSION_OPEN,      /* both sides may send */
    SESSION_PEER_DONE, /* the peer's stream has ended; responses are still being sent */
    SESSION_FINISHING, /* the queue is being sent, then FIN; received bytes are discarded */
    SESSION_CLOSING,   /* the reason is fixed; NET_CLOSED (a UDP peer: the flush) is awaited */
    SESSION_STATES_COUNT
};

/* What TCP and UDP do differently. The caller has checked that the state allows the call. */
struct session_ops {
    /* Same return values as weir_session_send() and weir_session_send_back(). */
    enum weir_code (*send)(struct weir_session *session, const void *bytes, size_t length);
    enum weir_code (*send_back)(struct weir_session *session, const struct weir_message *message);
    /* Sends what is queued, then closes. */
    void (*finish)(struct weir_session *session, enum weir_reason reason);
    /* The session has just become CLOSING: discards what is queued, releases the connection. */
    void (*close)(struct weir_session *session);
    /* The session was on the pending-flush list at the end of an iteration. */
    void (*flush)(struct weir_session *session);
};

/* One session in one group; group.c owns it. */
struct group_membership {
    struct list in_group;
    struct group_membership *next; /* of the session */
    struct group *group;
    struct weir_session *session;
    uint16_t slot; /* of the group's name, see congestion.h */
};

/* What few sessions need: in memory of its own, because most sessions are idle. Allocated on first
 * use by session_rare.c, and freed when the session ends. */
struct session_rare {
    struct weir_session *session;
    struct wheel_timer user_timer;               /* of weir_session_start_timer() */
    struct bucket bytes_bucket, messages_bucket; /* TCP: of the limits of what is received */
    struct list in_speakers; /* worker.speakers while speaker_waits; congestion.c */
    struct payload *waiting; /* broadcasts of this speaker that wait, oldest first; congestion.c */
    struct name *name;       /* that it bound; null: none; names.c */
    char *decode_error;      /* describes malformed input; null: none */
    uint32_t waiting_bytes;  /* memory of the payloads in `waiting` */
    uint32_t waits_ms;       /* since when the speaker waits for a group */
    uint16_t speaks_slot;    /* of the group that it spoke to last; see congestion.h */
};

struct weir_session {
    union {
        struct owner owner;        /* TCP: of the connection's handle */
        struct udp_socket *socket; /* UDP */
    };
    struct worker *worker;
    const struct session_ops *ops;
    const struct service *service;
    uint64_t id; /* 0: a transient session, see udp_socket.h */
    struct net_address peer;
    struct net_handle handle; /* TCP: the connection; UDP: the socket */
    union {
        struct send_queue queue;            /* TCP */
        struct {                            /* UDP */
            struct net_address local;       /* destination of the peer's last datagram */
            struct weir_session *next_peer; /* in the same hash slot, see udp_peers.c */
            uint64_t reply_bytes;           /* that may still be sent to the peer */
        };
    };
    struct list in_sessions;      /* worker.tcp_sessions or udp_sessions while not FREE */
    struct list in_pending_flush; /* worker.pending_flush or waiting_for_buffers */
    struct list in_readable;      /* worker.readable or readable_again: `unread` may be decoded */
    union {
        struct list in_class; /* TCP, not CLOSING: in worker.account, while it may hold memory */
        struct {              /* UDP: of the limits of received bytes and messages */
            struct bucket datagram_bytes_bucket, datagrams_bucket;
        };
    };
    struct net_buffer *unread;            /* received and not decoded, oldest first; TCP */
    struct filters *filters;              /* between socket and codec; null: none; TCP */
    struct wheel_timer deadline;          /* expires at the next deadline or earlier */
    struct group_membership *memberships; /* group.c */
    struct session_rare *rare;            /* what few sessions need; null: none; session_rare.h */
    /* TCP: as in struct weir_stats; UDP: of its datagrams. */
    uint64_t bytes_in, messages_in, bytes_out, messages_out;
    struct deadline_timestamps timestamps;
    uint32_t work_iteration; /* of the loop, to which `work_done` belongs; see worker.h */
    uint32_t work_done;
    /* By the peer, at the base of the measurements; cut to 32 bits. */
    uint32_t acknowledged_bytes;
    uint32_t unread_bytes;    /* capacities of the buffers in `unread`, and of those that wait
                               * before a filter */
    uint32_t partial_bytes;   /* of the codec's partial frame; twice that is charged */
    uint32_t listed_bytes;    /* most that its class in worker.account holds; 0: it is in none */
    uint32_t leaving_bytes;   /* CLOSING: its part of account.leaving_stream_bytes */
    uint32_t off_ms;          /* since when receiving_off is set; UDP: handler_paused */
    uint32_t holds;           /* weir_session_hold() calls that were not released */
    uint32_t idle_timeout_ms; /* 0: none */
    uint32_t missed;          /* broadcasts to its groups that were dropped for it */
    uint8_t state;            /* enum session_state; written by session_enter alone */
    uint8_t reason;           /* enum weir_reason; NONE until the end is decided */
    /* Written for every message, so each of these has a byte of its own. */
    bool send_out;           /* set while a net_send awaits its NET_SENT */
    bool frame_partial;      /* the codec holds part of a frame, since frame_ms */
    bool used_share : 1;     /* it used up its share of the work when it was last decoded */
    bool admitted : 1;       /* it counts; a connection with a reject message never does */
    bool opened : 1;         /* on_open was due: on_close is then due, too */
    bool queue_paused : 1;   /* set while the high-water mark keeps reading off */
    bool rate_paused : 1;    /* set while the rate limit keeps reading off, until resume_ms */
    bool handler_paused : 1; /* set from weir_session_pause() to weir_session_resume() */
    bool speaks : 1;         /* weir_session_broadcast() was called: speaks_slot is valid */
    bool speaker_waits : 1;  /* set while a group that it speaks to is congested */
    bool congested : 1;      /* a member above its mark: speakers to its groups wait */
    bool lagging : 1;        /* was congested for too long: speakers no longer wait for it */
    bool receiving_off : 1;  /* the last state requested from net */
    bool peer_done : 1;      /* the peer's FIN has come */
    bool end_unread : 1;     /* it waits behind unread input, or for the handler */
    bool wire_unread : 1;    /* something waits before a filter: filters.h */
    bool peer_ended : 1;     /* the peer ended its stream inside a filter: only FIN can follow */
    bool first_byte_due : 1; /* TCP: set after on_open while the session has neither received bytes
                              * or FIN, nor output, nor joined a group */
    bool finished : 1;       /* net_finish was called, at finished_ms */
    bool is_measured : 1;    /* acknowledged_bytes has a value for the send deadline, or the FIN */
    bool loses_output : 1;   /* accepted output was lost: the session must end by RST */
    bool output_ended : 1;   /* weir_session_end_output() was called */
    bool fin_sent : 1;       /* set if net_finish was called while the state was OPEN */
    bool is_datagram : 1;    /* the service's protocol is UDP */
    bool is_watched : 1;     /* its messages are logged or measured: see watch.h */
    bool frames_kept : 1;    /* it has a watch: frame_watch.h */
    bool is_sampled : 1;     /* its next call of on_message is measured: see watch.h */
    bool drain_notified : 1; /* on_drain was called, or would have been */
    bool wants_room : 1;     /* a message was refused for a full queue: on_room is due */
    bool idle_is_own : 1;    /* the handler has set idle_timeout_ms */
    bool address_counts : 1; /* it counts for sessions_per_address_max */
    bool vouched : 1;        /* UDP: weir_session_vouch() was called: no limit on replies */
};

#define SESSION_BYTES_MAX 352 /* without what is queued */

/* A datagram sender without a session of its own: it exists while its datagram is dispatched. */
static inline bool session_is_transient(const struct weir_session *session)
{
    return session->id == 0;
}

/* Returns the oldest broadcast of this speaker that waits; null: none does. */
static inline struct payload *session_waiting(const struct weir_session *session)
{
    return session->rare ? session->rare->waiting : NULL;
}

/* Returns the memory of the broadcasts that wait. */
static inline uint32_t session_waiting_bytes(const struct weir_session *session)
{
    return session->rare ? session->rare->waiting_bytes : 0;
}

/* Returns the text that describes malformed input; null: there is none. */
static inline const char *session_decode_error(const struct weir_session *session)
{
    return session->rare ? session->rare->decode_error : NULL;
}

/* Whether the session is ending: it cannot be finished or failed again. */
static inline bool session_is_ending(const struct weir_session *session)
{
    return session->state >= SESSION_FINISHING;
}

/* Whether messages may still be queued. */
static inline bool session_may_send(const struct weir_session *session)
{
    return session->state == SESSION_OPEN || session->state == SESSION_PEER_DONE;
}

#endif
