/* SPDX-License-Identifier: MIT */
/* nats_io.c - the I/O thread of the NATS broker.
 *
 *      AWAY -- connected --> RESUMING -- all subjects are subscribed --> READY
 *       ^                       |                                         |
 *       '---- the connection is lost: wait, then the next server ---------'
 *
 * It polls libnats' socket, as libnats' event loop. libnats' own threads are not used for that:
 * they write with a deadline, and after a deadline half a message has been written and the
 * connection is used further. The server then reads the next message as the rest of that one. Here
 * nothing is written half: libnats keeps the rest, and publish() refuses whole messages while too
 * much is kept.
 *
 * What a lost connection loses: up to 1 MiB that libnats still has (broker_nats.c), and what is on
 * its way in the systems of both machines. The protocol does not say which of these messages the
 * server has read. They count as sent; nodes that miss them count gaps.
 */
#include "nats_state.h"

#include <errno.h>
#include <poll.h> /* tidy: allow platform - libnats is not used on Windows */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "error_fill.h"
#include "memory.h"
#include "random.h"

#define NATS_IO__FIRST_DELAY_MS 100u
#define NATS_IO__DELAY_MAX_MS 2000u
#define NATS_IO__DROPPED_MS 500 /* between two looks for dropped messages, while there are some */
#define NATS_IO__QUIET_LOOKS 4  /* without a dropped message, until the looks end */
#define NATS_IO__REFUSED_DELAY_MS 10000 /* the most: a person changes the permissions */
#define NATS_IO__SUBJECTS_AT_ONCE 256

/* ---- events ---- */

static void nats_io__report_connected(struct nats_broker *broker)
{
    if (broker->is_announced || atomic_load(&broker->is_ending)) return;
    broker->is_announced = true;
    broker->reported[0] = '\0';
    broker->events.on_connected(broker->events.user);
}

/* Reports why the broker is away, once per cause. */
static void nats_io__report_away(struct nats_broker *broker, const char *why)
{
    if (atomic_load(&broker->is_ending) || strcmp(why, broker->reported) == 0) return;
    snprintf(broker->reported, sizeof broker->reported, "%s", why);
    broker->is_announced = false;
    broker->events.on_disconnected(broker->events.user, broker->reported);
}

static void nats_io__report_dropped(struct nats_broker *broker)
{
    /* First: a call of the error handler during the look is not lost. */
    bool was_slow = atomic_exchange(&broker->is_slow, false);

    lock_take(broker->lock);
    uint64_t dropped = nats_subjects_take_dropped(broker);
    broker->quiet_looks = dropped > 0 ? 0 : broker->quiet_looks + 1;
    bool goes_on = broker->quiet_looks < NATS_IO__QUIET_LOOKS || nats_subjects_are_full(broker);
    lock_give_back(broker->lock);
    broker->looked_ns = clock_now_ns();
    if (was_slow && goes_on) atomic_store(&broker->is_slow, true);
    if (dropped > 0 && !atomic_load(&broker->is_ending))
        broker->events.on_dropped(broker->events.user, dropped);
}

static void nats_io__look_for_dropped(struct nats_broker *broker)
{
    if (!atomic_load(&broker->is_slow)) return;
    if (clock_now_ns() - broker->looked_ns < NATS_IO__DROPPED_MS * CLOCK_NS_PER_MS) return;
    nats_io__report_dropped(broker);
}

/* ---- one connection ---- */

static void nats_io__lose(struct nats_broker *broker)
{
    natsConnection *connection = broker->connection;

    lock_take(broker->lock);
    while (broker->is_pinned) condition_wait(broker->changed, broker->lock, CONDITION_NO_DEADLINE);
    nats_subjects_suspend(broker);
    broker->is_ready = broker->is_stalled = false;
    broker->connection = NULL;
    atomic_store(&broker->is_unusable, false);
    condition_wake_all(broker->changed);
    lock_give_back(broker->lock);
    nats_io__report_dropped(broker);
    natsConnection_Destroy(connection);
}

