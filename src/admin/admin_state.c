/* SPDX-License-Identifier: MIT */
/* admin_state.c - see admin_state.h. */
#include "admin_state.h"

const char *const *admin_state_tls_names(const struct admin *admin)
{
    static const char *const none[] = {NULL};

    return admin->settings.tls_names ? admin->settings.tls_names : none;
}
