/* SPDX-License-Identifier: MIT */
/* rio_verifier_sockets.c - records all sockets and how each was opened, and checks accepts (VV13,
 * VV14).
 *
 *      opened: LISTENER, DATAGRAM, or STREAM -> accept posted -> completed -> ACCEPTED
 *              or CONNECTING -> CONNECTED
 *      has_queue once a request queue exists; the record is freed when the socket closes
 *
 * VV15, no plain I/O on a socket with a request queue, holds by construction. Only the emulation
 * calls win_system's receive and send; tests/design/check_rio_rules.py checks that.
 *
 * Ownership: the table owns the records of all threads' sockets. A lock protects it.
 */
#include "memory.h"
#include "rio_verifier.h"
#include "thread.h"

#define VERIFIED__BUCKETS 1024u

struct verified_socket {
    struct verified_socket *next;
    win_socket socket;
    enum rio_socket_event state; /* any but CLOSED */
    bool has_queue;
    const void *accept; /* the OVERLAPPED of its pending accept; null: not in an accept */
};

static const struct win_system *verified__system;
static struct lock *verified__lock;
static struct verified_socket *verified__sockets[VERIFIED__BUCKETS];
static bool
    verified__has_gaps; /* memory was exhausted for a record: unknown sockets are not reported */

bool verified_sockets_open(const struct win_system *system)
{
    verified__system = system;
    if (!verified__lock) verified__lock = lock_open();
    return verified__lock != NULL;
}

static struct verified_socket **verified__find(win_socket socket)
{
    struct verified_socket **link = &verified__sockets[(socket >> 2) % VERIFIED__BUCKETS];

    while (*link && (*link)->socket != socket) link = &(*link)->next;
    return link;
}

static void verified__forget(struct verified_socket **link)
{
    struct verified_socket *gone = *link;

    *link = gone->next;
    memory_free(gone);
}

/* Adds a record. A closed socket's number is reused, so a stale record of the same number goes. */
static void verified__add(enum rio_socket_event state, win_socket socket)
{
    struct verified_socket **link = verified__find(socket), *added;

    if (*link) verified__forget(link);
    added = memory_alloc(sizeof *added);
    link = verified__find(socket);
    verified__has_gaps |= !added;
    if (!added) return;
    *added = (struct verified_socket){.socket = socket, .state = state, .next = *link};
    *link = added;
}

/* Notes that a socket was connected by ConnectEx. */
static void verified__connected(struct verified_socket *known)
{
    if (verified__has_gaps && !known) return;
    verified_must(known && known->state == RIO_SOCKET_CONNECTING, 13,
                  "a connected socket was not opened for RIO");
    known->state = RIO_SOCKET_CONNECTED;
}

void verified_on_socket(enum rio_socket_event event, win_socket socket, win_socket other)
{
    lock_take(verified__lock);
    struct verified_socket **link = verified__find(socket);
    if (event == RIO_SOCKET_CLOSED) {
        if (*link) verified__forget(link);
    } else if (event == RIO_SOCKET_ACCEPTED) {
        struct verified_socket *listener = *verified__find(other);
        if (verified__has_gaps && (!*link || !listener)) {
            lock_give_back(verified__lock);
            return;
        }
        verified_must(*link && (*link)->state == RIO_SOCKET_STREAM, 13,
                      "an accepted socket was not opened for RIO");
        verified_must(listener && listener->state == RIO_SOCKET_LISTENER, 13,
                      "the listener was not opened for RIO: its connections would never complete "
                      "a request");
        (*link)->state = RIO_SOCKET_ACCEPTED;
    } else if (event == RIO_SOCKET_CONNECTED) {
        verified__connected(*link);
    } else {
        verified__add(event, socket);
    }
    lock_give_back(verified__lock);
}

void verified_on_accept(bool posted, win_socket socket, const void *overlapped,
                        uint32_t address_bytes)
{
    lock_take(verified__lock);
    struct verified_socket *known = *verified__find(socket);
    if (!known && verified__has_gaps) {
        lock_give_back(verified__lock);
        return;
    }
    verified_must(known && known->state == RIO_SOCKET_STREAM, 14,
                  "an accept names a socket that was not opened for RIO");
    if (posted) {
        verified_must(!known->accept, 14, "a socket is in two pending accepts");
        verified_must(address_bytes >= 44, 14, "an accept has less than 44 bytes per address");
        for (uint32_t i = 0; i < VERIFIED__BUCKETS; i++)
            for (const struct verified_socket *at = verified__sockets[i]; at; at = at->next)
                verified_must(at->accept != overlapped, 14,
                              "two pending accepts have the same OVERLAPPED");
        known->accept = overlapped;
    } else {
        verified_must(known->accept == overlapped, 14, "an accept completed that was not posted");
        known->accept = NULL;
    }
    lock_give_back(verified__lock);
}

bool verified_socket_take(win_socket socket)
{
    lock_take(verified__lock);
    struct verified_socket *known = *verified__find(socket);
    if (!known && verified__has_gaps) {
        lock_give_back(verified__lock);
        return verified__system->socket_is_stream(socket);
    }
    verified_must(known, 13, "a request queue is created for a socket not opened for RIO");
    verified_must(!known->has_queue, 13, "a second request queue is created for one socket");
    verified_must(known->state != RIO_SOCKET_STREAM, 13,
                  "a request queue is created before SO_UPDATE_ACCEPT_CONTEXT is set");
    verified_must(known->state != RIO_SOCKET_CONNECTING, 13,
                  "a request queue is created before SO_UPDATE_CONNECT_CONTEXT is set");
    verified_must(known->state != RIO_SOCKET_LISTENER, 13,
                  "a request queue is created for a listener");
    known->has_queue = true;
    bool is_stream = known->state != RIO_SOCKET_DATAGRAM;
    lock_give_back(verified__lock);
    return is_stream;
}

void verified_socket_forget(win_socket socket)
{
    lock_take(verified__lock);
    struct verified_socket **link = verified__find(socket);
    if (*link) verified__forget(link);
    lock_give_back(verified__lock);
}
