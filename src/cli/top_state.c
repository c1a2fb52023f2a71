/* SPDX-License-Identifier: MIT */
/* top_state.c - picks the figures of `weir top` out of JSON. A member that is missing is 0 or "":
 * an older server knows fewer. */
#include "top_state.h"

#include <stdio.h>
#include <string.h>

#include "code_point.h"
#include "utf8.h"

/* ---- members ---- */

static uint64_t top_state__u64(const struct json_read *json, uint32_t object, const char *name)
{
    return json_read_u64(json, json_read_member(json, object, name), 0);
}

/* Replaces every character that a terminal does not show, and bytes that are no character. */
static void top_state__clean(char *text)
{
    size_t length = strlen(text), count;

    for (size_t at = 0; at < length; at += count) {
        uint32_t code_point;
        count = utf8_read((const uint8_t *)text + at, length - at, &code_point);
        bool is_visible = count > 0 && code_point_kind_of(code_point) != CODE_POINT_HIDDEN;
        if (count == 0) count = 1;
        if (!is_visible) memset(text + at, '?', count);
    }
}

static void top_state__text(const struct json_read *json, uint32_t object, const char *name,
                            char *text, size_t size)
{
    json_read_text(json, json_read_member(json, object, name), text, size);
    top_state__clean(text);
}

/* Sums the members of an object. `names` ends with null. */
static uint64_t top_state__sum(const struct json_read *json, uint32_t object,
                               const char *const *names)
{
    uint64_t sum = 0;

    for (; *names; names++) sum += top_state__u64(json, object, *names);
    return sum;
}

/* ---- the parts of /stats.json ---- */

static void top_state__stats(struct top_state *state, const struct json_read *json, uint32_t stats)
{
    static const char *const refused[] = {"refused_full",   "refused_address", "refused_rate",
                                          "refused_denied", "refused_failed",  NULL};
    static const char *const bytes_in[] = {"bytes_in", "datagram_bytes_in", NULL};
    static const char *const bytes_out[] = {"bytes_out", "datagram_bytes_out", NULL};
    static const char *const messages_in[] = {"messages_in", "datagrams_in", NULL};
    static const char *const messages_out[] = {"messages_out", "datagrams_out", NULL};

    state->open = top_state__u64(json, stats, "open");
    state->accepted = top_state__u64(json, stats, "accepted");
    state->queued_bytes = top_state__u64(json, stats, "queued_bytes");
    state->refused = top_state__sum(json, stats, refused);
    state->bytes_in = top_state__sum(json, stats, bytes_in);
    state->bytes_out = top_state__sum(json, stats, bytes_out);
    state->messages_in = top_state__sum(json, stats, messages_in);
    state->messages_out = top_state__sum(json, stats, messages_out);
}

static void top_state__cluster(struct top_cluster *cluster, const struct json_read *json,
                               uint32_t object)
{
    static const char *const dropped[] = {"dropped_away",
                                          "dropped_queue",
                                          "dropped_write",
                                          "dropped_too_large",
                                          "dropped_refused",
                                          "dropped_memory",
                                          NULL};
    static const char *const refused[] = {"refused_mailbox",   "refused_gone",  "refused_repeated",
                                          "refused_malformed", "refused_other", NULL};

    top_state__text(json, object, "state", cluster->state, sizeof cluster->state);
    cluster->nodes = top_state__u64(json, object, "nodes");
    cluster->sent = top_state__u64(json, object, "sent");
    cluster->received = top_state__u64(json, object, "received");
    cluster->dropped = top_state__sum(json, object, dropped);
    cluster->refused = top_state__sum(json, object, refused);
    cluster->gaps = top_state__u64(json, object, "gaps");
}

static void top_state__workers(struct top_state *state, const struct json_read *json,
                               uint32_t array)
{
    uint32_t i = json_read_first(json, array);

    for (; i != JSON_READ_NONE && state->workers_count < TOP_WORKERS_MAX;
         i = json_read_next(json, array, i))
        state->workers[state->workers_count++] = (struct top_worker){
            .busy_ns = top_state__u64(json, i, "busy_ns"),
            .sessions =
                top_state__u64(json, i, "sessions") + top_state__u64(json, i, "datagram_sessions"),
            .memory_bytes = top_state__u64(json, i, "memory_bytes"),
            .memory_max_bytes = top_state__u64(json, i, "memory_max_bytes"),
        };
}

/* Reads an array of numbers. Returns how many there are. */
static uint32_t top_state__numbers(const struct json_read *json, uint32_t array,
                                   uint64_t numbers[TOP_BUCKETS_MAX])
{
    uint32_t count = 0;
    uint32_t i = json_read_first(json, array);

    for (; i != JSON_READ_NONE && count < TOP_BUCKETS_MAX; i = json_read_next(json, array, i))
        numbers[count++] = json_read_u64(json, i, 0);
    return count;
}

