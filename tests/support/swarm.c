/* SPDX-License-Identifier: MIT */
/* swarm.c - the dice and the messages of a random scenario, and the handler that does what they
 * say and records its callbacks. */
#include "swarm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fixture.h"
#include "group_count.h"
#include "names.h"
#include "require.h"
#include "swarm_bridge.h"
#include "worker.h"

struct swarm_log swarm_log;

static uint64_t swarm__dice;

/* ---- dice and messages ---- */

/* Splitmix64: any two seeds are strangers. */
static uint64_t swarm__mix(uint64_t number)
{
    number += UINT64_C(0x9e3779b97f4a7c15);
    number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
    return number ^ number >> 31;
}

void swarm_seed(uint64_t seed)
{
    swarm__dice = swarm__mix(seed);
}

uint32_t swarm_roll(uint32_t bound)
{
    swarm__dice = swarm__mix(swarm__dice);
    return (uint32_t)(swarm__dice >> 32) % bound;
}

bool swarm_one_in(uint32_t n)
{
    return swarm_roll(n) == 0;
}

uint32_t swarm_message(uint64_t seed, uint32_t number, const char *kinds, char *bytes)
{
    uint64_t dice = swarm__mix(seed + number);
    uint32_t length = 9 + (uint32_t)(dice >> 8) % (dice % 50 == 0 ? 1990 : 200);

    snprintf(bytes, 10, "%c%08x", kinds[(dice >> 40) % strlen(kinds)], number);
    for (uint32_t i = 9; i < length; i++) bytes[i] = (char)('a' + (dice >> i % 56) % 26);
    return length;
}

uint32_t swarm_number(const uint8_t *bytes, size_t length)
{
    char digits[9] = "";
    char *end;

    if (length < 9) return UINT32_MAX;
    memcpy(digits, bytes + 1, 8);
    unsigned long number = strtoul(digits, &end, 16);
    return *end == '\0' ? (uint32_t)number : UINT32_MAX;
}

uint8_t swarm_byte(uint64_t seed, uint64_t position)
{
    return (uint8_t)(seed + position * 2654435761u / 7);
}

/* ---- the handler ---- */

struct swarm__session {
    uint64_t id;
    struct swarm_fate *fate; /* null: a datagram's peer */
    bool opened, closed;
};

static struct swarm__session *swarm__of(struct weir_session *session)
{
    struct swarm__session *own = weir_session_state(session);

    require(own->opened);
    require(!own->closed); /* nothing comes after on_close */
    require(own->id == weir_session_id(session));
    return own;
}

static struct swarm_fate *swarm__fate_of(const struct weir_session *session)
{
    if (weir_session_proto(session) == WEIR_UDP) return NULL;
    for (uint32_t i = 0; i < swarm_log.fates_count; i++)
        if (swarm_log.fates[i].port == session->peer.port) return &swarm_log.fates[i];
    require_failed(__FILE__, __LINE__, "the session has another owner");
}

/* Where bytes are not messages, nothing may come between the answers. */
static bool swarm__may_speak(const struct swarm__session *own)
{
    return !(own->fate && swarm_log.is_raw);
}

static void swarm__unasked(struct weir_session *session)
{
    if (swarm__may_speak(swarm__of(session))) weir_session_send(session, "Unasked", 7);
}

/* Speaks to a group, which may make the session wait. */
static void swarm__speak(struct weir_session *session)
{
    static const char *const groups[] = {"a", "b", "c"};
    struct swarm__session *own = swarm__of(session);
    char text[SWARM_BRIDGE_TEXT_BYTES];

    if (swarm_log.is_raw) return; /* its members' bytes are not messages */
    uint32_t length = swarm_bridge_say(own->id, text);
    enum weir_code code = weir_session_broadcast(session, groups[swarm_roll(3)], text, length,
                                                 swarm_one_in(2) ? own->id : 0);
    swarm_bridge_said(text, code);
}

