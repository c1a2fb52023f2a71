/* SPDX-License-Identifier: MIT */
/* inspection_ask.h - asks the worker of one session what the session does now.
 *
 *      inspection_ask -> its worker copies struct weir_session_info -> visits are woken
 */
#ifndef ADMIN_INSPECTION_ASK_H
#define ADMIN_INSPECTION_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/weir.h>

#include "visit.h"

#define INSPECTION_ASK_WAIT_MS 5000u

struct inspection_ask {
    struct inspection_asks *asks;
    struct inspection_ask *next;
    bool is_found; /* `info` is valid; written by the session's worker before the ask returns */
    struct weir_session_info info;
    struct weir_watched_frame received, sent; /* to which `info` points, if it was watched */
    struct visit_list waiting;
};

/* Starts as {0}. Used by the admin server's worker. */
struct inspection_asks {
    struct weir_server *own;
    struct inspection_ask *first; /* those that a worker still has */
};

/* Asks for the session with this id. Returns null with the code in *code: WEIR_GONE: there is none.
 * The ask is freed after its visits were woken. */
struct inspection_ask *inspection_ask(struct inspection_asks *asks, struct weir_server *own,
                                      struct weir_server *observed, uint64_t id,
                                      enum weir_code *code);

/* Frees all. Every worker of the observed server must have ended. */
void inspection_asks_free(struct inspection_asks *asks);

#endif
