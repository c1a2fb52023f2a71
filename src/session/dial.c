/* SPDX-License-Identifier: MIT */
/* dial.c - looks up a host's name, and tries its addresses.
 *
 *      dial_start -> a name: resolver --answer, by the inbox--> addresses
 *                    an address, a path -----------------------> |
 *                                                                v
 *      dial_advance: attempts that are due (attempts.h) -> net_connect -> NET_CONNECTED: the first
 *                         ^                                   |           one goes to the owner
 *                         '----------- NET_BROKEN ------------'
 *
 * Every other handle is closed. The dial is freed after the last NET_CLOSED, and after the events
 * of that iteration: one of them can still name a connection that was handed over.
 */
#include "dial.h"

#include <stdio.h>
#include <string.h>

#include "account.h"
#include "attempts.h"
#include "connects.h"
#include "mailbox.h"
#include "memory.h"
#include "pause.h"
#include "resolver.h"
#include "worker.h"

_Static_assert(HOST_ADDRESSES_MAX <= ATTEMPTS_MAX, "every address that is found can be tried");

/* One connection attempt. */
struct dial_try {
    struct owner owner;
    struct dial *dial;
    struct owner *heir; /* owns the connection since its NET_CONNECTED; null: the dial does */
    struct net_handle handle;
    bool closing; /* net_close was called */
};

struct dial {
    struct worker *worker;
    const struct dial_ops *ops;
    void *user;
    struct dial_target target;
    struct list in_dials; /* worker.connects, dials or ended_dials */
    struct inbox_note answered;
    struct resolver_request request;
    struct host_addresses found;
    struct attempts attempts;
    struct dial_failure failure; /* the last one */
    uint64_t until_ms;
    uint32_t open_count;                 /* handles whose NET_CLOSED is awaited */
    bool has_addresses;                  /* `attempts` is valid */
    bool is_over;                        /* connected, failed or abandoned */
    struct dial_try tries[ATTEMPTS_MAX]; /* one per address */
};

/* ---- the end ---- */

static void dial__retire(struct dial *dial)
{
    struct worker *worker = dial->worker;

    list_remove(&dial->in_dials);
    list_add_last(&worker->connects->ended_dials, &dial->in_dials);
    worker_request_connects(worker);
}

static void dial__close(struct dial_try *one)
{
    weir_check(!one->closing);
    one->closing = true;
    net_close(one->dial->worker->net, one->handle);
}

/* Ends the dial. What it opened is closed, except a connection that was handed over. */
static void dial__end(struct dial *dial)
{
    struct worker *worker = dial->worker;

    weir_check(!dial->is_over);
    dial->is_over = true;
    if (!dial->has_addresses) resolver_cancel(worker->common->resolver, &dial->request);
    inbox_withdraw(&worker->connects->inbox, &dial->answered);
    for (uint32_t i = 0; i < ATTEMPTS_MAX; i++) {
        struct dial_try *one = &dial->tries[i];
        if (one->dial && !one->closing && !one->heir) dial__close(one);
    }
    if (dial->open_count == 0) dial__retire(dial);
}

void dial_abandon(struct dial *dial)
{
    dial__end(dial);
}

static void dial__fail(struct dial *dial)
{
    dial__end(dial);
    weir_check(dial->failure.code != WEIR_OK);
    dial->ops->failed(dial->user, &dial->failure);
}

void dial_sweep(struct worker *worker)
{
    struct list *node;

    while ((node = list_take_first(&worker->connects->ended_dials)) != NULL) {
        account_release_table(&worker->account, sizeof(struct dial));
        memory_free(weir_container_of(node, struct dial, in_dials));
    }
}

/* ---- attempts ---- */

static void dial__note_failure(struct dial *dial, enum weir_code code, int os_error)
{
    dial->failure = (struct dial_failure){.code = code, .os_error = os_error};
    attempts_failed(&dial->attempts, dial->worker->now_ms);
}

/* The connection goes to the owner of the dial; every other attempt ends. */
static void dial__hand_over(struct dial_try *one)
{
    struct dial *dial = one->dial;
    struct net_address peer = dial->target.address;

    if (dial->target.path[0] == '\0') {
        const struct host_address *address = &dial->found.at[one - dial->tries];
        memcpy(peer.ip, address->ip, sizeof peer.ip);
        peer.scope = address->scope;
    }
    one->heir = dial->ops->connected(dial->user, one->handle, &peer);
    if (one->heir) {
        dial->open_count--;
        dial__end(dial);
        dial->ops->begin(dial->user);
        return;
    }
    dial->failure = (struct dial_failure){.code = WEIR_NO_MEMORY};
    dial__fail(dial);
}

static void dial__on_closed(struct dial *dial)
{
    weir_check(dial->open_count > 0);
    dial->open_count--;
    if (dial->is_over && dial->open_count == 0) dial__retire(dial);
}

static void dial__on_broken(struct dial_try *one, const struct net_event *event)
{
    struct dial *dial = one->dial;

    dial__close(one);
    dial__note_failure(dial, event->code, event->os_error);
    dial_advance(dial);
    if (!dial->is_over) dial->ops->rescheduled(dial->user);
}

static void dial__on_event(struct owner *owner, const struct net_event *event)
{
    struct dial_try *one = weir_container_of(owner, struct dial_try, owner);

    if (one->heir) { /* of the batch in which the connection was handed over */
        one->heir->ops->on_event(one->heir, event);
    } else if (event->kind == NET_CLOSED) {
        dial__on_closed(one->dial);
    } else if (!one->closing) { /* else an event of the same batch led to the close */
        switch (event->kind) {
        case NET_CONNECTED: dial__hand_over(one); break;
        case NET_BROKEN: dial__on_broken(one, event); break;
        case NET_PAUSED:
        default: /* attempts have no other events */
            pause_report_client(one->dial->worker, event, &one->dial->target.address);
        }
    }
}

