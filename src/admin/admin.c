/* SPDX-License-Identifier: MIT */
/* admin.c - see admin.h: starts and stops the admin server. */
#include "admin.h"

#include <stdio.h>
#include <string.h>

#include "admin_state.h"
#include "control_routes.h"
#include "front.h"
#include "heap.h"
#include "request_codec.h"

/* The admin server is for a few clients. Slow ones lose their connection. */
#define ADMIN__SESSIONS_MAX 64u
#define ADMIN__HEAD_TIMEOUT_MS 10000u /* from the connect, and from the first byte, to a head */
#define ADMIN__IDLE_TIMEOUT_MS 75000u /* between two requests; Prometheus asks once a minute */
#define ADMIN__SEND_TIMEOUT_MS 20000u
#define ADMIN__MEMORY_BYTES (UINT64_C(64) << 20)
#define ADMIN__QUEUE_BYTES (2 * (uint32_t)BODY_BYTES_MAX)
#define ADMIN__UNIX_MODE 0600u /* a client that can connect controls the server */

static enum weir_code admin__refuse(struct weir_error *error, const char *subject,
                                    const char *reason, const char *hint)
{
    *error = (struct weir_error){.code = WEIR_INVALID};
    snprintf(error->operation, sizeof error->operation, "start the admin server");
    snprintf(error->subject, sizeof error->subject, "%s", subject);
    snprintf(error->reason, sizeof error->reason, "%s", reason);
    snprintf(error->hint, sizeof error->hint, "%s", hint);
    return WEIR_INVALID;
}

/* Checks which clients can reach the address, and what they need. */
static enum weir_code admin__check(const struct admin_settings *settings, struct guard *guard,
                                   struct weir_error *error)
{
    struct weir_address address;
    enum weir_code code = weir_address_read(settings->address, &address, error);
    const char *problem = settings->token ? guard_token_problem(settings->token) : NULL;

    if (code != WEIR_OK) return code;
    if (problem)
        return admin__refuse(error, settings->address, problem,
                             "write 16 to 256 visible ASCII characters into the token file");
    if (!settings->token && !guard_is_loopback(&address))
        return admin__refuse(error, settings->address,
                             "other machines can reach this address, and there is no token",
                             "give --admin-token-file FILE, or use 127.0.0.1 or unix:PATH");
    *guard = (struct guard){
        .token = settings->token, .host = settings->host, .is_local = address.path_bytes > 0};
    return WEIR_OK;
}

static void admin__log(void *user, enum weir_log_level level, const char *line)
{
    const struct admin *admin = user;

    if (admin->settings.log) admin->settings.log(admin->settings.user, level, line);
}

/* Keeps a snapshot, and frees figures that were not asked for lately. */
static void admin__on_tick(struct weir_worker *worker)
{
    struct admin *admin = weir_worker_user(worker);
    struct weir_server *observed = atomic_load(&admin->observed);

    if (observed) snapshots_keep(&admin->snapshots, observed, admin_state_tls_names(admin));
    scans_trim(&admin->scans);
}

static void admin__configure(struct admin *admin, struct weir_config *config)
{
    weir_config_init(config);
    config->transport = admin->settings.transport;
    config->workers = 1;
    config->sessions_max = ADMIN__SESSIONS_MAX;
    config->send_queue_high_bytes = ADMIN__QUEUE_BYTES;
    config->send_queue_low_bytes = ADMIN__QUEUE_BYTES / 4;
    config->memory_max_bytes = ADMIN__MEMORY_BYTES;
    config->first_byte_timeout_ms = ADMIN__HEAD_TIMEOUT_MS;
    config->frame_timeout_ms = ADMIN__HEAD_TIMEOUT_MS;
    config->idle_timeout_ms = ADMIN__IDLE_TIMEOUT_MS;
    config->send_timeout_ms = ADMIN__SEND_TIMEOUT_MS;
    config->handler_warn_ms = 0; /* a long answer delays no session of the observed server */
    config->log = admin__log;
    config->log_level = admin->settings.log_level;
    config->user = admin;
    config->on_tick = admin__on_tick;
    config->tick_ms = SNAPSHOT_KEPT_EVERY_MS;
}

