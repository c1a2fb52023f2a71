/* SPDX-License-Identifier: MIT */
/* handle_table.h - the handles of one net, what is outstanding on each, and the events on their
 * way up. Private to src/net.
 *
 * It is the checker behind the laws: every event that a transport makes is compared with what was
 * asked of it, so a completion answered twice, a close answered before its last send or a byte that
 * nobody asked for ends the process where it happens.
 *
 * A slot's life:
 *
 *      FREE -> listen, adopt, bind: open -> net_close: closing -> NET_CLOSED: FREE, generation + 1
 */
#ifndef NET_HANDLE_TABLE_H
#define NET_HANDLE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net.h"

struct net;

enum handle_kind { HANDLE_FREE, HANDLE_LISTENER, HANDLE_CONNECTION, HANDLE_DATAGRAM };

/* The front's part of a handle; a transport's part follows it in the same memory, at a fixed
 * address while the net lives. */
struct handle {
    uint32_t index, generation;
    enum handle_kind kind;
    bool flow_on;             /* true exactly when the owner wants to accept or receive */
    bool send_out;            /* true exactly when a net_send is not answered yet */
    bool finished;            /* net_finish was called */
    bool peer_done;           /* NET_PEER_DONE was handed out */
    bool broken;              /* NET_BROKEN was handed out */
    bool closing;             /* net_close was called */
    bool starved;             /* a listener that waits for file descriptors */
    uint32_t accept_failures; /* in a row */
    uint32_t datagrams_out;   /* net_send_to calls not answered yet */
    void *owner;

    /* Answers that the transport knew at once, waiting for the next net_wait. */
    bool answer_listed; /* true exactly when on the ledger's answer list */
    bool sent_ready, closed_ready;
    enum weir_code sent_code;
    int sent_os_error;
    uint32_t datagrams_sent, datagrams_failed; /* net_send_to calls */
    uint32_t sent_datagrams;                   /* what those sent amount to, trains undone */
    uint64_t sent_bytes;
    enum weir_code datagrams_code; /* of the first failure since the last answer */
    int datagrams_os_error;
    struct handle *answer_next;
    struct handle *starved_next; /* the front's list of starved listeners */
};

#define HANDLE_TABLE_CHUNK_HANDLES 256u

struct handle_table {
    size_t entry_bytes;
    uint32_t slots_max, slots_count, open_count;
    uint8_t **chunks;         /* HANDLE_TABLE_CHUNK_HANDLES each; never moved */
    struct handle *free_list; /* through answer_next */
    struct handle *answer_first, *answer_last;
    struct handle *starved;
    /* The caller's array while net_wait runs; null otherwise. */
    struct net_event *events;
    uint32_t events_count, events_max;
};

/* False: no memory. */
bool handle_table_open(struct handle_table *handle_table, size_t entry_bytes, uint32_t slots_max);
void handle_table_free(struct handle_table *handle_table);

/* A zeroed slot of the kind, with a generation never used before; null: all are taken, or no
 * memory. */
struct handle *handle_table_take(struct handle_table *handle_table, enum handle_kind kind,
                                 void *owner);

/* Takes back a slot whose opening failed. */
void handle_table_give_back(struct handle_table *handle_table, struct handle *handle);

/* The slot of a handle that must be open, of that kind (HANDLE_FREE: of any), and not closing. */
struct handle *handle_table_find(const struct handle_table *handle_table, struct net_handle handle,
                                 enum handle_kind kind);

/* The slot at the index, whatever its state; for transports that name slots to the system by
 * index. */
struct handle *handle_table_at(const struct handle_table *handle_table, uint32_t index);

static inline struct net_handle handle_id(const struct handle *handle)
{
    return (struct net_handle){handle->index, handle->generation};
}

/* ---- for transports ---- */

/* Whether net_wait's caller has room for another event. */
static inline bool handle_table_has_room(const struct handle_table *handle_table)
{
    return handle_table->events_count < handle_table->events_max;
}

/* Adds an event, checked against the laws, inside transport->wait only and with room; the caller
 * fills what its kind carries. `slot` is null for NET_WOKEN. NET_CLOSED frees the slot: nothing may
 * be done with it afterwards. */
struct net_event *handle_table_event(struct net *net, struct handle *handle,
                                     enum net_event_kind kind);

/* NET_RECEIVED with the buffer, which passes from SYSTEM to CALLER. */
void handle_table_received(struct net *net, struct handle *handle, struct net_buffer *buffer);

/* Notes an answer for the next net_wait; allowed at any time, inside and outside of
 * transport->wait. The buffers of the send must be back in the pool. */
void handle_table_sent(struct net *net, struct handle *handle, enum weir_code code, int os_error);
void handle_table_sent_to(struct net *net, struct handle *handle, uint32_t sent, uint32_t failed,
                          enum weir_code code, int os_error);
void handle_table_closed(struct net *net, struct handle *handle);

/* Counts what a net_send_to amounts to; just before handle_table_sent_to says that it was sent. */
void handle_table_count_sent(struct handle *handle, uint32_t bytes, uint32_t segment_bytes);

/* Says that an accept failed: for want of files or memory (`scarce`), or for a reason of one
 * connection alone. True: go on with the next. False: there is no accepting for now; NET_PAUSED
 * went out, and the front switches the transport's accepting on again after a while, or as soon
 * as a handle closes. Inside transport->wait, with room. */
bool handle_table_accept_failed(struct net *net, struct handle *handle, bool scarce, int os_error);

/* Says that a receive found its pool empty. One NET_PAUSED goes out per shortage of that pool.
 * Inside transport->wait. */
void handle_table_buffers_scarce(struct net *net, struct handle *handle);

/* ---- for net.c ---- */

/* Turns noted answers into events while there is room. */
void handle_table_hand_out_answers(struct net *net);

static inline bool handle_table_has_answers(const struct handle_table *handle_table)
{
    return handle_table->answer_first != NULL;
}

#endif
