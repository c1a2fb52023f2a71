/* SPDX-License-Identifier: MIT */
/* rio_net.h - one worker's share of Windows: its port, its completion queue, and what it knows of
 * each handle. Private to rio.c and its parts.
 *
 *      rio.c         the transport: open, the wait, which part a handle belongs to
 *      rio_queue.c   the completion queue's room, request queues, requests, commits
 *      rio_stream.c  connections
 *      rio_udp.c     datagram sockets
 *      acceptex.c    listeners
 *
 * A handle stands on at most one of the three lists:
 *
 *      dirty    it has requests to post or to commit: the next wait does so, before it blocks
 *      ready    it has something to hand out, or accepts to post: the next wait serves it
 *      resting  the system refused what it asked: it is dirty (or ready) again after a while
 *
 * A request is named to the system by its buffer, and the buffer's note names the handle: index and
 * generation. A handle is closed only after its last completion was taken, so a note that names no
 * open handle is a defect of ours, and a check says so.
 */
#ifndef NET_WINDOWS_RIO_NET_H
#define NET_WINDOWS_RIO_NET_H

#include "list.h"
#include "rio_provider.h"
#include "transport.h"
#include "win_error.h"

struct acceptor; /* a listener's accepts, acceptex.c */

struct rio_net {
    struct net *net;
    const struct rio_provider *provider;
    win_port port;
    rio_cq queue;
    uint32_t queue_size, queue_reserved; /* entries; those promised to request queues */
    struct win_overlapped notified;      /* of the notification's packets */
    bool armed;                          /* a notification is on its way or will come */
    bool woken;                          /* a wake-up came that no event has told of yet */
    atomic_bool wake_posted;
    uint32_t datagram_receives;   /* that the datagram sockets may have posted, together */
    uint32_t iterations_unlooked; /* in a row in which the port was not asked */
    uint64_t rest_until_ns;       /* NET_FOREVER: nobody rests */
    struct list dirty, ready, resting, dry;
};

/* A connection. Its receive is posted while receiving is on; what it brings after that is held. */
struct rio_stream {
    struct net_buffer *held;     /* received while receiving was off */
    struct net_buffer *unposted; /* the rest of the send that is out */
    struct net_buffer *unposted_last;
    bool end_held;     /* the peer's end came while receiving was off */
    bool ended;        /* the peer's end came, or a failure: nothing more is received */
    int failure;       /* to be told as NET_BROKEN; 0: none */
    int send_os_error; /* of the first part of the send that failed */
    enum weir_code send_code;
};

/* A datagram socket. */
struct rio_udp {
    struct weir_address bound;
    bool v4;
    uint32_t receives_max;                     /* posted while receiving is on */
    uint32_t failures;                         /* of receives, in a row */
    struct net_buffer *held_first, *held_last; /* received while receiving was off, or no room */
    int failure;                               /* to be told as NET_BROKEN; 0: none */
};

struct rio_entry {
    struct handle base;
    win_socket socket; /* WIN_NO_SOCKET once closed */
    rio_rq queue;      /* RIO_NO_RQ once closed, in the very statement that closes the socket */
    uint32_t queue_entries;           /* reserved for it in the completion queue */
    uint32_t receives_out, sends_out; /* posted, and their completions not taken yet */
    bool receives_deferred, sends_deferred;
    bool told_reading;  /* what the verifier was told last */
    struct list listed; /* on dirty, ready or resting */
    struct list dry;    /* on system.dry: it would post a receive if there were a buffer */
    union {
        struct rio_stream stream;
        struct rio_udp udp;
        struct acceptor *acceptor;
    };
};

/* What a request is: the low bits of its context, which is its buffer. */
enum rio_request { RIO_REQUEST_RECEIVE = 1, RIO_REQUEST_SEND = 2, RIO_REQUEST_BITS = 3 };

static inline struct rio_entry *rio_entry_of(struct handle *entry)
{
    return (struct rio_entry *)(void *)entry; /* it comes first in it */
}

static inline struct rio_net *rio_net_of(const struct net *net)
{
    return net->system;
}

static inline void rio_put(struct list *list, struct rio_entry *entry)
{
    if (list_has(&entry->listed)) list_remove(&entry->listed);
    list_add_last(list, &entry->listed);
}

/* ---- rio_queue.c ---- */

/* Makes the port and the queue, and registers the pools. On failure nothing is left behind. */
enum weir_code rio_queue_open(struct rio_net *system, struct weir_error *error);
void rio_queue_close(struct rio_net *system);

/* Readies a fresh slot for its lists. */
void rio_entry_init(struct rio_entry *entry);

