/* SPDX-License-Identifier: MIT */
/* os_peer.h - the socket of a client, and the standard input beside it, as `weir send` needs them:
 * nothing here waits but os_peer_open() and os_peer_wait(). */
#ifndef CLI_OS_PEER_H
#define CLI_OS_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct os_peer {
    intptr_t handle;
    bool datagrams; /* UDP */
    bool broken;    /* the connection was reset, and waiting has met that already */
    char why[160];  /* of the last OS_PEER_FAILED: one line */
};

enum os_peer_result {
    OS_PEER_DONE,
    OS_PEER_NOT_NOW, /* wait first */
    OS_PEER_ENDED,   /* nothing will follow */
    OS_PEER_FAILED,
};

/* Looks the host up and connects to the first of its addresses that answers. False: peer->why. What
 * was opened is to be closed. */
bool os_peer_open(struct os_peer *peer, const char *host, const char *port, bool datagrams,
                  uint32_t timeout_ms);

enum {
    OS_PEER_SEND = 1,    /* sending would do something */
    OS_PEER_RECEIVE = 2, /* receiving would */
    OS_PEER_INPUT = 4,   /* reading the standard input would */
};

/* Waits for one of the wanted; returns those that are so, or 0: nothing for so long. Windows: the
 * input counts as readable always, because files and pipes cannot be waited for. */
unsigned os_peer_wait(struct os_peer *peer, unsigned wanted, uint32_t timeout_ms);

/* Sends what the system takes at once: *sent of the bytes, or all of a datagram. */
enum os_peer_result os_peer_send(struct os_peer *peer, const void *bytes, size_t length,
                                 size_t *sent);

/* Receives what is there. A datagram may be empty. */
enum os_peer_result os_peer_receive(struct os_peer *peer, void *bytes, size_t size,
                                    size_t *received);

/* Ends what we send; the peer may still answer. */
void os_peer_finish(struct os_peer *peer);

/* Ends it. */
void os_peer_close(struct os_peer *peer);

/* Reads what the standard input has, at least one byte; 0: it is at its end. */
size_t os_peer_read_input(void *bytes, size_t size);

#endif
