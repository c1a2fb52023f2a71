/* SPDX-License-Identifier: MIT */
/* win_inherited.c - Windows has no service manager that passes sockets. */
#include "inherited.h"

#include "error_fill.h"

enum weir_code inherited_read(intptr_t descriptor, struct net_inherited *inherited,
                              struct weir_error *error)
{
    (void)descriptor;
    *inherited = (struct net_inherited){.is_stream = false};
    return error_fill(error, WEIR_UNSUPPORTED, 0, "use an inherited socket", NULL,
                      "only Linux passes sockets to a program", "leave the descriptor out");
}
