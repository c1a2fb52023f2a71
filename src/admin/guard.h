/* SPDX-License-Identifier: MIT */
/* guard.h - decides which requests the admin server answers. A browser is the attacker of a
 * loopback port: any page of the internet can send requests to it.
 *
 * - Host: a page whose name resolves to a loopback address (DNS rebinding) sends its own name. So
 *   Host must be an IP address, "localhost", or a name that the settings allow. A request with the
 *   token, which such a page does not have, needs no check of its Host.
 * - POST: must have the header line "Weir-Admin: 1". A page of another origin can add it only after
 *   a preflight request, which the server refuses. No answer has CORS header lines.
 * - Token: with one, every request except /healthz and /readyz needs it. */
#ifndef ADMIN_GUARD_H
#define ADMIN_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/weir.h>

#include "request.h"

#define GUARD_TOKEN_BYTES_MIN 16u
#define GUARD_TOKEN_BYTES_MAX 256u

struct guard {
    const char *token; /* null: none is needed */
    const char *host;  /* another name that Host may have; null: none */
    bool is_local;     /* a Unix-domain socket: no browser can connect, Host can be anything */
};

/* What is wrong with a request. */
struct guard_rejection {
    uint32_t status;
    const char *why;
    bool asks_for_token;
};

/* Returns whether the request is allowed. Otherwise fills in *rejection. `is_open`: the path needs
 * no token. */
bool guard_allows(const struct guard *guard, const struct request *request, bool is_open,
                  struct guard_rejection *rejection);

/* Returns whether only this machine can reach the address. */
bool guard_is_loopback(const struct weir_address *address);

/* Returns null if a token can be used; otherwise what is wrong with it, for a person. */
const char *guard_token_problem(const char *token);

#endif