/* What another callback, or a thread, asks of any session that was open lately. */
static void swarm__ask_another(void)
{
    struct worker *worker = &fixture.loop.worker;
    uint64_t id = swarm_log.ids[swarm_roll(weir_count_of(swarm_log.ids))];

    switch (swarm_roll(12)) {
    case 0: remote_finish(worker, id); break;
    case 1: remote_abort(worker, id); break;
    case 2:
    case 3:
    case 4: remote_resume(worker, id); break;
    case 5:
    case 6:
    case 7: remote_release(worker, id); break;
    default:
        if (!swarm_log.is_raw) remote_send(worker, id, "Unasked", swarm_roll(7) + 1);
    }
}

/* What takes nothing from an honest peer: its timer ends each pause and hold. */
static void swarm__delay(struct weir_session *session)
{
    switch (swarm_roll(40)) {
    case 0:
        weir_session_pause(session);
        if (swarm_one_in(3)) weir_session_resume(session);
        weir_session_start_timer(session, swarm_roll(300));
        break;
    case 1:
    case 2:
        weir_session_hold(session);
        weir_session_start_timer(session, swarm_roll(300));
        break;
    case 3: weir_session_release(session); break;
    case 4: weir_session_resume(session); break;
    case 5:
    case 6:
    case 7:
    case 8: swarm__speak(session); break;
    case 9: swarm__ask_another(); break;
    case 10: /* as if it had made many deliveries */
        fixture.loop.worker.work.done += WORK_ITERATION_MAX;
        session->work_done += swarm_roll(2 * WORK_SESSION_MAX);
        break;
    default: break;
    }
}

/* Gives the session a name, which another one of them may lose. */
static void swarm__bind(struct weir_session *session)
{
    static const char *const names[] = {"ada", "bob", "eve"};
    const char *name = names[swarm_roll(3)];
    bool replaces = swarm_one_in(2);
    enum weir_code code =
        weir_session_bind(session, name, replaces ? WEIR_BIND_REPLACE : WEIR_BIND_IF_FREE);
    uint64_t holder = names_holder(&fixture.common, name);

    require(code != WEIR_OK || holder == weir_session_id(session));
    require(code != WEIR_NAME_TAKEN || (holder != 0 && !replaces));
    if (swarm_one_in(4)) weir_session_unbind(session);
}

static void swarm__on_count(const struct weir_group_members *count, void *argument)
{
    (void)argument;
    require(!count->incomplete || fixture.common.bridge);
    require(count->offered >= count->dropped);
    require(count->members > 0 || count->offered == 0);
    swarm_log.counted++;
}

static void swarm__count(void)
{
    if (group_count_ask(&fixture.common, "b", swarm_roll(50), swarm__on_count, NULL) == WEIR_OK)
        swarm_log.asked++;
}

static void swarm__meddle(struct weir_session *session)
{
    switch (swarm_roll(40)) {
    case 8:
    case 9: swarm__bind(session); break;
    case 10: swarm__count(); break;
    case 0: weir_session_abort(session); break;
    case 1: weir_session_finish(session); break;
    case 2: weir_session_fail(session, "the dice say so"); break;
    case 3: weir_session_start_timer(session, swarm_roll(300)); break;
    case 4: weir_session_stop_timer(session); break;
    case 5:
        if (swarm__may_speak(swarm__of(session))) weir_session_join(session, "b");
        break;
    case 6: swarm__unasked(session); break;
    case 7: weir_session_pause(session); break;
    default: break;
    }
}

static bool swarm__is_honest(const struct swarm__session *own)
{
    return own->fate && own->fate->is_honest;
}

static void swarm__on_open(struct weir_session *session)
{
    struct swarm__session *own = weir_session_state(session);

    require(!own->opened && !own->closed);
    own->opened = true;
    own->id = weir_session_id(session);
    own->fate = swarm__fate_of(session);
    if (own->fate) {
        require(!own->fate->opened);
        own->fate->opened = true;
    }
    swarm_log.opened++;
    swarm_log.ids[swarm_log.ids_count++ % weir_count_of(swarm_log.ids)] = own->id;
    swarm__delay(session);
    if (!swarm__is_honest(own)) swarm__meddle(session);
}

