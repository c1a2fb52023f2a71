/* SPDX-License-Identifier: MIT */
/* net.c - the front of the transport interface: chooses the transport, checks every request, and
 * runs one loop iteration.
 *
 * One iteration of net_wait:
 *
 *      answers recorded? -- yes, and the last iteration asked the system --> hand out answers only,
 *          | no, or not asked last time                                      without a system call
 *          v
 *      calls to repeat -> listeners that wait for files -> held arrivals -> transport->wait
 *          -> answers
 *
 * Below it, each file has one part: handle_table.c, pool.c, event_batch.c, answers.c, arrivals.c,
 * buffer_waiters.c, file_waiters.c, retries.c, net_failure.c. A transport calls these files, never
 * net.c.
 */
#include "net.h"

#include <stdio.h>
#include <string.h>

#include "bind_probe.h"
#include "check.h"
#include "clock.h"
#include "error_fill.h"
#include "foreign.h"
#include "histogram.h"
#include "inherited.h"
#include "memory.h"
#include "thread.h"
#include "transport.h"

#define NET__STREAM_CHUNK_BUFFERS 64u   /* 1 MiB of 16 KiB buffers */
#define NET__DATAGRAM_CHUNK_BUFFERS 32u /* 2 MiB of address space; pages are used on demand */

static void net__check_thread(const struct net *net)
{
    weir_check_rule(net->thread == thread_self(), "rule 10, a net is used by another thread");
}

/* ---- open and free ---- */

void net_options_init(struct net_options *options)
{
    *options = (struct net_options){
        .transport = "auto",
        .stream_buffer_bytes = 16 * 1024,
        .stream_buffers_max = 64 * 1024,
        .datagram_buffers_max = 4 * 1024,
        .receive_buffers_ready = 32,
        .datagram_sends_max = 1024,
        .datagram_socket_bytes = 4 * 1024 * 1024,
        .handles_max = 1024 * 1024,
        .queue_entries = 512,
        .datagram_receives = 256,
        .stream_unreleased_max_bytes = 1024 * 1024,
    };
}

const char *net_transport_name(uint32_t index)
{
    return net_transports[index] ? net_transports[index]->name : NULL;
}

