/* SPDX-License-Identifier: MIT */
/* serve_reload.h - loads the configuration again while the server runs: all of it, or nothing.
 * SIGHUP, POST /reload and the Windows service control PARAMCHANGE call it. */
#ifndef CLI_SERVE_RELOAD_H
#define CLI_SERVE_RELOAD_H

#include "options.h"

/* Remembers the arguments after `weir serve`, which stay valid. */
void serve_reload_begin(int count, char **arguments);

/* With a configuration file: reads the arguments and the file again, applies the live settings to
 * the server and to *running, and logs each changed setting that needs a restart. If anything is
 * wrong, nothing changes, and the log has every error. Without a file: loads the files of TLS
 * again. Tells the admin server the result. Returns whether it succeeded; nothing to load is no
 * failure. Thread: the one that calls os_wait(). */
bool serve_reload(struct options *running, struct weir_server *server);

#endif
