/* SPDX-License-Identifier: MIT */
/* place.h - one place where a worker listens: a TCP listener, or a UDP socket. */
#ifndef SESSION_PLACE_H
#define SESSION_PLACE_H

#include <weir/weir.h>

#include "list.h"
#include "net.h"
#include "session.h"

struct worker;

struct place {
    struct owner owner;
    struct worker *worker; /* that listens; sessions over connections may be another's */
    struct list in_places; /* on worker.places while open */
    enum weir_proto proto;
    const struct weir_codec *codec;
    const struct weir_handler *handler;
    uint32_t handler_state_at; /* in a session's extra bytes: behind the codec's */
    struct net_handle handle;
    uint16_t port;      /* that it has really got */
    bool closing;       /* true exactly when net_close was called and NET_CLOSED is awaited */
    bool takes_no_more; /* UDP: a drain has had its last look; new peers are not let in */
    bool was_busy;      /* something happened here since the last look of a drain */

    /* UDP. Where nothing needs to be kept about a peer, the sender of the datagram in hand stands
     * in one session that is filled anew for each. */
    bool keeps_peers;
    struct weir_session transient;
    uint32_t segment_bytes; /* of the train in hand; 0: a single datagram */
    uint32_t out_count;     /* datagrams (trains count as one) that net has not answered */
    bool paused;            /* true exactly when receiving is off because too many answers wait */
};

/* A place that is not open yet. */
void place_init(struct place *place, enum weir_proto proto, const struct weir_codec *codec,
                const struct weir_handler *handler);

/* What the sessions of a place with this codec and handler keep in the table. */
size_t place_extra_bytes(const struct weir_codec *codec, const struct weir_handler *handler);

/* Listens or binds; accepting or receiving starts at once. The place must stay where it is until
 * its NET_CLOSED. */
enum weir_code place_open(struct place *place, struct worker *worker,
                          const struct net_listen_options *where, struct weir_error *error);

/* Looks at it while the worker drains: what the system had taken for us before the drain began is
 * still accepted and answered, so the place closes when nothing has come since the last look and
 * every answer is out, or when this is the last look. */
void place_drain(struct place *place, bool is_last_look);

/* Closes it now. Harmless when it is closing already. */
void place_close(struct place *place);

/* Hands over an event of this place. */
void place_on_event(struct place *place, const struct net_event *event);

/* The UDP half of weir_session_send and weir_session_send_back: for a peer, or for the visitor. */
enum weir_code place_send(struct weir_session *session, const void *bytes, size_t length);
enum weir_code place_send_back(struct weir_session *session, const struct weir_message *message);

/* Before a peer ends in peace: what was sent back so far goes first. */
void place_settle(struct weir_session *session);

#endif
