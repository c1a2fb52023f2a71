/* SPDX-License-Identifier: MIT */
/* peer.h - what the servers of bench/peers in C share: `PROGRAM PORT MODE`, and a listening socket.
 *
 *      echo        TCP: sends back what it receives
 *      broadcast   TCP: sends what it receives to all connections; messages have 64 bytes
 *      udp         sends each datagram back
 *
 * A program can have more modes. */
#ifndef PEER_H
#define PEER_H

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    PEER_BACKLOG = 4096,
    PEER_BUFFER_BYTES = 65536,
    PEER_HANDLES_MAX = 20000,
    PEER_UDP_BUFFER_BYTES = 4 << 20,
};

static inline void peer_need(int is_good, const char *what)
{
    if (is_good) return;
    perror(what);
    exit(1);
}

/* Returns the port of the command line; exits if there is no port or no mode. A send to a client
 * that is gone fails, and does not end the program. */
static inline unsigned short peer_port(int count, char **arguments)
{
    char *end;
    long port = count == 3 ? strtol(arguments[1], &end, 10) : 0;

    signal(SIGPIPE, SIG_IGN);
    if (port > 0 && port < 65536) return (unsigned short)port;
    fprintf(stderr, "usage: PROGRAM PORT MODE\n");
    exit(64);
}

static inline void peer_option(int handle, int level, int name, int value)
{
    peer_need(setsockopt(handle, level, name, &value, sizeof value) == 0, "setsockopt");
}

static inline struct sockaddr_in peer_address(unsigned short port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* Returns a socket on the port of 127.0.0.1, which does not block. type: SOCK_STREAM, which
 * listens, or SOCK_DGRAM. */
static inline int peer_listen(unsigned short port, int type)
{
    struct sockaddr_in at = peer_address(port);
    int handle = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    peer_need(handle >= 0, "socket");
    if (type == SOCK_STREAM) peer_option(handle, SOL_SOCKET, SO_REUSEADDR, 1);
    if (type == SOCK_DGRAM) peer_option(handle, SOL_SOCKET, SO_RCVBUF, PEER_UDP_BUFFER_BYTES);
    peer_need(bind(handle, (struct sockaddr *)&at, sizeof at) == 0, "bind");
    if (type == SOCK_STREAM) peer_need(listen(handle, PEER_BACKLOG) == 0, "listen");
    return handle;
}

#endif
