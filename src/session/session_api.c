/* SPDX-License-Identifier: MIT */
/* session_api.c - what a handler may ask of a session (weir.h): a TCP connection and the sender of
 * a datagram answer alike. */
#include <weir/weir.h>

#include "place.h"
#include "session.h"

/* Whether it stands for the sender of the datagram in hand (place.h) and not for a connection. */
static bool session_api__is_visitor(const struct weir_session *session)
{
    return session->owner.kind == OWNER_PLACE;
}

enum weir_code weir_session_send(struct weir_session *session, const void *bytes, size_t length)
{
    return session_api__is_visitor(session) ? place_send(session, bytes, length)
                                            : session_send(session, bytes, length);
}

enum weir_code weir_session_send_back(struct weir_session *session,
                                      const struct weir_message *message)
{
    return session_api__is_visitor(session) ? place_send_back(session, message)
                                            : session_send_back(session, message);
}

const struct weir_address *weir_session_peer(const struct weir_session *session)
{
    return &session->peer;
}

uint64_t weir_session_id(const struct weir_session *session)
{
    return session->id;
}
