/* SPDX-License-Identifier: MIT */
/* loop.h - one worker with all its parts, and its event loop. */
#ifndef SESSION_LOOP_H
#define SESSION_LOOP_H

#include "admission.h"
#include "blocked.h"
#include "connects.h"
#include "drain.h"
#include "group.h"
#include "mailbox.h"
#include "memory_watch.h"
#include "renewal.h"
#include "session_table.h"
#include "udp_peers.h"
#include "worker.h"

struct loop {
    struct worker worker; /* points to the parts below */
    struct session_table table;
    struct mailbox mailbox;
    struct group_table groups;
    struct udp_peers udp_peers;
    struct admission admission;
    struct connects connects;
    struct drain drain;
    struct renewal renewal;
    struct memory_watch memory_watch;
    bool has_speakers;  /* speakers that waited may go on: the budget was used up */
    bool has_commands;  /* the mailbox may hold more: the budget of commands was used up */
    uint64_t sample_ns; /* when the memory is looked at next, and copied into the counters */
    /* When events are measured next: at sample_ns one, while blocked.h asks for it all; then 0, and
     * while must_select is set. */
    uint64_t measure_ns;
    bool must_select; /* no session was selected since the last sample: inspect_select() */
    struct blocked blocked;
};

/* Thread: loop_init and loop_free any; the others the worker's own. */

/* Allocates the table and the mailbox, which other threads may use while the worker exists. Each
 * session gets `extra_bytes`. `loop` is all zero and stays at its address. Returns false if memory
 * is exhausted. */
bool loop_init(struct loop *loop, uint8_t index, struct worker_common *common, size_t extra_bytes);

/* Opens the worker's net. */
enum weir_code loop_open(struct loop *loop, const struct net_options *options,
                         struct weir_error *error);

/* Iterates until a drain or a stop has ended every session and endpoint. */
void loop_run(struct loop *loop);

/* One iteration, which waits until `until_ns` at most. Returns false when everything has ended. For
 * tests; loop_run() calls it. */
bool loop_iterate(struct loop *loop, uint64_t until_ns);

/* Returns when the next iteration is due at the latest; 0: now. What arrives can make it due
 * earlier. */
uint64_t loop_due_ns(const struct loop *loop);

/* Frees the net. No session and no endpoint may be left. Harmless if loop_open() was not called. */
void loop_close(struct loop *loop);

/* Frees what loop_init() allocated. Harmless if it was not called. */
void loop_free(struct loop *loop);

#endif
