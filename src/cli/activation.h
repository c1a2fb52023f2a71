/* SPDX-License-Identifier: MIT */
/* activation.h - socket activation: the listeners of `weir serve` use the sockets that the service
 * manager has bound. */
#ifndef CLI_ACTIVATION_H
#define CLI_ACTIVATION_H

#include "options.h"

/* Gives each passed socket to the listener with its protocol and address. The order does not count.
 * A listener without a socket opens its own. Returns false if a socket fits no listener, or two
 * sockets fit the same one: *error says which. Call activation_end() in every case. */
bool activation_begin(struct options *options, struct weir_error *error);

/* Closes the passed sockets after the start of the server, which has duplicates of them. */
void activation_end(void);

#endif
