/* SPDX-License-Identifier: MIT */
/* dial_target.h - the address of an outbound connection: a name with a port, an IP address, or the
 * path of a Unix-domain socket. */
#ifndef SESSION_DIAL_TARGET_H
#define SESSION_DIAL_TARGET_H

#include <weir/weir.h>

#include "host.h"
#include "net.h"

struct dial_target {
    char name[HOST_NAME_BYTES_MAX + 1]; /* to be looked up; "": `address` or `path` says it */
    char path[WEIR_ADDRESS_PATH_BYTES_MAX + 1]; /* "": it is no Unix-domain socket */
    struct net_address address;                 /* of a name: its port alone */
};

/* Reads "HOST:PORT", "ADDR:PORT", "[ADDR6]:PORT", "PORT" (of this machine) or "unix:PATH". Returns
 * WEIR_OK; WEIR_INVALID with the reason in *error. */
enum weir_code dial_target_read(const char *text, struct dial_target *target,
                                struct weir_error *error);

#endif