static bool net__is_power_of_two(uint32_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

static bool net__is_in_range(uint32_t value, uint32_t min, uint32_t max)
{
    return value >= min && value <= max;
}

static bool net__is_ring_size(uint32_t value)
{
    return net__is_power_of_two(value) && value <= 32768;
}

static enum weir_code net__check_options(const struct net_options *options,
                                         struct weir_error *error)
{
    const uint32_t most = 1u << 24;
    const struct {
        bool valid;
        const char *rule;
    } rules[] = {
        {net__is_in_range(options->stream_buffer_bytes, 512, most),
         "stream_buffer_bytes must be 512 to 16777216"},
        {net__is_in_range(options->stream_buffers_max, 1, most),
         "stream_buffers_max must be 1 to 16777216"},
        {options->datagram_buffers_max > 0, "datagram_buffers_max must be at least 1"},
        {net__is_ring_size(options->receive_buffers_ready),
         "receive_buffers_ready must be a power of two up to 32768"},
        {options->datagram_sends_max > 0, "datagram_sends_max must be at least 1"},
        {net__is_in_range(options->handles_max, 1, most), "handles_max must be 1 to 16777216"},
        {options->datagram_receives > 0, "datagram_receives must be at least 1"},
        {options->stream_unreleased_max_bytes > 0,
         "stream_unreleased_max_bytes must be at least 1"},
        {net__is_ring_size(options->queue_entries),
         "queue_entries must be a power of two up to 32768"},
    };

    for (size_t i = 0; i < weir_count_of(rules); i++)
        if (!rules[i].valid)
            return error_fill(error, WEIR_INVALID, 0, "open the network", NULL, rules[i].rule,
                              "change that setting");
    return WEIR_OK;
}

static enum weir_code net__open_with(struct net *net, const struct transport *transport,
                                     struct weir_error *error)
{
    net->transport = transport;
    if (net->options.verify_rio && !transport->is_verifiable)
        return error_fill(error, WEIR_INVALID, 0,
                          "check the rules of Registered I/O with transport", transport->name,
                          "it has nothing to do with them", "leave --verify-rio (verify_rio) away");
    if (handle_table_open(&net->handle_table, transport->entry_bytes, transport->endpoint_bytes,
                          net->options.handles_max)) {
        enum weir_code code = transport->open(net, error);
        if (code == WEIR_OK) return WEIR_OK;
        handle_table_free(&net->handle_table);
        return code;
    }
    return error_fill(error, WEIR_NO_MEMORY, 0, "open the network", NULL, NULL, "free some memory");
}

/* Opens the first transport that this system supports, and records why the others were refused. */
static enum weir_code net__open_best(struct net *net, struct weir_error *error)
{
    struct net_info *info = &net->info;
    enum weir_code code = WEIR_UNSUPPORTED;

    for (uint32_t i = 0; net_transports[i]; i++) {
        const struct transport *transport = net_transports[i];
        if (transport->asked_by_name_only) continue;
        code = net__open_with(net, transport, error);
        if (code == WEIR_OK) return WEIR_OK;
        weir_check(info->refused_count < NET_REFUSED_MAX);
        info->refused[info->refused_count].transport = transport->name;
        if (error) info->refused[info->refused_count].why = *error;
        info->refused_count++;
    }
    return code;
}

static enum weir_code net__open_named(struct net *net, const char *name, struct weir_error *error)
{
    char known[64] = "", hint[96];

    for (uint32_t i = 0; net_transports[i]; i++) {
        const struct transport *transport = net_transports[i];
        if (strcmp(name, transport->name) == 0) return net__open_with(net, transport, error);
        if (transport->asked_by_name_only) continue;
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", transport->name);
    }
    snprintf(hint, sizeof hint, "this build has: %s", known);
    return error_fill(error, WEIR_INVALID, 0, "use transport", name, "no such transport", hint);
}

bool net_address_lingers(const struct net_address *address)
{
    return bind_probe_lingers(address);
}

enum weir_code net_read_inherited(intptr_t descriptor, struct net_inherited *inherited,
                                  struct weir_error *error)
{
    return inherited_read(descriptor, inherited, error);
}

enum weir_code net_open(const struct net_options *options, struct net **opened,
                        struct weir_error *error)
{
    enum weir_code code = net__check_options(options, error);
    struct net *net = NULL;

    *opened = NULL;
    if (code != WEIR_OK) return code;
    net = memory_alloc(sizeof *net);
    if (!net) goto no_memory;
    net->options = *options;
    net->thread = thread_self();
    list_init(&net->deliverable);
    file_waiters_init(&net->file_waiters);
    retries_init(&net->retries);
    buffer_waiters_init(&net->stream_waiters);
    buffer_waiters_init(&net->datagram_waiters);
    if (!pool_open(&net->stream_pool, options->stream_buffer_bytes, NET__STREAM_CHUNK_BUFFERS,
                   options->stream_buffers_max))
        goto no_memory;
    if (!pool_open(&net->datagram_pool, NET_DATAGRAM_BYTES_MAX + 1, NET__DATAGRAM_CHUNK_BUFFERS,
                   options->datagram_buffers_max))
        goto no_memory;
    net->stream_pool.memory_grew = net->datagram_pool.memory_grew = options->memory_grew;
    code = strcmp(options->transport, "auto") == 0
               ? net__open_best(net, error)
               : net__open_named(net, options->transport, error);
    if (code != WEIR_OK) goto fail;
    net->waited_ns = net->now_ns;
    if (net->options.busy_max_ns == 0) net->options.busy_max_ns = INT64_MAX;
    net->busy_noted_ns = INT64_MAX; /* until net_start_busy() */
    spin_init(&net->spin, options->simulation ? 0 : options->spin_max_ns); /* time stands still */
    net->busy_sum_ns = &net->busy_ignored_ns;
    *opened = net;
    return WEIR_OK;

no_memory:
    code = error_fill(error, WEIR_NO_MEMORY, 0, "open the network", NULL, NULL,
                      "free some memory, or lower the number of workers or buffers");
fail:
    if (net) {
        pool_free(&net->datagram_pool);
        pool_free(&net->stream_pool);
        memory_free(net);
    }
    return code;
}

/* The memory of failed nets that the system might still use: reachable, and never freed. */
static _Atomic(struct net *) net__abandoned;

static void net__abandon(struct net *net)
{
    net->next_abandoned = atomic_load(&net__abandoned);
    while (!atomic_compare_exchange_weak(&net__abandoned, &net->next_abandoned, net)) continue;
}

void net_free(struct net *net)
{
    if (!net) return;
    net__check_thread(net);
    weir_check(!answers_are_recorded(&net->answers));
    weir_check_rule(net->handle_table.open_count == 0,
                    "rule 7, every handle is closed and its NET_CLOSED taken before net_free");
    net->transport->free(net);
    if (net->failed && net->transport->abandon) {
        net__abandon(net);
        return;
    }
    handle_table_free(&net->handle_table);
    pool_free(&net->datagram_pool);
    pool_free(&net->stream_pool);
    memory_free(net);
}

struct net_info net_info(const struct net *net)
{
    struct net_info info = net->info;

    info.transport = net->transport->name;
    info.listeners_share = net->transport->listeners_share;
    info.has_unix = net->transport->has_unix;
    info.spin_hits = net->spin.hits;
    info.buffer_bytes =
        (uint64_t)net->stream_pool.buffers_count * net->stream_pool.buffer_bytes +
        (uint64_t)net->datagram_pool.buffers_count * net->datagram_pool.buffer_bytes;
    return info;
}

static uint64_t net__bytes(const struct pool *pool, uint32_t buffers_count)
{
    return (uint64_t)buffers_count * pool->buffer_bytes;
}

struct net_memory net_memory(const struct net *net)
{
    const struct pool *streams = &net->stream_pool, *datagrams = &net->datagram_pool;

    return (struct net_memory){
        .taken_bytes =
            net__bytes(streams, pool_taken(streams)) + net__bytes(datagrams, pool_taken(datagrams)),
        .resident_bytes = net__bytes(streams, streams->resident_count) +
                          net__bytes(datagrams, datagrams->resident_count),
        .stream_room_bytes = net__bytes(streams, pool_room(streams)),
    };
}

void net_discard(struct net *net, uint64_t spare_bytes)
{
    net__check_thread(net);
    pool_discard(&net->stream_pool, (uint32_t)(spare_bytes / net->stream_pool.buffer_bytes));
    pool_discard(&net->datagram_pool, (uint32_t)(spare_bytes / net->datagram_pool.buffer_bytes));
}

/* ---- failure ---- */

enum weir_code net_failure(const struct net *net, struct weir_error *error)
{
    if (!net->failed) return WEIR_OK;
    if (error) *error = net->failure;
    return net->failure.code;
}

static void net__cancel_datagrams(struct net *net, struct handle *handle)
{
    const struct handle_endpoint *endpoint = handle->endpoint;
    uint32_t answered = endpoint->datagrams_sent + endpoint->datagrams_failed;

    answer_datagrams(net, handle, 0, endpoint->datagrams_out - answered, WEIR_CANCELLED, 0);
}

/* Closes a handle of a failed net and records all its answers: the system gives none. */
static void net__close_failed(struct net *net, struct handle *handle)
{
    weir_check(net->failed);
    net->transport->abandon(net, handle);
    if (handle->send_out && !handle->sent_ready) answer_accepted(net, handle, WEIR_CANCELLED, 0);
    if (handle->releases_late) /* the memory of the buffers is never freed */
        answer_released(net, handle, 0, handle_releasing(handle)->unreleased_buffers);
    if (handle->kind == HANDLE_DATAGRAM) net__cancel_datagrams(net, handle);
    answer_closed(net, handle);
}

/* The wait has just failed: answers the closes that the system has not answered yet. */
static void net__on_failure(struct net *net)
{
    weir_check(net->failed);
    for (uint32_t i = 0; i < net->handle_table.handles_count; i++) {
        struct handle *handle = handle_table_at(&net->handle_table, i);
        if (handle->kind != HANDLE_FREE && handle->closing && !handle->closed_ready)
            net__close_failed(net, handle);
    }
}

/* ---- loop ---- */

uint32_t net_events_count(const struct net *net)
{
    return net->batch.count;
}

uint64_t net_now_ns(const struct net *net)
{
    return net->now_ns;
}

struct net_time net_time(const struct net *net)
{
    return (struct net_time){net->now_ns, net->late_ns};
}

uint64_t net_clock_ns(const struct net *net)
{
    return net->transport->clock_ns ? net->transport->clock_ns(net) : clock_now_ns();
}

/* Sets late_ns after transport->wait. */
static void net__measure_lateness(struct net *net, uint64_t until_ns)
{
    uint64_t due_ns = until_ns > net->wait_began_ns ? until_ns : net->wait_began_ns;

    net->late_ns = net->now_ns > due_ns ? net->now_ns - due_ns : 0;
}

/* The caller was busy for longer than ever, than it should, or than a short time. */
static void net__note_busy(struct net *net, uint64_t busy_ns)
{
    struct histogram *times = net->options.busy_times;
    uint64_t limit_ns = net->options.busy_max_ns;

    if (times && busy_ns > NET_BUSY_COUNTED_NS) histogram_count(times, busy_ns);
    if (busy_ns > net->info.busy_max_ns) {
        uint64_t noted_ns = busy_ns < limit_ns ? busy_ns : limit_ns;
        if (times && noted_ns > NET_BUSY_COUNTED_NS) noted_ns = NET_BUSY_COUNTED_NS;
        net->info.busy_max_ns = busy_ns;
        net->busy_noted_ns = (int64_t)noted_ns;
    }
    if (busy_ns <= limit_ns) return;
    net->busy_ns = busy_ns;
    if (net->options.was_busy) *net->options.was_busy = true;
}

/* Adds the time between the last two waits. Signed: a wait without a deadline may begin "at"
 * NET_FOREVER, because it read no clock. */
static inline void net__measure_busy(struct net *net)
{
    int64_t busy_ns = (int64_t)(net->wait_began_ns - net->waited_ns);

    if (busy_ns > 0) counter_add(net->busy_sum_ns, (uint64_t)busy_ns);
    if (busy_ns > net->busy_noted_ns) net__note_busy(net, (uint64_t)busy_ns);
}

void net_start_busy(struct net *net)
{
    if (net->busy_noted_ns != INT64_MAX) return;
    net->busy_noted_ns = 0;
    if (net->options.busy_times) net->busy_sum_ns = &net->options.busy_times->sum_ns;
}

void net_set_keepalive(struct net *net, uint32_t keepalive_ms)
{
    net->options.keepalive_ms = keepalive_ms;
}

void net_keep_alive(struct net *net, struct net_handle listener)
{
    struct handle *handle = handle_table_find(&net->handle_table, listener, HANDLE_LISTENER);

    net__check_thread(net);
    if (net->transport->keep_alive) net->transport->keep_alive(net, handle);
}

void net_set_busy_max(struct net *net, uint64_t busy_max_ns)
{
    net->options.busy_max_ns = busy_max_ns;
    if (net->busy_noted_ns < INT64_MAX) net->busy_noted_ns = 0; /* of the other limit */
}

uint64_t net_take_busy_ns(struct net *net)
{
    uint64_t busy_ns = net->busy_ns;

    net->busy_ns = 0;
    return busy_ns;
}

uint64_t net_due_ns(struct net *net)
{
    if (answers_are_recorded(&net->answers) || !list_is_empty(&net->deliverable)) return 0;
    if (net->transport->is_busy && net->transport->is_busy(net)) return 0;
    return transport_blocks_until(net, NET_FOREVER);
}

int net_descriptor(struct net *net)
{
    return net->transport->descriptor ? net->transport->descriptor(net) : -1;
}

void net_wake(struct net *net)
{
    net->transport->wake(net);
}

static inline bool net__has_news(const struct net *net)
{
    return net->batch.count > 0 || answers_are_recorded(&net->answers) || net->failed;
}

/* Asks the system without sleeping, for as long as the next event may be near, then sleeps. */
static void net__wait_awake(struct net *net, uint64_t until_ns)
{
    const struct transport *transport = net->transport;

    transport->wait(net, 0);
    uint64_t began_ns = net->wait_began_ns;
    uint64_t asleep_ns = net->now_ns + net->spin.max_ns;
    if (asleep_ns > until_ns) asleep_ns = until_ns;
    while (!net__has_news(net) && net->now_ns < asleep_ns) transport->wait(net, 0);
    if (net__has_news(net))
        net->spin.hits++;
    else if (net->now_ns < until_ns)
        transport->wait(net, until_ns);
    net->wait_began_ns = began_ns; /* the thread was not busy since */
}

/* The same for a server that spins. */
static void net__wait_spinning(struct net *net, uint64_t until_ns)
{
    if (spin_is_due(&net->spin))
        net__wait_awake(net, until_ns);
    else
        net->transport->wait(net, until_ns);
    spin_note(&net->spin, net->now_ns - net->waited_ns);
}

static inline void net__wait(struct net *net, uint64_t until_ns)
{
    if (net->spin.max_ns > 0 && until_ns > 0 && !net->failed)
        net__wait_spinning(net, until_ns);
    else
        net->transport->wait(net, until_ns);
}

/* The part of net_wait() that asks the system. */
static inline void net__poll(struct net *net, uint64_t until_ns)
{
    if (retries_any(&net->retries)) until_ns = retries_run(net, until_ns);
    if (file_waiters_any(&net->file_waiters)) until_ns = file_waiters_retry(net, until_ns);
    if (!list_is_empty(&net->deliverable)) arrivals_deliver(net);
    if (net->batch.count > 0 || answers_are_recorded(&net->answers)) until_ns = 0;
    net__wait(net, until_ns);
    weir_check_rule(net->now_ns >= net->waited_ns, "rule 9, the clock went back");
    net__measure_lateness(net, until_ns);
    net__measure_busy(net);
    net->waited_ns = net->now_ns;
    if (net->failed && net->transport->abandon) net__on_failure(net);
}

uint32_t net_wait(struct net *net, uint64_t until_ns, struct net_event *events, uint32_t events_max)
{
    net__check_thread(net);
    weir_check(events_max > 0);
    weir_check_rule(net->now_ns == net->waited_ns, "rule 9, the clock moved outside of net_wait");
    net->batch = (struct event_batch){.events = events, .max = events_max};
    bool answers_alone = answers_are_recorded(&net->answers) && net->polled;
    net->polled = !answers_alone && !(net->failed && net->transport->abandon);
    net->late_ns = 0;
    if (net->polled) net__poll(net, until_ns);
    answers_hand_out(net);
    net->batch.events = NULL;
    return net->batch.count;
}

/* ---- streams ---- */

/* Returns the failure of handle_table_take(). */
static enum weir_code net__no_handle(const struct net *net, const char *operation,
                                     struct weir_error *error)
{
    if (net->handle_table.open_count < net->handle_table.handles_max)
        return error_fill(error, WEIR_NO_MEMORY, 0, operation, NULL, NULL, "free some memory");
    return error_fill(error, WEIR_NO_ROOM, 0, operation, NULL, "all handles are in use",
                      "allow more sessions (sessions_max)");
}

/* Refuses a path where the transport has no Unix-domain sockets. */
static enum weir_code net__check_path(const struct net *net, const char *operation,
                                      const char *path, struct weir_error *error)
{
    char subject[sizeof error->subject];

    if (!path || net->transport->has_unix) return WEIR_OK;
    snprintf(subject, sizeof subject, "unix:%s", path);
    return error_fill(error, WEIR_UNSUPPORTED, 0, operation, subject,
                      "only Linux has Unix-domain sockets", "take an IP address");
}

/* Refuses an inherited socket where the transport opens all sockets itself. */
static enum weir_code net__check_inherited(const struct net *net,
                                           const struct net_listen_options *options,
                                           struct weir_error *error)
{
    if (options->inherited == 0 || net->transport->inherits_sockets) return WEIR_OK;
    return error_fill(error, WEIR_UNSUPPORTED, 0, "listen on an inherited socket", NULL,
                      "this transport opens its sockets itself", "leave the descriptor out");
}

enum weir_code net_listen(struct net *net, const struct net_listen_options *options, void *owner,
                          struct net_handle *id, struct weir_error *error)
{
    net__check_thread(net);
    enum weir_code code = net__check_path(net, "listen on", options->unix_path, error);
    if (code == WEIR_OK) code = net__check_inherited(net, options, error);
    if (code != WEIR_OK) return code;
    struct handle *handle = handle_table_take(&net->handle_table, HANDLE_LISTENER, owner);
    if (!handle) return net__no_handle(net, "listen", error);
    code = net->transport->listen(net, handle, options, error);
    if (code != WEIR_OK) {
        arrivals_drop(net, handle);
        handle_table_give_back(&net->handle_table, handle);
        return code;
    }
    *id = handle_id(handle);
    return WEIR_OK;
}

void net_accept(struct net *net, struct net_handle listener, bool on)
{
    net__check_thread(net);
    struct handle *handle = handle_table_find(&net->handle_table, listener, HANDLE_LISTENER);
    if (handle->flow_on == on) return;
    handle->flow_on = on;
    if (handle->broken) return;
    arrivals_on_switch(net, handle);
    if (on && handle_waits(handle)) return; /* file_waiters_retry() will accept again */
    net->transport->accept(net, handle, on);
}

void net_stop_accepting(struct net *net, struct net_handle listener)
{
    net__check_thread(net);
    struct handle *handle = handle_table_find(&net->handle_table, listener, HANDLE_LISTENER);
    weir_check(handle->flow_on);
    weir_check(!handle->endpoint->stopping);
    handle->endpoint->stopping = true;
    list_remove(&handle->waiting);
    list_remove(&handle->retrying);
    if (net->transport->stop_accepting && !handle->broken) {
        net->transport->stop_accepting(net, handle);
        return;
    }
    handle->flow_on = false;
    answer_stopped(net, handle);
}

enum weir_code net_adopt(struct net *net, struct net_socket socket, void *owner,
                         struct net_handle *id, struct weir_error *error)
{
    net__check_thread(net);
    weir_check_rule(socket.transport == net->transport, "rule 10, adopted by another transport");
    struct handle *handle = handle_table_take(&net->handle_table, HANDLE_CONNECTION, owner);
    if (!handle) {
        net->transport->refuse(net, socket);
        net->file_waiters.file_freed = true;
        return net__no_handle(net, "adopt a connection", error);
    }
    enum weir_code code = net->transport->adopt(net, handle, socket, error);
    if (code != WEIR_OK) {
        handle_table_give_back(&net->handle_table, handle);
        net->file_waiters.file_freed = true; /* a descriptor was closed */
        return code;
    }
    *id = handle_id(handle);
    return WEIR_OK;
}

void net_pass(struct net *net, struct net_handle id, void *owner)
{
    net__check_thread(net);
    handle_table_find(&net->handle_table, id, HANDLE_CONNECTION)->owner = owner;
}

enum weir_code net_connect(struct net *net, const struct net_connect_options *options, void *owner,
                           struct net_handle *id, struct weir_error *error)
{
    net__check_thread(net);
    enum weir_code code = net__check_path(net, "connect to", options->unix_path, error);
    if (code != WEIR_OK) return code;
    struct handle *handle = handle_table_take(&net->handle_table, HANDLE_CONNECTING, owner);
    if (!handle) return net__no_handle(net, "connect", error);
    code = net->transport->connect(net, handle, options, error);
    if (code != WEIR_OK) {
        handle_table_give_back(&net->handle_table, handle);
        net->file_waiters.file_freed = true; /* a descriptor was opened, and closed */
        return code;
    }
    *id = handle_id(handle);
    return WEIR_OK;
}

void net_refuse(struct net *net, struct net_socket socket)
{
    weir_check_rule(socket.transport == net->transport, "rule 10, refused by another transport");
    net__check_thread(net);
    net->transport->refuse(net, socket);
    net->file_waiters.file_freed = true;
}

void net_receive(struct net *net, struct net_handle id, bool on)
{
    net__check_thread(net);
    struct handle *handle = handle_table_find(&net->handle_table, id, HANDLE_FREE);
    weir_check_rule(handle->kind == HANDLE_CONNECTION || handle->kind == HANDLE_DATAGRAM,
                    "rule 2, only net_close before NET_CONNECTED, and a listener receives nothing");
    if (handle->flow_on == on) return;
    handle->flow_on = on;
    if (handle->broken || handle->peer_done) return;
    arrivals_on_switch(net, handle);
    if (!on)
        list_remove(&handle->waiting);
    else if (!arrivals_are_held(handle))
        buffer_waiters_add_if_any(net, handle);
    net->transport->receive(net, handle, on);
}

/* Passes a send to the transport, after checking it. */
static inline void net__send(struct net *net, struct handle *handle,
                             struct net_buffer *const *buffers, uint32_t count)
{
    weir_check_rule(!handle->send_out, "rule 3, at most one outstanding send per connection");
    weir_check_rule(!handle->finished, "nothing is sent after net_finish");
    weir_check(count >= 1);
    weir_check(count <= NET_SEND_BUFFERS_MAX);
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct net_buffer *buffer = buffers[i];
        weir_check(buffer->length > 0);
        weir_check(pool_is_whole(buffer));
        pool_move(buffer, POOL_CALLER, POOL_SYSTEM);
        bytes += buffer->length;
    }
    handle->send_bytes = bytes;
    handle->send_buffers = (uint8_t)count;
    handle->send_out = true;
    net->transport->send(net, handle, buffers, count);
}

