/* SPDX-License-Identifier: MIT */
/* uring_net.h - one net over io_uring: its ring, and its part of each handle.
 * Private to uring.c and its parts.
 *
 *      uring.c           the transport: requests posted and cancelled, completions, the wait
 *      uring_listener.c  accepting
 *      uring_stream.c    receiving and sending on connections
 *      uring_ring.c      the two queues of the ring, and its buffers
 */
#ifndef NET_LINUX_URING_NET_H
#define NET_LINUX_URING_NET_H

#include "check.h"
#include "linux_endpoint.h"
#include "linux_socket.h"
#include "linux_wait.h"
#include "list.h"
#include "transport.h"
#include "uring_ring.h"

enum uring_request_state { URING_IDLE, URING_POSTED, URING_CANCELLED };

/* One request of a handle, inbound or outbound; uring.c draws its states. */
struct uring_request {
    uint8_t state;   /* enum uring_request_state; IDLE if and only if the kernel has none */
    bool cancel_out; /* set while a cancel is posted and not completed */
};

struct uring_entry {
    struct handle base;
    int fd;
    int send_flags;                /* connection */
    struct uring_request inbound;  /* accept, receive, poll for readable */
    struct uring_request outbound; /* connect, send, poll for writable */
    struct list changed; /* on uring.changed: requested state may differ from the kernel's */
    union {              /* by base.kind */
        struct net_buffer *send_first; /* connection: not sent yet; null if no send is out */
        struct linux_destination *to;  /* connecting */
    };
};

struct uring {
    struct uring_ring ring;
    int wake_fd;
    bool wake_posted; /* set while the kernel polls wake_fd */
    int event_fd;     /* of completions; -1: net_descriptor() was not called */
    int poll_fd;      /* reports event_fd and wake_fd; -1: the same */
    int wake_error;   /* the last poll of wake_fd failed with this error number; 0: it did not */
    struct linux_wait wait;
    bool datagrams_ready; /* a datagram socket became readable or writable in this iteration */
    struct list changed;
    struct datagram_list datagrams;
};

static inline struct uring_entry *uring_entry_of(struct handle *base)
{
    return weir_container_of(base, struct uring_entry, base);
}

/* The rest of a short send to a TCP peer is sent by the kernel, but that to a Unix-domain peer by
 * uring_stream.c, because the kernel does not report how far it is. */
#define URING_SEND_FLAGS (MSG_NOSIGNAL | MSG_WAITALL)
#define URING_SEND_FLAGS_UNIX MSG_NOSIGNAL
/* Set in net_socket.os_handle if the descriptor is one of the Unix domain. */
#define URING_SOCKET_UNIX ((uintptr_t)1 << 31)

static inline void uring_entry_init(struct uring_entry *entry, int fd)
{
    weir_check(fd >= 0);
    entry->fd = fd;
    list_init(&entry->changed);
}

/* Has the next commit compare the requested state with the kernel's. */
static inline void uring_note_change(struct uring *uring, struct uring_entry *entry)
{
    if (!list_has(&entry->changed)) list_add_last(&uring->changed, &entry->changed);
}

/* ---- uring_listener.c ---- */

enum weir_code uring_listener_open(struct net *net, struct uring_entry *entry,
                                   const struct net_listen_options *options,
                                   struct weir_error *error);
/* Calls answer_stopped() once the kernel accepts nothing further and nothing is held. */
void uring_listener_update_stop(struct net *net, struct uring_entry *entry);
void uring_listener_fill(const struct uring_entry *entry, struct io_uring_sqe *sqe);

/* `result`: the accepted descriptor, or a negative error number. */
void uring_listener_complete(struct net *net, struct uring_entry *entry, int result);

/* ---- uring_stream.c ---- */

enum weir_code uring_stream_connect(struct net *net, struct uring_entry *entry,
                                    const struct net_connect_options *options,
                                    struct weir_error *error);
void uring_stream_fill_connect(const struct uring_entry *entry, struct io_uring_sqe *sqe);

/* The attempt has been answered, or is cancelled. */
void uring_stream_end_connect(struct uring_entry *entry);

/* `result`: 0, or a negative error number. */
void uring_stream_connected(struct net *net, struct uring_entry *entry, int result);

void uring_stream_fill_receive(struct uring_entry *entry, struct io_uring_sqe *sqe);
void uring_stream_fill_send(struct uring *uring, const struct uring_entry *entry,
                            struct io_uring_sqe *sqe);
/* Stores the buffers of a send, which the caller posts. */
void uring_stream_send(struct uring_entry *entry, struct net_buffer *const *buffers,
                       uint32_t count);

/* `result`: bytes in `buffer`; 0 or a negative error number if the receive ended. */
void uring_stream_received(struct net *net, struct uring_entry *entry, struct net_buffer *buffer,
                           int result);

/* Returns the bytes of the outstanding send that the kernel has not reported as sent. */
uint32_t uring_stream_unsent(const struct uring_entry *entry);

/* `result`: bytes sent, or a negative error number. */
void uring_stream_sent(struct net *net, struct uring_entry *entry, int result);

/* Answers the outstanding send as failed, and gives its buffers back. */
void uring_stream_fail_send(struct net *net, struct uring_entry *entry, enum weir_code code,
                            int os_error);

/* Answers a send that the kernel never had. */
void uring_stream_close(struct net *net, struct uring_entry *entry);

#endif
