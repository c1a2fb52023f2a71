/* SPDX-License-Identifier: MIT */
/* handle_table.h - the handles of one net: allocated once, named by index and generation.
 * Private to src/net.
 *
 * A handle's life:
 *
 *      FREE -> listen, adopt, bind: open -> net_close: closing -> NET_CLOSED: FREE, generation + 1
 *        '---> connect: CONNECTING -> NET_CONNECTED: CONNECTION, open
 *                            '------> NET_BROKEN: net_close is the only call left
 *
 * struct handle holds the state that every transport needs; each front file owns some of its
 * members, as the comments say. This file knows neither events nor transports.
 */
#ifndef NET_HANDLE_TABLE_H
#define NET_HANDLE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "check.h"
#include "list.h"
#include "net.h"

/* CONNECTING: opened by net_connect, and NET_CONNECTED was not handed out. A kind of its own, so
 * that a call that needs a connection finds none. */
enum handle_kind {
    HANDLE_FREE,
    HANDLE_LISTENER,
    HANDLE_CONNECTION,
    HANDLE_DATAGRAM, /* and those after it: epoll.c distinguishes them from the others first */
    HANDLE_CONNECTING
};

/* Of a system call: accepting counts as receiving. */
enum handle_direction { HANDLE_RECEIVES, HANDLE_SENDS, HANDLE_DIRECTIONS_COUNT };

/* What arrived for a handle and was not handed out; arrivals.c. */
struct held {
    struct net_buffer *first, *last; /* received bytes or datagrams; SYSTEM owns them */
    struct list deliverable;         /* on net.deliverable while net_wait can hand something out */
    int end_os_error;
    uint8_t end_code; /* enum weir_code; WEIR_OK: FIN */
    bool has_end;     /* FIN or a failure follows the buffers */
};

/* What only a listener or a datagram socket needs: in memory of its own, because connections are
 * many. A transport's part follows it in the same memory. */
struct handle_endpoint {
    /* Datagram sockets: answers to net_send_to calls that the transport knew before the next
     * net_wait; answers.c. */
    uint32_t datagrams_out; /* unanswered calls */
    uint32_t datagrams_sent, datagrams_failed;
    uint32_t sent_datagrams; /* with GSO batches counted as separate datagrams */
    uint64_t sent_bytes;
    int datagrams_os_error; /* of the first failure since the last answer, and its code */
    enum weir_code datagrams_code;

    /* Listeners. */
    struct held_sockets *sockets; /* of a transport that holds sockets; else null; arrivals.c */
    uint32_t accept_failures;     /* consecutive; file_waiters.c */
    uint32_t refused_count;       /* accepted connections that were lost and not reported yet */
    bool accept_pause_reported;   /* NET_PAUSED was handed out, and nothing was accepted since */
    bool stopping;                /* net_stop_accepting was called */
    bool stopped_ready;           /* NET_STOPPED is to be handed out, or was */
    bool stop_answered;           /* NET_STOPPED was handed out */
};

/* The front's part of a handle. A transport's part follows it in the same memory, at an address
 * that stays the same while the net lives. Each connection has one, so each byte counts: codes are
 * one byte, and the members are in the order of their sizes. */
struct handle {
    uint32_t index, generation;
    void *owner;
    union {
        struct handle_endpoint *endpoint; /* of a listener or datagram socket */
        struct {                          /* of a connection */
            uint32_t send_bytes;          /* of the last net_send */
            uint32_t unsent_bytes;        /* of the net_send: not passed to the system; answers.c */
        };
        void *attempt; /* of a connecting handle: its transport's; null from NET_CONNECTED on */
    };
    struct handle *answer_next; /* answers.c; while it is free: the next free one */
    struct held held;           /* arrivals.c */
    struct list waiting;  /* for buffers, buffer_waiters.c; a listener: for files, file_waiters.c */
    struct list retrying; /* on net.retries, or on none; retries.c */
    uint64_t retry_ns;    /* while it is listed: when to repeat the call that failed */
    int retry_os_error;   /* of the first failure since the last success */
    int sent_os_error;    /* of an answer that was not handed out, as sent_code; answers.c */
    uint8_t kind;         /* enum handle_kind */

    /* Requested by the owner: net.c. */
    uint8_t send_buffers; /* of the last net_send */
    bool flow_on;         /* accepting or receiving is switched on */
    bool send_out;        /* set while a net_send is unanswered */
    bool closing;         /* net_close or net_abort was called */
    bool finished : 1;    /* net_finish was called */
    bool resets : 1;      /* bytes of a send were lost, or net_abort: it ends by RST */

    /* Handed out already: event_batch.c. */
    bool broken : 1; /* NET_BROKEN */
    bool peer_done;  /* NET_PEER_DONE */

    bool receive_ended; /* FIN or a failure arrived; handed out or held; arrivals.c */

    /* Waiting for buffers: buffer_waiters.c. */
    bool is_bulk;      /* its last receive filled the buffer: more is waiting */
    bool was_released; /* it left the queue for buffers, and received nothing since */

