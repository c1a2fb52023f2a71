/* SPDX-License-Identifier: MIT */
/* swarm_bridge.h - the bridge of a random scenario. It follows groups, names, counts and broadcasts
 * and requires that the calls match: nothing twice, nothing without its beginning, all in order.
 *
 *      swarm_bridge_say -> number -> the handler broadcasts it -> swarm_bridge_said
 *                                      '-> on_broadcast: at most once, in order for each speaker
 */
#ifndef SUPPORT_SWARM_BRIDGE_H
#define SUPPORT_SWARM_BRIDGE_H

#include <weir/bridge.h>

extern const struct weir_bridge swarm_bridge;

/* A scenario begins. Groups and names are sometimes refused for lack of memory. */
void swarm_bridge_open(void);

/* Answers questions for counts, sometimes, and evicts the holders of names, sometimes. */
void swarm_bridge_step(void);

/* From here on, each question is answered inside its call; those that wait are answered now. */
void swarm_bridge_hurry(void);

/* The scenario has ended: each group and name, too, and each accepted broadcast was reported or
 * dropped. `dropped`: as many can have been. */
void swarm_bridge_close(uint64_t dropped);

/* ---- what the handler broadcasts ---- */

#define SWARM_BRIDGE_TEXT_BYTES 28u

/* Writes the next broadcast of the session, with its number, and returns its length. */
uint32_t swarm_bridge_say(uint64_t speaker, char text[SWARM_BRIDGE_TEXT_BYTES]);

/* The call for the text has returned this. */
void swarm_bridge_said(const char *text, enum weir_code code);

#endif
