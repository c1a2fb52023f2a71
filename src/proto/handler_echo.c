/* SPDX-License-Identifier: MIT */
/* handler_echo.c - sends every message back to the peer that sent it (RFC 862). */
#include "builtin.h"

static void handler_echo__on_message(struct weir_session *session,
                                     const struct weir_message *message)
{
    weir_session_send_back(session, message);
}

const struct weir_handler handler_echo = {
    .size = sizeof(struct weir_handler),
    .name = "echo",
    .summary = "sends every message back",
    .on_message = handler_echo__on_message,
};
