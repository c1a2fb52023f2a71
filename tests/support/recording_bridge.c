/* SPDX-License-Identifier: MIT */
/* recording_bridge.c - a bridge that writes down each call, and a handler that causes them. */
#include "recording_bridge.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "codec_dot.h"
#include "fixture.h"
#include "require.h"
#include "thread.h"

struct recording recording;
struct recording_last recording_last;

/* ---- the bridge ---- */

static void recording__note(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(recording.calls + recording.length,
                           sizeof recording.calls - recording.length, format, arguments);
    va_end(arguments);
    require(length >= 0 && (size_t)length < sizeof recording.calls - recording.length);
    recording.length += (size_t)length;
}

void recording_forget(void)
{
    recording.calls[0] = '\0';
    recording.length = 0;
}

void recording_expect(const char *calls)
{
    if (strcmp(recording.calls, calls) != 0)
        require_failed(__FILE__, __LINE__, "\"%s\" was called, not \"%s\"", recording.calls, calls);
    recording_forget();
}

static void recording__on_broadcast(void *user, const char *group, const void *bytes, size_t length,
                                    uint64_t except_id)
{
    require(user == &recording);
    recording__note("broadcast %s %.*s\n", group, (int)length, (const char *)bytes);
    recording.id = except_id;
}

static enum weir_code recording__on_send(void *user, uint64_t id, const void *bytes, size_t length)
{
    (void)user;
    recording__note("send %.*s\n", (int)length, (const char *)bytes);
    recording.id = id;
    return WEIR_OK;
}

static enum weir_code recording__on_close(void *user, uint64_t id, bool abort)
{
    (void)user;
    recording__note("%s\n", abort ? "abort" : "finish");
    recording.id = id;
    return WEIR_UNREACHABLE;
}

static enum weir_code recording__on_send_name(void *user, const char *name, const void *bytes,
                                              size_t length)
{
    (void)user;
    recording__note("send %s %.*s\n", name, (int)length, (const char *)bytes);
    return WEIR_MAILBOX_FULL;
}

static enum weir_code recording__on_group_begin(void *user, const char *group)
{
    (void)user;
    if (recording.lacks_memory) return WEIR_NO_MEMORY;
    recording__note("begin %s\n", group);
    return WEIR_OK;
}

static void recording__on_group_end(void *user, const char *group)
{
    (void)user;
    recording__note("end %s\n", group);
}

static enum weir_code recording__on_name_bound(void *user, const char *name, uint64_t id,
                                               enum weir_bind how)
{
    (void)user;
    if (recording.lacks_memory) return WEIR_NO_MEMORY;
    recording__note("%s %s\n", how == WEIR_BIND_REPLACE ? "replace" : "bind", name);
    recording.id = id;
    return WEIR_OK;
}

static void recording__on_name_unbound(void *user, const char *name, uint64_t id)
{
    (void)user;
    recording__note("unbind %s\n", name);
    recording.id = id;
}

static void recording__on_count(void *user, const char *group, uint32_t deadline_ms,
                                struct weir_bridge_count *count)
{
    (void)user;
    recording__note("count %s %u\n", group, deadline_ms);
    recording.count = count;
    if (recording.answers) weir_bridge_counted(count, 10, 20, 3, false);
}

const struct weir_bridge recording_bridge = {
    .size = sizeof recording_bridge,
    .user = &recording,
    .on_broadcast = recording__on_broadcast,
    .on_send = recording__on_send,
    .on_close = recording__on_close,
    .on_send_name = recording__on_send_name,
    .on_group_begin = recording__on_group_begin,
    .on_group_end = recording__on_group_end,
    .on_name_bound = recording__on_name_bound,
    .on_name_unbound = recording__on_name_unbound,
    .on_count = recording__on_count,
};

/* ---- the handler ---- */

static void recording__obey(struct weir_session *session, const struct weir_message *message)
{
    char word[80];

    snprintf(word, sizeof word, "%.*s", (int)message->length, (const char *)message->bytes);
    recording_last.id = weir_session_id(session);
    recording_last.code = WEIR_OK;
    switch (word[0]) {
    case '+': recording_last.code = weir_session_join(session, word + 1); break;
    case '-': weir_session_leave(session, word + 1); break;
    case '*':
        recording_last.code =
            weir_session_broadcast(session, "room", word + 1, strlen(word + 1), recording_last.id);
        break;
    case '=': recording_last.code = weir_session_bind(session, word + 1, WEIR_BIND_REPLACE); break;
    case '~': weir_session_unbind(session); break;
    case '?': weir_session_end_output(session); break;
    default: recording_last.code = weir_session_bind(session, word, WEIR_BIND_IF_FREE);
    }
}

static void recording__say_goodbye(struct weir_session *session, enum weir_reason reason,
                                   const char *text)
{
    (void)text;
    recording_last.reason = reason;
    require(weir_session_broadcast(session, "room", "bye", 3, 0) == WEIR_OK);
}

const struct weir_handler recording_handler = {.size = sizeof(struct weir_handler),
                                               .name = "obey",
                                               .session_bytes = 8,
                                               .on_message = recording__obey,
                                               .on_close = recording__say_goodbye};

void recording_open(const struct weir_handler *handler)
{
    struct weir_config config = fixture_config();

    memset(&recording, 0, sizeof recording);
    fixture_open(&config, &codec_dot, handler, 5);
    fixture.common.bridge = &recording_bridge;
    fixture.loop.worker.thread = thread_self();
}

void recording_leave_worker(void)
{
    fixture.loop.worker.thread = 0;
}

enum weir_code recording_say(struct sim_peer *peer, const char *word)
{
    recording_last.code = WEIR_CODES_COUNT;
    fixture_tell(peer, word);
    fixture_run_ms(20);
    return recording_last.code;
}
