/* SPDX-License-Identifier: MIT */
/* serve_prepare.h - makes a server of the options, up to its start: modules, TLS, listeners.
 * Nothing is bound. The same code runs for `weir serve`, `weir check` and a reload, and reports
 * everything that is wrong, with its position in the configuration file. */
#ifndef CLI_SERVE_PREPARE_H
#define CLI_SERVE_PREPARE_H

#include "options.h"

/* Loads the modules: replaces their file names by their handlers and codecs. They stay loaded.
 * Returns false after adding a diagnostic for each one that cannot be loaded. */
bool serve_prepare_modules(struct options *options, struct diagnostics *diagnostics);

/* Opens a server, and gives it the TLS settings and listeners. Returns the code of the first
 * failure, and fills in *error; each failure is added to the diagnostics, too. *server is null only
 * if it cannot be opened; weir_server_free() frees it. A listener or TLS settings about which the
 * diagnostics already have a line are left out. */
enum weir_code serve_prepare_server(struct options *options, struct weir_server **server,
                                    struct diagnostics *diagnostics, struct weir_error *error);

#endif
