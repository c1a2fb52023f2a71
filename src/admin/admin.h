/* SPDX-License-Identifier: MIT */
/* admin.h - the admin server: shows a server of this process over HTTP, and controls it. It is a
 * second weir_server with one worker, which asks the observed server only by public calls that wait
 * for nothing.
 *
 *      GET /                    a page for people            GET /metrics      for Prometheus
 *      GET /healthz, /readyz    for load balancers           GET /stats.json   all figures
 *
 * docs/operating.md describes every endpoint. */
#ifndef ADMIN_ADMIN_H
#define ADMIN_ADMIN_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/cluster.h>
#include <weir/weir.h>

struct admin;

/* What the system says about this process. */
struct admin_process {
    uint64_t cpu_us; /* processor time that it used */
    uint64_t resident_bytes;
    uint64_t files, files_max; /* descriptors or handles; files_max 0: no limit */
    int64_t started_unix_ms;
};

/* Settings of an admin server. Zero the struct, then set the members that you need. Unless a
 * comment says otherwise, strings must be valid until admin_stop() returns. */
struct admin_settings {
    const char *address;   /* as in struct weir_listen; only loopback and unix: without a token */
    const char *token;     /* null: none */
    const char *host;      /* another name that the header line Host may have; null: none */
    const char *transport; /* as in struct weir_config */
    const char *const
        *tls_names; /* names of weir_server_tls() to show, ending with null; or null */
    uint32_t node;
    uint32_t sessions_max; /* of the observed server, for the findings */
    /* The log of the admin server, as in struct weir_config. */
    void (*log)(void *user, enum weir_log_level level, const char *line);
    enum weir_log_level log_level;
    void *user; /* passed to log and the callbacks below */
    /* POST requests. Null: they are answered with 501. Thread: the admin server's; they must not
     * block. */
    /* Requests a reload. admin_reloaded() must follow. */
    void (*reload)(void *user);
    /* Requests a graceful shutdown with this deadline; UINT32_MAX: the configured one. */
    void (*drain)(void *user, uint32_t within_ms);
    /* Changes the log level. Returns false if it cannot be changed. */
    bool (*set_log_level)(void *user, enum weir_log_level level);
    /* Fills in *process, or returns false. Null: its metrics are left out. */
    bool (*read_process)(struct admin_process *process);
    /* Fill in the counts of the cluster, and its other nodes, at most nodes_max; return false and 0
     * if the server belongs to none. Null: it belongs to none. */
    bool (*read_cluster)(struct weir_cluster_stats *stats);
    size_t (*read_nodes)(struct weir_cluster_node *nodes, size_t nodes_max);
};

enum admin_reload_result {
    ADMIN_RELOAD_DONE,
    ADMIN_RELOAD_FAILED,  /* the earlier settings stay in use */
    ADMIN_RELOAD_NOTHING, /* the server has no files that it could load again */
};

/* The result of a reload. */
struct admin_reload {
    enum admin_reload_result result;
    const char *text; /* one line: what was loaded, or what is wrong */
    /* Names of changed settings that need a restart, separated by ", "; "" or null: none. */
    const char *needs_restart;
};

/* Starts the admin server. It answers that the observed server is starting until admin_serving() is
 * called. Returns WEIR_OK, or the code of a failure with its cause in *error: WEIR_INVALID if the
 * address is beyond loopback and there is no token, or if this build has no admin server. */
enum weir_code admin_start(const struct admin_settings *settings, struct admin **admin,
                           struct weir_error *error);

/* Fills in the address with the port that the system assigned. */
void admin_address(const struct admin *admin, struct weir_address *address);

/* The observed server has started. Thread: any. */
void admin_serving(struct admin *admin, struct weir_server *server);

/* The observed server is draining: /readyz fails from now on. Thread: any. */
void admin_draining(struct admin *admin);

/* A reload has ended. *result is copied. Thread: any. */
void admin_reloaded(struct admin *admin, const struct admin_reload *result);

/* Stops the admin server and frees it. Call it before weir_server_free() of the observed server,
 * and after weir_server_wait(), unless the observed server never started. Null is allowed. */
void admin_stop(struct admin *admin);

#endif
