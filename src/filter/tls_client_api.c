/* SPDX-License-Identifier: MIT */
/* tls_client_api.c - a TLS client over a socket of the program (weir_tls_client): the TLS part of
 * one session, with a worker of its own and its output.
 *
 *      program --plain--> seal --> out [ sent | to be transmitted | room ] --> socket
 *      program <--plain-- feed <-----------------------------------------------/
 */
#include <string.h>

#include <weir/tls_client.h>

#include "check.h"
#include "error_fill.h"
#include "memory.h"
#include "sized.h"
#include "tls_engine.h"

/* Room in the output for one call of the session: more than one record. */
#define TLS_CLIENT__ROOM_BYTES 20480

struct weir_tls_client {
    struct tls_context *context;
    struct tls_worker *worker;
    struct tls_session *session;
    struct filter_output out; /* its first `sent` bytes were transmitted */
    size_t sent;
    struct filter_error error;
    bool has_ended, has_failed, has_finished;
};

/* Makes room for one call of the session, and for close_notify behind it. */
static bool tls_client__reserve(struct weir_tls_client *client)
{
    const size_t more = TLS_CLIENT__ROOM_BYTES + TLS_GOODBYE_BYTES_MAX;
    struct filter_output *out = &client->out;
    size_t kept = out->length - client->sent, size = 2 * kept + more;

    if (out->max >= out->length + more) return true;
    uint8_t *bytes = memory_alloc(size); /* doubled: few copies per byte */
    if (!bytes) return false;
    if (kept > 0) memcpy(bytes, out->bytes + client->sent, kept);
    memory_free(out->bytes);
    *out = (struct filter_output){bytes, kept, size};
    client->sent = 0;
    return true;
}

static enum filter_result tls_client__no_memory(struct weir_tls_client *client)
{
    return filter_fail(&client->error, "out of memory");
}

/* Adds close_notify, or lets the end of the handshake add it. The room for it is reserved. */
static void tls_client__end(struct weir_tls_client *client)
{
    if (client->has_finished) tls_session_goodbye(client->session, &client->out);
}

/* Feeds the session with the input. Returns when all of it is used, or `plain` is full. */
static enum filter_result tls_client__feed(struct weir_tls_client *client, struct weir_input *input,
                                           struct filter_output *plain)
{
    struct filter_io io = {.in = input->bytes,
                           .in_length = input->length,
                           .out = &client->out,
                           .error = &client->error};
    enum filter_result result;

    do {
        if (!tls_client__reserve(client)) return tls_client__no_memory(client);
        io.plain = tls_session_is_open(client->session) ? plain : NULL;
        client->out.max -= TLS_GOODBYE_BYTES_MAX;
        result = tls_session_feed(client->session, &io);
        client->out.max += TLS_GOODBYE_BYTES_MAX;
        if (result == FILTER_OPEN) tls_client__end(client);
    } while (result == FILTER_OPEN || (result == FILTER_AGAIN && filter_output_room(plain) > 0));
    input->bytes = io.in;
    input->length = io.in_length;
    return result;
}

/* ---- public calls ---- */

static bool tls_client__begin(struct weir_tls_client *client)
{
    struct weir_input nothing = {.length = 0};
    struct filter_output none = {.max = 0};

    client->worker = tls_worker_open();
    if (!client->worker) return false;
    client->session = tls_session_open(client->context, client->worker);
    if (!client->session) return false;
    return tls_client__feed(client, &nothing, &none) == FILTER_MORE;
}

static enum weir_code tls_client__cannot_begin(const char *host, struct weir_error *error)
{
    return error_fill(error, WEIR_NO_MEMORY, 0, "begin TLS with", host, NULL, NULL);
}

enum weir_code weir_tls_client_open(const struct weir_tls_connect *settings, const char *host,
                                    struct weir_tls_client **client, struct weir_error *error)
{
    struct weir_tls_connect complete = {.size = sizeof complete};
    enum weir_code code = WEIR_OK;

