/* SPDX-License-Identifier: MIT */
/* broker_nats.c - NATS as the broker of a cluster: the operations. nats_state.h lists the other
 * files.
 *
 *      bridge's thread: publish --> libnats' buffer --> I/O thread --> socket
 *      socket --> I/O thread --> libnats' queue --> libnats' delivery thread --> on_message
 *
 * publish() hands over all of a message or nothing of it. WEIR_GONE, WEIR_TIMED_OUT and
 * WEIR_TOO_LARGE say for certain that the message will not arrive. After WEIR_OK a lost connection
 * can lose it: see nats_io.c. While the broker reads nothing, libnats' buffer fills up to
 * BROKER_NATS__KEPT_BYTES; publish() then waits for up to the write timeout, once. From then on it
 * returns immediately until the broker reads again.
 */
#include "broker_nats.h"

#include <weir/cluster.h>

#include "clock.h"
#include "error_fill.h"
#include "memory.h"
#include "nats_state.h"

#define BROKER_NATS__KEPT_BYTES (1024 * 1024)
#define BROKER_NATS__WAKE_BYTES (32 * 1024) /* the I/O thread writes before the flush */
#define BROKER_NATS__HEAD_BYTES 64          /* of one message, besides the subject: PUB, lengths */
#define BROKER_NATS__OPEN_NS (1000 * CLOCK_NS_PER_MS)
#define BROKER_NATS__END_NS (3000 * CLOCK_NS_PER_MS)

static struct nats_broker *broker_nats__of(struct broker *broker)
{
    return (struct nats_broker *)broker;
}

static void broker_nats__enter(struct nats_broker *broker)
{
    atomic_store(&broker->is_collecting, true);
    lock_take(broker->lock);
}

static void broker_nats__leave(struct nats_broker *broker)
{
    lock_give_back(broker->lock);
    atomic_store(&broker->is_collecting, false);
}

/* ---- publish ---- */

static bool broker_nats__has_room(struct nats_broker *broker, size_t needed)
{
    int kept = natsConnection_Buffered(broker->connection);

    /* A message larger than the buffer goes alone. */
    return kept <= 0 || (size_t)kept + needed <= BROKER_NATS__KEPT_BYTES;
}

/* Waits until libnats' buffer has room. Returns false: not within the write timeout, or the
 * connection is lost. */
static bool broker_nats__wait_room(struct nats_broker *broker, size_t needed)
{
    uint64_t until_ns = clock_now_ns() + broker->write_timeout_ms * CLOCK_NS_PER_MS;
    bool in_time = !broker->is_stalled, has_room = broker_nats__has_room(broker, needed);

    nats_socket_wake(broker);
    broker->is_waiting = true;
    while (!has_room && in_time) {
        in_time = condition_wait(broker->changed, broker->lock, until_ns);
        if (!broker->is_ready) break;
        has_room = broker_nats__has_room(broker, needed);
    }
    broker->is_waiting = false;
    broker->is_stalled = broker->is_ready && !has_room;
    return has_room;
}

static enum weir_code broker_nats__send(struct nats_broker *broker, const char *subject,
                                        const uint8_t *bytes, size_t length)
{
    size_t needed = length + BROKER_SUBJECT_BYTES_MAX + BROKER_NATS__HEAD_BYTES;

    if (!broker->is_ready) return WEIR_GONE;
    if (length > (size_t)natsConnection_GetMaxPayload(broker->connection)) return WEIR_TOO_LARGE;
    if (!broker_nats__has_room(broker, needed) && !broker_nats__wait_room(broker, needed))
        return broker->is_ready ? WEIR_TIMED_OUT : WEIR_GONE;
    broker->is_stalled = false;
    natsStatus status = natsConnection_Publish(broker->connection, subject, bytes, (int)length);
    enum weir_code code = nats_settings_code(status);
    /* libnats may hold the head of the message without its bytes. Whatever follows would be read as
     * these. */
    if (code != WEIR_OK && code != WEIR_TOO_LARGE && code != WEIR_GONE)
        nats_socket_give_up(broker, natsStatus_GetText(status), false);
    else if (natsConnection_Buffered(broker->connection) >= BROKER_NATS__WAKE_BYTES)
        nats_socket_wake(broker);
    return code;
}

static enum weir_code broker_nats__publish(struct broker *broker, const char *subject,
                                           const uint8_t *bytes, size_t length)
{
    struct nats_broker *nats = broker_nats__of(broker);

    broker_nats__enter(nats);
    enum weir_code code = broker_nats__send(nats, subject, bytes, length);
    broker_nats__leave(nats);
    return code;
}

static enum weir_code broker_nats__flush(struct broker *broker)
{
    struct nats_broker *nats = broker_nats__of(broker);

    broker_nats__enter(nats);
    enum weir_code code = nats->is_ready ? WEIR_OK : WEIR_GONE;
    broker_nats__leave(nats);
    if (atomic_load(&nats->wants_write)) nats_socket_wake(nats);
    return code;
}

