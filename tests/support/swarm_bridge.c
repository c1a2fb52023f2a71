/* SPDX-License-Identifier: MIT */
/* swarm_bridge.c - the bridge of a random scenario: keeps open groups, holders of names, questions
 * and broadcasts, and checks each call against them. */
#include "swarm_bridge.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "fixture.h"
#include "names.h"
#include "require.h"
#include "swarm.h"

#define SAID_MAX 20000u
#define HOLDERS_MAX 64u
#define QUESTIONS_MAX 64u
#define LACKS_MEMORY_ONE_IN 25u

enum swarm_bridge__state { SAYING, ACCEPTED, REFUSED, REPORTED };

struct swarm_bridge__said {
    uint64_t speaker;
    enum swarm_bridge__state state;
};

struct swarm_bridge__holder {
    char name[8]; /* "": none */
    uint64_t id;
};

static struct {
    struct swarm_bridge__said said[SAID_MAX];
    uint32_t said_count;
    bool groups[26]; /* that are open, "a" first */
    struct swarm_bridge__holder holders[HOLDERS_MAX];
    struct weir_bridge_count *questions[QUESTIONS_MAX];
    uint32_t questions_count;
    bool hurries;
} bridge;

/* ---- broadcasts ---- */

uint32_t swarm_bridge_say(uint64_t speaker, char text[SWARM_BRIDGE_TEXT_BYTES])
{
    uint32_t number = bridge.said_count++;

    require(number < SAID_MAX);
    bridge.said[number] = (struct swarm_bridge__said){speaker, SAYING};
    snprintf(text, SWARM_BRIDGE_TEXT_BYTES, "U%06u by a speaker", number % 1000000);
    return 7 + swarm_roll((uint32_t)strlen(text) - 6);
}

static uint32_t swarm_bridge__number(const char *text)
{
    unsigned number = SAID_MAX;

    require(sscanf(text, "U%6u", &number) == 1);
    require(number < bridge.said_count);
    return number;
}

void swarm_bridge_said(const char *text, enum weir_code code)
{
    enum swarm_bridge__state *state = &bridge.said[swarm_bridge__number(text)].state;

    require(*state != REPORTED || code == WEIR_OK);
    if (*state == SAYING) *state = code == WEIR_OK ? ACCEPTED : REFUSED;
}

/* Checks that the speaker has not been heard with a later number. */
static void swarm_bridge__check_order(uint32_t number)
{
    for (uint32_t i = number + 1; i < bridge.said_count; i++)
        require(bridge.said[i].speaker != bridge.said[number].speaker ||
                bridge.said[i].state != REPORTED);
}

static void swarm_bridge__on_broadcast(void *user, const char *group, const void *bytes,
                                       size_t length, uint64_t except_id)
{
    char text[SWARM_BRIDGE_TEXT_BYTES];

    (void)user, (void)group, (void)except_id;
    require(length >= 7 && length < sizeof text);
    memcpy(text, bytes, length);
    text[length] = '\0';
    uint32_t number = swarm_bridge__number(text);
    struct swarm_bridge__said *said = &bridge.said[number];
    require(said->state == SAYING || said->state == ACCEPTED);
    said->state = REPORTED;
    swarm_bridge__check_order(number);
}

/* ---- groups ---- */

static bool *swarm_bridge__group(const char *group)
{
    require(group[0] >= 'a' && group[0] <= 'z' && group[1] == '\0');
    return &bridge.groups[group[0] - 'a'];
}

static enum weir_code swarm_bridge__on_group_begin(void *user, const char *group)
{
    bool *is_open = swarm_bridge__group(group);

    (void)user;
    require(!*is_open); /* there is one worker */
    if (swarm_one_in(LACKS_MEMORY_ONE_IN)) return WEIR_NO_MEMORY;
    *is_open = true;
    return WEIR_OK;
}

static void swarm_bridge__on_group_end(void *user, const char *group)
{
    bool *is_open = swarm_bridge__group(group);

    (void)user;
    require(*is_open);
    *is_open = false;
}

/* ---- names ---- */

/* Returns the first holder of the name from `at` on; null: there is none. "" finds room. */
static struct swarm_bridge__holder *swarm_bridge__holder(const char *name, uint32_t at)
{
    for (uint32_t i = at; i < HOLDERS_MAX; i++)
        if (strcmp(bridge.holders[i].name, name) == 0) return &bridge.holders[i];
    return NULL;
}

static enum weir_code swarm_bridge__on_name_bound(void *user, const char *name, uint64_t id,
                                                  enum weir_bind how)
{
    struct swarm_bridge__holder *held = swarm_bridge__holder(name, 0);
    struct swarm_bridge__holder *added = swarm_bridge__holder("", 0);