static void swarm__flood(struct weir_session *session)
{
    static const uint8_t much[10000] = {SWARM_UNASKED};
    uint32_t count = swarm_roll(20);

    if (!swarm__may_speak(swarm__of(session))) return;
    for (uint32_t i = 0; i < count; i++)
        weir_session_send(session, much, 1 + swarm_roll(SWARM_MESSAGE_BYTES_MAX));
}

/* Sends the message to where it came from, one way or the other. */
static void swarm__answer(struct weir_session *session, const struct weir_message *message,
                          bool is_copy)
{
    struct swarm__session *own = swarm__of(session);
    enum weir_code code = is_copy ? weir_session_send(session, message->bytes, message->length)
                                  : weir_session_send_back(session, message);

    if (code == WEIR_OK || !own->fate) return;
    own->fate->lossy = true;
    if (swarm_log.is_raw)
        weir_session_abort(session); /* the following bytes would be out of order */
}

static void swarm__obey(struct weir_session *session, const struct weir_message *message)
{
    static const char *const groups[] = {"a", "b", "c"};
    const char *group = groups[message->length % 3];

    switch (message->length > 0 ? message->bytes[0] : SWARM_NOTHING) {
    case SWARM_BACK: swarm__answer(session, message, false); break;
    case SWARM_COPY: swarm__answer(session, message, true); break;
    case SWARM_JOIN: weir_session_join(session, group); break;
    case SWARM_LEAVE: weir_session_leave(session, group); break;
    case SWARM_TIMER: weir_session_start_timer(session, swarm_roll(500)); break;
    case SWARM_NO_TIMER: weir_session_stop_timer(session); break;
    case SWARM_FLOOD: swarm__flood(session); break;
    case SWARM_FINISH: weir_session_finish(session); break;
    case SWARM_CLOSE: weir_session_abort(session); break;
    case SWARM_FAIL: weir_session_fail(session, "it asked for it"); break;
    default: break;
    }
}

static void swarm__on_message(struct weir_session *session, const struct weir_message *message)
{
    struct swarm__session *own = swarm__of(session);

    if (own->fate && swarm_log.is_raw)
        swarm__answer(session, message, swarm_one_in(2));
    else
        swarm__obey(session, message);
    if (swarm_one_in(4)) swarm__delay(session);
    if (!swarm__is_honest(own) && swarm_one_in(8)) swarm__meddle(session);
}

static void swarm__on_timer(struct weir_session *session)
{
    weir_session_resume(session);
    for (int i = 0; i < 10; i++) weir_session_release(session);
    swarm__unasked(session);
    swarm__delay(session);
    if (swarm_one_in(2)) weir_session_start_timer(session, swarm_roll(200));
    if (!swarm__is_honest(swarm__of(session))) swarm__meddle(session);
}

static void swarm__on_drain(struct weir_session *session)
{
    swarm__unasked(session);
    swarm__delay(session);
    if (swarm_one_in(4)) return; /* until the deadline */
    if (swarm_one_in(2))
        weir_session_finish(session);
    else
        weir_session_abort(session);
}

static void swarm__on_close(struct weir_session *session, enum weir_reason reason, const char *text)
{
    struct swarm__session *own = swarm__of(session);

    require(reason != WEIR_REASON_NONE);
    require(text != NULL);
    require(weir_session_send(session, "late", 4) == WEIR_CANCELLED);
    require(weir_session_join(session, "a") == WEIR_CANCELLED);
    weir_session_start_timer(session, 1);
    weir_session_finish(session);
    weir_session_abort(session);
    weir_session_fail(session, "late");
    swarm__delay(session);
    own->closed = true;
    swarm_log.closed++;
    if (!own->fate) return;
    own->fate->closed = true;
    own->fate->reason = reason;
}

#define SWARM__HANDLER                                                         \
    .size = sizeof(struct weir_handler), .name = "swarm", .summary = "",       \
    .session_bytes = sizeof(struct swarm__session), .on_open = swarm__on_open, \
    .on_message = swarm__on_message, .on_close = swarm__on_close, .on_timer = swarm__on_timer

const struct weir_handler swarm_handler = {SWARM__HANDLER};
const struct weir_handler swarm_handler_drains = {SWARM__HANDLER, .on_drain = swarm__on_drain};
