/* SPDX-License-Identifier: MIT */
/* rio_provider.h - the source of the RIO function table, and the callbacks around it.
 *
 *      rio.c ... --> struct rio_provider --> [rio_verifier] --> Windows's table, or rio_emulation
 *
 * The table has RIO's thirteen documented functions. The callbacks report steps for which RIO has
 * no call. The emulation needs them to work, and the verifier needs them to check the rules.
 *
 * Ownership: providers are static, shared by all workers, and never freed.
 */
#ifndef NET_WINDOWS_RIO_PROVIDER_H
#define NET_WINDOWS_RIO_PROVIDER_H

#include <weir/error.h>

#include "win_system.h"

/* Completion keys on a worker's port. No other key is used. */
enum rio_key {
    RIO_KEY_WAKE = 1,
    RIO_KEY_NOTIFY,
    RIO_KEY_ACCEPT,
    RIO_KEY_CONNECT,  /* over Windows's table */
    RIO_KEY_EMULATION /* a struct rio_call: a request of the emulation, or a ConnectEx */
};

/* An overlapped call on a socket that the emulation uses. */
struct rio_call {
    struct win_overlapped overlapped; /* first */
    bool is_connect;                  /* else a request of the emulation */
};

/* Steps in a socket's life that the transport reports to the verifier. */
enum rio_socket_event {
    RIO_SOCKET_LISTENER,   /* opened by rio_socket.c to listen */
    RIO_SOCKET_STREAM,     /* ... for AcceptEx */
    RIO_SOCKET_DATAGRAM,   /* ... for datagrams */
    RIO_SOCKET_ACCEPTED,   /* SO_UPDATE_ACCEPT_CONTEXT was set; `other` is its listener */
    RIO_SOCKET_CONNECTING, /* ... for ConnectEx */
    RIO_SOCKET_CONNECTED,  /* SO_UPDATE_CONNECT_CONTEXT was set */
    RIO_SOCKET_CLOSED,     /* closed without ever having a request queue */
};

struct rio_provider {
    const char *name; /* "rio", "iocp" */
    bool is_emulated;
    bool is_verified;
    const struct rio_table *table;

    /* Closes the socket of a request queue. The queue must not be used afterwards; its completions
     * still arrive. Thread: the owner's. */
    void (*close_socket)(rio_rq queue, win_socket socket);

    /* Reports that the socket whose request queue is created next has joined the port already;
     * WIN_NO_SOCKET: none has. Null for Windows's table. Thread: the owner's. */
    void (*on_watched)(win_socket socket);

    /* Handles a packet of a request of the emulation. Returns whether the port's completion queue
     * notifies: treat it like a packet with the key RIO_KEY_NOTIFY. Null for Windows's table. */
    bool (*on_packet)(const struct win_packet *packet);

    /* For the verifier; null without it. */
    void (*on_notified)(rio_cq queue); /* a packet with the key RIO_KEY_NOTIFY was taken */
    void (*on_fired)(rio_cq queue);    /* on_packet returned true */
    void (*before_wait)(rio_cq queue); /* the thread is about to block on the port */
    void (*on_socket)(enum rio_socket_event event, win_socket socket, win_socket other);
    /* An accept was posted with this socket, or its packet was taken. */
    void (*on_accept)(bool posted, win_socket socket, const void *overlapped,
                      uint32_t address_bytes);
    void (*on_reading)(rio_rq queue, bool wanted); /* whether a receive should be posted */
    void (*on_end)(void);                          /* all objects must be closed and freed */
};

/* Sets *provider to Windows's own table, which lives as long as the process. Returns
 * WEIR_UNSUPPORTED, with a hint in the error, where RIO is missing (10045, 10022) or incomplete. */
enum weir_code rio_provider_native(const struct win_system *system,
                                   const struct rio_provider **provider, struct weir_error *error);

/* rio_emulation.c: returns the same functions over overlapped I/O and the notification's port. */
const struct rio_provider *rio_provider_emulated(const struct win_system *system);

/* rio_verifier.c: returns a provider that checks the rules (docs/design/rio-rules.md) and forwards
 * to `under`, or null if memory is exhausted. One underlying provider per process. */
const struct rio_provider *rio_provider_verified(const struct win_system *system,
                                                 const struct rio_provider *under);

#endif
