/* SPDX-License-Identifier: MIT */
/* admin_state.h - the state of an admin server, for the files that answer requests. Unless a
 * comment says otherwise, only its worker uses it. */
#ifndef ADMIN_ADMIN_STATE_H
#define ADMIN_ADMIN_STATE_H

#include <stdatomic.h>

#include "admin.h"
#include "guard.h"
#include "health.h"
#include "inspection_ask.h"
#include "scan.h"
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
    struct scans scans;
    struct inspection_asks asks;
    struct visit_list reloading; /* visits that wait for admin_reloaded() */
    bool was_reloaded;           /* then the next four members are valid */
    enum admin_reload_result reload_result;
    int64_t reloaded_unix_ms;
    char reload_text[1024];
    char needs_restart[1024];
};

/* Returns the names of the TLS settings to show, ending with null. */
const char *const *admin_state_tls_names(const struct admin *admin);

#endif
