/* SPDX-License-Identifier: MIT */
/* answer.h - the answer to a request: writes the HTTP head, and queues both for the client. */
#ifndef ADMIN_ANSWER_H
#define ADMIN_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/weir.h>

struct answer {
    uint32_t status;
    const char *type; /* Content-Type */
    const char *more; /* further header lines, each with \r\n; null: none */
    const void *bytes;
    size_t length;
    bool is_bodiless; /* HEAD: the length is stated, the bytes are not sent */
    bool closes;      /* the connection ends after it */
};

/* Sends the answer. A client whose queue has no room for it is disconnected. Thread: handler. */
void answer_send(struct weir_session *session, const struct answer *answer);

#endif