static void top_state__histogram(struct top_histogram *histogram, const struct json_read *json,
                                 uint32_t object)
{
    uint32_t bounds =
        top_state__numbers(json, json_read_member(json, object, "upper_ns"), histogram->upper_ns);
    uint32_t counts =
        top_state__numbers(json, json_read_member(json, object, "counts"), histogram->counts);

    histogram->count = bounds < counts ? bounds : counts;
}

static void top_state__histograms(struct top_state *state, const struct json_read *json,
                                  uint32_t object)
{
    uint32_t array = json_read_member(json, object, "handlers");
    uint32_t i = json_read_first(json, array);

    top_state__histogram(&state->iterations, json,
                         json_read_member(json, object, "loop_iteration"));
    top_state__histogram(&state->openings, json, json_read_member(json, object, "opening"));
    for (; i != JSON_READ_NONE && state->handlers_count < TOP_HANDLERS_MAX;
         i = json_read_next(json, array, i)) {
        struct top_handler *handler = &state->handlers[state->handlers_count++];
        top_state__text(json, i, "handler", handler->name, sizeof handler->name);
        handler->listener = top_state__u64(json, i, "listener");
        top_state__histogram(&handler->durations, json, i);
    }
}

static void top_state__findings(struct top_state *state, const struct json_read *json,
                                uint32_t array)
{
    uint32_t i = json_read_first(json, array);

    for (; i != JSON_READ_NONE && state->findings_count < TOP_FINDINGS_MAX;
         i = json_read_next(json, array, i)) {
        struct top_finding *finding = &state->findings[state->findings_count++];
        top_state__text(json, i, "severity", finding->severity, sizeof finding->severity);
        top_state__text(json, i, "setting", finding->setting, sizeof finding->setting);
        top_state__text(json, i, "text", finding->text, sizeof finding->text);
        top_state__text(json, i, "evidence", finding->evidence, sizeof finding->evidence);
        top_state__text(json, i, "advice", finding->advice, sizeof finding->advice);
    }
}

/* ---- the answers ---- */

bool top_state_read(struct top_state *state, struct json_read *json, const char *text,
                    size_t length)
{
    memset(state, 0, sizeof *state);
    if (!json_read(json, text, length)) return false;
    uint32_t stats = json_read_member(json, 0, "stats");
    if (stats == JSON_READ_NONE) return false;
    top_state__text(json, 0, "version", state->version, sizeof state->version);
    state->uptime_ms = top_state__u64(json, 0, "uptime_ms");
    state->node = top_state__u64(json, 0, "node");
    state->is_ready = json_read_is_true(json, json_read_member(json, 0, "ready"));
    state->is_draining = json_read_is_true(json, json_read_member(json, 0, "draining"));
    state->sessions_max = top_state__u64(json, 0, "sessions_max");
    top_state__stats(state, json, stats);
    top_state__cluster(&state->cluster, json, json_read_member(json, 0, "cluster"));
    top_state__workers(state, json, json_read_member(json, 0, "workers"));
    top_state__histograms(state, json, json_read_member(json, 0, "histograms"));
    top_state__findings(state, json, json_read_member(json, 0, "findings"));
    return true;
}

static void top_state__session(struct top_session *session, const struct json_read *json,
                               uint32_t object)
{
    char pause[TOP_NAME_BYTES];

    top_state__text(json, object, "id", session->id, sizeof session->id);
    top_state__text(json, object, "peer", session->peer, sizeof session->peer);
    top_state__text(json, object, "handler", session->handler, sizeof session->handler);
    top_state__text(json, object, "state", session->state, sizeof session->state);
    top_state__text(json, object, "pause", pause, sizeof pause);
    if (pause[0] != '\0' && strcmp(pause, "none") != 0)
        snprintf(session->state, sizeof session->state, "paused:%.32s", pause);
    session->age_ms = top_state__u64(json, object, "age_ms");
    session->received_ago_ms = top_state__u64(json, object, "received_ago_ms");
    session->bytes_in = top_state__u64(json, object, "bytes_in");
    session->bytes_out = top_state__u64(json, object, "bytes_out");
    session->queued_bytes = top_state__u64(json, object, "queued_bytes");
}

bool top_sessions_read(struct top_sessions *sessions, struct json_read *json, const char *text,
                       size_t length)
{
    sessions->count = 0;
    sessions->total = 0;
    if (!json_read(json, text, length)) return false;
    uint32_t array = json_read_member(json, 0, "sessions"), i = json_read_first(json, array);
    if (array == JSON_READ_NONE) return false;
    sessions->total = top_state__u64(json, 0, "total");
    for (; i != JSON_READ_NONE && sessions->count < TOP_SESSIONS_MAX;
         i = json_read_next(json, array, i))
        top_state__session(&sessions->items[sessions->count++], json, i);
    return true;
}