    /* A call that failed is repeated later: retries.c. */
    uint8_t retry_failures[HANDLE_DIRECTIONS_COUNT]; /* consecutive */
    uint8_t retry_code;    /* enum weir_code, of the episode's first failure */
    bool retry_unreported; /* NET_PAUSED is still to be handed out for the current episode */

    /* Answers that the transport knew before the next net_wait: answers.c. */
    uint8_t sent_code;  /* enum weir_code */
    bool answer_listed; /* set while the handle is on the list of answers */
    bool sent_ready, closed_ready;
    bool releases_late; /* it begins a struct handle_releasing, and a send was unreleased */
};

/* Begins the entry of a transport that releases the bytes of net_send later than it accepts them;
 * see answer_unreleased(). */
struct handle_releasing {
    struct handle base;
    uint32_t released_buffers, released_bytes; /* not handed out yet */
    uint32_t unreleased_bytes, unreleased_buffers;
};

#define HANDLE_TABLE_CHUNK_HANDLES 256u

struct handle_table {
    size_t entry_bytes, endpoint_bytes;
    uint32_t handles_max, handles_count, open_count;
    uint8_t **chunks;         /* HANDLE_TABLE_CHUNK_HANDLES each; never moved */
    struct handle *free_list; /* linked through answer_next */
};

/* Opens a table of at most `handles_max` entries of `entry_bytes` each. A listener or datagram
 * socket gets `endpoint_bytes` more, which begin with struct handle_endpoint; 0: that alone.
 * Returns false if memory is exhausted. */
bool handle_table_open(struct handle_table *handle_table, size_t entry_bytes, size_t endpoint_bytes,
                       uint32_t handles_max);
void handle_table_free(struct handle_table *handle_table);

/* Returns a zeroed handle of the kind, with a generation that no earlier handle of this index had;
 * null if all are open or memory is exhausted. */
struct handle *handle_table_take(struct handle_table *handle_table, enum handle_kind kind,
                                 void *owner);

/* Frees a handle: after its NET_CLOSED, or when opening it failed. */
void handle_table_give_back(struct handle_table *handle_table, struct handle *handle);

/* Returns the handle at the index, whatever its state: for transports whose requests carry the
 * index. */
static inline struct handle *handle_table_at(const struct handle_table *handle_table,
                                             uint32_t index)
{
    weir_check(index < handle_table->handles_count);
    uint8_t *chunk = handle_table->chunks[index / HANDLE_TABLE_CHUNK_HANDLES];
    return (struct handle *)(void *)(chunk + (index % HANDLE_TABLE_CHUNK_HANDLES) *
                                                 handle_table->entry_bytes);
}

/* Returns the handle named `id`, which must be open, of that kind (HANDLE_FREE: of any kind) and
 * not closing. */
static inline struct handle *handle_table_find(const struct handle_table *handle_table,
                                               struct net_handle id, enum handle_kind kind)
{
    struct handle *handle = handle_table_at(handle_table, id.index);

    weir_check_rule(handle->generation == id.generation, "a handle is used after its NET_CLOSED");
    weir_check(handle->kind != HANDLE_FREE);
    weir_check_rule(!handle->closing, "a handle is used after its net_close");
    weir_check_rule(kind == HANDLE_FREE || handle->kind == kind,
                    "a call needs another kind of handle, or rule 2, a connection before its "
                    "NET_CONNECTED");
    return handle;
}

/* Whether the handle waits for buffers or files. Its transport must not receive or accept then. */
static inline bool handle_waits(const struct handle *handle)
{
    return list_has(&handle->waiting);
}

/* Whether the transport must not repeat this call of the handle now: retries.c calls it later. */
static inline bool handle_retries(const struct handle *handle, enum handle_direction direction)
{
    return list_has(&handle->retrying) && handle->retry_failures[direction] > 0;
}

/* Reports that a call of the handle succeeded: its next failure begins a new episode. */
static inline void handle_succeeded(struct handle *handle, enum handle_direction direction)
{
    handle->retry_failures[direction] = 0;
}

/* Whether the handle is a listener that is to accept nothing further. */
static inline bool handle_is_stopping(const struct handle *handle)
{
    return handle->kind == HANDLE_LISTENER && handle->endpoint->stopping;
}

/* Returns how many datagrams were sent through the handle and not answered. */
static inline uint32_t handle_datagrams_out(const struct handle *handle)
{
    return handle->kind == HANDLE_DATAGRAM ? handle->endpoint->datagrams_out : 0;
}

/* Returns what was accepted and not released of the sends of a connection; its transport has
 * released late. */
static inline struct handle_releasing *handle_releasing(struct handle *handle)
{
    return weir_container_of(handle, struct handle_releasing, base);
}

static inline struct net_handle handle_id(const struct handle *handle)
{
    return (struct net_handle){handle->index, handle->generation};
}

#endif
