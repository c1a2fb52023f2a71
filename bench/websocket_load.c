/* SPDX-License-Identifier: MIT */
/* websocket_load.c - loads a WebSocket server.
 *
 *      websocket_load PORT MODE SECONDS CONNECTIONS BYTES
 *
 *      echo        each connection sends a message of BYTES bytes and waits for its echo, again and
 *                  again. Counts round trips
 *      broadcast   the first connection sends, and every one receives each message. A message is
 *                  sent when all have received the fourth before it. Counts received messages
 *
 * One thread. Prints the count, the seconds, and 0 failures: a failure ends it. websocket.py runs
 * it. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LOAD__CONNECTIONS_MAX 10000
#define LOAD__AHEAD 4 /* messages of a broadcast that are under way */
#define LOAD__EVENTS_MAX 256

/* One connection, and where it is in the frame that it receives. */
struct load__peer {
    int handle;
    uint8_t header[10];
    uint32_t header_length;
    uint64_t payload_left;
    uint64_t messages;
};

static struct {
    struct load__peer *peers;
    uint32_t peers_count;
    bool broadcasts;
    uint8_t *frame; /* the message with its header, as each connection sends it */
    size_t frame_length;
    uint64_t sent, received;
    uint8_t piece[256 * 1024];
} load;

static void load__fail(const char *what)
{
    perror(what);
    exit(1);
}

static double load__now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Makes a binary frame with a mask; the payload is "abc...", masked. */
static void load__make_frame(size_t length)
{
    static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};
    uint8_t *at = load.frame = malloc(length + 14);

    if (!at) load__fail("malloc");
    *at++ = 0x82;
    if (length < 126) {
        *at++ = (uint8_t)(0x80 | length);
    } else if (length < 65536) {
        *at++ = 0x80 | 126;
        *at++ = (uint8_t)(length >> 8);
        *at++ = (uint8_t)length;
    } else {
        *at++ = 0x80 | 127;
        for (int shift = 56; shift >= 0; shift -= 8) *at++ = (uint8_t)((uint64_t)length >> shift);
    }
    memcpy(at, mask, sizeof mask);
    at += sizeof mask;
    for (size_t i = 0; i < length; i++) *at++ = (uint8_t)('a' + i % 26) ^ mask[i % 4];
    load.frame_length = (size_t)(at - load.frame);
}

static void load__send_all(int handle, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;

    while (length > 0) {
        ssize_t sent = send(handle, at, length, MSG_NOSIGNAL);
        if (sent <= 0) load__fail("send");
        at += sent;
        length -= (size_t)sent;
    }
}

static void load__send(struct load__peer *peer)
{
    load__send_all(peer->handle, load.frame, load.frame_length);
    load.sent++;
}

/* Connects, and completes the request. Nothing follows the answer before we send. */
static void load__connect(struct load__peer *peer, uint16_t port)
{
    static const char request[] =
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    char answer[1024];
    size_t length = 0;
    int one = 1;

    peer->handle = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(peer->handle, (const struct sockaddr *)&address, sizeof address) != 0)
        load__fail("connect");
    setsockopt(peer->handle, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    load__send_all(peer->handle, request, sizeof request - 1);
    do {
        ssize_t got = recv(peer->handle, answer + length, sizeof answer - 1 - length, 0);
        if (got <= 0) load__fail("no answer to the request");
        length += (size_t)got;
        answer[length] = '\0';
    } while (!strstr(answer, "\r\n\r\n") && length < sizeof answer - 1);
    if (strncmp(answer, "HTTP/1.1 101", 12) == 0) return;
    fprintf(stderr, "the request was answered by: %.200s\n", answer);
    exit(1);
}

/* Returns the length of a header that begins with these two bytes: servers use no mask. */
static uint32_t load__header_bytes(const uint8_t *header)
{
    return header[1] < 126 ? 2 : header[1] == 126 ? 4 : 10;
}

