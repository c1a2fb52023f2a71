/* SPDX-License-Identifier: MIT */
/* session_settings.c - settings of one session: its idle timeout, its longest message, its codec.
 *
 *      before:  session -> service of the listener -> its codec, with the session's state
 *      after:   session -> own service -> front -> codec of the listener, or the new one
 *                             (one allocation)       with a state of its own
 *
 * `front` is a codec that passes each call on and checks the longest message. So sessions without
 * these settings pay nothing for them. A codec that is replaced while its message is being handled
 * keeps its memory until the next call of decode: on_message may still use the message.
 *
 * Owner: the session. The release of its codec, at its end, frees everything.
 */
#include "session_settings.h"

#include <stdio.h>

#include "account.h"
#include "check.h"
#include "filters_state.h"
#include "memory.h"
#include "session.h"
#include "session_back.h"
#include "sized.h"
#include "worker.h"

/* What a partial frame may hold in addition to the longest message. */
#define SESSION_SETTINGS__FRAMING_BYTES (WEIR_HEADER_BYTES_MAX + WEIR_TRAILER_BYTES_MAX)

/* A codec and its state for one session. */
struct session_codec {
    const struct weir_codec *codec;
    void *state;                 /* in the session, or `own_state` */
    struct weir_codec completed; /* `codec` may point here: the program is older */
    size_t charged_bytes;
    max_align_t own_state[];
};

struct session_own {
    struct service service;
    struct weir_codec front;
    struct account *account;
    struct session_codec *current;
    struct session_codec *previous; /* its message may be in use; null: none */
    size_t message_max;             /* 0: as long as the codec allows */
};

/* ---- one codec ---- */

static struct session_codec *session_codec__open(struct account *account, size_t state_bytes)
{
    size_t bytes = sizeof(struct session_codec) + state_bytes;
    struct session_codec *codec = memory_alloc(bytes);

    if (!codec) return NULL;
    codec->state = codec->own_state;
    codec->charged_bytes = bytes;
    account_move(account, bytes, 0);
    return codec;
}

static void session_codec__free(struct account *account, struct session_codec *codec)
{
    if (!codec) return;
    if (codec->codec->release) codec->codec->release(codec->codec, codec->state);
    account_move(account, 0, codec->charged_bytes);
    memory_free(codec);
}

static size_t session_codec__partial_bytes(const struct session_codec *codec)
{
    return codec->codec->partial_bytes ? codec->codec->partial_bytes(codec->codec, codec->state)
                                       : 0;
}

/* ---- the codec in front ---- */

/* A codec without `decode`: all bytes are one message, of at most the session's longest one. */
static enum weir_decoded session_front__pass(const struct session_own *own,
                                             struct weir_input *input, struct weir_message *message)
{
    size_t length = input->length;

    if (length == 0) return WEIR_DECODED_MORE;
    if (own->message_max > 0 && length > own->message_max) length = own->message_max;
    *message = (struct weir_message){input->bytes, length, input->bytes, length, 0};
    input->bytes += length;
    input->length -= length;
    return WEIR_DECODED_MESSAGE;
}

/* Refuses a message, or the part of one, that is longer than the session allows. */
static enum weir_decoded session_front__check(const struct session_own *own,
                                              enum weir_decoded decoded, size_t length,
                                              struct weir_decode_error *decode_error)
{
    bool is_message = decoded == WEIR_DECODED_MESSAGE;
    size_t partial_bytes = is_message ? length : session_codec__partial_bytes(own->current);
    size_t most_bytes = own->message_max + (is_message ? 0 : SESSION_SETTINGS__FRAMING_BYTES);

    if (decoded == WEIR_DECODED_BAD || partial_bytes <= most_bytes) return decoded;
    snprintf(
        decode_error->text, sizeof decode_error->text,
        "the message has %s%zu bytes, and this session allows %zu", is_message ? "" : "at least ",
        is_message ? length : partial_bytes - SESSION_SETTINGS__FRAMING_BYTES, own->message_max);
    return WEIR_DECODED_BAD;
}

static enum weir_decoded session_front__decode(const struct weir_codec *front, void *state,
                                               struct weir_input *input,
                                               struct weir_message *message,
                                               struct weir_decode_error *decode_error)
{
    struct session_own *own = front->user;
    const struct weir_codec *codec = own->current->codec;

    (void)state;
    session_codec__free(own->account, own->previous);
    own->previous = NULL;
    message->header_length = 0; /* the previous codec may have set it */
    if (!codec->decode) return session_front__pass(own, input, message);
    enum weir_decoded decoded =
        codec->decode(codec, own->current->state, input, message, decode_error);
    if (own->message_max == 0) return decoded;
    size_t length = decoded == WEIR_DECODED_MESSAGE ? message->length : 0;
    return session_front__check(own, decoded, length, decode_error);
}

static size_t session_front__partial_bytes(const struct weir_codec *front, const void *state)
{
    const struct session_own *own = front->user;

    (void)state;
    return session_codec__partial_bytes(own->current);
}

static enum weir_code session_front__encode(const struct weir_codec *front, const uint8_t *bytes,
                                            size_t length, struct weir_framing *framing)
{
    const struct session_own *own = front->user;
    const struct weir_codec *codec = own->current->codec;

    return codec->encode ? codec->encode(codec, bytes, length, framing) : WEIR_OK;
}

