/* SPDX-License-Identifier: MIT */
/* work.h - the application's own work on the threads of a server: ticks, timers that belong to no
 * session, functions that other threads post, and a server inside another event loop. Include
 * <weir/weir.h>, which includes this file.
 *
 * A worker is one thread of a server with its sessions. Everything on one worker runs one after the
 * other: the callbacks of its sessions, its ticks, its timers, and functions that were posted to
 * it. So data that only one worker uses needs no lock: examples/game_room keeps a game that way.
 *
 * struct weir_config has the callbacks on_worker_start, on_worker_end and on_tick.
 *
 * "Thread: worker" in a comment means: inside any callback that runs on this worker. */
#ifndef WEIR_WORK_H
#define WEIR_WORK_H

#include <weir/error.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weir_server;
struct weir_session;

/* One worker of a server. The pointer is valid from on_worker_start until on_worker_end returns, on
 * the thread of this worker. */
struct weir_worker;

/* A timer of a worker. */
struct weir_timer;

/* ---- A worker ---- */

/* Returns the number of the worker, from 0. Thread: worker. */
WEIR_API uint32_t weir_worker_index(const struct weir_worker *worker);

/* Returns the pointer that weir_worker_set_user() set for this worker; before that call, the `user`
 * of struct weir_config. Thread: worker. */
WEIR_API void *weir_worker_user(const struct weir_worker *worker);

/* Sets a pointer for the application's use, one per worker. Thread: worker. */
WEIR_API void weir_worker_set_user(struct weir_worker *worker, void *user);

/* Returns the server that the worker belongs to. Thread: worker. */
WEIR_API struct weir_server *weir_worker_server(const struct weir_worker *worker);

/* Returns the worker of the session. Thread: handler. */
WEIR_API struct weir_worker *weir_worker_of(const struct weir_session *session);

/* Returns the number of the session's worker, from 0, for weir_post(). A session stays on its
 * worker. Thread: handler. */
WEIR_API uint32_t weir_session_worker(const struct weir_session *session);

/* Calls `visit` for some of the worker's sessions, UDP sessions and closing ones included, one
 * slice per call: at most `count_max` (1 or more). Returns the cursor of the next slice; 0: there
 * is none. Begin with cursor 0. A slice can have fewer sessions, or none, although other slices
 * follow:
 *
 *     do cursor = weir_worker_visit(worker, cursor, 100, visit, NULL);
 *     while (cursor != 0);
 *
 * If a worker has many sessions, visit one slice per tick instead, so that messages do not wait
 * long. Between two slices sessions can begin and end: a session that is open from the first slice
 * to the last is visited exactly once, others once or not at all. `visit` may call everything that
 * a handler may call, and may end the session. Thread: worker.
 */
WEIR_API uint64_t weir_worker_visit(struct weir_worker *worker, uint64_t cursor, uint32_t count_max,
                                    void (*visit)(struct weir_session *session, void *argument),
                                    void *argument);

/* ---- Timers of a worker ---- */

/* Opens a timer, which does not run yet. When it expires, `on_timer` is called on this worker with
 * `argument`. After on_worker_end, weir frees the timers that the application did not free.
 * Returns:
 *   WEIR_OK         *timer is the timer
 *   WEIR_NO_ROOM    the worker has worker_timers_max timers
 *   WEIR_NO_MEMORY
 * Thread: worker. */
WEIR_API enum weir_code weir_timer_open(struct weir_worker *worker,
                                        void (*on_timer)(struct weir_worker *worker,
                                                         void *argument),
                                        void *argument, struct weir_timer **timer);

/* Starts the timer, or restarts it if it runs. It expires at least `ms` milliseconds from now, and
 * then every `period_ms` milliseconds; period_ms 0: only once. Its function is never called twice
 * to catch up. If the worker is late, the periods that have passed are skipped (counted in
 * periods_skipped), and the next call comes at the end of the next whole period. Thread: worker,
 * that of the timer. */
WEIR_API void weir_timer_start(struct weir_timer *timer, uint32_t ms, uint32_t period_ms);

/* Stops the timer if it runs: its function is no longer called. Thread: worker, that of the timer.
 */
WEIR_API void weir_timer_stop(struct weir_timer *timer);

/* Stops and frees the timer; also inside its own function. Null is allowed. Thread: worker, that of
 * the timer. */
