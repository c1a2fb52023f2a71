/* SPDX-License-Identifier: MIT */
/* admin_absent.c - takes the place of the admin server in builds without llhttp, which parses the
 * requests. */
#include "admin.h"

#include <stdio.h>

enum weir_code admin_start(const struct admin_settings *settings, struct admin **admin,
                           struct weir_error *error)
{
    *admin = NULL;
    *error = (struct weir_error){.code = WEIR_INVALID};
    snprintf(error->operation, sizeof error->operation, "start the admin server");
    snprintf(error->subject, sizeof error->subject, "%s", settings->address);
    snprintf(error->reason, sizeof error->reason, "this weir was built without it");
    snprintf(error->hint, sizeof error->hint,
             "build weir where CMake finds llhttp (Debian: node-llhttp)");
    return WEIR_INVALID;
}

void admin_address(const struct admin *admin, struct weir_address *address)
{
    (void)admin;
    *address = (struct weir_address){0};
}

void admin_serving(struct admin *admin, struct weir_server *server)
{
    (void)admin;
    (void)server;
}

void admin_draining(struct admin *admin)
{
    (void)admin;
}

void admin_reloaded(struct admin *admin, const struct admin_reload *result)
{
    (void)admin;
    (void)result;
}

void admin_stop(struct admin *admin)
{
    (void)admin;
}
