/* SPDX-License-Identifier: MIT */
/* admin_state.h - the state of an admin server, for the files that answer requests. Unless a
 * comment says otherwise, only its worker uses it. */
#ifndef ADMIN_ADMIN_STATE_H
#define ADMIN_ADMIN_STATE_H

#include <stdatomic.h>

#include "admin.h"
#include "guard.h"
#include "health.h"
#include "snapshot.h"

struct admin {
    struct admin_settings settings;
    struct weir_server *own; /* the admin server itself */
    struct weir_handler handler;
    struct guard guard;
    struct weir_server *_Atomic observed; /* any thread; null: it is starting */
    _Atomic bool is_draining;             /* any thread */
    uint64_t started_ms;
    struct snapshots snapshots;
    struct health health;
};

#endif
