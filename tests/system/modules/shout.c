/* SPDX-License-Identifier: MIT */
/* shout.c - a working module: it answers in capital letters and calls functions of the program that
 * loads it. */
#include <string.h>

#include <weir/weir.h>

static void shout__on_message(struct weir_session *session, const struct weir_message *message)
{
    char answer[1024];
    size_t length = message->length < sizeof answer ? message->length : sizeof answer;

    memcpy(answer, message->bytes, length);
    for (size_t i = 0; i < length; i++)
        if (answer[i] >= 'a' && answer[i] <= 'z') answer[i] = (char)(answer[i] - 'a' + 'A');
    if (weir_session_send(session, answer, length) == WEIR_CANCELLED) return;
}

static const struct weir_handler shout = {
    .size = sizeof(struct weir_handler),
    .name = "shout",
    .summary = "answers in capital letters",
    .on_message = shout__on_message,
};

WEIR_MODULE(&shout, NULL);
