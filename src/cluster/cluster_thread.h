/* SPDX-License-Identifier: MIT */
/* cluster_thread.h - the thread that runs the steps of a bridge. */
#ifndef CLUSTER_CLUSTER_THREAD_H
#define CLUSTER_CLUSTER_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/error.h>

struct cluster_bridge;
struct cluster_thread;

/* Returns a thread that has not started; null: out of memory. */
struct cluster_thread *cluster_thread_open(void);

/* Makes the thread run a step soon. Thread: any, also before it starts. */
void cluster_thread_wake(void *thread);

/* Starts to run the steps of the bridge. Returns WEIR_OK, or WEIR_SYSTEM with the cause in *error.
 */
enum weir_code cluster_thread_start(struct cluster_thread *thread, struct cluster_bridge *bridge,
                                    struct weir_error *error);

/* Waits until `is_true` of the bridge, which is asked after each step, or for wait_ms. Returns
 * whether it is true. */
bool cluster_thread_wait(struct cluster_thread *thread,
                         bool (*is_true)(const struct cluster_bridge *bridge), uint32_t wait_ms);

/* Ends the thread, if it was started, and frees it. Null is allowed. */
void cluster_thread_free(struct cluster_thread *thread);

#endif