/* Gives the slot's socket its request queue, growing the completion queue for it. 0, or what the
 * system said. */
int rio_queue_attach(struct rio_net *system, struct rio_entry *entry, uint32_t receives_max,
                     uint32_t sends_max);

/* Commits what is deferred, closes the socket, and forgets the queue. */
void rio_queue_detach(struct rio_net *system, struct rio_entry *entry);

/* Its completions were all taken: the room in the completion queue is free again. */
void rio_queue_release(struct rio_net *system, struct rio_entry *entry);

/* Posts a request for the buffer, SYSTEM's; deferred. `remote` and `control` say how many bytes of
 * the margin's address and control pieces it has; 0: none. 0, or what the system said: then nothing
 * is outstanding. */
int rio_post_receive(struct rio_net *system, struct rio_entry *entry, struct net_buffer *buffer,
                     bool addressed);
int rio_post_send(struct rio_net *system, struct rio_entry *entry, struct net_buffer *buffer,
                  uint32_t remote_bytes, uint32_t control_bytes);

/* Hands what is deferred to the system, each direction by itself. 0, or what it said. */
int rio_commit(struct rio_net *system, struct rio_entry *entry);

/* Where a datagram buffer's margin has its pieces. */
#define RIO_MARGIN_REMOTE 0u
#define RIO_MARGIN_CONTROL 32u
#define RIO_MARGIN_TRAIN 256u

/* Takes up to room completions out of the queue and has them handled; how many there were. */
uint32_t rio_harvest(struct rio_net *system);

/* Tells the verifier, if there is one, whether the slot's owner means to receive. */
void rio_tell_reading(struct rio_net *system, struct rio_entry *entry, bool wanted);

/* The slot tries again after a while. */
void rio_rest(struct rio_net *system, struct rio_entry *entry);

/* ---- rio_stream.c ---- */

enum weir_code rio_stream_adopt(struct rio_net *system, struct rio_entry *entry, win_socket socket,
                                struct weir_error *error);
void rio_stream_receive(struct rio_net *system, struct rio_entry *entry, bool on);
void rio_stream_send(struct rio_net *system, struct rio_entry *entry,
                     struct net_buffer *const *buffers, uint32_t count);
void rio_stream_close(struct rio_net *system, struct rio_entry *entry);
/* Posts what it can and commits; before the wait blocks. */
void rio_stream_commit(struct rio_net *system, struct rio_entry *entry);
/* Hands out what is held; with room. */
void rio_stream_serve(struct rio_net *system, struct rio_entry *entry);
/* A completion was taken; with room. */
void rio_stream_complete(struct rio_net *system, struct rio_entry *entry, struct net_buffer *buffer,
                         enum rio_request request, const struct rio_result *result);

/* ---- rio_udp.c ---- */

enum weir_code rio_udp_bind(struct rio_net *system, struct rio_entry *entry,
                            const struct net_listen_options *place, struct weir_error *error);
void rio_udp_receive(struct rio_net *system, struct rio_entry *entry, bool on);
void rio_udp_send(struct rio_net *system, struct rio_entry *entry, const struct weir_address *peer,
                  const struct weir_address *local, struct net_buffer *buffer,
                  uint32_t segment_bytes);
bool rio_udp_is_own(struct rio_net *system, struct rio_entry *entry,
                    const struct weir_address *address);
void rio_udp_close(struct rio_net *system, struct rio_entry *entry);
void rio_udp_commit(struct rio_net *system, struct rio_entry *entry);
void rio_udp_serve(struct rio_net *system, struct rio_entry *entry);
void rio_udp_complete(struct rio_net *system, struct rio_entry *entry, struct net_buffer *buffer,
                      enum rio_request request, const struct rio_result *result);

/* ---- acceptex.c ---- */

enum weir_code acceptex_listen(struct rio_net *system, struct rio_entry *entry,
                               const struct net_listen_options *place, struct weir_error *error);
void acceptex_accept(struct rio_net *system, struct rio_entry *entry, bool on);
void acceptex_close(struct rio_net *system, struct rio_entry *entry);
/* Hands out what was accepted and keeps accepts posted; with room. */
void acceptex_serve(struct rio_net *system, struct rio_entry *entry);
/* A packet under RIO_KEY_ACCEPT was taken. */
void acceptex_complete(struct rio_net *system, const struct win_packet *packet);
void acceptex_refuse(struct rio_net *system, win_socket socket);

/* Opens a socket of the place's family and binds it; "[::]" falls back to IPv4 where there is no
 * IPv6. 0, or what the system said. */
int acceptex_open_bound(const struct net_listen_options *place, bool stream, win_socket *socket,
                        bool *v4);

#endif
