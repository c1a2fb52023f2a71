/* SPDX-License-Identifier: MIT */
/* os_connect.h - the system's part of connecting: the addresses of a host, and attempts to connect
 * to them that do not block. send_connect.c chooses and waits. */
#ifndef CLI_OS_CONNECT_H
#define CLI_OS_CONNECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attempts.h"

/* An address as the system has it. */
struct os_address {
    uint8_t bytes[128]; /* struct sockaddr_storage */
    int length;
    bool is_ipv4;
};

struct os_addresses {
    uint32_t count; /* 0: `why` says why the host has none */
    struct os_address at[ATTEMPTS_MAX];
    char why[256];
};

/* A socket that connects. */
struct os_attempt {
    intptr_t handle;   /* -1: none */
    void *event;       /* Windows: set when it has connected or failed */
    bool is_connected; /* immediately, without an event: datagram sockets */
};

/* Looks up the addresses of a host; an IPv4-mapped one becomes an IPv4 address. Can block for many
 * seconds. */
void os_lookup(const char *host, const char *port, bool datagrams, struct os_addresses *found);

/* Begins to connect. Returns 0, or the error number: there is no socket then. */
int os_attempt_begin(struct os_attempt *attempt, const struct os_address *address, bool datagrams);

/* Waits until one of the attempts has connected or failed, at most this long. Returns its index,
 * with 0 or the error number in *os_error; `count`: none has. */
uint32_t os_attempts_wait(const struct os_attempt *attempts, uint32_t count, uint32_t timeout_ms,
                          int *os_error);

/* Returns what a user can do about an error number of a connection, or "". */
const char *os_connect_hint(int os_error);

/* Closes the socket. No effect if there is none. */
void os_attempt_close(struct os_attempt *attempt);

#endif
