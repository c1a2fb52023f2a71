/* SPDX-License-Identifier: MIT */
/* session_parts.c - sends a message that consists of parts. A codec frames contiguous bytes, so the
 * parts are joined first. The session's worker owns the joined copy, only during the call. */
#include <string.h>

#include "check.h"
#include "memory.h"
#include "session.h"
#include "worker.h"

#define SESSION_PARTS__SMALL_BYTES 1024u /* joined on the stack */

/* Returns the length of all parts; SIZE_MAX if that is larger. */
static size_t session_parts__length(const struct weir_part *parts, size_t count)
{
    size_t total = 0;

    weir_check_use(parts || count == 0, "weir_session_sendv: the parts are null");
    for (size_t i = 0; i < count; i++) {
        weir_check_use(parts[i].bytes || parts[i].length == 0,
                       "weir_session_sendv: a part with a length has no bytes");
        total = parts[i].length < SIZE_MAX - total ? total + parts[i].length : SIZE_MAX;
    }
    return total;
}

static void session_parts__join(const struct weir_part *parts, size_t count, uint8_t *joined)
{
    for (size_t i = 0; i < count; i++) {
        if (parts[i].length == 0) continue;
        memcpy(joined, parts[i].bytes, parts[i].length);
        joined += parts[i].length;
    }
}

enum weir_code session_send_parts(struct weir_session *session, const struct weir_part *parts,
                                  size_t count)
{
    size_t total = session_parts__length(parts, count);
    uint64_t most_bytes =
        session->is_datagram ? NET_DATAGRAM_BYTES_MAX : session->worker->high_bytes;
    uint8_t small[SESSION_PARTS__SMALL_BYTES];

    small[0] = 0;                                                       /* a message can be empty */
    if (total > most_bytes) return session_send(session, parts, total); /* it refuses the length */
    uint8_t *joined = total <= sizeof small ? small : memory_alloc(total);
    if (!joined) return WEIR_NO_MEMORY;
    session_parts__join(parts, count, joined);
    enum weir_code code = session_send(session, joined, total);
    if (joined != small) memory_free(joined);
    return code;
}
