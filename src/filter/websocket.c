/* SPDX-License-Identifier: MIT */
/* websocket.c - the filter WebSocket of one session.
 *
 *      head --101--> OPEN: the codec decodes frames --> respond: pong, ping
 *        |                                                 | close frame, no pong
 *        |--200--> the page, then the end                  v
 *        '--4xx--> the answer, then the end             goodbye: close frame
 */
#include "websocket.h"

#include <string.h>

#include "check.h"
#include "error_fill.h"
#include "memory.h"
#include "websocket_codec.h"
#include "websocket_head.h"
#include "websocket_text.h"

/* The filter of a listener. */
struct websocket {
    struct filter filter;
    struct websocket_codec codec;
    struct websocket_head_settings head;
    char *path;
    struct websocket_list origins, subprotocols;
    uint8_t *web_page;
    uint32_t ping_interval_ms, pong_timeout_ms;
};

/* The state of one session. */
struct websocket_session {
    const struct websocket *websocket;
    struct websocket_head *head;       /* until on_open has returned; null: freed */
    struct websocket_state *codec;     /* set by `begin` */
    size_t web_page_sent;              /* bytes of the page */
    uint64_t heard_ms;                 /* when something was last received */
    uint64_t ping_ms;                  /* when the ping left that was not answered; 0: none */
    enum websocket_head_result answer; /* WEBSOCKET_HEAD_MORE: none yet */
    bool ping_waits;                   /* that ping may still be behind other output */
};

/* ---- settings ---- */

static struct websocket *websocket__of(const struct filter *filter)
{
    union {
        const struct filter *constant;
        struct filter *variable;
    } of = {filter};

    return weir_container_of(of.variable, struct websocket, filter);
}

static void websocket__free(struct filter *filter)
{
    struct websocket *websocket = websocket__of(filter);

    websocket_list_free(&websocket->origins);
    websocket_list_free(&websocket->subprotocols);
    memory_free(websocket->path);
    memory_free(websocket->web_page);
    memory_free(websocket);
}

/* Copies the settings. Returns false if memory is exhausted. */
static bool websocket__copy(struct websocket *websocket, const struct websocket_settings *settings)
{
    const char *subprotocols = settings->subprotocols;

    /* Emscripten's sockets ask for "binary", and close a connection that does not confirm it. */
    if (!subprotocols && settings->inner) subprotocols = "binary";
    websocket->path = memory_copy_text(settings->path);
    if (!websocket->path || !websocket_list_open(&websocket->origins, settings->origins) ||
        !websocket_list_open(&websocket->subprotocols, subprotocols))
        return false;
    websocket->head.path = websocket->path;
    websocket->head.origins = websocket->origins.texts;
    websocket->head.origins_count = websocket->origins.count;
    websocket->head.subprotocols = websocket->subprotocols.texts;
    websocket->head.subprotocols_count = websocket->subprotocols.count;
    websocket->ping_interval_ms = settings->ping_interval_ms;
    websocket->pong_timeout_ms = settings->pong_timeout_ms;
    if (!settings->web_page) return true;
    websocket->web_page = memory_alloc(settings->web_page_length + 1);
    if (!websocket->web_page) return false;
    if (settings->web_page_length > 0)
        memcpy(websocket->web_page, settings->web_page, settings->web_page_length);
    websocket->head.web_page = websocket->web_page;
    websocket->head.web_page_length = settings->web_page_length;
    return true;
}

enum weir_code websocket_open(const struct websocket_settings *settings, struct filter **filter,
                              struct weir_error *error)
{
    static const char operation[] = "serve WebSocket at";
    enum weir_code code = websocket_text_check(settings, error);

    *filter = NULL;
    if (code != WEIR_OK) return code;
    if (settings->web_page && settings->web_page_length > WEBSOCKET_PAGE_BYTES_MAX)
        return error_fill(error, WEIR_INVALID, 0, operation, settings->path,
                          "the page is longer than 1 MiB", NULL);
    struct websocket *websocket = memory_alloc(sizeof *websocket);
    if (websocket) filter_init(&websocket->filter, &websocket_kind, websocket__free);
    if (!websocket || !websocket__copy(websocket, settings)) {
        if (websocket) filter_unref(&websocket->filter);
        return error_fill(error, WEIR_NO_MEMORY, 0, operation, settings->path, NULL, NULL);
    }
    websocket_codec_init(&websocket->codec, settings->inner, settings->message_bytes_max,
                         settings->send);
    *filter = &websocket->filter;
    return WEIR_OK;
}