/* Reads the payload's length of a complete header. */
static uint64_t load__payload_bytes(const uint8_t *header)
{
    uint32_t bytes = load__header_bytes(header);
    uint64_t length = 0;

    if (bytes == 2) return header[1];
    for (uint32_t i = 2; i < bytes; i++) length = length << 8 | header[i];
    return length;
}

/* A frame is complete. Pings and the like are not answered: the measurement is short. */
static void load__complete(struct load__peer *peer)
{
    bool is_final = (peer->header[0] & 0x80) != 0, is_control = (peer->header[0] & 0x08) != 0;

    if ((peer->header[0] & 0x0f) == 8) {
        fprintf(stderr, "the server closes a connection\n");
        exit(1);
    }
    peer->header_length = 0;
    if (!is_final || is_control) return;
    peer->messages++;
    load.received++;
    if (!load.broadcasts) load__send(peer);
}

static void load__take(struct load__peer *peer, const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        if (peer->header_length < 2 || peer->header_length < load__header_bytes(peer->header)) {
            peer->header[peer->header_length++] = *bytes++;
            length--;
            if (peer->header_length < 2 || peer->header_length < load__header_bytes(peer->header))
                continue;
            peer->payload_left = load__payload_bytes(peer->header);
        } else {
            size_t part = length < peer->payload_left ? length : (size_t)peer->payload_left;
            bytes += part;
            length -= part;
            peer->payload_left -= part;
        }
        if (peer->payload_left == 0) load__complete(peer);
    }
}

static void load__receive(struct load__peer *peer)
{
    ssize_t got = recv(peer->handle, load.piece, sizeof load.piece, MSG_DONTWAIT);

    if (got <= 0) load__fail("recv");
    load__take(peer, load.piece, (size_t)got);
}

/* Sends the next messages of a broadcast, if all have received the earlier ones. */
static void load__speak(void)
{
    while (load.broadcasts &&
           load.received + (uint64_t)LOAD__AHEAD * load.peers_count > load.sent * load.peers_count)
        load__send(&load.peers[0]);
}

static void load__run(int watch, double seconds)
{
    struct epoll_event events[LOAD__EVENTS_MAX];
    double until_s = load__now_s() + seconds;

    if (!load.broadcasts)
        for (uint32_t i = 0; i < load.peers_count; i++) load__send(&load.peers[i]);
    while (load__now_s() < until_s) {
        load__speak();
        int count = epoll_wait(watch, events, LOAD__EVENTS_MAX, 5000);
        if (count <= 0) load__fail("nothing comes for five seconds");
        for (int i = 0; i < count; i++) load__receive(events[i].data.ptr);
    }
}

int main(int argc, char **argv)
{
    int watch = epoll_create1(0);

    load.peers_count = argc == 6 ? (uint32_t)strtoul(argv[4], NULL, 10) : 0;
    if (load.peers_count == 0 || load.peers_count > LOAD__CONNECTIONS_MAX) {
        fprintf(stderr, "websocket_load PORT echo|broadcast SECONDS CONNECTIONS BYTES\n");
        return 64;
    }
    load.broadcasts = strcmp(argv[2], "broadcast") == 0;
    load__make_frame(strtoul(argv[5], NULL, 10));
    load.peers = calloc(load.peers_count, sizeof *load.peers);
    if (!load.peers) load__fail("calloc");
    for (uint32_t i = 0; i < load.peers_count; i++) {
        struct load__peer *peer = &load.peers[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
        load__connect(peer, (uint16_t)strtoul(argv[1], NULL, 10));
        if (epoll_ctl(watch, EPOLL_CTL_ADD, peer->handle, &event) != 0) load__fail("epoll_ctl");
    }
    double began_s = load__now_s();
    load__run(watch, strtod(argv[3], NULL));
    printf("%llu %.3f 0\n", (unsigned long long)load.received, load__now_s() - began_s);
    return 0;
}
