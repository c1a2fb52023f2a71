/* SPDX-License-Identifier: MIT */
/* worker_thread.h - the life of one worker on its own thread: open, listen, run, close. */
#ifndef SERVER_WORKER_THREAD_H
#define SERVER_WORKER_THREAD_H

#include "server_state.h"

/* Starts the thread, and waits until its worker has opened and listens. Returns the code of that;
 * WEIR_NO_MEMORY, or a system error: the thread did not start. Thread: that of weir_server_start().
 */
enum weir_code worker_thread_start(struct weir_server *server, uint32_t index,
                                   struct weir_error *error);

/* The same without a thread: opens the worker on the calling thread, which then calls
 * worker_thread_iterate_here(). Returns the same values; after a failure the worker is closed. */
enum weir_code worker_thread_open_here(struct worker_thread *thread, struct weir_error *error);

/* Runs one iteration of the event loop, which waits until `until_ns` at most. Returns false if the
 * worker has ended and is closed; then it is not called again. */
bool worker_thread_iterate_here(struct worker_thread *thread, uint64_t until_ns);

/* Passes the server's shutdown request to a worker that is alive. The caller holds the lock. */
void worker_thread_pass_request(const struct weir_server *server, struct worker_thread *thread);

/* Implements worker_common.take_settings: updates the worker's services, and returns a reference to
 * the server's settings, or null. Thread: the worker's. */
struct settings *worker_thread_take_settings(struct worker *worker);

/* Implements worker_common.settings_taken. Thread: the worker's. */
void worker_thread_settings_taken(struct worker *worker);

/* Lets a worker without a thread take them, between two iterations. Thread: the worker's. */
void worker_thread_renew_here(struct worker_thread *thread);

/* Opens the worker's endpoint of a listener, if the worker listens. Returns WEIR_OK, or the code of
 * the failure with its cause in thread->error. Thread: the worker's. */
enum weir_code worker_thread_listen(struct worker_thread *thread, struct listen_spec *spec);

/* Closes the worker's endpoint of a listener, if it is open. It has closed when spec->open_count is
 * 0. Thread: the worker's. */
void worker_thread_unlisten(struct worker_thread *thread, const struct listen_spec *spec);

/* Iterates until the worker has ended and is closed. */
void worker_thread_run_here(struct worker_thread *thread);

/* Whether the caller is inside a callback of this worker. Thread: any. */
bool worker_thread_is_own(const struct worker_thread *thread);

/* Waits until the thread has ended. Runs a worker without a thread to its end. A thread that never
 * started is allowed. */
void worker_thread_join(struct worker_thread *thread);

/* Frees a worker whose thread has ended. */
void worker_thread_free(struct worker_thread *thread);

#endif
