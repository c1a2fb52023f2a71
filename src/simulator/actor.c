/* SPDX-License-Identifier: MIT */
/* actor.c - random peers. Half of them are honest; each of the others has one bad habit. */
#include "actor.h"

#include <stdio.h>

#include "client.h"
#include "server_state.h"
#include "story.h"

enum actor__manner {
    ACTOR__HONEST,  /* sends, reads everything, sends FIN, and reads to the end */
    ACTOR__SLOW,    /* stops reading from time to time */
    ACTOR__DEAF,    /* never reads */
    ACTOR__SILENT,  /* sends nothing */
    ACTOR__STUCK,   /* stops inside a message */
    ACTOR__GARBLED, /* sends malformed frames */
    ACTOR__SUDDEN,  /* resets or loses the connection at any moment */
    ACTOR__MANNERS_COUNT
};

static const char *const actor__manners[] = {"honest", "slow to read", "deaf",  "silent",
                                             "stuck",  "garbled",      "sudden"};

void actor_enter(struct actor *actor, struct weir_test *test, size_t listener, bool is_checked,
                 struct dice *dice)
{
    char from[32];

    snprintf(from, sizeof from, "10.0.0.%u:0", 1 + dice_roll(dice, 4));
    *actor = (struct actor){.peer = weir_test_connect(test, listener, from)};
    actor->codec = test->server->listeners[listener]->service.codec;
    actor->checks_output = is_checked;
    actor->manner =
        (uint8_t)(dice_one_in(dice, 2) ? ACTOR__HONEST : dice_roll(dice, ACTOR__MANNERS_COUNT));
    actor->messages_left = dice_roll(dice, 40);
    actor->cursor = dice_one_in(dice, 2) ? 0 : dice_roll(dice, 1000);
    story_tell(test, "it is %s and has %u messages", actor__manners[actor->manner],
               actor->messages_left);
}

/* ---- sending ---- */

static void actor__fill(struct actor *actor, const struct material *material, struct dice *dice)
{
    uint8_t message[MATERIAL_MESSAGE_BYTES_MAX];
    size_t length = material_message(material, dice, &actor->cursor, message);

    actor->messages_left--;
    actor->frame_at = 0;
    actor->frame_length = material_frame(actor->codec, message, length, actor->frame);
    if (actor->manner == ACTOR__GARBLED && dice_one_in(dice, 4))
        actor->frame_length = material_mutate(material, dice, actor->frame, actor->frame_length,
                                              MATERIAL_FRAME_BYTES_MAX);
}

/* Sends the rest of the frame, or a part of it. */
static void actor__send_part(struct actor *actor, struct dice *dice)
{
    size_t left = actor->frame_length - actor->frame_at, count = left;

    if (left > 1 && dice_one_in(dice, 3)) count = 1 + dice_roll(dice, (uint32_t)left - 1);
    if (actor->manner == ACTOR__STUCK && dice_one_in(dice, 8)) actor->is_stuck = true;
    if (left > 0) weir_test_peer_send(actor->peer, actor->frame + actor->frame_at, count);
    actor->frame_at += count;
}

static void actor__send(struct actor *actor, const struct material *material, struct dice *dice)
{
    for (uint32_t i = dice_roll(dice, 6); i > 0 && !actor->has_finished && !actor->is_stuck; i--) {
        if (actor->frame_at < actor->frame_length) {
            actor__send_part(actor, dice);
        } else if (actor->messages_left > 0) {
            actor__fill(actor, material, dice);
        } else if (dice_one_in(dice, 8)) {
            weir_test_peer_finish(actor->peer);
            actor->has_finished = true;
        }
    }
}

/* ---- reading ---- */

static void actor__read(struct actor *actor, struct weir_test *test)
{
    struct weir_message message;
    uint8_t bytes[1024];

    /* A connection that the server refused gets its reject_message, which has no frame. */
    if (!actor->checks_output || weir_test_peer_session(actor->peer) == 0) {
        while (weir_test_peer_receive(actor->peer, bytes, sizeof bytes) > 0) continue;
        return;
    }
    while (weir_test_peer_message(actor->peer, &message)) continue;
    if (weir_test_peer_is_malformed(actor->peer))
        story_fail(test, "the server's output is not valid for the codec %s", actor->codec->name);
}

static void actor__change_reading(struct actor *actor, struct dice *dice)
{
    if (actor->manner == ACTOR__SLOW && dice_one_in(dice, 10))
        weir_test_peer_read(actor->peer, dice_one_in(dice, 2));
    if (actor->manner == ACTOR__DEAF) weir_test_peer_read(actor->peer, false);
}

/* ---- steps ---- */

/* Returns whether it left suddenly. */
static bool actor__leaves(struct actor *actor, struct dice *dice)
{
    if (actor->manner != ACTOR__SUDDEN || !dice_one_in(dice, 25)) return false;
    if (dice_one_in(dice, 2))
        weir_test_peer_reset(actor->peer);
    else
        weir_test_peer_lose(actor->peer);
    actor->peer = NULL;
    return true;
}

static struct weir_test *actor__test(const struct actor *actor)
{
    return ((const struct client *)(const void *)actor->peer)->test; /* its first member */
}

void actor_step(struct actor *actor, const struct material *material, struct dice *dice)
{
    enum weir_test_state state = weir_test_peer_state(actor->peer);
    struct weir_test *test = actor__test(actor);

    if (state == WEIR_TEST_CONNECTING) return;
    actor__read(actor, test);
    if (state == WEIR_TEST_CONNECTED) {
        actor__change_reading(actor, dice);
        if (actor->manner != ACTOR__SILENT) actor__send(actor, material, dice);
        actor__leaves(actor, dice);
        return;
    }
    if (state == WEIR_TEST_FINISHED && !actor->has_finished) {
        if (actor->manner != ACTOR__HONEST && !dice_one_in(dice, 20))
            return; /* it takes its time */
        weir_test_peer_finish(actor->peer);
    }
    actor->peer = NULL;
}

void actor_socket_step(struct actor_socket *actor, const struct material *material,
                       struct dice *dice)
{
    uint8_t message[MATERIAL_MESSAGE_BYTES_MAX];
    size_t length;

    while (weir_test_socket_receive(actor->socket, message, sizeof message, &length)) continue;
    for (uint32_t i = dice_one_in(dice, 3) ? dice_roll(dice, 6) : 0; i > 0; i--) {
        length = material_message(material, dice, &actor->cursor, message);
        weir_test_socket_send(actor->socket, message, length);
    }
}
