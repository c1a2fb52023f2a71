/* SPDX-License-Identifier: MIT */
/* update_plan.h - everything that one weir_server_update() will change, checked and loaded. */
#ifndef SERVER_UPDATE_PLAN_H
#define SERVER_UPDATE_PLAN_H

#include <weir/weir.h>

#include "address_counts.h"
#include "proxy_listen.h"
#include "server_state.h"
#include "server_tls.h"
#include "websocket_listen.h"

/* New settings of one listener. */
struct update_listener {
    struct listen_spec *spec;
    struct listen_limits limits;
    const struct filter *proxy; /* whose rules change; null: none do */
    struct proxy_rules rules;
    struct filter *websocket; /* whose texts and times change; null: none do */
    struct websocket_change change;
};

struct update_plan {
    struct weir_server *server;
    struct weir_config config; /* the settings of the server after the update */
    struct settings *settings; /* a reference to those of the workers; null: unchanged */
    uint32_t addresses_max;    /* has_counts: how many addresses have room */
    bool has_counts;
    struct address_counts counts; /* memory for the counts of addresses; unless it is all zero */
    uint32_t listeners_count;
    struct update_listener listeners[WEIR_LISTENERS_MAX];
    size_t tls_count;
    struct tls_change *tls;
};

/* Checks and loads what the update contains. Returns WEIR_OK, or the code of the failure. The
 * caller calls update_plan_discard() in every case, and holds server->updating. */
enum weir_code update_plan_make(struct update_plan *plan, struct weir_server *server,
                                const struct weir_update *update, struct weir_error *error);

/* Frees what the server did not take over. */
void update_plan_discard(struct update_plan *plan);

#endif