WEIR_API void weir_timer_free(struct weir_timer *timer);

/* ---- Functions that run on a worker ---- */

/* Calls `call` with `argument` later, on the worker with this number: between two events, never
 * inside another callback, even if the caller is on the same worker. The functions that one thread
 * posts to one worker are called in the order of the posts, and after the messages and other
 * commands that this thread sent to sessions of that worker earlier. Use weir_post() to hand over
 * data: once it has returned WEIR_OK, the worker owns the object of `argument`. Returns:
 *   WEIR_OK            `call` will be called exactly once, also if the server is stopped
 *   WEIR_GONE          the worker has ended, is ending, or has not started: `call` will not be
 *                      called
 *   WEIR_MAILBOX_FULL  too many calls wait for the worker (mailbox_commands_max); counted in
 *                      commands_refused. The caller keeps `argument`
 * Thread: any, from weir_server_start() on. */
WEIR_API enum weir_code weir_post(struct weir_server *server, uint32_t worker,
                                  void (*call)(struct weir_worker *worker, void *argument),
                                  void *argument);

/* Does the same as weir_post() on the worker of the session with this id. `session` is null if the
 * session has ended meanwhile, so that `call` can release `argument`. Returns the same values as
 * weir_post(), and WEIR_GONE also if no open session has this id. Thread: any, from
 * weir_server_start() on. */
WEIR_API enum weir_code weir_post_session(struct weir_server *server, uint64_t id,
                                          void (*call)(struct weir_session *session,
                                                       void *argument),
                                          void *argument);

/* ---- A server on the calling thread ---- */

/* Starts the server as weir_server_start() does, but its first worker gets no thread: it runs while
 * the caller is in weir_server_run() or weir_server_step(). The caller's thread is then the thread
 * of this worker until the server has ended. Only this thread may call weir_server_run(),
 * weir_server_step(), weir_server_wait() and weir_server_free(). The last two run the worker, too,
 * until it has ended. Other workers have threads as usual. Thread: any. */
WEIR_API enum weir_code weir_server_start_here(struct weir_server *server,
                                               struct weir_error *error);

/* Runs the server on the calling thread until it has ended: after a drain, a stop, or because the
 * sockets of all listeners or all workers failed. Calls weir_server_start_here() first, unless the
 * caller did. Returns WEIR_OK; the code of the failure, with its cause in *error, if the server
 * cannot start; or the result of weir_server_failure() if a worker failed. Thread: that of
 * weir_server_start_here(); outside of callbacks. */
WEIR_API enum weir_code weir_server_run(struct weir_server *server, struct weir_error *error);

#define WEIR_STEP_ENDED (-1)

/* Handles the events that have arrived and the timers that are due, for a program with its own
 * event loop. If there is nothing to handle, waits for up to `timeout_ms`; 0: does not wait. The
 * server must have been started by weir_server_start_here(), with one worker. Returns the
 * milliseconds until the next call is due, at most 2147483647, or WEIR_STEP_ENDED if the server has
 * ended: then free it. Call weir_server_step() again after that time, or as soon as
 * weir_server_descriptor() is readable:
 *
 *     struct pollfd own[] = {{.fd = weir_server_descriptor(server), .events = POLLIN}, ...};
 *     int due_ms = 0;
 *     while ((due_ms = weir_server_step(server, 0)) != WEIR_STEP_ENDED) poll(own, count, due_ms);
 *
 * Between two steps the thread may use sessions as inside a callback; it must then call
 * weir_server_step() again before it waits. Calls by id (weir_send() and others) also make the
 * descriptor readable. Thread: that of weir_server_start_here(); outside of callbacks. */
WEIR_API int weir_server_step(struct weir_server *server, uint32_t timeout_ms);

/* Returns a descriptor for poll(), select() or epoll. It becomes readable when weir_server_step()
 * has something to do before the time that it returned. Do not read or close the descriptor: the
 * server owns it. Returns -1 on Windows, which has no such descriptor: call weir_server_step() with
 * a timeout, or let the server have its own threads. Also returns -1 after the server has ended.
 * Thread: that of weir_server_start_here(). */
WEIR_API int weir_server_descriptor(const struct weir_server *server);

#ifdef __cplusplus
}
#endif
#endif