/* A message of the codec that was replaced in this very callback is framed by that one. */
static enum weir_code session_front__encode_back(const struct weir_codec *front,
                                                 const struct weir_message *message,
                                                 struct weir_framing *framing)
{
    const struct session_own *own = front->user;
    const struct weir_codec *codec = (own->previous ? own->previous : own->current)->codec;

    return codec->encode_back ? codec->encode_back(codec, message, framing) : WEIR_OK;
}

/* The session has ended. */
static void session_front__release(const struct weir_codec *front, void *state)
{
    struct session_own *own = front->user;

    (void)state;
    session_codec__free(own->account, own->previous);
    session_codec__free(own->account, own->current);
    account_move(own->account, 0, sizeof *own);
    memory_free(own);
}

/* ---- the own service ---- */

static bool session__has_own(const struct weir_session *session)
{
    return session->service->codec->decode == session_front__decode;
}

/* Returns the session's own service, which is made if there is none. Null: out of memory. */
static struct session_own *session__own(struct weir_session *session)
{
    struct account *account = &session->worker->account;
    const struct weir_codec *codec = session->service->codec;

    if (session__has_own(session)) return codec->user;
    struct session_own *own = memory_alloc(sizeof *own);
    struct session_codec *current = own ? session_codec__open(account, 0) : NULL;
    if (!current) {
        memory_free(own);
        return NULL;
    }
    current->codec = codec;
    current->state = session_codec_state(session);
    own->current = current;
    own->account = account;
    account_move(account, sizeof *own, 0);
    own->front = (struct weir_codec){
        .size = sizeof own->front,
        .name = codec->name,
        .summary = codec->summary,
        .streams = true,
        .user = own,
        .decode = session_front__decode,
        .partial_bytes = session_front__partial_bytes,
        .release = session_front__release,
        .encode = session_front__encode,
        .encode_back = codec->encode_back ? session_front__encode_back : NULL,
    };
    own->service = *session->service;
    own->service.codec = &own->front;
    session->service = &own->service;
    return own;
}

/* ---- other settings ---- */

void session_renew_service(struct weir_session *session)
{
    struct worker *worker = session->worker;
    const struct service *service = session->service;
    const struct weir_config *config = &service_of_worker(service, worker->index)->config;

    if (service->outbound) {
        config = worker->config;
        service->outbound->config = *config;
    }
    if (session__has_own(session)) session__own(session)->service.config = *config;
    if (session->idle_is_own) return;
    session->idle_timeout_ms =
        session->is_datagram ? config->datagram_idle_timeout_ms : config->idle_timeout_ms;
}

/* ---- what a handler sets ---- */

enum weir_code session_set_idle_timeout(struct weir_session *session, uint32_t ms)
{
    if (ms > INT32_MAX) return WEIR_INVALID;
    if (session->state == SESSION_CLOSING) return WEIR_CANCELLED;
    session->idle_timeout_ms = ms;
    session->idle_is_own = true;
    session_update_deadline(session);
    return WEIR_OK;
}

enum weir_code session_set_message_max(struct weir_session *session, size_t bytes)
{
    if (session->is_datagram) return WEIR_INVALID;
    if (!session_may_send(session)) return WEIR_CANCELLED;
    if (bytes == 0 && !session__has_own(session)) return WEIR_OK;
    struct session_own *own = session__own(session);
    if (!own) return WEIR_NO_MEMORY;
    own->message_max = bytes;
    return WEIR_OK;
}

/* From now on the codec frames what is sent back. A session with filters asks for that itself. */
static void session__frame_back(struct weir_session *session, struct session_own *own)
{
    own->front.encode_back = session_front__encode_back;
    if (session->ops == &session_tcp_ops) session->ops = &session_back_ops;
}

/* Replaces the current codec. One that was set in this very callback has decoded nothing: it is
 * freed, and the message is still one of its predecessor. */
static void session__replace_codec(struct weir_session *session, struct session_own *own,
                                   struct session_codec *next)
{
    if (own->previous)
        session_codec__free(own->account, own->current);
    else
        own->previous = own->current;
    own->current = next;
    own->service.framing_codec = next->codec;
    if (next->codec->encode_back) session__frame_back(session, own);
}

/* Whether the codec belongs to a filter, which could not do without it: WebSocket. */
static bool session__codec_is_of_filter(const struct weir_session *session)
{
    return session->filters && session->filters->responds;
}

enum weir_code session_set_codec(struct weir_session *session, const struct weir_codec *codec)
{
    struct weir_codec completed = {.size = 0}; /* the members that an older version lacks */

    weir_check_use(codec != NULL, "weir_session_set_codec: the codec is null");
    const struct weir_codec *whole = sized_complete(&sized_codec, codec, &completed, NULL);
    if (!whole || !whole->streams || session->is_datagram) return WEIR_INVALID;
    if (!session_may_send(session)) return WEIR_CANCELLED;
    if (session__codec_is_of_filter(session)) return WEIR_INVALID;
    struct session_own *own = session__own(session);
    if (!own) return WEIR_NO_MEMORY;
    if (session_codec__partial_bytes(own->current) > 0) return WEIR_INVALID;
    struct session_codec *next = session_codec__open(own->account, whole->state_bytes);
    if (!next) return WEIR_NO_MEMORY;
    next->completed = *whole;
    next->codec = whole == codec ? codec : &next->completed;
    session__replace_codec(session, own, next);
    return WEIR_OK;
}