void net_send(struct net *net, struct net_handle connection, struct net_buffer *const *buffers,
              uint32_t count)
{
    net__check_thread(net);
    net__send(net, handle_table_find(&net->handle_table, connection, HANDLE_CONNECTION), buffers,
              count);
}

bool net_send_now(struct net *net, struct net_handle connection, struct net_buffer *const *buffers,
                  uint32_t count)
{
    net__check_thread(net);
    struct handle *handle = handle_table_find(&net->handle_table, connection, HANDLE_CONNECTION);

    net->sends_now = handle;
    net__send(net, handle, buffers, count);
    bool is_answered = !net->sends_now;
    net->sends_now = NULL;
    return is_answered;
}

void net_finish(struct net *net, struct net_handle connection)
{
    net__check_thread(net);
    struct handle *handle = handle_table_find(&net->handle_table, connection, HANDLE_CONNECTION);
    weir_check_rule(!handle->send_out, "a stream is finished after its last send was answered");
    weir_check(!handle->finished);
    handle->finished = true;
    if (!handle->broken) net->transport->finish(net, handle);
}

struct net_progress net_progress(struct net *net, struct net_handle connection)
{
    net__check_thread(net);
    return net->transport->progress(
        net, handle_table_find(&net->handle_table, connection, HANDLE_CONNECTION));
}