/* Subscribes in steps, so that the bridge's thread waits for one step at most. */
static bool nats_io__resume(struct nats_broker *broker)
{
    bool good = true, more = true;

    for (size_t next = 0; good && more;) {
        lock_take(broker->lock);
        good = nats_subjects_resume(broker, &next, NATS_IO__SUBJECTS_AT_ONCE);
        more = next < broker->subjects_count;
        broker->is_ready = good && !more && !atomic_load(&broker->is_unusable);
        if (broker->is_ready) condition_wake_all(broker->changed);
        lock_give_back(broker->lock);
    }
    return good;
}

static void nats_io__name_server(const struct nats_broker *broker, char *text, size_t size)
{
    const char *url = broker->servers[broker->server];
    const char *secret_end = strrchr(url, '@'); /* a URL can have a password */

    snprintf(text, size, "%s", secret_end ? secret_end + 1 : url);
}

/* Makes one attempt, with the next server. Returns false and the cause. */
static bool nats_io__connect(struct nats_broker *broker, char *why, size_t size)
{
    natsConnection *connection = NULL;
    char server[96];
    natsStatus status = natsOptions_SetURL(broker->options, broker->servers[broker->server]);

    nats_io__name_server(broker, server, sizeof server);
    if (status == NATS_OK) status = natsConnection_Connect(&connection, broker->options);
    if (status != NATS_OK) {
        const char *text = nats_GetLastError(NULL);
        snprintf(why, size, "%s: %s", server, text ? text : natsStatus_GetText(status));
        return false;
    }
    lock_take(broker->lock);
    bool is_ending = atomic_load(&broker->is_ending);
    if (!is_ending) broker->connection = connection;
    lock_give_back(broker->lock);
    if (!is_ending && nats_io__resume(broker)) return true;
    snprintf(why, size, "%s: it ended while this node subscribed", server);
    if (is_ending)
        natsConnection_Destroy(connection);
    else
        nats_io__lose(broker);
    return false;
}

static void nats_io__write(struct nats_broker *broker)
{
    /* Under the lock: publish() marks half a message before anything follows it. */
    lock_take(broker->lock);
    if (!atomic_load(&broker->is_unusable)) natsConnection_ProcessWriteEvent(broker->connection);
    if (broker->is_waiting) condition_wake_all(broker->changed);
    lock_give_back(broker->lock);
}

/* libnats closes the subscriptions, and forgets what they dropped, when it reads the end. */
static void nats_io__read(struct nats_broker *broker, short events)
{
    if (atomic_load(&broker->is_slow) && events & (POLLHUP | POLLERR | POLLRDHUP))
        nats_io__report_dropped(broker);
    natsConnection_ProcessReadEvent(broker->connection);
}

static bool nats_io__is_usable(struct nats_broker *broker)
{
    return !atomic_load(&broker->is_unusable) && !natsConnection_IsClosed(broker->connection);
}

/* Polls until the connection ends. */
static void nats_io__serve(struct nats_broker *broker)
{
    while (nats_io__is_usable(broker)) {
        nats_io__report_connected(broker);
        struct pollfd polled[] = {
            {.fd = broker->wake_in, .events = POLLIN},
            {.fd = atomic_load(&broker->descriptor), .events = POLLIN | POLLRDHUP}};
        if (atomic_load(&broker->wants_write)) polled[1].events |= POLLOUT;
        poll(polled, 2, atomic_load(&broker->is_slow) ? NATS_IO__DROPPED_MS : -1);
        if (polled[0].revents) nats_socket_drain(broker);
        if (polled[1].revents & (POLLIN | POLLHUP | POLLERR | POLLRDHUP))
            nats_io__read(broker, polled[1].revents);
        if (polled[1].revents & POLLOUT && atomic_load(&broker->wants_write))
            nats_io__write(broker);
        nats_io__look_for_dropped(broker);
    }
}

/* ---- the thread ---- */

/* Waits, or less long if the broker is closed. */
static void nats_io__sleep(struct nats_broker *broker, uint32_t ms)
{
    uint64_t until_ns = clock_now_ns() + ms * CLOCK_NS_PER_MS;

    for (;;) {
        uint64_t now_ns = clock_now_ns();
        struct pollfd polled = {.fd = broker->wake_in, .events = POLLIN};
        if (now_ns >= until_ns || atomic_load(&broker->is_ending)) return;
        poll(&polled, 1, (int)((until_ns - now_ns) / CLOCK_NS_PER_MS) + 1);
        if (polled.revents) nats_socket_drain(broker);
    }
}

