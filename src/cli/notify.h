/* SPDX-License-Identifier: MIT */
/* notify.h - tells the service manager about the state of the server: started, reloading, alive,
 * shutting down (sd_notify(3)). Every call does nothing if no service manager asks for it.
 *
 *      notify_start -> notify_ready -> notify_wait ... -> notify_stopping -> notify_wait ...
 *                          ^ notify_reloaded -- notify_reloading |
 *
 * The watchdog: halfway between two reports, each worker gets a function to call. The next report
 * is sent only after all of them have called it, so that a worker which hangs in a callback lets
 * the service manager restart the server.
 *
 * Thread: all calls come from the thread that calls os_wait().
 */
#ifndef CLI_NOTIFY_H
#define CLI_NOTIFY_H

#include "options.h"
#include "os.h"

/* The start begins: asks for the time that it can take to wait for an address (--bind-wait). The
 * options stay valid until the end. */
void notify_start(const struct options *options);

/* Every listener accepts. */
void notify_ready(struct weir_server *server);

/* Waits as os_wait() does, and reports meanwhile. */
enum os_event notify_wait(uint32_t timeout_ms);

/* The settings are loaded again, and have been. Both belong together, also if loading fails. */
void notify_reloading(void);
void notify_reloaded(void);

/* The shutdown has started. */
void notify_stopping(void);

#endif