    (void)user;
    require(!held || (how == WEIR_BIND_REPLACE && held->id != id));
    require(!held || !swarm_bridge__holder(name, (uint32_t)(held - bridge.holders) + 1));
    if (swarm_one_in(LACKS_MEMORY_ONE_IN)) return WEIR_NO_MEMORY;
    require(added != NULL);
    snprintf(added->name, sizeof added->name, "%s", name);
    added->id = id;
    return WEIR_OK;
}

static void swarm_bridge__on_name_unbound(void *user, const char *name, uint64_t id)
{
    struct swarm_bridge__holder *held = swarm_bridge__holder(name, 0);

    (void)user;
    if (held && held->id != id)
        held = swarm_bridge__holder(name, (uint32_t)(held - bridge.holders) + 1);
    require(held && held->id == id);
    held->name[0] = '\0';
}

/* Takes a name away, or tries to from a session that does not hold it. */
static void swarm_bridge__evict(void)
{
    const struct swarm_bridge__holder holder = bridge.holders[swarm_roll(4)];
    uint64_t id = swarm_one_in(3) ? holder.id + 1 : holder.id;

    if (!holder.name[0]) return;
    enum weir_code code = names_evict(&fixture.common, holder.name, id);
    require(code == WEIR_OK || code == WEIR_MAILBOX_FULL);
    bool holds = names_holder(&fixture.common, holder.name) == holder.id;
    require(holds == (code == WEIR_MAILBOX_FULL || id != holder.id));
}

/* ---- counts ---- */

static void swarm_bridge__answer(struct weir_bridge_count *count)
{
    weir_bridge_counted(count, swarm_roll(3), 0, 0, swarm_one_in(4));
}

static void swarm_bridge__on_count(void *user, const char *group, uint32_t deadline_ms,
                                   struct weir_bridge_count *count)
{
    (void)user, (void)group, (void)deadline_ms;
    if (bridge.hurries || bridge.questions_count == QUESTIONS_MAX || swarm_one_in(3))
        swarm_bridge__answer(count);
    else
        bridge.questions[bridge.questions_count++] = count;
}

/* ---- calls by id, which no handler makes for other nodes ---- */

static enum weir_code swarm_bridge__on_send(void *user, uint64_t id, const void *bytes,
                                            size_t length)
{
    (void)user, (void)id, (void)bytes, (void)length;
    require_failed(__FILE__, __LINE__, "there is no other node");
}

static enum weir_code swarm_bridge__on_close(void *user, uint64_t id, bool abort)
{
    (void)user, (void)id, (void)abort;
    require_failed(__FILE__, __LINE__, "there is no other node");
}

static enum weir_code swarm_bridge__on_send_name(void *user, const char *name, const void *bytes,
                                                 size_t length)
{
    (void)user, (void)name, (void)bytes, (void)length;
    require_failed(__FILE__, __LINE__, "there is no other node");
}

const struct weir_bridge swarm_bridge = {
    .size = sizeof swarm_bridge,
    .on_broadcast = swarm_bridge__on_broadcast,
    .on_send = swarm_bridge__on_send,
    .on_close = swarm_bridge__on_close,
    .on_send_name = swarm_bridge__on_send_name,
    .on_group_begin = swarm_bridge__on_group_begin,
    .on_group_end = swarm_bridge__on_group_end,
    .on_name_bound = swarm_bridge__on_name_bound,
    .on_name_unbound = swarm_bridge__on_name_unbound,
    .on_count = swarm_bridge__on_count,
};

/* ---- a scenario ---- */

void swarm_bridge_open(void)
{
    memset(&bridge, 0, sizeof bridge);
}

void swarm_bridge_step(void)
{
    if (bridge.questions_count > 0 && swarm_one_in(4))
        swarm_bridge__answer(bridge.questions[--bridge.questions_count]);
    if (swarm_one_in(30)) swarm_bridge__evict();
}

void swarm_bridge_hurry(void)
{
    bridge.hurries = true;
    while (bridge.questions_count > 0)
        swarm_bridge__answer(bridge.questions[--bridge.questions_count]);
}

void swarm_bridge_close(uint64_t dropped)
{
    uint64_t unreported = 0;

    require_equal(bridge.questions_count, 0);
    for (uint32_t i = 0; i < weir_count_of(bridge.groups); i++) require(!bridge.groups[i]);
    for (uint32_t i = 0; i < HOLDERS_MAX; i++) require(!bridge.holders[i].name[0]);
    for (uint32_t i = 0; i < bridge.said_count; i++) {
        require(bridge.said[i].state != SAYING);
        if (bridge.said[i].state == ACCEPTED) unreported++;
    }
    require(unreported <= dropped);
}