/* Chooses how long to wait: nodes that lost the same server come back spread out. */
static uint32_t nats_io__delay_ms(const struct nats_broker *broker)
{
    size_t rounds = broker->failures / broker->servers_count;
    uint32_t most = NATS_IO__DELAY_MAX_MS, random = 0;

    if (rounds < 5) most = NATS_IO__FIRST_DELAY_MS << rounds;
    if (broker->is_refused) most = NATS_IO__REFUSED_DELAY_MS;
    random_fill(&random, sizeof random);
    return most / 2 + random % (most / 2 + 1);
}

static void nats_io__end_try(struct nats_broker *broker)
{
    lock_take(broker->lock);
    broker->is_tried = true;
    condition_wake_all(broker->changed);
    lock_give_back(broker->lock);
}

/* Says why the connection has ended. */
static void nats_io__name_cause(struct nats_broker *broker, char *why, size_t size)
{
    char server[96];
    const char *text = NULL;

    nats_io__name_server(broker, server, sizeof server);
    lock_take(broker->lock);
    bool is_unusable = atomic_load(&broker->is_unusable);
    broker->is_refused = is_unusable && broker->lacks_permission;
    if (is_unusable)
        text = broker->unusable_why;
    else
        natsConnection_GetLastError(broker->connection, &text);
    snprintf(why, size, "%s: %s%s", server,
             broker->is_refused ? "allow this node's user to publish and subscribe to weir.NAME.>: "
                                : "",
             text && *text ? text : "the connection ended");
    lock_give_back(broker->lock);
}

/* One connection from the attempt to its loss. */
static void nats_io__cycle(struct nats_broker *broker)
{
    char why[sizeof broker->reported];

    broker->is_refused = false;
    if (!nats_io__connect(broker, why, sizeof why)) {
        broker->server = (broker->server + 1) % broker->servers_count;
        broker->failures++;
        if (broker->failures >= broker->servers_count) nats_io__end_try(broker);
        nats_io__report_away(broker, why);
        return;
    }
    broker->failures = 0;
    nats_io__end_try(broker);
    nats_io__serve(broker);
    nats_io__name_cause(broker, why, sizeof why);
    nats_io__lose(broker);
    nats_io__report_away(broker, why);
    broker->server = (broker->server + 1) % broker->servers_count;
}

void nats_io_free(struct nats_broker *broker)
{
    nats_subjects_free(broker);
    nats_settings_free(broker);
    nats_socket_close_pipe(broker);
    condition_free(broker->changed);
    lock_free(broker->lock);
    memory_free(broker);
}

static void nats_io__run(void *argument)
{
    struct nats_broker *broker = argument;

    while (!atomic_load(&broker->is_ending)) {
        nats_io__cycle(broker);
        nats_io__sleep(broker, nats_io__delay_ms(broker));
    }
    lock_take(broker->lock);
    broker->has_ended = true;
    bool is_abandoned = broker->is_abandoned;
    condition_wake_all(broker->changed);
    lock_give_back(broker->lock);
    nats_ReleaseThreadMemory();
    if (is_abandoned) nats_io_free(broker);
}

enum weir_code nats_io_start(struct nats_broker *broker, struct weir_error *error)
{
    uint32_t random = 0;
    int os_error = 0;

    random_fill(&random, sizeof random);
    broker->server = random % broker->servers_count;
    if (!nats_socket_open_pipe(broker))
        return error_fill(error, WEIR_SYSTEM, errno, BROKER_OPERATION, "a pipe", NULL, NULL);
    broker->thread = thread_start("weir-nats", nats_io__run, broker, &os_error);
    if (broker->thread) return WEIR_OK;
    return error_fill(error, WEIR_SYSTEM, os_error, BROKER_OPERATION, "a thread", NULL,
                      "raise the limit on threads (ulimit -u)");
}