static void net__close(struct net *net, struct handle *handle)
{
    handle->closing = true;
    handle->flow_on = false;
    list_remove(&handle->waiting);
    list_remove(&handle->retrying);
    arrivals_drop(net, handle);
    if (net->failed && net->transport->abandon)
        net__close_failed(net, handle);
    else
        net->transport->close(net, handle);
}

/* Whether the close cancels a send, as far as known: it was not accepted, or not released. */
static bool net__loses_bytes(struct handle *handle)
{
    if (handle->send_out && !handle->sent_ready) return true;
    return handle->releases_late && handle_releasing(handle)->unreleased_bytes > 0;
}

void net_close(struct net *net, struct net_handle id)
{
    net__check_thread(net);
    struct handle *handle = handle_table_find(&net->handle_table, id, HANDLE_FREE);
    if (net__loses_bytes(handle)) handle->resets = true;
    net__close(net, handle);
}

void net_abort(struct net *net, struct net_handle connection)
{
    net__check_thread(net);
    struct handle *handle = handle_table_find(&net->handle_table, connection, HANDLE_CONNECTION);
    handle->resets = true;
    net__close(net, handle);
}

struct net_address net_local_address(struct net *net, struct net_handle id)
{
    net__check_thread(net);
    struct handle *handle = handle_table_find(&net->handle_table, id, HANDLE_FREE);
    weir_check_rule(handle->kind != HANDLE_CONNECTING,
                    "rule 2, only net_close before NET_CONNECTED");
    return net->transport->local_address(net, handle);
}

