/* SPDX-License-Identifier: MIT */
/* win_system.h - the table of Windows functions that the transports call.
 *
 *      rio.c  rio_udp.c  acceptex.c  rio_emulation.c      the logic: no Windows header
 *                     |
 *              struct win_system
 *               /             \
 *      win_native.c        tests/support/memwin.c         Windows; a simulated Windows in memory
 *
 * So the logic also compiles and runs on systems with sanitizers and simulated networks. Types have
 * Windows's layout, which win_native.c asserts. Functions of type int return a Winsock or Win32
 * error number, or 0 on success.
 *
 * Ownership: the caller owns each port and socket that it opens. The system uses an OVERLAPPED and
 * the memory that it references until the port returns its packet.
 */
#ifndef NET_WINDOWS_WIN_SYSTEM_H
#define NET_WINDOWS_WIN_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"

#include "rio_table.h"
#include "win_sockaddr.h"

struct net_simulation;

typedef uintptr_t win_socket; /* SOCKET */
typedef uintptr_t win_port;   /* HANDLE of an I/O completion port */

#define WIN_NO_SOCKET UINTPTR_MAX
#define WIN_NO_PORT ((win_port)0)
#define WIN_FOREVER UINT64_MAX

/* OVERLAPPED: must not move from the call until its packet was taken from the port. */
struct win_overlapped {
    uintptr_t status; /* an NTSTATUS after the completion */
    uintptr_t bytes;
    uint64_t offset;
    void *event;
};

/* OVERLAPPED_ENTRY */
struct win_packet {
    uintptr_t key;
    struct win_overlapped *overlapped; /* null: posted without one */
    uintptr_t internal;                /* reserved; the status is in *overlapped */
    uint32_t bytes;
};

/* WSABUF */
struct win_piece {
    uint32_t length;
    uint8_t *bytes;
};

/* WSAMSG: like win_overlapped, it must not move, nor may the memory that it references. */
struct win_message {
    struct win_sockaddr *address;
    int32_t address_bytes; /* in: room; out: used */
    struct win_piece *pieces;
    uint32_t pieces_count;
    struct win_piece control;
    uint32_t flags;
};

/* AcceptEx's two addresses, each with the required 16 extra bytes (contract A5). */
#define WIN_ACCEPT_ADDRESS_BYTES (sizeof(struct win_sockaddr) + 16)
#define WIN_ACCEPT_AREA_BYTES (2 * WIN_ACCEPT_ADDRESS_BYTES)

/* Return values of a call with an OVERLAPPED: 0 (done; a packet still arrives, unless the socket
 * skips it, see port_watch), WIN_IO_PENDING (a packet will arrive), WIN_EMSGSIZE (a packet arrives,
 * too), or another error, without a packet. */
struct win_system {
    /* Call it before any other function; repeated calls are allowed. Any thread. Only the system in
     * memory uses the simulation; Windows ignores it. */
    int (*start)(struct net_simulation *simulation);
    uint64_t (*clock_ns)(void); /* same as clock_now_ns() */
    /* Fills in the table of the socket's provider, and sets *bytes to the bytes written. */
    int (*load_rio)(win_socket socket, struct rio_table *table, uint32_t *bytes);
    bool (*is_local_ip)(const struct net_address *address, uint64_t now_ns);

    /* ---- completion ports ---- */
    int (*port_open)(win_port *port);
    void (*port_close)(win_port port);
    /* Any thread. Fails while the kernel is out of memory for the packet, after some tries. */
    int (*port_post)(win_port port, uintptr_t key, struct win_overlapped *overlapped);
    /* Takes up to packets_max packets and sets *count to their number, 0 at the deadline.
     * `until_ns` 0: does not block. A failure is permanent. */
    int (*port_wait)(win_port port, struct win_packet *packets, uint32_t packets_max,
                     uint64_t until_ns, uint32_t *count);
    /* Associates the socket with the port: its overlapped calls complete there, with the key. Once
     * per socket. `skips`: a call that returns 0 produces no packet. Clears *skips if the system
     * does not support that. */
    int (*port_watch)(win_port port, win_socket socket, uintptr_t key, bool *skips);

    /* ---- sockets, overlapped and not inherited ---- */
    /* `registered`: with WSA_FLAG_REGISTERED_IO. Such a socket is for RIO's calls, and any other
     * for overlapped ones; AcceptEx takes two sockets of the same kind. */
    int (*socket_open)(bool v4, bool stream, bool registered, win_socket *socket);
    /* Returns 0 if the socket is closed. Otherwise it is still open, as are its requests, and must
     * be closed again later: call closing_close(). */
    int (*socket_close)(win_socket socket);
    /* Binds exclusively (SO_EXCLUSIVEADDRUSE); an IPv6 socket becomes dual stack. */
    int (*socket_bind)(win_socket socket, bool v4, const struct net_address *address);
    int (*socket_listen)(win_socket socket, uint32_t backlog);
    int (*socket_local)(win_socket socket, struct net_address *address);
    int (*socket_finish)(win_socket socket); /* shutdown(SD_SEND) */
    /* Makes the coming socket_close end the connection by RST (SO_LINGER of 0); best effort. */
    void (*socket_reset_on_close)(win_socket socket);
    bool (*socket_is_stream)(win_socket socket);
    /* Sets *bytes to the number of unacknowledged bytes that fill the connection's path
     * (SIO_IDEAL_SEND_BACKLOG_QUERY). Windows raises and lowers it with the congestion window. */
    int (*send_backlog)(win_socket socket, uint32_t *bytes);
    /* Sets TCP_NODELAY, SO_OOBINLINE and keepalive (net_options.keepalive_ms) on a stream
     * socket; best effort. */
    void (*stream_options)(win_socket socket, uint32_t keepalive_ms);
    /* Best effort: unreachable peers cause no socket errors, each datagram carries its local
     * address, and each socket buffer holds up to `bytes`. */
    void (*datagram_options)(win_socket socket, bool v4, uint32_t bytes);

    /* ---- accepting ---- */
    int (*accept_post)(win_socket listener, win_socket socket, uint8_t *area,
                       struct win_overlapped *overlapped);
    /* Sets SO_UPDATE_ACCEPT_CONTEXT, which must precede any other use of the socket, and reads the
     * peer's address from the area. */
    int (*accept_finish)(win_socket listener, win_socket socket, uint8_t *area,
                         struct net_address *peer);

    /* ---- connecting ---- */
    /* ConnectEx, on a bound socket. */
    int (*connect_post)(win_socket socket, bool v4, const struct net_address *to,
                        struct win_overlapped *overlapped);
    /* Sets SO_UPDATE_CONNECT_CONTEXT, which must precede any other use of the socket. */
    int (*connect_finish)(win_socket socket);

    /* ---- overlapped I/O: for the emulation, never on a registered socket ---- */
    int (*receive)(win_socket socket, struct win_piece *piece, struct win_overlapped *overlapped);
    int (*send)(win_socket socket, struct win_piece *piece, struct win_overlapped *overlapped);
    int (*receive_message)(win_socket socket, struct win_message *message,
                           struct win_overlapped *overlapped);
    int (*send_message)(win_socket socket, struct win_message *message,
                        struct win_overlapped *overlapped);
    /* Cancels all pending calls of the socket; their packets still arrive. */
    void (*cancel)(win_socket socket);
    /* The error of the last table function that failed on this thread. */
    int (*last_error)(void);
    void (*set_last_error)(int os_error);
};

/* The system that this program's transports use: Windows (win_native.c) or the one in memory. */
extern const struct win_system *const win_system;

#endif