static enum weir_code admin__listen(struct admin *admin, struct weir_error *error)
{
    struct weir_listen listen = {.size = sizeof listen,
                                 .proto = WEIR_TCP,
                                 .address = admin->settings.address,
                                 .custom_codec = &request_codec,
                                 .custom_handler = &admin->handler,
                                 .unix_mode = ADMIN__UNIX_MODE};

    return weir_server_listen(admin->own, &listen, error);
}

enum weir_code admin_start(const struct admin_settings *settings, struct admin **result,
                           struct weir_error *error)
{
    struct guard guard;
    struct weir_config config;
    enum weir_code code = admin__check(settings, &guard, error);

    *result = NULL;
    if (code != WEIR_OK) return code;
    struct admin *admin = heap_alloc(sizeof *admin);
    if (!admin) {
        admin__refuse(error, settings->address, "out of memory", "free some memory");
        return error->code = WEIR_NO_MEMORY;
    }
    admin->settings = *settings;
    admin->guard = guard;
    admin->started_ms = weir_now();
    admin->snapshots.read_cluster = settings->read_cluster;
    front_init(&admin->handler, admin);
    admin__configure(admin, &config);
    code = weir_server_open(&config, &admin->own, error);
    if (code == WEIR_OK) code = admin__listen(admin, error);
    if (code == WEIR_OK) code = weir_server_start(admin->own, error);
    if (code == WEIR_OK)
        *result = admin;
    else
        admin_stop(admin);
    return code;
}

void admin_address(const struct admin *admin, struct weir_address *address)
{
    struct weir_listener_info info;

    weir_server_listener(admin->own, 0, &info);
    *address = info.address;
}

void admin_serving(struct admin *admin, struct weir_server *server)
{
    atomic_store(&admin->observed, server);
}

void admin_draining(struct admin *admin)
{
    atomic_store(&admin->is_draining, true);
}

/* A result on its way to the admin server's worker. */
struct admin__result {
    struct admin *admin;
    enum admin_reload_result result;
    char text[sizeof(((struct admin *)0)->reload_text)];
    char needs_restart[sizeof(((struct admin *)0)->needs_restart)];
};

static void admin__on_reloaded(struct weir_worker *worker, void *argument)
{
    struct admin__result *result = argument;
    struct admin *admin = result->admin;

    (void)worker;
    if (result->result != ADMIN_RELOAD_NOTHING) {
        admin->was_reloaded = true;
        admin->reloaded_unix_ms = weir_unix_time_ms();
    }
    admin->reload_result = result->result;
    memcpy(admin->reload_text, result->text, sizeof admin->reload_text);
    memcpy(admin->needs_restart, result->needs_restart, sizeof admin->needs_restart);
    heap_free(result);
    control_routes_reloaded(admin);
}

void admin_reloaded(struct admin *admin, const struct admin_reload *reload)
{
    struct admin__result *result = heap_alloc(sizeof *result);

    if (!result) return; /* the clients that wait get 504 */
    result->admin = admin;
    result->result = reload->result;
    snprintf(result->text, sizeof result->text, "%s", reload->text);
    snprintf(result->needs_restart, sizeof result->needs_restart, "%s",
             reload->needs_restart ? reload->needs_restart : "");
    if (weir_post(admin->own, 0, admin__on_reloaded, result) != WEIR_OK) heap_free(result);
}

void admin_stop(struct admin *admin)
{
    if (!admin) return;
    weir_server_free(admin->own);
    health_free(&admin->health);
    scans_free(&admin->scans);
    inspection_asks_free(&admin->asks);
    snapshots_free(&admin->snapshots);
    heap_free(admin);
}
