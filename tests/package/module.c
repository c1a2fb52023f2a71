/* SPDX-License-Identifier: MIT */
/* module.c - a module built with an installed weir: it answers "yes" to every message. */
#include <weir/weir.h>

static void quiet__on_message(struct weir_session *session, const struct weir_message *message)
{
    (void)message;
    if (weir_session_send(session, "yes", 3) != WEIR_OK) return;
}

static const struct weir_handler quiet = {
    .size = sizeof(struct weir_handler),
    .name = "quiet",
    .on_message = quiet__on_message,
};

WEIR_MODULE(&quiet, NULL);