/* ---- datagrams ---- */

enum weir_code net_bind(struct net *net, const struct net_listen_options *options, void *owner,
                        struct net_handle *id, struct weir_error *error)
{
    net__check_thread(net);
    enum weir_code code = net__check_inherited(net, options, error);
    if (code != WEIR_OK) return code;
    struct handle *handle = handle_table_take(&net->handle_table, HANDLE_DATAGRAM, owner);
    if (!handle) return net__no_handle(net, "open a datagram socket", error);
    code = net->transport->bind(net, handle, options, error);
    if (code != WEIR_OK) {
        handle_table_give_back(&net->handle_table, handle);
        return code;
    }
    *id = handle_id(handle);
    return WEIR_OK;
}

/* Copies a stream buffer into a buffer that a datagram can be sent from. Returns null if there is
 * none. */
static struct net_buffer *net__copy_for_datagram(struct net *net, struct net_buffer *buffer)
{
    struct net_buffer *copy = pool_take(&net->datagram_pool, POOL_CALLER);

    if (!copy) return NULL;
    weir_check(buffer->length <= copy->capacity);
    memcpy(copy->bytes, buffer->bytes, buffer->length);
    copy->length = buffer->length;
    pool_give_back(buffer, POOL_CALLER);
    return copy;
}

enum weir_code net_send_to(struct net *net, struct net_handle socket,
                           const struct net_address *peer, const struct net_address *local,
                           struct net_buffer *buffer, uint32_t segment_bytes)
{
    net__check_thread(net);
    struct handle *handle = handle_table_find(&net->handle_table, socket, HANDLE_DATAGRAM);
    if (handle->endpoint->datagrams_out >= net->options.datagram_sends_max) return WEIR_QUEUE_FULL;
    weir_check(peer != NULL);
    weir_check(local != NULL);
    weir_check(pool_is_whole(buffer));
    weir_check(segment_bytes == 0 || segment_bytes < buffer->length); /* a batch has at least two */
    if (net->transport->addresses_in_buffers && pool_buffer_of(buffer)->pool == &net->stream_pool &&
        !(buffer = net__copy_for_datagram(net, buffer)))
        return WEIR_NO_BUFFERS;
    pool_move(buffer, POOL_CALLER, POOL_SYSTEM);
    handle->endpoint->datagrams_out++;
    net->transport->send_to(net, handle, peer, local, buffer, segment_bytes);
    return WEIR_OK;
}

