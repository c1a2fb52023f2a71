/* SPDX-License-Identifier: MIT */
/* inherited.h - describes a socket that another program bound and passed to this process. One of
 * linux/linux_inherited.c and windows/win_inherited.c is compiled. */
#ifndef NET_INHERITED_H
#define NET_INHERITED_H

#include "net.h"

/* For net_read_inherited(). Thread: any. */
enum weir_code inherited_read(intptr_t descriptor, struct net_inherited *inherited,
                              struct weir_error *error);

#endif
