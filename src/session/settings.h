/* SPDX-License-Identifier: MIT */
/* settings.h - the settings of a server that can change while it runs: one constant object, which
 * every worker refers to until it takes the next one (renewal.h).
 *
 *      weir_server_update -> struct settings -> worker.settings   counted
 *                                           '-> worker.settings
 */
#ifndef SESSION_SETTINGS_H
#define SESSION_SETTINGS_H

#include <weir/weir.h>

#include "address_list.h"
#include "atomic.h"
#include "worker.h"

struct settings {
    _Atomic uint32_t references;
    struct weir_config config; /* without allow, deny and trace, which are here: */
    struct address_list allow, deny;
    struct trace trace;
    char *reject_message; /* config.reject_message points to it */
};

/* Copies settings that were checked. The caller gets one reference. Returns WEIR_OK; WEIR_INVALID:
 * a list of addresses is wrong; or WEIR_NO_MEMORY. Thread: any, as for the next two. */
enum weir_code settings_open(const struct weir_config *config, struct settings **opened,
                             struct weir_error *error);

struct settings *settings_ref(struct settings *settings);

/* Gives up a reference; the last one frees the settings. Null is allowed. */
void settings_unref(struct settings *settings);

/* Lets the worker use the settings, whose reference it takes over. Null: those of worker->common,
 * as they were opened. Thread: the worker's. */
void settings_use(struct worker *worker, struct settings *settings);

#endif
