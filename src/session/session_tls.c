/* SPDX-License-Identifier: MIT */
/* session_tls.c - weir_session_tls(): the facts about a session's TLS connection. */
#include <string.h>

#include <weir/weir.h>

#include "filters.h"
#include "tls_filter.h"
#include "worker.h"

bool weir_session_tls_sized(const struct weir_session *session, struct weir_tls_info *info,
                            size_t size)
{
    struct weir_tls_info whole = {.version = ""};

    worker_check_thread(session->worker);
    void *state = filters_find(session, &tls_filter_kind);
    bool is_open = false;
    if (state) is_open = tls_filter_info(state, &whole);
    memset(info, 0, size);
    memcpy(info, &whole, size < sizeof whole ? size : sizeof whole);
    return is_open;
}