const struct weir_codec *websocket_codec_of_filter(const struct filter *filter)
{
    return &websocket__of(filter)->codec.codec;
}

const char *websocket_path_of_filter(const struct filter *filter)
{
    return websocket__of(filter)->path;
}

/* ---- opening ---- */

static void *websocket__open(const struct filter *filter, struct filter_worker *worker,
                             struct filter_error *error)
{
    struct websocket_session *session = memory_alloc(sizeof *session);

    (void)worker;
    (void)error;
    if (!session) return NULL;
    session->websocket = websocket__of(filter);
    session->head = memory_alloc(sizeof *session->head);
    if (!session->head) {
        memory_free(session);
        return NULL;
    }
    websocket_head_open(session->head, &session->websocket->head);
    return session;
}

/* Frees the request head. */
static void websocket__free_head(struct websocket_session *session)
{
    if (!session->head) return;
    websocket_head_close(session->head);
    memory_free(session->head);
    session->head = NULL;
}

/* Sends the next part of the page. The connection is closed behind it. */
static enum filter_result websocket__send_web_page(struct websocket_session *session,
                                                   struct filter_io *io)
{
    const struct websocket_head_settings *settings = &session->websocket->head;
    size_t left = settings->web_page_length - session->web_page_sent;
    size_t room = filter_output_room(io->out);
    size_t part = left < room ? left : room;

    io->serves = true;
    if (websocket_head_is_head(session->head)) left = part = 0;
    bool is_added = filter_output_add(io->out, settings->web_page + session->web_page_sent,
                                      part); /* there is room */
    weir_check(is_added);
    session->web_page_sent += part;
    if (part < left) return FILTER_AGAIN;
    io->error->reason = WEIR_REASON_APPLICATION;
    io->error->text[0] = '\0'; /* nothing failed */
    return FILTER_BAD;
}

/* Acts on a decided answer. */
static enum filter_result websocket__answer(struct websocket_session *session, struct filter_io *io)
{
    if (session->answer == WEBSOCKET_HEAD_ACCEPTED) return FILTER_OPEN;
    if (session->answer == WEBSOCKET_HEAD_WEB_PAGE) return websocket__send_web_page(session, io);
    return filter_fail(io->error, "WebSocket request refused with status %u: %s",
                       (unsigned)session->head->status, session->head->why);
}

static enum filter_result websocket__feed(void *state, struct filter_io *io)
{
    struct websocket_session *session = state;
    char answer[WEBSOCKET_HEAD_ANSWER_BYTES_MAX];
    size_t length = 0;

    if (session->answer == WEBSOCKET_HEAD_WEB_PAGE) return websocket__send_web_page(session, io);
    session->answer = websocket_head_feed(session->head, &io->in, &io->in_length, answer, &length);
    if (session->answer == WEBSOCKET_HEAD_MORE) return FILTER_MORE;
    bool is_added = filter_output_add(io->out, answer, length);
    weir_check(is_added); /* FILTER_OUT_BYTES_MIN */
    return websocket__answer(session, io);
}

static void websocket__begin(void *state, void *codec_state)
{
    struct websocket_session *session = state;

    session->codec = codec_state;
}

static const char *websocket__value(const struct websocket_session *session,
                                    enum websocket_head_field field)
{
    return websocket_head_value(session->head, field);
}

bool websocket_web(const void *state, struct weir_web *web)
{
    const struct websocket_session *session = state;

    if (!session->head) return false;
    const char *query = strchr(websocket__value(session, WEBSOCKET_HEAD_URL), '?');
    web->path = session->websocket->path;
    web->query = query ? query + 1 : NULL;
    web->origin = websocket__value(session, WEBSOCKET_HEAD_ORIGIN);
    web->subprotocol = session->head->subprotocol;
    web->cookie = websocket__value(session, WEBSOCKET_HEAD_COOKIE);
    web->authorization = websocket__value(session, WEBSOCKET_HEAD_AUTHORIZATION);
    return true;
}

/* ---- open ---- */

/* Sends a ping if nothing was received for the interval. Returns false if the peer did not answer
 * the last one in time. The time begins when no output is left: a peer that reads slowly cannot
 * answer a ping before it has read what is in front of it. */
