/* SPDX-License-Identifier: MIT */
/* room.c - a module: one room for all sessions. Its broadcasts do not wait for members that do not
 * read, so that broadcast_policy decides. */
#include <weir/weir.h>

static void room__on_open(struct weir_session *session)
{
    if (weir_session_join(session, "room") != WEIR_OK) weir_session_abort(session);
    weir_session_send(session, "welcome", 7);
}

static void room__on_message(struct weir_session *session, const struct weir_message *message)
{
    if (weir_broadcast(weir_session_server(session), "room", message->bytes, message->length,
                       weir_session_id(session)) != WEIR_OK)
        weir_session_abort(session);
}

static const struct weir_handler room = {
    .size = sizeof(struct weir_handler),
    .name = "room",
    .summary = "one room for all",
    .on_open = room__on_open,
    .on_message = room__on_message,
};

WEIR_MODULE(&room, NULL);
