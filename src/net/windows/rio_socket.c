/* SPDX-License-Identifier: MIT */
/* rio_socket.c - opens bound sockets and closes sockets that have no request queue. The caller owns
 * an opened socket. */
#include "rio_socket.h"

#include "address.h"
#include "win_closing.h"

/* Only Windows's own table needs WSA_FLAG_REGISTERED_IO. The emulation makes overlapped calls,
 * which no document allows on such a socket, and a layered provider can refuse the flag (contract
 * S11). */
static int rio_socket__open(const struct rio_net *system, bool v4, bool stream, win_socket *socket)
{
    int os_error = win_system->socket_open(v4, stream, !system->provider->is_emulated, socket);

    if (os_error != 0) *socket = WIN_NO_SOCKET;
    return os_error;
}

int rio_socket_open_for_accept(const struct rio_net *system, bool v4, win_socket *socket)
{
    return rio_socket__open(system, v4, true, socket);
}

static int rio_socket__open_one(const struct rio_net *system, const struct net_address *address,
                                bool v4, bool stream, win_socket *socket)
{
    int os_error = rio_socket__open(system, v4, stream, socket);

    if (os_error != 0) return os_error;
    os_error = win_system->socket_bind(*socket, v4, address);
    if (os_error == 0) return 0;
    closing_close(win_system, *socket);
    *socket = WIN_NO_SOCKET;
    return os_error;
}

int rio_socket_open_for_connect(const struct rio_net *system, bool v4, win_socket *socket)
{
    struct net_address any = v4 ? address_of_v4(0, 0) : (struct net_address){0};

    return rio_socket__open_one(system, &any, v4, true, socket);
}

int rio_socket_open_bound(const struct rio_net *system, const struct net_listen_options *options,
                          bool stream, win_socket *socket, bool *v4)
{
    *v4 = address_is_v4(&options->address);
    int os_error = rio_socket__open_one(system, &options->address, *v4, stream, socket);
    if (os_error != WIN_EAFNOSUPPORT || *v4 || !address_is_any(&options->address)) return os_error;
    struct net_address any = address_of_v4(0, options->address.port);
    *v4 = true;
    return rio_socket__open_one(system, &any, true, stream, socket);
}

void rio_socket_close(struct rio_net *system, win_socket socket)
{
    rio_socket_report(system, RIO_SOCKET_CLOSED, socket, WIN_NO_SOCKET);
    closing_close(win_system, socket);
}

void rio_socket_report(const struct rio_net *system, enum rio_socket_event event, win_socket socket,
                       win_socket other)
{
    if (system->provider->on_socket) system->provider->on_socket(event, socket, other);
}
