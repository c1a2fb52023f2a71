/* SPDX-License-Identifier: MIT */
/* handler_time.c - sends the time in the style of RFC 867: to a connection when it opens, which is
 * then closed, and as the answer to each datagram. The text is ISO 8601 in UTC. */
#include <stdio.h>
#include <string.h>

#include "builtin.h"
#include "daytime.h"

static void handler_time__send(struct weir_session *session)
{
    char text[DAYTIME_TEXT_BYTES + 2];
    int64_t now = weir_unix_time_ms() / 1000;
    size_t length = strlen(daytime_text(now, text));

    /* CR LF ends the line of a raw stream. A codec with this delimiter rejects it in the
     * message. */
    memcpy(text + length, "\r\n", 2);
    if (weir_session_send(session, text, length + 2) == WEIR_INVALID)
        weir_session_send(session, text, length);
}

static void handler_time__on_open(struct weir_session *session)
{
    if (weir_session_proto(session) != WEIR_TCP) return;
    handler_time__send(session);
    weir_session_finish(session);
}

static void handler_time__on_message(struct weir_session *session,
                                     const struct weir_message *message)
{
    (void)message;
    if (weir_session_proto(session) == WEIR_UDP) handler_time__send(session);
}

const struct weir_handler handler_time = {
    .size = sizeof(struct weir_handler),
    .name = "time",
    .summary = "sends the time (UTC), and closes",
    .on_open = handler_time__on_open,
    .on_message = handler_time__on_message,
};