    if (settings) code = sized_copy(&sized_tls_connect, settings, &complete, error);
    if (code != WEIR_OK) return code;
    struct weir_tls_client *opened = memory_alloc(sizeof *opened);
    if (!opened) return tls_client__cannot_begin(host, error);
    code = tls_context_open_client(&complete, host, &opened->context, error);
    if (code == WEIR_OK && !tls_client__begin(opened)) code = tls_client__cannot_begin(host, error);
    if (code == WEIR_OK)
        *client = opened;
    else
        weir_tls_client_free(opened);
    return code;
}

void weir_tls_client_free(struct weir_tls_client *client)
{
    if (!client) return;
    if (client->session) tls_session_free(client->session);
    tls_worker_free(client->worker);
    tls_context_unref(client->context);
    memory_free(client->out.bytes);
    memory_free(client);
}

enum weir_tls_received weir_tls_client_receive(struct weir_tls_client *client,
                                               struct weir_input *input, uint8_t *plain,
                                               size_t plain_size, size_t *plain_length)
{
    struct filter_output out = {plain, 0, plain_size};

    weir_check_use(plain_size > 0, "weir_tls_client_receive needs room for plain text");
    *plain_length = 0;
    if (client->has_failed) return WEIR_TLS_RECEIVED_BAD;
    if (client->has_ended) return WEIR_TLS_RECEIVED_END;
    enum filter_result result = tls_client__feed(client, input, &out);
    *plain_length = out.length;
    client->has_failed = result == FILTER_BAD;
    client->has_ended = result == FILTER_END;
    if (*plain_length > 0) return WEIR_TLS_RECEIVED_PLAIN;
    if (client->has_failed) return WEIR_TLS_RECEIVED_BAD;
    if (client->has_ended) return WEIR_TLS_RECEIVED_END;
    return input->ended ? WEIR_TLS_RECEIVED_TRUNCATED : WEIR_TLS_RECEIVED_MORE;
}

const char *weir_tls_client_why(const struct weir_tls_client *client)
{
    return client->has_failed ? client->error.text : "";
}

enum weir_code weir_tls_client_send(struct weir_tls_client *client, const void *bytes,
                                    size_t length)
{
    const uint8_t *at = bytes;

    if (client->has_finished || client->has_failed) return WEIR_CANCELLED;
    if (!tls_session_is_open(client->session)) return WEIR_NO_ROOM;
    while (length > 0) {
        if (!tls_client__reserve(client)) return WEIR_NO_MEMORY;
        client->out.max -= TLS_GOODBYE_BYTES_MAX;
        size_t part = tls_session_seal_max(client->session, filter_output_room(&client->out));
        if (part > length) part = length;
        bool is_sealed =
            part > 0 && tls_session_seal(client->session, at, part, &client->out, &client->error);
        client->out.max += TLS_GOODBYE_BYTES_MAX;
        if (part == 0) return WEIR_NO_ROOM; /* in the first round: sealing begins no such message */
        client->has_failed = !is_sealed;
        if (!is_sealed) return WEIR_CANCELLED;
        at += part;
        length -= part;
    }
    return WEIR_OK;
}

void weir_tls_client_finish(struct weir_tls_client *client)
{
    if (client->has_finished || client->has_failed) return;
    client->has_finished = true;
    tls_client__end(client);
}

const uint8_t *weir_tls_client_output(const struct weir_tls_client *client, size_t *length)
{
    *length = client->out.length - client->sent;
    return client->out.bytes + client->sent;
}

void weir_tls_client_sent(struct weir_tls_client *client, size_t length)
{
    weir_check_use(length <= client->out.length - client->sent,
                   "weir_tls_client_sent removes at most the bytes of the output");
    client->sent += length;
    if (client->sent == client->out.length) client->sent = client->out.length = 0;
}

bool weir_tls_client_info_sized(const struct weir_tls_client *client, struct weir_tls_info *info,
                                size_t size)
{
    struct weir_tls_info whole = {.version = ""};
    bool is_open = tls_session_info(client->session, &whole);

    memset(info, 0, size);
    memcpy(info, &whole, size < sizeof whole ? size : sizeof whole);
    return is_open;
}
