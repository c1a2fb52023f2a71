/* SPDX-License-Identifier: MIT */
/* listen_limits.c - the limits and timeouts of a listener: its own, and those of the server.
 *
 *      weir_config of the server --.
 *      weir_listen -> limits -------+--> service --> copy of each worker
 *                                inherit        renew
 */
#include "config.h"
#include "listen_spec.h"
#include "memory.h"

/* Replaces the server's value, if the listener has one. */
static void listen_limits__replace(uint32_t own, uint32_t *value)
{
    if (own > 0) *value = own == WEIR_OFF ? 0 : own;
}

struct listen_limits listen_spec_limits(const struct weir_listen *listen)
{
    return (struct listen_limits){
        .idle_timeout_ms = listen->idle_timeout_ms,
        .first_byte_timeout_ms = listen->first_byte_timeout_ms,
        .frame_timeout_ms = listen->frame_timeout_ms,
        .send_timeout_ms = listen->send_timeout_ms,
        .send_rate_min_bytes = listen->send_rate_min_bytes,
        .lifetime_ms = listen->lifetime_ms,
        .linger_timeout_ms = listen->linger_timeout_ms,
        .receive_rate_max_bytes = listen->receive_rate_max_bytes,
        .message_rate_max = listen->message_rate_max,
        .sessions_max = listen->sessions_max,
    };
}

static void listen_limits__apply(const struct listen_limits *limits, bool is_datagram,
                                 struct weir_config *config)
{
    listen_limits__replace(limits->idle_timeout_ms, is_datagram ? &config->datagram_idle_timeout_ms
                                                                : &config->idle_timeout_ms);
    listen_limits__replace(limits->first_byte_timeout_ms, &config->first_byte_timeout_ms);
    listen_limits__replace(limits->frame_timeout_ms, &config->frame_timeout_ms);
    listen_limits__replace(limits->send_timeout_ms, &config->send_timeout_ms);
    listen_limits__replace(limits->send_rate_min_bytes, &config->send_rate_min_bytes);
    listen_limits__replace(limits->lifetime_ms, &config->lifetime_ms);
    listen_limits__replace(limits->linger_timeout_ms, &config->linger_timeout_ms);
    listen_limits__replace(limits->receive_rate_max_bytes, &config->receive_rate_max_bytes);
    listen_limits__replace(limits->message_rate_max, &config->message_rate_max);
}

enum weir_code listen_spec_check(const struct listen_spec *spec, const struct listen_limits *limits,
                                 const struct weir_config *config, struct weir_error *error)
{
    struct weir_config own = *config;

    listen_limits__apply(limits, spec->service.proto == WEIR_UDP, &own);
    return config_check_times(&own, error);
}

void listen_spec_inherit(struct listen_spec *spec, const struct weir_config *config)
{
    struct service *service = &spec->service;

    service->config = *config;
    service->config.reject_message = NULL; /* a session does not need it, and it can be replaced */
    listen_limits__apply(&spec->limits, service->proto == WEIR_UDP, &service->config);
    service->sessions_max = spec->limits.sessions_max > 0 ? spec->limits.sessions_max : UINT32_MAX;
}

void listen_spec_renew(struct listen_spec *spec, uint32_t worker)
{
    spec->services[worker].config = spec->service.config;
    spec->services[worker].sessions_max = spec->service.sessions_max;
}

bool listen_spec_make_copies(struct listen_spec *spec, uint32_t workers_count)
{
    spec->services = memory_alloc_array(workers_count, sizeof *spec->services);
    spec->service.spec = spec;
    spec->service.by_worker = spec->services;
    return spec->services != NULL;
}

void listen_spec_copy_service(struct listen_spec *spec, uint32_t workers_count)
{
    for (uint32_t i = 0; i < workers_count; i++) spec->services[i] = spec->service;
}

struct filter *listen_spec_filter(const struct listen_spec *spec, const struct filter_kind *kind)
{
    const struct service *service = &spec->service;

    for (uint32_t i = 0; i < service->filters_count; i++)
        if (service->filters[i]->kind == kind) return service->filters[i];
    return NULL;
}
