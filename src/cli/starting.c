/* SPDX-License-Identifier: MIT */
/* starting.c - starts the server on a thread of its own, and waits for the end of the start and for
 * shutdown requests at the same time. */
#include "starting.h"

#include <stdbool.h>
#include <stddef.h>

#include "os.h"
#include "os_thread.h"

struct starting {
    struct os_thread thread;
    struct weir_server *server;
    struct weir_error error;
    enum weir_code code;
};

static void starting__run(void *argument)
{
    struct starting *starting = argument;

    starting->code = weir_server_start(starting->server, &starting->error);
    os_post();
}

void starting_request(struct weir_server *server, uint32_t drain_ms, int *requests)
{
    if (++*requests == 1)
        weir_server_drain(server, drain_ms);
    else
        weir_server_stop(server);
}

enum weir_code starting_run(struct weir_server *server, uint32_t drain_ms, int *requests,
                            struct weir_error *error)
{
    struct starting starting = {.server = server};
    enum os_event event;
    bool has_ended = false; /* by a shutdown request */

    starting.thread = (struct os_thread){.run = starting__run, .argument = &starting};
    if (!os_thread_start_joinable(&starting.thread)) return weir_server_start(server, error);
    while ((event = os_wait(0)) != OS_POSTED) {
        if (event == OS_STOP) starting_request(server, drain_ms, requests);
        if (event == OS_ENDED) has_ended = true;
    }
    os_thread_join(&starting.thread);
    if (has_ended) os_post_ended(); /* for the caller's own wait */
    *error = starting.error;
    return starting.code;
}
