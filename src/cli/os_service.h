/* SPDX-License-Identifier: MIT */
/* os_service.h - a service of Windows: installs, controls and runs it. os_service_linux.c says what
 * to use on Linux; os_service_windows.c controls services, and os_service_run_windows.c is one. */
#ifndef CLI_OS_SERVICE_H
#define CLI_OS_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/error.h>

struct os_service {
    const char *name;
    const char *account; /* null: LocalService, which has few rights */
    int count;           /* arguments of `weir serve` */
    char **arguments;
};

#define OS_SERVICE_STATE_BYTES 96

/* Each returns false with *error. start, stop and remove wait until it has happened. */
bool os_service_install(const struct os_service *service, struct weir_error *error);
bool os_service_remove(const struct os_service *service, struct weir_error *error);
bool os_service_start(const struct os_service *service, struct weir_error *error);
bool os_service_stop(const struct os_service *service, struct weir_error *error);
bool os_service_reload(const struct os_service *service, struct weir_error *error);

/* Writes the state in one line: "running, process 4711". */
bool os_service_state(const struct os_service *service, char text[OS_SERVICE_STATE_BYTES],
                      struct weir_error *error);

/* Is the service: returns when it has stopped. `serve` is serve_main(). Returns false with *error
 * unless the service manager has started this process. */
bool os_service_run(const struct os_service *service, int (*serve)(int count, char **arguments),
                    struct weir_error *error);

/* Whether os_service_run() is running: there are no streams then. */
bool os_service_is_running(void);

/* Writes lines that begin with a priority, "<4>", to the event log. For struct output; `stream` is
 * ignored. Returns 0, or the system's error number. */
int os_service_write_events(int stream, const char *bytes, size_t length);

#endif
