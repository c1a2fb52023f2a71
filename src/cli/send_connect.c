/* SPDX-License-Identifier: MIT */
/* send_connect.c - connects to a host within a time limit.
 *
 *      a thread: os_lookup() --> addresses --> attempts (attempts.h, RFC 8305) --> the first socket
 *                                                                                  that connects
 *
 * A lookup cannot be interrupted. After the timeout its thread is left, and ends with the process.
 */
#include "send_connect.h"

#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "os_connect.h"
#include "os_error.h"
#include "os_thread.h"

/* The memory of lookups is never freed: their threads can outlive the caller. */
static struct arena send_connect__memory;

struct send_connect__lookup {
    struct os_monitor *monitor;
    const char *host, *port;
    bool datagrams;
    bool has_ended; /* `found` is valid; in the monitor */
    struct os_addresses found;
    struct os_thread thread;
};

static void send_connect__look_up(void *argument)
{
    struct send_connect__lookup *lookup = argument;
    struct os_addresses found;

    os_lookup(lookup->host, lookup->port, lookup->datagrams, &found);
    os_monitor_enter(lookup->monitor);
    lookup->found = found;
    lookup->has_ended = true;
    os_monitor_wake(lookup->monitor);
    os_monitor_leave(lookup->monitor);
}

/* Starts a lookup on its thread. Null: out of memory, or the system starts no thread. */
static struct send_connect__lookup *send_connect__begin(const char *host, const char *port,
                                                        bool datagrams)
{
    struct arena *memory = &send_connect__memory;
    struct send_connect__lookup *lookup = arena_alloc(memory, sizeof *lookup);

    if (!lookup) return NULL;
    *lookup = (struct send_connect__lookup){.monitor = os_monitor_open(memory),
                                            .host = arena_copy(memory, host, strlen(host)),
                                            .port = arena_copy(memory, port, strlen(port)),
                                            .datagrams = datagrams};
    lookup->thread = (struct os_thread){.run = send_connect__look_up, .argument = lookup};
    if (!lookup->monitor || !lookup->host || !lookup->port) return NULL;
    return os_thread_start(&lookup->thread) ? lookup : NULL;
}

/* Returns the addresses; null: see peer->why. */
static const struct os_addresses *send_connect__find(struct os_peer *peer, const char *host,
                                                     const char *port, uint64_t deadline_ms)
{
    struct send_connect__lookup *lookup = send_connect__begin(host, port, peer->datagrams);

    if (!lookup) {
        snprintf(peer->why, sizeof peer->why, "the system starts no thread to look up the name");
        return NULL;
    }
    os_monitor_enter(lookup->monitor);
    while (!lookup->has_ended && os_monitor_wait(lookup->monitor, deadline_ms)) continue;
    bool has_ended = lookup->has_ended;
    os_monitor_leave(lookup->monitor);
    if (!has_ended)
        snprintf(peer->why, sizeof peer->why, "its name was not found in time, see --timeout");
    else if (lookup->found.count == 0)
        snprintf(peer->why, sizeof peer->why, "%s", lookup->found.why);
    return has_ended && lookup->found.count > 0 ? &lookup->found : NULL;
}

/* The attempts to connect to the addresses of one host. */
struct send_connect__race {
    const struct os_addresses *addresses;
    struct attempts attempts;
    struct os_attempt sockets[ATTEMPTS_MAX]; /* one per address */
    bool datagrams;
    int os_error; /* of the last attempt that failed */
};

static void send_connect__fail(struct send_connect__race *race, uint32_t index, int os_error)
{
    os_attempt_close(&race->sockets[index]);
    race->os_error = os_error;
    attempts_failed(&race->attempts, os_now_ms());
}

/* Starts every attempt that is due. */
static void send_connect__start(struct send_connect__race *race)
{
    uint32_t index;

    while ((index = attempts_start(&race->attempts, os_now_ms())) != ATTEMPTS_NONE) {
        int os_error =
            os_attempt_begin(&race->sockets[index], &race->addresses->at[index], race->datagrams);
        if (os_error != 0) send_connect__fail(race, index, os_error);
    }
}

/* Returns how long to wait: until the deadline, or until the next attempt is due. */
static uint32_t send_connect__wait_ms(const struct send_connect__race *race, uint64_t deadline_ms)
{
    uint64_t now_ms = os_now_ms();
    uint64_t until_ms = race->attempts.due_ms < deadline_ms ? race->attempts.due_ms : deadline_ms;

    if (until_ms <= now_ms) return 0;
    return until_ms - now_ms < UINT32_MAX ? (uint32_t)(until_ms - now_ms) : UINT32_MAX;
}

/* Returns the index of the address that was connected to; ATTEMPTS_NONE: none was. */
static uint32_t send_connect__run(struct send_connect__race *race, uint64_t deadline_ms)
{
    uint32_t count = race->addresses->count;

    while (send_connect__start(race), !attempts_are_over(&race->attempts)) {
        int os_error = 0;
        uint32_t ended = os_attempts_wait(race->sockets, count,
                                          send_connect__wait_ms(race, deadline_ms), &os_error);
        if (ended < count && os_error == 0) return ended;
        if (ended < count)
            send_connect__fail(race, ended, os_error);
        else if (os_now_ms() >= deadline_ms)
            break;
    }
    return ATTEMPTS_NONE;
}

/* Writes why no attempt has succeeded. */
static void send_connect__explain(const struct send_connect__race *race, char *why, size_t why_size)
{
    const char *hint = os_connect_hint(race->os_error);

    if (!attempts_are_over(&race->attempts)) {
        snprintf(why, why_size, "no answer in time, see --timeout");
        return;
    }
    os_error_text(race->os_error, why, why_size);
    size_t used = strlen(why);
    snprintf(why + used, why_size - used, "%s%s", hint[0] ? "; " : "", hint);
}

bool send_connect(struct os_peer *peer, const char *host, const char *port, bool datagrams,
                  uint32_t timeout_ms)
{
    uint64_t deadline_ms = os_now_ms() + timeout_ms;
    bool is_ipv4[ATTEMPTS_MAX];
    struct os_attempt connected = {.handle = -1};
    struct send_connect__race race = {.datagrams = datagrams};

    *peer = (struct os_peer){.handle = -1, .datagrams = datagrams};
    race.addresses = send_connect__find(peer, host, port, deadline_ms);
    if (!race.addresses) return false;
    for (uint32_t i = 0; i < race.addresses->count; i++) {
        is_ipv4[i] = race.addresses->at[i].is_ipv4;
        race.sockets[i].handle = -1;
    }
    attempts_init(&race.attempts, is_ipv4, race.addresses->count);
    uint32_t index = send_connect__run(&race, deadline_ms);
    if (index == ATTEMPTS_NONE) {
        send_connect__explain(&race, peer->why, sizeof peer->why);
    } else {
        connected = race.sockets[index];
        race.sockets[index] = (struct os_attempt){.handle = -1};
    }
    for (uint32_t i = 0; i < race.addresses->count; i++) os_attempt_close(&race.sockets[i]);
    return index != ATTEMPTS_NONE && os_peer_open(peer, &connected, datagrams);
}
