/* SPDX-License-Identifier: MIT */
/* memwin.h - a simulated Windows in memory: struct win_system over the simulated network. It lets
 * the Windows transports run on Linux with the sanitizers.
 *
 *      rio, iocp --> win_system --> memwin.c (ports, sockets, accepting)     --> sim_wire.h
 *                                   memwin_io.c (overlapped I/O)
 *                                   memwin_rio.c (a function table of its own)
 *
 * The simulation's seed decides everything that Windows leaves open: delays, bytes per receive, the
 * status code of a failure, the time at which a closed queue releases its entries. memwin_fail()
 * injects faults. All functions run on the simulation's thread.
 */
#ifndef SUPPORT_MEMWIN_H
#define SUPPORT_MEMWIN_H

#include <stdbool.h>
#include <stdint.h>

#include "list.h"
#include "sim_wire.h"
#include "win_system.h"

/* The calls that can fail. */
enum memwin_call {
    MEMWIN_SOCKET_OPEN,
    MEMWIN_SOCKET_REGISTERED, /* opening a socket with WSA_FLAG_REGISTERED_IO */
    MEMWIN_SOCKET_CLOSE,      /* the socket stays open, and its calls stay pending */
    MEMWIN_BIND,
    MEMWIN_LISTEN,
    MEMWIN_LOCAL, /* reading a socket's own address */
    MEMWIN_PORT_OPEN,
    MEMWIN_PORT_WATCH,
    MEMWIN_PORT_POST,
    MEMWIN_PORT_WAIT,
    MEMWIN_ACCEPT_POST,
    MEMWIN_ACCEPT_PACKET, /* the accept completes with the error */
    MEMWIN_ACCEPT_FINISH,
    MEMWIN_CONNECT_POST,
    MEMWIN_CONNECT_PACKET, /* the attempt completes with the error */
    MEMWIN_CONNECT_FINISH,
    MEMWIN_CONTROL,      /* not an error: a RIO receive completes without control messages */
    MEMWIN_RECEIVE,      /* overlapped, or the completion of a RIO receive */
    MEMWIN_RECEIVE_LONG, /* a stream's receive reports more bytes than it asked for */
    MEMWIN_SEND,
    MEMWIN_SEND_SHORT, /* a stream's send succeeds with fewer bytes than posted */
    MEMWIN_CREATE_CQ,
    MEMWIN_RESIZE_CQ,
    MEMWIN_CREATE_RQ,
    MEMWIN_RESIZE_RQ,
    MEMWIN_REGISTER,
    MEMWIN_POST, /* a RIO receive or send is refused */
    MEMWIN_COMMIT,
    MEMWIN_LOAD_RIO,
    MEMWIN_DEQUEUE, /* RIO_CQ_CORRUPT */
    MEMWIN_NOTIFY,
    MEMWIN_CALLS_COUNT
};

/* An error for memwin_fail: the call fails, and the system gives no reason. */
#define MEMWIN_NO_REASON (-1)

/* Makes each `every`-th call of the kind fail with the error; 0 disables that. Resets the count. */
void memwin_fail(enum memwin_call call, uint32_t every, int os_error);
void memwin_fail_nothing(void);
/* Returns the number of injected failures of the kind. */
uint32_t memwin_failures(enum memwin_call call);

/* Sets the ideal send backlog of every connection; 0, the default: the query is not supported. */
void memwin_set_send_backlog(uint32_t bytes);
/* Returns the number of queries since the last call of that. */
uint32_t memwin_send_backlog_queries(void);

/* What RIO has locked in memory now: whole pages, each as often as it is registered. */
struct memwin_locked {
    uint64_t bytes;
    uint32_t registrations;
};

struct memwin_locked memwin_locked(void);

/* ---- private to the memwin files ---- */

struct memwin_packet {
    struct list on;
    struct win_packet packet;
};

struct memwin_port {
    bool is_open;
    struct list packets;
};

struct memwin_rq;

/* A pending overlapped call. */
struct memwin_op {
    struct list on; /* its socket's receives, sends or connects; its listener's accepts */
    struct win_overlapped *overlapped;
    struct win_message *message; /* null on a stream */
    struct win_piece piece;
    uint32_t done_bytes;
    win_socket accepts; /* the socket of an accept */
    uint8_t *area;
};

struct memwin_socket {
    bool is_open, is_stream, is_v4, is_registered, is_listening, skips, reports_local, resets;
    bool is_bound,
        is_usable; /* usable: an accepted or connected socket whose context was updated */
    struct memwin_port *port;
    uintptr_t key;
    struct net_address address;
    struct wire_port listener;
    struct wire_end *end;
    struct wire_socket datagrams;
    struct list accepts, receives, sends, connects; /* memwin_op */
    struct memwin_rq *queue;
};

#define MEMWIN_SOCKETS_MAX 4096u

extern struct net_simulation *memwin_simulation;

int memwin_fault(enum memwin_call call); /* the error to inject, or 0 */
struct memwin_socket *memwin_socket_of(win_socket number);
win_socket memwin_number_of(const struct memwin_socket *socket);
void memwin_post_packet(struct memwin_port *port, uintptr_t key, struct win_overlapped *overlapped,
                        uint32_t bytes);
bool memwin_chance(uint32_t of); /* true with probability 1 / of */
/* Return one of the status codes that Windows uses for this failure. */
int32_t memwin_status_reset(void);
int32_t memwin_status_aborted(void);
int32_t memwin_status_refused(void);

/* memwin_io.c */
void memwin_io_serve(struct memwin_socket *socket);
void memwin_io_abort(struct list *ops, struct memwin_socket *socket, uint32_t status);
int memwin_receive(win_socket number, struct win_piece *piece, struct win_overlapped *overlapped);
int memwin_send(win_socket number, struct win_piece *piece, struct win_overlapped *overlapped);
int memwin_receive_message(win_socket number, struct win_message *message,
                           struct win_overlapped *overlapped);
int memwin_send_message(win_socket number, struct win_message *message,
                        struct win_overlapped *overlapped);
void memwin_cancel(win_socket number);
/* Removes the first received datagram and writes its bytes, source address and control messages. */
uint32_t memwin_take_datagram(struct memwin_socket *socket, struct win_piece *piece,
                              struct win_sockaddr *from, uint8_t *control, bool *is_cut);
/* Sends a datagram; the control messages (RIO_CMSG_BUFFER) can name the source address. */
void memwin_send_datagram(struct memwin_socket *socket, const struct win_piece *piece,
                          const struct win_sockaddr *to, const uint8_t *control);

/* memwin_rio.c */
int memwin_load_rio(win_socket socket, struct rio_table *table, uint32_t *bytes);
void memwin_rio_serve(struct memwin_rq *queue);
bool memwin_rio_sends(const struct memwin_rq *queue); /* a send is posted and not complete */
void memwin_rio_closed(struct memwin_rq *queue);

#endif
