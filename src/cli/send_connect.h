/* SPDX-License-Identifier: MIT */
/* send_connect.h - how `weir send` connects to a host by its name or address. */
#ifndef CLI_SEND_CONNECT_H
#define CLI_SEND_CONNECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os_peer.h"

/* Looks up the host and connects to the first of its addresses that accepts, all within the
 * timeout. Returns false: peer->why says why not, in one line. The caller calls os_peer_close()
 * after success. */
bool send_connect(struct os_peer *peer, const char *host, const char *port, bool datagrams,
                  uint32_t timeout_ms);

#endif
