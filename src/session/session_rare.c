/* SPDX-License-Identifier: MIT */
/* session_rare.c - allocates and frees what few sessions need.
 *
 *      none --- first timer, rate, broadcast, name or malformed input ---> allocated
 *                                                session has ended ------> freed
 *
 * It is charged to the account of the worker. The account does not refuse it: the session has been
 * admitted, and when memory runs short, the session that holds the most is closed, not the one that
 * asks. A caller for which the system has no memory refuses what it was asked for, or closes the
 * session: nothing is forgotten silently.
 */
#include "session_rare.h"

#include "account.h"
#include "check.h"
#include "memory.h"
#include "worker.h"

struct session_rare *session_rare(struct weir_session *session)
{
    struct session_rare *rare = session->rare;

    if (rare) return rare;
    weir_check(!session_is_transient(session));
    rare = memory_alloc(sizeof *rare);
    if (!rare) return NULL;
    account_move(&session->worker->account, sizeof *rare, 0);
    rare->session = session;
    wheel_timer_init(&rare->user_timer);
    list_init(&rare->in_speakers);
    session->rare = rare;
    return rare;
}

void session_rare_free(struct weir_session *session)
{
    struct session_rare *rare = session->rare;

    if (!rare) return;
    weir_check(!wheel_timer_runs(&rare->user_timer));
    weir_check(!list_has(&rare->in_speakers));
    weir_check(!rare->waiting);
    weir_check(!rare->name);
    memory_free(rare->decode_error);
    memory_free(rare);
    session->rare = NULL;
    account_move(&session->worker->account, 0, sizeof *rare);
}
