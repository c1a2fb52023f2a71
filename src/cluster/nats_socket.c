/* SPDX-License-Identifier: MIT */
/* nats_socket.c - libnats' socket for the I/O thread, which polls it as libnats' event loop, and
 * the pipe that interrupts its poll(). libnats calls the functions of the event loop with its
 * connection locked, on any thread: they only note what it wants, and take no lock. */
#include "nats_state.h"

#include <fcntl.h> /* tidy: allow platform - libnats is not used on Windows */
#include <stdio.h>
#include <unistd.h> /* tidy: allow platform - libnats is not used on Windows */

/* ---- the pipe ---- */

void nats_socket_wake(struct nats_broker *broker)
{
    if (atomic_exchange(&broker->is_woken, true)) return;
    ssize_t written = write(broker->wake_out, "", 1);
    (void)written; /* a full pipe wakes as well */
}

void nats_socket_drain(struct nats_broker *broker)
{
    char bytes[16];

    /* In this sequence: a wake in between writes no byte, and the I/O thread sees its cause after
     * this call. Otherwise the byte could be read here while is_woken stays set: no later wake
     * would write one. */
    while (read(broker->wake_in, bytes, sizeof bytes) == (ssize_t)sizeof bytes)
        ;
    atomic_store(&broker->is_woken, false);
}

bool nats_socket_open_pipe(struct nats_broker *broker)
{
    int ends[2];

    if (pipe(ends) != 0) return false;
    broker->wake_in = ends[0];
    broker->wake_out = ends[1];
    for (int i = 0; i < 2; i++)
        if (fcntl(ends[i], F_SETFL, O_NONBLOCK) != 0 || fcntl(ends[i], F_SETFD, FD_CLOEXEC) != 0)
            return false;
    return true;
}

void nats_socket_close_pipe(struct nats_broker *broker)
{
    if (broker->wake_in >= 0) close(broker->wake_in);
    if (broker->wake_out >= 0) close(broker->wake_out);
}

/* ---- the event loop ---- */

static natsStatus nats_socket__on_attach(void **user, void *loop, natsConnection *connection,
                                         natsSock descriptor)
{
    struct nats_broker *broker = loop;

    (void)connection;
    *user = broker;
    atomic_store(&broker->wants_write, false);
    atomic_store(&broker->descriptor, descriptor);
    return NATS_OK;
}

/* libnats stops reading only when the connection ends. */
static natsStatus nats_socket__on_read(void *user, bool add)
{
    struct nats_broker *broker = user;

    if (add) return NATS_OK;
    natsSock descriptor = atomic_exchange(&broker->descriptor, -1);
#ifdef WEIR_NATS_CLOSES_BY_EVENT
    /* This libnats leaves the socket to the event loop. */
    natsConnection_ProcessCloseEvent(&descriptor);
#else
    (void)descriptor;
#endif
    nats_socket_wake(broker);
    return NATS_OK;
}

static natsStatus nats_socket__on_write(void *user, bool add)
{
    struct nats_broker *broker = user;

    atomic_store(&broker->wants_write, add);
    if (add && !atomic_load(&broker->is_collecting)) nats_socket_wake(broker);
    return NATS_OK;
}

/* Can be called after the broker was freed. */
static natsStatus nats_socket__on_detach(void *user)
{
    (void)user;
    return NATS_OK;
}

natsStatus nats_socket_attach(struct nats_broker *broker)
{
    return natsOptions_SetEventLoop(broker->options, broker, nats_socket__on_attach,
                                    nats_socket__on_read, nats_socket__on_write,
                                    nats_socket__on_detach);
}

void nats_socket_give_up(struct nats_broker *broker, const char *why, bool lacks_permission)
{
    if (atomic_exchange(&broker->is_unusable, true)) return;
    snprintf(broker->unusable_why, sizeof broker->unusable_why, "%s", why);
    broker->lacks_permission = lacks_permission;
    broker->is_ready = false;
    condition_wake_all(broker->changed);
    nats_socket_wake(broker);
}
