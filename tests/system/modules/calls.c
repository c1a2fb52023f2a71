/* SPDX-License-Identifier: MIT */
/* calls.c - a module: each message is a call of the library about groups and names, and the answer
 * is its result.
 *
 *      join GROUP, leave GROUP            the code
 *      say GROUP TEXT                     weir_broadcast() to the others
 *      count GROUP                        "GROUP members=N offered=N dropped=N", later
 *      bind NAME, take NAME, unbind       weir_session_bind() if the name is free, or in any case
 *      to NAME TEXT                       weir_send_name()
 *      local, vouch, fill N               the local address; N bytes */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

#define CALLS__BYTES_MAX 1400

static void calls__answer(struct weir_session *session, const char *text)
{
    weir_session_send(session, text, strlen(text));
}

static void calls__on_count(const struct weir_group_members *count, void *argument)
{
    uint64_t id = (uint64_t)(uintptr_t)argument;
    char text[200];

    snprintf(text, sizeof text, "%s members=%d offered=%d dropped=%d%s", count->group,
             (int)count->members, (int)count->offered, (int)count->dropped,
             count->incomplete ? " incomplete" : "");
    weir_send(count->server, id, text, strlen(text));
}

static void calls__local(struct weir_session *session)
{
    struct weir_address address;
    char text[WEIR_ADDRESS_TEXT_BYTES];

    weir_session_local_address(session, &address);
    calls__answer(session, weir_address_text(&address, text, sizeof text));
}

static void calls__fill(struct weir_session *session, const char *count)
{
    static const char bytes[CALLS__BYTES_MAX];
    int length = 0;

    sscanf(count, "%d", &length);
    if (length > CALLS__BYTES_MAX) length = CALLS__BYTES_MAX;
    weir_session_send(session, bytes, (size_t)length);
}

/* Calls that take a name. Returns whether `call` is one of them. */
static bool calls__about(struct weir_session *session, const char *call, const char *name,
                         const char *text, enum weir_code *code)
{
    struct weir_server *server = weir_session_server(session);
    uint64_t id = weir_session_id(session);

    *code = WEIR_OK;
    if (strcmp(call, "join") == 0)
        *code = weir_session_join(session, name);
    else if (strcmp(call, "leave") == 0)
        weir_session_leave(session, name);
    else if (strcmp(call, "say") == 0)
        *code = weir_broadcast(server, name, text, strlen(text), id);
    else if (strcmp(call, "count") == 0)
        *code = weir_group_count(server, name, 20000, calls__on_count, (void *)(uintptr_t)id);
    else if (strcmp(call, "bind") == 0)
        *code = weir_session_bind(session, name, WEIR_BIND_IF_FREE);
    else if (strcmp(call, "take") == 0)
        *code = weir_session_bind(session, name, WEIR_BIND_REPLACE);
    else if (strcmp(call, "to") == 0)
        *code = weir_send_name(server, name, text, strlen(text));
    else
        return false;
    return true;
}

static void calls__on_message(struct weir_session *session, const struct weir_message *message)
{
    char line[200] = "", call[16] = "", name[100] = "";
    enum weir_code code;
    int at = 0;

    snprintf(line, sizeof line, "%.*s", (int)message->length, (const char *)message->bytes);
    sscanf(line, "%15s %99s %n", call, name, &at);
    if (calls__about(session, call, name, line + at, &code)) {
        calls__answer(session, code == WEIR_OK ? "ok" : weir_code_text(code));
    } else if (strcmp(call, "unbind") == 0) {
        weir_session_unbind(session);
        calls__answer(session, "ok");
    } else if (strcmp(call, "local") == 0) {
        calls__local(session);
    } else if (strcmp(call, "vouch") == 0) {
        weir_session_vouch(session);
    } else if (strcmp(call, "fill") == 0) {
        calls__fill(session, name);
    }
}

static const struct weir_handler calls = {
    .size = sizeof(struct weir_handler),
    .name = "calls",
    .summary = "calls about groups and names",
    .session_bytes = 1, /* datagram peers have sessions */
    .on_message = calls__on_message,
};

WEIR_MODULE(&calls, NULL);
