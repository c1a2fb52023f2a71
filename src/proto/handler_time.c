/* SPDX-License-Identifier: MIT */
/* handler_time.c - tells the time and ends, as RFC 867 has it: to a connection when it opens, to a
 * datagram when it comes. The text is that of ISO 8601, in UTC. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "builtin.h"
#include "daytime.h"

static void handler_time__send(struct weir_session *session)
{
    char text[DAYTIME_TEXT_BYTES + 2];
    int64_t now =
        (int64_t)time(NULL); /* tidy: allow clock - the wall's time is what is asked for */
    size_t length = strlen(daytime_text(now, text));

    /* A line end for who reads bytes; where the codec ends the line, it may not be in it. */
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
    .summary = "tells the time (UTC), and ends",
    .on_open = handler_time__on_open,
    .on_message = handler_time__on_message,
};
