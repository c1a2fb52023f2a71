/* SPDX-License-Identifier: MIT */
/* serving.c - a module for test_serving.py: each line makes the handler use one call of weir.h.
 *
 *      stream N | static N   N bytes without framing, by on_room; then FIN
 *      parts A B             the two words as one message, joined by '+'
 *      idle MS | max N       the session's idle timeout and longest message
 *      codec SPEC            changes the codec, after the answer "ok"
 *      hold                  the session stays open after FIN; on_peer_done answers "later", then
 *                            releases it after a moment
 *      queued                the bytes in the send queue
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

#define SERVING__CHUNK_BYTES 60000u
#define SERVING__SPECS_MAX 4

struct serving {
    uint64_t left;
    bool is_static, streams, holds;
};

static char chunk[SERVING__CHUNK_BYTES + 26];

/* Codecs live as long as the process; leaked by none, because they are few and kept. */
static struct weir_frame *frames[SERVING__SPECS_MAX];

static void serving__answer(struct weir_session *session, const char *text)
{
    if (weir_session_send(session, text, strlen(text)) != WEIR_OK) weir_session_abort(session);
}

static void serving__on_release(void *user, const void *bytes)
{
    (void)bytes;
    free(user);
}

/* The stream is a..z again and again: a chunk begins where the stream is. */
static enum weir_code serving__send(struct weir_session *session, struct serving *serving,
                                    uint64_t at, size_t length)
{
    const char *bytes = chunk + at % 26;

    if (!serving->is_static) return weir_session_send(session, bytes, length);
    char *copy = malloc(length);
    if (!copy) return WEIR_NO_MEMORY;
    memcpy(copy, bytes, length);
    enum weir_code code =
        weir_session_send_static(session, copy, length, serving__on_release, copy);
    if (code != WEIR_OK) free(copy);
    return code;
}

static void serving__continue(struct weir_session *session)
{
    struct serving *serving = weir_session_state(session);
    static const uint64_t cycle = UINT64_C(26) << 32; /* the stream ends at a 'z' */

    while (serving->streams && serving->left > 0) {
        size_t length =
            serving->left < SERVING__CHUNK_BYTES ? (size_t)serving->left : SERVING__CHUNK_BYTES;
        enum weir_code code = serving__send(session, serving, cycle - serving->left, length);
        if (code == WEIR_QUEUE_FULL) return;
        if (code != WEIR_OK) {
            weir_session_abort(session);
            return;
        }
        serving->left -= length;
    }
    if (serving->streams) weir_session_finish(session);
}

/* Changes to the codec of this specification. */
static enum weir_code serving__set_codec(struct weir_session *session, const char *spec)
{
    static const char *const specs[SERVING__SPECS_MAX] = {"raw", "line", "u16be", "netstring"};

    for (int i = 0; i < SERVING__SPECS_MAX; i++)
        if (strcmp(spec, specs[i]) == 0)
            return weir_session_set_codec(session, weir_frame_codec(frames[i]));
    return WEIR_INVALID;
}

static void serving__stream(struct weir_session *session, const char *number, bool is_static)
{
    struct serving *serving = weir_session_state(session);

    serving->left = strtoull(number, NULL, 10);
    serving->is_static = is_static;
    serving->streams = true;
    weir_session_hold(session);
    if (serving__set_codec(session, "raw") != WEIR_OK)
        weir_session_abort(session);
    else
        serving__continue(session);
}

static void serving__parts(struct weir_session *session, const char *words)
{
    const char *space = strchr(words, ' ');

    if (!space) return;
    const struct weir_part parts[] = {
        {words, (size_t)(space - words)}, {"+", 1}, {space + 1, strlen(space + 1)}};
    if (weir_session_sendv(session, parts, 3) != WEIR_OK) weir_session_abort(session);
}

static void serving__set(struct weir_session *session, enum weir_code code)
{
    serving__answer(session, code == WEIR_OK ? "ok" : "refused");
}

static void serving__on_message(struct weir_session *session, const struct weir_message *message)
{
    struct serving *serving = weir_session_state(session);
    char line[256], word[8] = "", text[32];
    int at = 0;

    if (message->length >= sizeof line) return;
    memcpy(line, message->bytes, message->length);
    line[message->length] = '\0';
    sscanf(line, "%7s %n", word, &at);
    const char *rest = line + at;
    if (strcmp(word, "stream") == 0 || strcmp(word, "static") == 0) {
        serving__stream(session, rest, word[2] == 'a');
    } else if (strcmp(word, "parts") == 0) {
        serving__parts(session, rest);
    } else if (strcmp(word, "idle") == 0) {
        serving__set(session,
                     weir_session_set_idle_timeout(session, (uint32_t)strtoul(rest, NULL, 10)));
    } else if (strcmp(word, "max") == 0) {
        serving__set(session, weir_session_set_message_max(session, strtoul(rest, NULL, 10)));
    } else if (strcmp(word, "codec") == 0) {
        serving__answer(session, "ok");
        if (serving__set_codec(session, rest) != WEIR_OK) weir_session_abort(session);
    } else if (strcmp(word, "hold") == 0) {
        serving->holds = true;
    } else {
        snprintf(text, sizeof text, "queued %zu", weir_session_queued_bytes(session));
        serving__answer(session, text);
    }
}

static void serving__on_peer_done(struct weir_session *session)
{
    const struct serving *serving = weir_session_state(session);

    if (!serving->streams) serving__answer(session, "bye");
    if (!serving->holds) return;
    weir_session_hold(session);
    weir_session_start_timer(session, 20);
}

static void serving__on_timer(struct weir_session *session)
{
    serving__answer(session, "later");
    weir_session_release(session);
}

static void serving__on_open(struct weir_session *session)
{
    static const char *const specs[SERVING__SPECS_MAX] = {"raw", "line", "u16be", "netstring"};

    (void)session;
    if (frames[0]) return; /* one worker */
    for (int i = 0; i < SERVING__SPECS_MAX; i++)
        if (weir_frame_open(specs[i], &frames[i], NULL) != WEIR_OK) weir_session_abort(session);
    for (size_t i = 0; i < sizeof chunk; i++) chunk[i] = (char)('a' + i % 26);
}

static const struct weir_handler serving = {
    .size = sizeof(struct weir_handler),
    .name = "serving",
    .summary = "one call of weir.h per line",
    .session_bytes = sizeof(struct serving),
    .on_open = serving__on_open,
    .on_message = serving__on_message,
    .on_timer = serving__on_timer,
    .on_room = serving__continue,
    .on_peer_done = serving__on_peer_done,
};

WEIR_MODULE(&serving, NULL);
