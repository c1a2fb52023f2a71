/* SPDX-License-Identifier: MIT */
/* session_proxy.c - what the PROXY header of a session says, for its handler. */
#include <string.h>

#include <weir/weir.h>

#include "check.h"
#include "filters.h"
#include "proxy_filter.h"
#include "session.h"
#include "worker.h"

/* Fills in the whole struct. Returns false if the session did not begin with a header. */
static bool session_proxy__fill(const struct weir_session *session,
                                struct weir_proxy_header *header)
{
    void *state = filters_find(session, &proxy_filter_kind);
    const struct proxy_facts *facts = state ? proxy_filter_facts(state) : NULL;

    *header = (struct weir_proxy_header){.authority = "", .unique_id = ""};
    if (!facts) return false;
    header->version = facts->version;
    header->names_client = facts->kind == PROXY_HEADER_CLIENT;
    header->server.port = facts->server.port;
    memcpy(header->server.ip, facts->server.ip, sizeof header->server.ip);
    header->authority = proxy_facts_authority(facts);
    header->authority_length = facts->authority_length;
    header->unique_id = proxy_facts_unique_id(facts);
    header->unique_id_length = facts->unique_id_length;
    return true;
}

bool weir_session_proxy_header_sized(const struct weir_session *session,
                                     struct weir_proxy_header *header, size_t size)
{
    struct weir_proxy_header full;

    worker_check_thread(session->worker);
    weir_check_use(size >= sizeof full.version,
                   "weir_session_proxy_header fills in a weir_proxy_header");
    bool is_known = session_proxy__fill(session, &full);
    memset(header, 0, size);
    memcpy(header, &full, size < sizeof full ? size : sizeof full);
    return is_known;
}
