/* SPDX-License-Identifier: MIT */
/* os_desk.h - the tools of a question about Registered I/O. Windows only.
 *
 * One process serves one question: it owns the desk and everything opened with it until it ends, so
 * nothing is closed or freed. Thread: the process's main thread.
 */
#ifndef CLI_OS_DESK_H
#define CLI_OS_DESK_H

#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <windows.h>
#include <stdbool.h>
#include <stdint.h>

#include "os_questions.h"
#include "rio_table.h" /* tidy: allow layers - declarations of RIO, which need nothing of net */

enum {
    DESK_SOON_MS = 2000,           /* results arrive within this time, if at all */
    DESK_NEVER_MS = 500,           /* without a result for this long, none is expected */
    DESK_BUFFERS = 16,             /* each with a separate registration */
    DESK_BUFFER_BYTES = 64 * 1024, /* whole pages */
    DESK_SENDS_BUFFER = 14,        /* holds the address of the datagram being sent */
    DESK_RECEIVES_MAX = DESK_BUFFERS / 2 - 1,
    DESK_SENDS_MAX = DESK_BUFFERS,
    DESK_CQ_SIZE = 4 * (DESK_RECEIVES_MAX + DESK_SENDS_MAX),
};

#define DESK_RIO_SOCKET (WSA_FLAG_REGISTERED_IO | WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT)

struct desk {
    struct rio_table rio;
    HANDLE port;
    OVERLAPPED notified; /* identifies the notification's packets */
    rio_cq cq;
    char *memory; /* DESK_BUFFERS buffers of DESK_BUFFER_BYTES */
    rio_buffer_id buffers[DESK_BUFFERS];
};

extern struct desk desk;

struct desk_pair {
    SOCKET socket; /* the RIO socket */
    rio_rq rq;
    struct sockaddr_in address;
    SOCKET peer; /* an ordinary socket */
    struct sockaddr_in peer_address;
};

/* Loads the table, opens the completion queue, and registers the buffers. Ends the process with
 * OS_ANSWER_UNTRIED if that fails. */
void desk_open(void);

/* ---- output ---- */

void desk_say(const char *format, ...);
void desk_say_code(int code);
/* Prints a call's result: TRUE, or FALSE with the error code. Returns `good`. */
bool desk_say_call(bool good);
void desk_say_result(bool came, const struct rio_result *result);
/* Requires a precondition of the question: otherwise ends the process with OS_ANSWER_UNTRIED. */
void desk_must(bool good, const char *what);

/* ---- the table, queues, requests; a request's context is its buffer's number and one ---- */

/* Returns 0 or the error number. */
int desk_load_table(SOCKET any, struct rio_table *table, DWORD table_bytes, DWORD *bytes);
rio_cq desk_open_cq(uint32_t size);
struct rio_piece desk_piece(int buffer, uint32_t offset, uint32_t length);
void *desk_context(int buffer);
bool desk_post_receive(rio_rq rq, int buffer, uint32_t length, uint32_t flags);
bool desk_post_send(rio_rq rq, int buffer, uint32_t length, uint32_t flags);

/* ---- waiting ---- */

double desk_now_ms(void);
/* Polls, so that it depends on no notification. */
bool desk_await_result(struct rio_result *result, int wait_ms);
bool desk_await_packet(DWORD wait_ms);
bool desk_await_overlapped(OVERLAPPED *overlapped, DWORD wait_ms);

/* ---- sockets ---- */

struct sockaddr_in desk_loopback(u_short network_port);
struct sockaddr_in desk_bind_to_loopback(SOCKET any);
/* Gives an ordinary socket of the test a time limit for blocking calls. */
SOCKET desk_bounded(SOCKET any);
SOCKET desk_open_flagged(int type, DWORD flags);
rio_rq desk_open_rq(SOCKET any);
struct desk_pair desk_open_datagrams(void);
SOCKET desk_open_listener(DWORD flags, struct sockaddr_in *address);
/* The RIO socket connects, so that the question does not need AcceptEx. */
struct desk_pair desk_open_stream(void);
void desk_peer_sends(const struct desk_pair *pair, int bytes);
bool desk_post_send_to(const struct desk_pair *pair, int buffer, uint32_t length,
                       const struct sockaddr_in *to, int address_buffer,
                       const struct rio_piece *control);

#endif
