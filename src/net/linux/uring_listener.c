/* SPDX-License-Identifier: MIT */
/* uring_listener.c - accepting through one multishot request per listener. */
#include <errno.h>
#include <unistd.h>

#include "check.h"
#include "error_fill.h"
#include "linux_socket.h"
#include "uring_net.h"

enum weir_code uring_listener_open(struct net *net, struct uring_entry *entry,
                                   const struct net_listen_options *options,
                                   struct weir_error *error)
{
    struct uring *uring = net->system;
    int fd;

    weir_check(entry->base.kind == HANDLE_LISTENER);
    /* A multishot accept ends when the completion queue is full, so no more sockets than the queue
     * has entries can arrive after accepting was switched off. */
    if (!arrivals_open_listener(&entry->base, uring->ring.io.cq.ring_entries + 1))
        return error_fill(error, WEIR_NO_MEMORY, 0, "listen", NULL, NULL,
                          "free some memory, or lower queue_entries");
    enum weir_code code = linux_listen(options, false, &net->options, &fd,
                                       &linux_endpoint_of(&entry->base)->bound, error);
    if (code == WEIR_OK) uring_entry_init(entry, fd);
    return code;
}

void uring_listener_update_stop(struct net *net, struct uring_entry *entry)
{
    struct handle *base = &entry->base;

    if (!base->endpoint->stopping || base->endpoint->stopped_ready || base->closing) return;
    if (entry->inbound.state != URING_IDLE || entry->inbound.cancel_out) return;
    if (!arrivals_are_held(base)) answer_stopped(net, base);
}

void uring_listener_fill(const struct uring_entry *entry, struct io_uring_sqe *sqe)
{
    weir_check(entry->base.flow_on);
    weir_check(!handle_waits(&entry->base));
    io_uring_prep_multishot_accept(sqe, entry->fd, NULL, NULL, SOCK_CLOEXEC);
}

/* A connection that its peer has reset already is refused: it has no address. */
static void uring_listener__accepted(struct net *net, struct uring_entry *entry, int fd)
{
    struct net_address peer;

    weir_check(entry->base.endpoint->sockets || entry->base.closing);
    if (linux_peer_address(fd, &peer)) {
        uintptr_t is_unix = peer.port == 0 ? URING_SOCKET_UNIX : 0; /* no peer of TCP has port 0 */
        arrival_socket(net, &entry->base, (uintptr_t)fd | is_unix, &peer);
    } else {
        close(fd);
        answer_refused(net, &entry->base);
    }
}

static void uring_listener__failed(struct net *net, struct uring_entry *entry, int os_error)
{
    weir_check(os_error > 0);
    if (linux_is_connection_lost(os_error)) answer_refused(net, &entry->base);
    if (!entry->base.flow_on || entry->base.endpoint->stopping || os_error == ECANCELED) return;
    if (linux_is_listener_lost(os_error))
        event_batch_failed(net, &entry->base, NET_BROKEN, error_code_of_os(os_error), os_error);
    else
        file_waiters_accept_failed(net, &entry->base, linux_is_scarce(os_error), os_error);
}

void uring_listener_complete(struct net *net, struct uring_entry *entry, int result)
{
    weir_check(entry->base.kind == HANDLE_LISTENER);
    if (result >= 0)
        uring_listener__accepted(net, entry, result);
    else
        uring_listener__failed(net, entry, -result);
}
