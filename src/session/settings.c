/* SPDX-License-Identifier: MIT */
/* settings.c - makes the settings that workers share, and counts their references. */
#include "settings.h"

#include "admission.h"
#include "check.h"
#include "error_fill.h"
#include "memory.h"
#include "watch.h"

static void settings__free(struct settings *settings)
{
    address_list_free(&settings->allow);
    address_list_free(&settings->deny);
    address_list_free(&settings->trace.peers);
    memory_free(settings->reject_message);
    memory_free(settings);
}

static enum weir_code settings__read_lists(struct settings *settings,
                                           const struct weir_config *config,
                                           struct weir_error *error)
{
    enum weir_code code = address_list_parse(&settings->allow, config->allow, "allow", error);

    if (code == WEIR_OK) code = address_list_parse(&settings->deny, config->deny, "deny", error);
    return code == WEIR_OK ? watch_read_trace(&settings->trace, config, error) : code;
}

static enum weir_code settings__fill(struct settings *settings, const struct weir_config *config,
                                     struct weir_error *error)
{
    enum weir_code code = settings__read_lists(settings, config, error);

    if (code != WEIR_OK) return code;
    settings->config = *config;
    settings->config.allow = settings->config.deny = settings->config.trace = NULL;
    if (config->reject_message) {
        settings->reject_message = memory_copy_text(config->reject_message);
        if (!settings->reject_message)
            return error_fill(error, WEIR_NO_MEMORY, 0, "change settings", NULL, NULL,
                              "free some memory");
    }
    settings->config.reject_message = settings->reject_message;
    return WEIR_OK;
}

enum weir_code settings_open(const struct weir_config *config, struct settings **opened,
                             struct weir_error *error)
{
    struct settings *settings = memory_alloc(sizeof *settings);

    *opened = NULL;
    if (!settings)
        return error_fill(error, WEIR_NO_MEMORY, 0, "change settings", NULL, NULL,
                          "free some memory");
    enum weir_code code = settings__fill(settings, config, error);
    if (code != WEIR_OK) {
        settings__free(settings);
        return code;
    }
    atomic_store_explicit(&settings->references, 1, memory_order_relaxed);
    *opened = settings;
    return WEIR_OK;
}

struct settings *settings_ref(struct settings *settings)
{
    uint32_t before = atomic_fetch_add_explicit(&settings->references, 1, memory_order_relaxed);

    weir_check(before > 0);
    return settings;
}

void settings_unref(struct settings *settings)
{
    if (!settings) return;
    /* What other workers read precedes the end. */
    uint32_t before = atomic_fetch_sub_explicit(&settings->references, 1, memory_order_acq_rel);
    weir_check(before > 0);
    if (before == 1) settings__free(settings);
}

void settings_use(struct worker *worker, struct settings *settings)
{
    const struct worker_common *common = worker->common;
    struct settings *before = worker->settings;

    worker->settings = settings;
    worker->config = settings ? &settings->config : &common->config;
    worker->allow = settings ? &settings->allow : &common->limits->allow;
    worker->deny = settings ? &settings->deny : &common->limits->deny;
    worker->trace = settings ? &settings->trace : &common->watch.trace;
    settings_unref(before);
}
