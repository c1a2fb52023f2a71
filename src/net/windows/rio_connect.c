/* SPDX-License-Identifier: MIT */
/* rio_connect.c - opens connections by ConnectEx.
 *
 *      socket opened, bound -> ConnectEx posted -> packet -> on the ready list
 *                                    '-> refused ------------^    |
 *                                                                 v
 *      NET_CONNECTED, a connection of rio_stream.c <- SO_UPDATE_CONNECT_CONTEXT, request queue
 *      NET_BROKEN                                  <- the attempt failed, or one of the two
 *
 *   close:  CancelIoEx -> the packet -> the socket is closed -> NET_CLOSED
 *
 * ConnectEx needs a bound socket (its documentation, parameter s). A socket that it has connected
 * is of no use before SO_UPDATE_CONNECT_CONTEXT, as an accepted one (contract S7).
 *
 * A socket joins a port only once. Under the emulation that is for its requests, too, so the packet
 * of the attempt has their key, and struct rio_call says which one it is.
 *
 * Ownership: the rio_entry owns the socket and the struct rio_call. The system uses the rio_call
 * until its packet was taken, and the handle closes only after that.
 */
#include "rio_connect.h"

#include <stdio.h>

#include "address.h"
#include "check.h"
#include "error_fill.h"
#include "error_winsock.h"
#include "rio_socket.h"
#include "rio_stream.h"
#include "win_closing.h"

static enum weir_code rio_connect__fail(const struct net_connect_options *options, int os_error,
                                        struct weir_error *error)
{
    char address[NET_ADDRESS_TEXT_BYTES], subject[96];

    net_address_text(&options->address, address, sizeof address);
    snprintf(subject, sizeof subject, "tcp %s", address);
    return error_fill(error, error_winsock_code(os_error), os_error, "connect to", subject, NULL,
                      error_os_hint(os_error));
}

/* Opens the socket and has the port receive the packet. Returns the os_error. */
static int rio_connect__prepare(struct rio_net *system, struct rio_entry *entry, bool v4)
{
    bool skips = false; /* a packet arrives even if the call returns success */
    int os_error = rio_socket_open_for_connect(system, v4, &entry->socket);

    if (os_error != 0) return os_error;
    os_error = win_system->port_watch(
        system->port, entry->socket,
        system->provider->is_emulated ? RIO_KEY_EMULATION : RIO_KEY_CONNECT, &skips);
    if (os_error == 0) return 0;
    closing_close(win_system, entry->socket);
    entry->socket = WIN_NO_SOCKET;
    return os_error;
}

enum weir_code rio_connect_open(struct rio_net *system, struct rio_entry *entry,
                                const struct net_connect_options *options, struct weir_error *error)
{
    struct rio_connecting *connecting = &entry->connecting;
    bool v4 = address_is_v4(&options->address);

    weir_check(entry->base.kind == HANDLE_CONNECTING);
    rio_entry_init(entry);
    int os_error = rio_connect__prepare(system, entry, v4);
    if (os_error != 0) return rio_connect__fail(options, os_error, error);
    rio_socket_report(system, RIO_SOCKET_CONNECTING, entry->socket, WIN_NO_SOCKET);
    win_system->stream_options(entry->socket, system->net->options.keepalive_ms);
    connecting->to = options->address;
    connecting->call.is_connect = true;
    connecting->entry = entry;
    os_error = win_system->connect_post(entry->socket, v4, &options->address,
                                        &connecting->call.overlapped);
    if (os_error == 0 || os_error == WIN_IO_PENDING) {
        connecting->is_out = true;
        return WEIR_OK;
    }
    connecting->os_error = os_error; /* answered by the next wait, as a later failure */
    rio_move_to(&system->ready, entry);
    return WEIR_OK;
}

static void rio_connect__close_socket(struct rio_net *system, struct rio_entry *entry)
{
    win_socket socket = entry->socket;

    entry->socket = WIN_NO_SOCKET;
    if (socket != WIN_NO_SOCKET) rio_socket_close(system, socket);
}

static void rio_connect__end_close(struct rio_net *system, struct rio_entry *entry)
{
    weir_check(!list_has(&entry->listed));
    rio_connect__close_socket(system, entry);
    answer_closed(system->net, &entry->base);
}

void rio_connect_complete(struct rio_net *system, const struct win_packet *packet)
{
    struct rio_connecting *connecting =
        weir_container_of(packet->overlapped, struct rio_connecting, call.overlapped);
    struct rio_entry *entry = connecting->entry;

    weir_check(entry->base.kind == HANDLE_CONNECTING);
    weir_check(&entry->connecting == connecting);
    weir_check(connecting->is_out);
    connecting->is_out = false;
    connecting->os_error = error_winsock_of_status((int32_t)connecting->call.overlapped.status);
    if (entry->base.closing)
        rio_connect__end_close(system, entry);
    else if (!entry->base.broken)
        rio_move_to(&system->ready, entry);
}

static int rio_connect__attach(struct rio_net *system, struct rio_entry *entry)
{
    void (*on_watched)(win_socket socket) = system->provider->on_watched;

    if (on_watched) on_watched(entry->socket);
    int os_error = rio_stream_attach(system, entry);
    if (on_watched) on_watched(WIN_NO_SOCKET);
    return os_error;
}

/* Makes a connected socket usable. Returns the os_error. */
static int rio_connect__finish(struct rio_net *system, struct rio_entry *entry,
                               struct net_address *local)
{
    int os_error = entry->connecting.os_error;

    if (os_error == 0) os_error = win_system->connect_finish(entry->socket);
    if (os_error != 0) return os_error;
    rio_socket_report(system, RIO_SOCKET_CONNECTED, entry->socket, WIN_NO_SOCKET);
    if (win_system->socket_local(entry->socket, local) != 0) *local = (struct net_address){0};
    /* The system can choose the destination as the own port; no one listens there. */
    if (local->port != 0 && address_equals(local, &entry->connecting.to)) return WIN_ECONNREFUSED;
    return rio_connect__attach(system, entry);
}

void rio_connect_serve(struct rio_net *system, struct rio_entry *entry)
{
    struct net_address local = {0};

    weir_check(!entry->base.closing); /* a close removes the handle from the ready list */
    weir_check(!entry->connecting.is_out);
    int os_error = rio_connect__finish(system, entry, &local);
    if (os_error == 0) {
        event_batch_add(system->net, &entry->base, NET_CONNECTED)->local = local;
        return;
    }
    rio_connect__close_socket(system, entry);
    entry->connecting = (struct rio_connecting){.entry = entry}; /* overwritten by the attachment */
    event_batch_failed(system->net, &entry->base, NET_BROKEN, error_winsock_code(os_error),
                       os_error);
}

void rio_connect_close(struct rio_net *system, struct rio_entry *entry)
{
    weir_check(entry->base.closing);
    list_remove(&entry->listed);
    if (entry->connecting.is_out)
        win_system->cancel(entry->socket);
    else
        rio_connect__end_close(system, entry);
}