bool net_is_own(struct net *net, struct net_handle socket, const struct net_address *address)
{
    net__check_thread(net);
    return net->transport->is_own(
        net, handle_table_find(&net->handle_table, socket, HANDLE_DATAGRAM), address);
}

/* ---- buffers ---- */

struct net_buffer *net_take(struct net *net, uint32_t bytes_min)
{
    net__check_thread(net);
    weir_check(bytes_min <= net->datagram_pool.buffer_bytes ||
               bytes_min <= net->stream_pool.buffer_bytes);
    return pool_take(bytes_min <= net->stream_pool.buffer_bytes ? &net->stream_pool
                                                                : &net->datagram_pool,
                     POOL_CALLER);
}

uint32_t net_buffers_left(const struct net *net)
{
    net__check_thread(net);
    return pool_room(&net->stream_pool);
}

struct net_buffer *net_wrap(struct net *net, const struct net_bytes *ranges, uint32_t ranges_count,
                            void (*release)(void *context), void *context)
{
    net__check_thread(net);
    if (net->transport->sends_own_memory) return NULL;
    return foreign_open(net->stream_pool.buffer_bytes, ranges, ranges_count, release, context);
}

void net_give_back(struct net *net, struct net_buffer *buffer)
{
    net__check_thread(net);
    pool_give_back(buffer, POOL_CALLER);
}
