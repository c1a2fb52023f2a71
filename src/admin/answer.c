/* SPDX-License-Identifier: MIT */
/* answer.c - see answer.h. */
#include "answer.h"

#include <stdio.h>

#define ANSWER__HEAD_BYTES 2048u

static const char *answer__phrase(uint32_t status)
{
    static const struct {
        uint32_t status;
        const char *phrase;
    } phrases[] = {
        {200, "OK"},
        {202, "Accepted"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++)
        if (phrases[i].status == status) return phrases[i].phrase;
    return "Unknown";
}

void answer_send(struct weir_session *session, const struct answer *answer)
{
    char head[ANSWER__HEAD_BYTES];
    int length = snprintf(
        head, sizeof head,
        "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n"
        "Cross-Origin-Resource-Policy: same-origin\r\nReferrer-Policy: no-referrer\r\n%s%s\r\n",
        (unsigned)answer->status, answer__phrase(answer->status), answer->type, answer->length,
        answer->more ? answer->more : "", answer->closes ? "Connection: close\r\n" : "");
    struct weir_part parts[2] = {{head, (size_t)length}, {answer->bytes, answer->length}};
    size_t count = answer->is_bodiless || answer->length == 0 ? 1 : 2;

    if (length < 0 || (size_t)length >= sizeof head ||
        weir_session_sendv(session, parts, count) != WEIR_OK) {
        weir_session_abort(session);
        return;
    }
    if (answer->closes) weir_session_finish(session);
}