static const struct owner_ops dial__owner_ops = {.on_event = dial__on_event};

static void dial__try(struct dial *dial, uint32_t index)
{
    struct dial_try *one = &dial->tries[index];
    struct net_connect_options options = {.address = dial->target.address};
    struct weir_error error;

    memcpy(options.address.ip, dial->found.at[index].ip, sizeof options.address.ip);
    options.address.scope = dial->found.at[index].scope;
    if (dial->target.path[0] != '\0') options.unix_path = dial->target.path;
    one->owner.ops = &dial__owner_ops;
    enum weir_code code =
        net_connect(dial->worker->net, &options, &one->owner, &one->handle, &error);
    if (code != WEIR_OK) {
        dial__note_failure(dial, code, error.os_error);
        return;
    }
    one->dial = dial;
    dial->open_count++;
}

static void dial__time_out(struct dial *dial)
{
    dial->failure =
        (struct dial_failure){.code = WEIR_TIMED_OUT, .is_lookup = !dial->has_addresses};
    snprintf(dial->failure.why, sizeof dial->failure.why, "%s",
             dial->has_addresses ? "no answer within connect_timeout_ms"
                                 : "its name was not found within connect_timeout_ms");
    dial__fail(dial);
}

void dial_advance(struct dial *dial)
{
    uint64_t now_ms = dial->worker->now_ms;
    uint32_t index;

    weir_check(!dial->is_over);
    if (dial->has_addresses) {
        while ((index = attempts_start(&dial->attempts, now_ms)) != ATTEMPTS_NONE)
            dial__try(dial, index);
        if (attempts_are_over(&dial->attempts)) {
            dial__fail(dial);
            return;
        }
    }
    if (now_ms >= dial->until_ms) dial__time_out(dial);
}

uint64_t dial_due_ms(const struct dial *dial)
{
    weir_check(!dial->is_over);
    if (!dial->has_addresses || dial->until_ms < dial->attempts.due_ms) return dial->until_ms;
    return dial->attempts.due_ms;
}

/* ---- the begin ---- */

static void dial__set_addresses(struct dial *dial)
{
    bool is_ipv4[ATTEMPTS_MAX];
    uint32_t count = dial->found.count;

    weir_check(count <= ATTEMPTS_MAX);
    for (uint32_t i = 0; i < count; i++)
        is_ipv4[i] = memcmp(dial->found.at[i].ip, address_v4_prefix, sizeof address_v4_prefix) == 0;
    attempts_init(&dial->attempts, is_ipv4, count);
    dial->has_addresses = true;
}

/* Keeps why the name was not found, in case that no address is left to try. */
static void dial__note_lookup(struct dial *dial, enum weir_code code, int os_error, const char *why)
{
    dial->failure = (struct dial_failure){.code = code, .os_error = os_error, .is_lookup = true};
    snprintf(dial->failure.why, sizeof dial->failure.why, "%s", why);
}

/* The worker reads the answer of the resolver. */
static void dial__read_answer(struct inbox_note *note)
{
    struct dial *dial = weir_container_of(note, struct dial, answered);
    const struct host_addresses *found = &dial->found;

    dial__note_lookup(dial, found->code, found->os_error, found->why);
    dial__set_addresses(dial);
    dial_advance(dial);
    if (!dial->is_over) dial->ops->rescheduled(dial->user);
}

/* On a thread of the resolver. */
static void dial__on_answer(struct resolver_request *request, const struct host_addresses *found)
{
    struct dial *dial = weir_container_of(request, struct dial, request);
    struct worker *worker = dial->worker;

    dial->found = *found;
    bool is_posted = inbox_post(&worker->connects->inbox, &dial->answered);
    weir_check(is_posted); /* the worker does not end before its dials */
    worker_request_connects(worker);
    mailbox_wake(worker->mailbox);
}

static void dial__look_up(struct dial *dial)
{
    int os_error;

    snprintf(dial->request.name, sizeof dial->request.name, "%s", dial->target.name);
    dial->request.answer = dial__on_answer;
    enum weir_code code = resolver_ask(dial->worker->common->resolver, &dial->request, &os_error);
    if (code == WEIR_OK) return;
    dial__note_lookup(dial, code, os_error,
                      code == WEIR_NO_ROOM ? "too many names are being looked up" : "");
    dial__set_addresses(dial); /* there is none, and dial_advance() fails */
}

struct dial *dial_start(struct worker *worker, const struct dial_target *target, uint64_t until_ms,
                        const struct dial_ops *ops, void *user)
{
    if (!account_charge_table(&worker->account, sizeof(struct dial))) return NULL;
    struct dial *dial = memory_alloc(sizeof *dial);
    if (!dial) {
        account_release_table(&worker->account, sizeof(struct dial));
        return NULL;
    }
    dial->worker = worker;
    dial->ops = ops;
    dial->user = user;
    dial->target = *target;
    dial->until_ms = until_ms;
    list_init(&dial->in_dials);
    list_add_last(&worker->connects->dials, &dial->in_dials);
    inbox_note_init(&dial->answered, dial__read_answer);
    resolver_request_init(&dial->request);
    if (target->name[0] != '\0') {
        dial__look_up(dial);
        return dial;
    }
    memcpy(dial->found.at[0].ip, target->address.ip, sizeof target->address.ip);
    dial->found.at[0].scope = target->address.scope;
    dial->found.count = 1;
    dial__set_addresses(dial);
    return dial;
}
