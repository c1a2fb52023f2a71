/* SPDX-License-Identifier: MIT */
/* other_worker.c - see other_worker.h. */
#include "other_worker.h"

#include "account.h"
#include "fixture.h"
#include "names.h"
#include "payload.h"
#include "require.h"
#include "session_rare.h"

struct other_worker other_worker;

void other_worker_open(void)
{
    struct other_worker *other = &other_worker;

    *other = (struct other_worker){.workers = {&fixture.loop.worker, &other->worker}};
    fixture.common.workers = other->workers;
    fixture.common.workers_count = 2;
    other->worker =
        (struct worker){.index = 1, .common = &fixture.common, .mailbox = &other->mailbox};
    account_init(&other->worker.account, 1 << 20);
    require(mailbox_init(&other->mailbox, 2, 1000));
    mailbox_open(&other->mailbox, fixture.loop.worker.net);
    other->session = (struct weir_session){
        .worker = &other->worker, .state = SESSION_OPEN, .id = UINT64_C(1) << 48 | 1u << 24};
    require(names_bind(&other->session, "ada", WEIR_BIND_IF_FREE) == WEIR_OK);
}

void other_worker_close(struct sim_peer *peer)
{
    struct other_worker *other = &other_worker;
    struct mailbox_command command;

    names_unbind(&other->session);
    session_rare_free(&other->session);
    require(other->worker.account.membership_bytes == 0);
    while (mailbox_take(&other->mailbox, &command))
        if (command.payload) payload_unref(command.payload);
    require(mailbox_shut(&other->mailbox));
    sim_peer_close(peer);
    fixture_run_ms(50);
    mailbox_free(&other->mailbox);
    fixture.common.workers_count = 1;
    fixture.common.workers = fixture.workers;
    fixture_close();
}
