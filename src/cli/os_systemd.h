/* SPDX-License-Identifier: MIT */
/* os_systemd.h - what systemd passes to a service: sockets, and where to report its state
 * (sd_listen_fds(3), sd_notify(3)). Other supervisors speak the same protocol. One of
 * os_systemd_linux.c and os_systemd_windows.c is compiled; Windows has none of it. */
#ifndef CLI_OS_SYSTEMD_H
#define CLI_OS_SYSTEMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

/* Reads the variables of systemd and removes them from the environment, so that no child process
 * believes that they are meant for it. Call it before any thread starts. Returns false if they are
 * invalid: *error says why. */
bool os_systemd_start(struct weir_error *error);

/* Returns the number of passed sockets, and the descriptor of the first one in *first; the others
 * follow it. No child process inherits them. */
size_t os_systemd_sockets(intptr_t *first);

/* Writes the name that the service manager gave to a passed socket: "weir.socket". Returns `text`,
 * "" if it gave none. */
const char *os_systemd_socket_name(size_t index, char *text, size_t size);

/* Closes the passed sockets, of which the listeners have duplicates. */
void os_systemd_close_sockets(void);

/* Returns whether the service manager asks for reports about the state of the service. */
bool os_systemd_listens(void);

/* Returns the time within which the service manager asks for a report that the service is alive, in
 * milliseconds; 0: it does not. */
uint64_t os_systemd_watchdog_ms(void);

/* Returns systemd's clock (CLOCK_MONOTONIC) in microseconds. */
uint64_t os_systemd_now_us(void);

/* Sends "READY=1\nSTATUS=..." to the service manager; waits for room for at most some seconds.
 * Returns 0, or the system's error number. */
int os_systemd_tell(const char *text);

#endif