static bool websocket__ping(struct websocket_session *session, struct filter_response *response)
{
    const struct websocket *websocket = session->websocket;
    uint8_t frame[WEBSOCKET_SERVER_HEADER_BYTES_MAX];
    uint64_t now_ms = response->now_ms;

    if (websocket->ping_interval_ms == 0) return true;
    if (session->codec->has_received || session->heard_ms == 0 || !response->is_reading) {
        session->codec->has_received = false;
        session->heard_ms = now_ms;
        session->ping_ms = 0;
        session->ping_waits = false;
    }
    if (session->ping_ms == 0 && now_ms >= session->heard_ms + websocket->ping_interval_ms) {
        filter_output_add(response->out, frame, websocket_frame_write(frame, WEBSOCKET_PING, 0));
        session->ping_waits = true;
    }
    if (session->ping_waits) {
        session->ping_ms = now_ms;
        session->ping_waits = response->is_sending;
    }
    response->wake_ms = session->ping_ms == 0 ? session->heard_ms + websocket->ping_interval_ms
                                              : session->ping_ms + websocket->pong_timeout_ms;
    return now_ms < response->wake_ms;
}

/* Returns the status of the close frame for a reason, which has the same word in it. */
static enum websocket_status websocket__status(enum weir_reason reason)
{
    switch (reason) {
    case WEIR_REASON_NONE: /* the peer's stream has ended */
    case WEIR_REASON_PEER_DONE:
    case WEIR_REASON_APPLICATION: return WEBSOCKET_STATUS_NORMAL;
    case WEIR_REASON_PROTOCOL: return WEBSOCKET_STATUS_PROTOCOL;
    case WEIR_REASON_EXHAUSTED: return WEBSOCKET_STATUS_INTERNAL;
    case WEIR_REASON_FRAME:
    case WEIR_REASON_STALLED:
    case WEIR_REASON_SLOW_READER:
    case WEIR_REASON_REPLACED: return WEBSOCKET_STATUS_POLICY;
    default: return WEBSOCKET_STATUS_GOING_AWAY;
    }
}

static const char *websocket__word(enum weir_reason reason)
{
    static const char *const words[WEIR_REASONS_COUNT] = {
        "",
#define WEIR_REASON(identifier, word, text) word,
#include <weir/reason.def>
#undef WEIR_REASON
    };

    return words[reason];
}

static void websocket__goodbye(void *state, enum weir_reason reason, struct filter_output *out)
{
    const struct websocket_session *session = state;
    uint8_t frame[WEBSOCKET_CONTROL_FRAME_BYTES_MAX];

    if (!session->codec) return;
    filter_output_add(out, frame,
                      websocket_codec_close(session->codec, websocket__status(reason),
                                            websocket__word(reason), frame));
}

static enum filter_result websocket__respond(void *state, struct filter_response *response)
{
    struct websocket_session *session = state;
    uint8_t frame[WEBSOCKET_CONTROL_FRAME_BYTES_MAX];

    weir_check(session->codec != NULL);
    websocket__free_head(session); /* on_open has returned */
    size_t length = websocket_codec_pong(session->codec, frame);
    filter_output_add(response->out, frame, length);
    response->controls_count = session->codec->pings_count;
    session->codec->pings_count = 0;
    if (session->codec->is_closed) return FILTER_END;
    if (websocket__ping(session, response)) return FILTER_MORE;
    websocket__goodbye(session, WEIR_REASON_IDLE, response->out);
    response->error->reason = WEIR_REASON_IDLE;
    return filter_fail(response->error, "no answer to a ping of WebSocket within %u ms",
                       (unsigned)session->websocket->pong_timeout_ms);
}

/* ---- memory ---- */

static size_t websocket__held_bytes(const void *state)
{
    const struct websocket_session *session = state;

    if (!session->head) return sizeof *session;
    return sizeof *session + sizeof *session->head + session->head->text_capacity;
}

static void websocket__release(void *state)
{
    websocket__free_head(state);
    memory_free(state);
}

const struct filter_kind websocket_kind = {
    .name = "websocket",
    .reason = WEIR_REASON_UPGRADE,
    .open = websocket__open,
    .feed = websocket__feed,
    .begin = websocket__begin,
    .respond = websocket__respond,
    .goodbye = websocket__goodbye,
    .held_bytes = websocket__held_bytes,
    .release = websocket__release,
};