/* ---- subscriptions ---- */

static enum weir_code broker_nats__subscribe(struct broker *broker, const char *subject,
                                             uint64_t *id)
{
    struct nats_broker *nats = broker_nats__of(broker);

    broker_nats__enter(nats);
    enum weir_code code = nats_subjects_add(nats, subject, id);
    broker_nats__leave(nats);
    return code;
}

static void broker_nats__unsubscribe(struct broker *broker, uint64_t id)
{
    struct nats_broker *nats = broker_nats__of(broker);

    broker_nats__enter(nats);
    nats_subjects_remove(nats, id);
    broker_nats__leave(nats);
}

/* ---- open and close ---- */

/* Waits for the I/O thread. libnats waits for a TLS handshake without a deadline: then the thread
 * is left to end later. Returns whether it has ended. */
static bool broker_nats__wait_end(struct nats_broker *broker)
{
    uint64_t until_ns = clock_now_ns() + BROKER_NATS__END_NS;

    while (!broker->has_ended)
        if (!condition_wait(broker->changed, broker->lock, until_ns)) break;
    broker->is_abandoned = !broker->has_ended;
    return broker->has_ended;
}

/* The server's answer to a ping says that it has read everything before. */
static void broker_nats__finish(natsConnection *connection, uint32_t within_ms)
{
    natsConnection_FlushTimeout(connection, within_ms);
    natsConnection_Close(connection);
}

static void broker_nats__close(struct broker *broker)
{
    struct nats_broker *nats = broker_nats__of(broker);

    nats_delivery_remove(nats);
    lock_take(nats->lock);
    atomic_store(&nats->is_ending, true);
    /* Flushing one that is unusable would wait for an answer that cannot come. */
    natsConnection *connection = atomic_load(&nats->is_unusable) ? NULL : nats->connection;
    nats->is_pinned = connection != NULL;
    lock_give_back(nats->lock);
    if (connection) broker_nats__finish(connection, nats->write_timeout_ms);
    lock_take(nats->lock);
    nats->is_pinned = false;
    condition_wake_all(nats->changed);
    lock_give_back(nats->lock);
    nats_socket_wake(nats);
    lock_take(nats->lock);
    bool has_ended = broker_nats__wait_end(nats);
    lock_give_back(nats->lock);
    if (!has_ended) {
        thread_leave(nats->thread);
        return;
    }
    thread_join(nats->thread);
    nats_io_free(nats);
}

static const struct broker_ops broker_nats__ops = {
    .name = "NATS",
    .publish = broker_nats__publish,
    .flush = broker_nats__flush,
    .subscribe = broker_nats__subscribe,
    .unsubscribe = broker_nats__unsubscribe,
    .close = broker_nats__close,
};

/* Waits for the first attempts, so that a reachable broker is connected after open(). */
static void broker_nats__wait_tried(struct nats_broker *broker)
{
    uint64_t until_ns = clock_now_ns() + BROKER_NATS__OPEN_NS;

    lock_take(broker->lock);
    while (!broker->is_tried)
        if (!condition_wait(broker->changed, broker->lock, until_ns)) break;
    lock_give_back(broker->lock);
}

enum weir_code broker_nats_check(const struct weir_cluster_options *options,
                                 struct weir_error *error)
{
    struct nats_broker *nats = memory_alloc(sizeof *nats);

    if (!nats)
        return error_fill(error, WEIR_NO_MEMORY, 0, BROKER_OPERATION, options->name, NULL, NULL);
    enum weir_code code = nats_settings_read(nats, options, error);
    nats_settings_free(nats);
    memory_free(nats);
    return code;
}

enum weir_code broker_nats_open(void *argument, const struct weir_cluster_options *options,
                                const struct broker_events *events, struct broker **broker,
                                struct weir_error *error)
{
    struct nats_broker *nats = memory_alloc(sizeof *nats);
    enum weir_code code = WEIR_NO_MEMORY;

    (void)argument;
    *broker = NULL;
    if (!nats) return error_fill(error, code, 0, BROKER_OPERATION, options->name, NULL, NULL);
    *nats = (struct nats_broker){.head.ops = &broker_nats__ops, .events = *events};
    nats->wake_in = nats->wake_out = -1;
    nats->subjects_free = SIZE_MAX;
    atomic_store(&nats->descriptor, -1);
    nats->lock = lock_open();
    nats->changed = condition_open();
    if (nats->lock && nats->changed && nats_delivery_add(nats)) {
        code = nats_settings_read(nats, options, error);
        if (code == WEIR_OK) code = nats_io_start(nats, error);
    } else {
        error_fill(error, code, 0, BROKER_OPERATION, options->name, NULL, NULL);
    }
    if (code != WEIR_OK) {
        nats_delivery_remove(nats);
        nats_io_free(nats);
        return code;
    }
    broker_nats__wait_tried(nats);
    *broker = &nats->head;
    return WEIR_OK;
}

bool weir_cluster_is_supported(void)
{
    return true;
}
