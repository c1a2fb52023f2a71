/* SPDX-License-Identifier: MIT */
/* simulated.c - a handler for test_weir_test.py, on Linux. A message "crash", "loop", "exit",
 * "assert" or "clock" makes it do that. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/weir.h>

static bool simulated__is(const struct weir_message *message, const char *text)
{
    return message->length == strlen(text) && memcmp(message->bytes, text, message->length) == 0;
}

static void simulated__on_message(struct weir_session *session, const struct weir_message *message)
{
    static void (*volatile nothing)(void);
    struct timespec now;

    WEIR_SOMETIMES(simulated__is(message, "mark"));
    if (simulated__is(message, "crash")) nothing();
    if (simulated__is(message, "exit")) exit(0);
    while (simulated__is(message, "loop")) continue;
    WEIR_ASSERT(!simulated__is(message, "assert"));
    if (simulated__is(message, "clock")) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        weir_session_send(session, &now, sizeof now);
    } else {
        weir_session_send_back(session, message);
    }
}

static const struct weir_handler simulated = {
    .size = sizeof(struct weir_handler),
    .name = "simulated",
    .on_message = simulated__on_message,
};

WEIR_MODULE(&simulated, NULL);
