/* SPDX-License-Identifier: MIT */
/* recording_bridge.h - a bridge that writes down each call, and a session layer that uses it: the
 * fixture's worker, with a handler that does what messages say. */
#ifndef SUPPORT_RECORDING_BRIDGE_H
#define SUPPORT_RECORDING_BRIDGE_H

#include <weir/bridge.h>

#include "sim.h"

/* What the bridge does, and the calls that it received. */
struct recording {
    char calls[2000]; /* one line per call, without ids */
    size_t length;
    uint64_t id;       /* of the last call */
    bool lacks_memory; /* it refuses groups and names */
    bool answers;      /* it counts immediately: 10 members, 20 offers, 3 of them dropped */
    struct weir_bridge_count *count; /* of the last question */
};

extern struct recording recording;
extern const struct weir_bridge recording_bridge;

/* The calls that the bridge received since the last check or recording_forget(). */
void recording_expect(const char *calls);
void recording_forget(void);

/* ---- the handler ---- */

/* What its last call got. */
struct recording_last {
    enum weir_code code; /* of the call that a message asked for */
    uint64_t id;         /* of the session that got the message */
    enum weir_reason reason;
};

extern struct recording_last recording_last;

/* "+group" joins, "-group" leaves, "*text" broadcasts to "room", "=name" takes a name over, another
 * word binds it, "~" unbinds, "?" ends the output. on_close broadcasts "bye" to "room". */
extern const struct weir_handler recording_handler;

/* Opens the fixture with the bridge and the handler (codec_dot). Calls of the test are then those
 * of a callback on the worker. */
void recording_open(const struct weir_handler *handler);

/* From here on, calls of the test are those of another thread. */
void recording_leave_worker(void);

/* Sends the word, and returns what the call of the handler returned. */
enum weir_code recording_say(struct sim_peer *peer, const char *word);

#endif
