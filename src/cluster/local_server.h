/* SPDX-License-Identifier: MIT */
/* local_server.h - the server of this node as a table of calls, so that tests can replace it. */
#ifndef CLUSTER_LOCAL_SERVER_H
#define CLUSTER_LOCAL_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/bridge.h>
#include <weir/weir.h>

/* Each call is that of weir.h or bridge.h with a similar name. Thread: any. */
struct local_server_ops {
    enum weir_code (*broadcast)(struct weir_server *server, const char *group, const void *bytes,
                                size_t length, uint64_t except_id);
    enum weir_code (*send)(struct weir_server *server, uint64_t id, const void *bytes,
                           size_t length);
    enum weir_code (*finish)(struct weir_server *server, uint64_t id);
    enum weir_code (*abort)(struct weir_server *server, uint64_t id);
    enum weir_code (*send_name)(struct weir_server *server, const char *name, const void *bytes,
                                size_t length);
    enum weir_code (*evict)(struct weir_server *server, const char *name, uint64_t id);
    enum weir_code (*group_count)(struct weir_server *server, const char *group,
                                  uint32_t deadline_ms, weir_group_count_fn *on_count,
                                  void *argument);
    void (*counted)(struct weir_bridge_count *count, uint64_t members, uint64_t offered,
                    uint64_t dropped, bool incomplete);
    uint64_t (*sessions)(const struct weir_server *server); /* open ones */
    bool (*draining)(const struct weir_server *server);
    void (*log)(struct weir_server *server, enum weir_log_level level, const char *line);
};

/* The calls of libweir. */
extern const struct local_server_ops local_server_ops;

#endif
