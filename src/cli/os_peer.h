/* SPDX-License-Identifier: MIT */
/* os_peer.h - the connected socket of `weir send`, and stdin. Only os_peer_wait() blocks, and on
 * Linux os_peer_read_input() if another program takes the input first. */
#ifndef CLI_OS_PEER_H
#define CLI_OS_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os_connect.h"

struct os_peer {
    intptr_t handle;
    void *event;    /* Windows: set when the socket can have become ready */
    bool datagrams; /* UDP */
    bool broken;    /* os_peer_wait() has seen that the connection was reset */
    char why[256];  /* reason of the last OS_PEER_FAILED, one line */
};

enum os_peer_result {
    OS_PEER_DONE,
    OS_PEER_NOT_NOW, /* call os_peer_wait() first */
    OS_PEER_ENDED,   /* the peer closed its side */
    OS_PEER_FAILED,
};

/* Takes over the socket of an attempt that has connected. Returns false, after closing it: see
 * peer->why. The caller calls os_peer_close() after success. */
bool os_peer_open(struct os_peer *peer, struct os_attempt *connected, bool datagrams);

enum {
    OS_PEER_SEND = 1,    /* ready to send */
    OS_PEER_RECEIVE = 2, /* ready to receive */
    OS_PEER_INPUT = 4,   /* stdin is ready to be read */
};

/* Waits until one of the wanted is ready. Returns those that are ready; 0: timeout. The first wait
 * for OS_PEER_INPUT begins to read stdin. On Windows, input that arrives while OS_PEER_SEND is
 * wanted can be reported later, with the socket. */
unsigned os_peer_wait(struct os_peer *peer, unsigned wanted, uint32_t timeout_ms);

/* Sends without blocking: *sent bytes, or a whole datagram. */
enum os_peer_result os_peer_send(struct os_peer *peer, const void *bytes, size_t length,
                                 size_t *sent);

/* Receives without blocking. A datagram can be empty. */
enum os_peer_result os_peer_receive(struct os_peer *peer, void *bytes, size_t size,
                                    size_t *received);

/* Sends FIN. The peer can still answer. */
void os_peer_finish(struct os_peer *peer);

/* Closes the socket. */
void os_peer_close(struct os_peer *peer);

/* Reads from stdin without blocking. Call it after os_peer_wait() returned OS_PEER_INPUT. *length
 * can be 0: no input is there yet, or *ended is set at its end. Returns 0, or the error number. */
int os_peer_read_input(void *bytes, size_t size, size_t *length, bool *ended);

#endif
