/* SPDX-License-Identifier: MIT */
/* win_system.h - what the transport asks of Windows, as one table of functions.
 *
 *      rio.c  rio_udp.c  acceptex.c  rio_emulation.c      the logic: no Windows header
 *                     |
 *              struct win_system
 *               /             \
 *      win_native.c        tests/support/scripted.c       Windows itself; a system in memory
 *
 * So the logic also compiles and runs where there are sanitizers and simulations. Types are
 * Windows's own in layout (win_native.c asserts it), errors are Winsock's or Win32's numbers (0:
 * good).
 */
#ifndef NET_WINDOWS_WIN_SYSTEM_H
#define NET_WINDOWS_WIN_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/address.h>

#include "rio_table.h"
#include "win_sockaddr.h"

struct net_simulation;

typedef uintptr_t win_socket; /* SOCKET */
typedef uintptr_t win_port;   /* HANDLE of an I/O completion port */

#define WIN_NO_SOCKET UINTPTR_MAX
#define WIN_NO_PORT ((win_port)0)
#define WIN_FOREVER UINT64_MAX

/* OVERLAPPED: lies still from the call until its packet was taken from the port. */
struct win_overlapped {
    uintptr_t status; /* an NTSTATUS once it is done */
    uintptr_t bytes;
    uint64_t offset;
    void *event;
};

/* OVERLAPPED_ENTRY */
struct win_packet {
    uintptr_t key;
    struct win_overlapped *overlapped; /* null: posted without one */
    uintptr_t internal;                /* without meaning; the status is in *overlapped */
    uint32_t bytes;
};

/* WSABUF */
struct win_piece {
    uint32_t length;
    uint8_t *bytes;
};

/* WSAMSG: as win_overlapped, lies still with all that it points at. */
struct win_message {
    struct win_sockaddr *address;
    int32_t address_bytes; /* in: room; out: used */
    struct win_piece *pieces;
    uint32_t pieces_count;
    struct win_piece control;
    uint32_t flags;
};

/* AcceptEx's two addresses, each with the 16 bytes that it wants beyond (contract A5). */
#define WIN_ACCEPT_ADDRESS_BYTES (sizeof(struct win_sockaddr) + 16)
#define WIN_ACCEPT_AREA_BYTES (2 * WIN_ACCEPT_ADDRESS_BYTES)

/* A call that takes an overlapped answers 0 (done; a packet comes all the same, unless the socket
 * skips, see port_watch), WIN_IO_PENDING (a packet will come), or an error and no packet. One
 * exception: WIN_EMSGSIZE, with which a packet comes too. */
struct win_system {
    /* Before anything else, any number of times, any thread. The simulation is what the system in
     * memory runs on; Windows has no use for it. */
    int (*start)(struct net_simulation *simulation);
    uint64_t (*clock_ns)(void); /* as clock_now_ns() */
    /* Fills in the table and how many bytes of it the system wrote. */
    int (*load_rio)(struct rio_table *table, uint32_t *bytes);
    bool (*is_local_ip)(const struct weir_address *address, uint64_t now_ns);

    /* ---- completion ports ---- */
    int (*port_open)(win_port *port);
    void (*port_close)(win_port port);
    /* Any thread. */
    void (*port_post)(win_port port, uintptr_t key, struct win_overlapped *overlapped);
    /* Up to packets_max packets; 0 when the time came first. `until_ns` 0: does not wait. */
    uint32_t (*port_wait)(win_port port, struct win_packet *packets, uint32_t packets_max,
                          uint64_t until_ns);
    /* The socket's overlapped calls are answered through the port, under the key. `skips`: a call
     * that answers 0 makes no packet; where the system will not have that, *skips is cleared. Once
     * a socket. */
    int (*port_watch)(win_port port, win_socket socket, uintptr_t key, bool *skips);

    /* ---- sockets, every one with WSA_FLAG_REGISTERED_IO, overlapped, not inherited ---- */
    int (*socket_open)(bool v4, bool stream, win_socket *socket);
    void (*socket_close)(win_socket socket);
    /* An address that nobody else may share (SO_EXCLUSIVEADDRUSE); dual stack where not v4. */
    int (*socket_bind)(win_socket socket, bool v4, const struct weir_address *address);
    int (*socket_listen)(win_socket socket, uint32_t backlog);
    int (*socket_local)(win_socket socket, struct weir_address *address);
    int (*socket_finish)(win_socket socket); /* shutdown(SD_SEND) */
    bool (*socket_is_stream)(win_socket socket);
    /* TCP_NODELAY, SO_OOBINLINE, keepalive (net_options.keepalive_ms): what an accepted socket
     * wants; best effort. */
    void (*stream_options)(win_socket socket, uint32_t keepalive_ms);
    /* Unreachable peers are no errors of the socket, the local address comes with each datagram,
     * the system holds up to `bytes` each way; best effort. */
    void (*datagram_options)(win_socket socket, bool v4, uint32_t bytes);

    /* ---- accepting ---- */
    int (*accept_post)(win_socket listener, win_socket socket, uint8_t *area,
                       struct win_overlapped *overlapped);
    /* SO_UPDATE_ACCEPT_CONTEXT, before anything else is done with the socket, and the peer's
     * address out of the area. */
    int (*accept_finish)(win_socket listener, win_socket socket, uint8_t *area,
                         struct weir_address *peer);

    /* ---- overlapped I/O: for the emulation, never on a socket with a real request queue ---- */
    int (*receive)(win_socket socket, struct win_piece *piece, struct win_overlapped *overlapped);
    int (*send)(win_socket socket, struct win_piece *piece, struct win_overlapped *overlapped);
    int (*receive_message)(win_socket socket, struct win_message *message,
                           struct win_overlapped *overlapped);
    int (*send_message)(win_socket socket, struct win_message *message,
                        struct win_overlapped *overlapped);
    /* Cancels all that is pending on the socket; the packets come. */
    void (*cancel)(win_socket socket);
    /* What the last table function on this thread failed with. */
    int (*last_error)(void);
    void (*set_last_error)(int os_error);
};

/* The system that the transports of this program run on: Windows itself (win_native.c), or one in
 * memory. */
extern const struct win_system *const win_system;

#endif
