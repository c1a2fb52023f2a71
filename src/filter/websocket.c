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
#include "thread.h"
#include "websocket_codec.h"
#include "websocket_head.h"
#include "websocket_text.h"

/* The filter of a listener. */
struct websocket {
    struct filter filter;
    struct websocket_codec codec;
    char *path;        /* constant */
    struct lock *lock; /* for `texts`: taken once per session */
    struct websocket_texts *texts;
    _Atomic uint32_t ping_interval_ms, pong_timeout_ms;
};

/* The state of one session. */
struct websocket_session {
    struct websocket *websocket;
    struct websocket_texts *texts;     /* of `head`: a reference */
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

    websocket_texts_unref(websocket->texts);
    memory_free(websocket->path);
    lock_free(websocket->lock);
    memory_free(websocket);
}

static void websocket__set_times(struct websocket *websocket,
                                 const struct websocket_settings *settings)
{
    atomic_store_explicit(&websocket->ping_interval_ms, settings->ping_interval_ms,
                          memory_order_relaxed);
    atomic_store_explicit(&websocket->pong_timeout_ms, settings->pong_timeout_ms,
                          memory_order_relaxed);
}

static enum weir_code websocket__fail(const struct websocket_settings *settings,
                                      struct weir_error *error)
{
    return error_fill(error, WEIR_NO_MEMORY, 0, "serve WebSocket at", settings->path, NULL, NULL);
}

enum weir_code websocket_open(const struct websocket_settings *settings, struct filter **filter,
                              struct weir_error *error)
{
    enum weir_code code = websocket_text_check(settings, error);

    *filter = NULL;
    if (code != WEIR_OK) return code;
    struct websocket *websocket = memory_alloc(sizeof *websocket);
    if (!websocket) return websocket__fail(settings, error);
    filter_init(&websocket->filter, &websocket_kind, websocket__free);
    websocket->lock = lock_open();
    websocket->path = memory_copy_text(settings->path);
    if (websocket->path) websocket->texts = websocket_texts_open(settings, websocket->path);
    if (!websocket->lock || !websocket->texts) {
        filter_unref(&websocket->filter);
        return websocket__fail(settings, error);
    }
    websocket__set_times(websocket, settings);
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

static struct websocket_texts *websocket__texts(struct websocket *websocket)
{
    lock_take(websocket->lock);
    struct websocket_texts *texts = websocket_texts_ref(websocket->texts);
    lock_give_back(websocket->lock);
    return texts;
}

enum weir_code websocket_prepare(const struct filter *filter,
                                 const struct websocket_settings *settings,
                                 struct websocket_texts **texts, struct weir_error *error)
{
    const struct websocket *websocket = websocket__of(filter);
    struct websocket_settings own = *settings;

    own.path = websocket->path;
    own.inner = websocket->codec.inner;
    enum weir_code code = websocket_text_check(&own, error);
    if (code != WEIR_OK) return code;
    *texts = websocket_texts_open(&own, websocket->path);
    return *texts ? WEIR_OK : websocket__fail(&own, error);
}

void websocket_replace(struct filter *filter, struct websocket_texts *texts,
                       const struct websocket_settings *settings)
{
    struct websocket *websocket = websocket__of(filter);

    lock_take(websocket->lock);
    struct websocket_texts *before = websocket->texts;
    websocket->texts = texts;
    lock_give_back(websocket->lock);
    websocket_texts_unref(before);
    websocket__set_times(websocket, settings);
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
    session->texts = websocket__texts(session->websocket);
    websocket_head_open(session->head, &session->texts->head);
    return session;
}

/* Frees the request head. */
static void websocket__free_head(struct websocket_session *session)
{
    if (!session->head) return;
    websocket_head_close(session->head);
    memory_free(session->head);
    session->head = NULL;
    websocket_texts_unref(session->texts);
}

/* Sends the next part of the page. The connection is closed behind it. */
static enum filter_result websocket__send_web_page(struct websocket_session *session,
                                                   struct filter_io *io)
{
    const struct websocket_head_settings *settings = &session->texts->head;
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
    uint32_t interval_ms = atomic_load_explicit(&websocket->ping_interval_ms, memory_order_relaxed);
    uint32_t timeout_ms = atomic_load_explicit(&websocket->pong_timeout_ms, memory_order_relaxed);
    uint8_t frame[WEBSOCKET_SERVER_HEADER_BYTES_MAX];
    uint64_t now_ms = response->now_ms;

    if (interval_ms == 0) return true;
    if (session->codec->has_received || session->heard_ms == 0 || !response->is_reading) {
        session->codec->has_received = false;
        session->heard_ms = now_ms;
        session->ping_ms = 0;
        session->ping_waits = false;
    }
    if (session->ping_ms == 0 && now_ms >= session->heard_ms + interval_ms) {
        filter_output_add(response->out, frame, websocket_frame_write(frame, WEBSOCKET_PING, 0));
        session->ping_waits = true;
    }
    if (session->ping_waits) {
        session->ping_ms = now_ms;
        session->ping_waits = response->is_sending;
    }
    response->wake_ms =
        session->ping_ms == 0 ? session->heard_ms + interval_ms : session->ping_ms + timeout_ms;
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
    return filter_fail(
        response->error, "no answer to a ping of WebSocket within %u ms",
        (unsigned)atomic_load_explicit(&session->websocket->pong_timeout_ms, memory_order_relaxed));
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
