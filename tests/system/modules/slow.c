/* SPDX-License-Identifier: MIT */
/* slow.c - a module: an echo that occupies its worker for 30 ms for each message. */
#include <weir/weir.h>

#define SLOW_MS 30u

static void slow__on_message(struct weir_session *session, const struct weir_message *message)
{
    uint64_t end_ms = weir_now() + SLOW_MS;

    while (weir_now() < end_ms) continue;
    weir_session_send(session, message->bytes, message->length);
}

static const struct weir_handler slow = {
    .size = sizeof(struct weir_handler),
    .name = "slow",
    .summary = "takes 30 ms for each message",
    .on_message = slow__on_message,
};

WEIR_MODULE(&slow, NULL);
