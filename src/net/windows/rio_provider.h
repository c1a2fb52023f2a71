/* SPDX-License-Identifier: MIT */
/* rio_provider.h - where the function table comes from, and what else its user owes it.
 *
 *      rio.c ... --> struct rio_provider --> [rio_verifier] --> Windows's table, or rio_emulation
 *
 * The thirteen functions are the documented ones. The rest are the moments that RIO leaves without
 * a call of its own, and that the emulation lives by and the verifier judges by: the transport
 * tells of each.
 */
#ifndef NET_WINDOWS_RIO_PROVIDER_H
#define NET_WINDOWS_RIO_PROVIDER_H

#include <weir/error.h>

#include "win_system.h"

/* Completion keys on a worker's port. Others are nobody's. */
enum rio_key { RIO_KEY_WAKE = 1, RIO_KEY_NOTIFY, RIO_KEY_ACCEPT, RIO_KEY_EMULATION };

/* Moments of sockets that a verifier wants to know. */
enum rio_socket_event {
    RIO_SOCKET_LISTENER, /* opened to listen, with WSA_FLAG_REGISTERED_IO */
    RIO_SOCKET_STREAM,   /* opened to accept with, with the flag */
    RIO_SOCKET_DATAGRAM, /* opened for datagrams, with the flag */
    RIO_SOCKET_ACCEPTED, /* SO_UPDATE_ACCEPT_CONTEXT was set; `other` is its listener */
    RIO_SOCKET_CLOSED,   /* closed without ever having a request queue */
};

struct rio_provider {
    const char *name; /* "rio", "iocp" */
    bool is_emulated;
    bool is_verified;
    const struct rio_table *table;

    /* Closes the socket of a request queue; the queue is dead when this returns, its completions
     * still come. The owner's thread. */
    void (*close_socket)(rio_rq queue, win_socket socket);

    /* A packet under RIO_KEY_EMULATION. True: the completion queue of that port would notify now,
     * as if a packet under RIO_KEY_NOTIFY had come. Null for Windows's table. */
    bool (*on_packet)(const struct win_packet *packet);

    /* For the verifier; null without it. */
    void (*on_notified)(rio_cq queue); /* a packet under RIO_KEY_NOTIFY was taken */
    void (*on_fired)(rio_cq queue);    /* on_packet said that it notifies */
    void (*before_wait)(rio_cq queue); /* the thread is about to block on the port */
    void (*on_socket)(enum rio_socket_event event, win_socket socket, win_socket other);
    /* An accept was posted with this socket, or its packet was taken. */
    void (*on_accept)(bool posted, win_socket socket, const void *overlapped,
                      uint32_t address_bytes);
    void (*on_reading)(rio_rq queue, bool wanted); /* its owner does (not) mean to receive */
    void (*on_end)(void);                          /* everything should be closed and freed */
};

/* Windows's own table, or an error that says what to do (10045 and 10022 have words of their
 * own). Lives as long as the process. */
enum weir_code rio_provider_native(const struct win_system *system,
                                   const struct rio_provider **provider, struct weir_error *error);

/* rio_emulation.c: the same functions over overlapped I/O and the very port that notifies. */
const struct rio_provider *rio_provider_emulated(const struct win_system *system);

/* rio_verifier.c: the same provider behind the rules (docs/design/rio-rules.md). One underlying
 * provider a process. */
const struct rio_provider *rio_provider_verified(const struct win_system *system,
                                                 const struct rio_provider *under);

#endif
