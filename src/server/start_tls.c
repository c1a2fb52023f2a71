/* SPDX-License-Identifier: MIT */
/* start_tls.c - weir_session_start_tls(): finds the filter, and starts it in the session. */
#include <weir/weir.h>

#include "check.h"
#include "filter.h"
#include "lifecycle.h"
#include "server_tls.h"
#include "worker.h"

/* Returns a reference to the filter; null: there is none. */
static struct filter *start_tls__find(const struct weir_session *session, const char *name)
{
    struct filter *later = session->service->later;

    if (name) return server_tls_find(weir_session_server(session), name);
    return later ? filter_ref(later) : NULL;
}

enum weir_code weir_session_start_tls(struct weir_session *session, const char *name)
{
    worker_check_thread(session->worker);
    weir_check_use(session->state != SESSION_FREE,
                   "a session is not used after its on_close has returned");
    if (session->is_datagram) return WEIR_INVALID;
    struct filter *filter = start_tls__find(session, name);
    if (!filter) return WEIR_GONE;
    enum weir_code code = lifecycle_start_filter(session, filter);
    filter_unref(filter);
    return code;
}
