/* SPDX-License-Identifier: MIT */
/* options.c - reads the command line of `weir serve` by the table in options.def, and rejects
 * settings that contradict each other. */
#include "options.h"

#include <inttypes.h>
#include <string.h>

#include "block_list.h"
#include "config_file.h"
#include "listening.h"
#include "listening_tls.h"
#include "options_table.h"

/* ---- options that are not plain values ---- */

/* --trace, --trace=BLOCK */
static void options__trace(struct options *options, const char *value,
                           struct diagnostics *diagnostics)
{
    const char **list = &options->config.trace;

    if (value)
        block_list_add(list, "--trace", value, &options->arena, diagnostics);
    else if (!*list)
        *list = "";
}

static void options__act(struct option_reading *reading, const struct option *option,
                         const char *value)
{
    struct options *options = reading->target;
    struct diagnostics *diagnostics = reading->diagnostics;
    char label[48];

    snprintf(label, sizeof label, "--%s", option->name);
    switch ((enum options_action)option->action) {
    case OPTIONS__TCP: listening_add(options, WEIR_TCP, value, diagnostics); break;
    case OPTIONS__UDP: listening_add(options, WEIR_UDP, value, diagnostics); break;
    case OPTIONS__URL: listening_add_url(options, value, NULL, diagnostics); break;
    case OPTIONS__ALLOW:
    case OPTIONS__DENY:
        block_list_add(option->action == OPTIONS__ALLOW ? &options->config.allow
                                                        : &options->config.deny,
                       label, value, &options->arena, diagnostics);
        break;
    case OPTIONS__ALLOW_FILE:
    case OPTIONS__DENY_FILE:
        block_list_add_file(option->action == OPTIONS__ALLOW_FILE ? &options->config.allow
                                                                  : &options->config.deny,
                            label, value, &options->arena, diagnostics);
        break;
    case OPTIONS__PROXY_FROM:
        block_list_add(&options->proxy_from, label, value, &options->arena, diagnostics);
        break;
    case OPTIONS__TLS_CERTIFICATE:
        listening_tls_add_certificate(&options->tls[0], label, value, diagnostics);
        break;
    case OPTIONS__TLS_KEY:
        listening_tls_add_key(&options->tls[0], label, value, diagnostics);
        break;
    case OPTIONS__TLS_HOST:
        listening_tls_add_host(options, &options->tls[0], label, value, diagnostics);
        break;
    case OPTIONS__TRACE: options__trace(options, value, diagnostics); break;
    case OPTIONS__VERBOSE: options->loudness++; break;
    case OPTIONS__QUIET: options->loudness = -1; break;
    }
}

static void options__take_word(struct option_reading *reading, const char *word)
{
    struct weir_address address;

    if (weir_address_parse(word, &address))
        diagnostics_add(reading->diagnostics, "%.100s: an address needs a protocol: --tcp %.100s",
                        word, word);
    else
        diagnostics_add(reading->diagnostics,
                        "%.100s: not an option of weir serve; see weir serve --help", word);
}

/* ---- settings that contradict each other ---- */

/* Sets the place of the next diagnostics to that of the option. Writes its name and value, as a
 * user typed them. */
static const char *options__text(struct option_reading *reading, size_t offset, char *text,
                                 size_t size)
{
    char value[32];

    option_enter(reading, offset, text, size);
    size_t used = strlen(text);
    snprintf(text + used, size - used, " %s",
             option_text(option_at(reading->table, offset), reading->target, value, sizeof value));
    return text;
}

#define OPTIONS__TEXT(member, text) \
    options__text(reading, offsetof(struct options, member), text, sizeof text)

static void options__check_queue(struct options *options, struct option_reading *reading)
{
    struct weir_config *config = &options->config;
    char high[80], low[80], buffer[80];

    OPTIONS__TEXT(config.buffer_bytes, buffer);
    OPTIONS__TEXT(config.send_queue_high_bytes, high);
    if (config->send_queue_high_bytes / 2 < config->buffer_bytes)
        diagnostics_add(reading->diagnostics,
                        "%s is less than two buffers of %s: raise the former or lower the latter",
                        high, buffer);
    if (config->send_queue_low_bytes < config->send_queue_high_bytes) return;
    if (option_is_given(reading, offsetof(struct options, config.send_queue_low_bytes)))
        diagnostics_add(reading->diagnostics, "%s must be less than %s",
                        OPTIONS__TEXT(config.send_queue_low_bytes, low), high);
    else
        config->send_queue_low_bytes = config->send_queue_high_bytes / 4;
}

static void options__check(struct options *options, struct option_reading *reading)
{
    struct weir_config *config = &options->config;
    char memory[80], buffer[80], rate[80], timeout[48];

    options__check_queue(options, reading);
    OPTIONS__TEXT(config.buffer_bytes, buffer);
    if (config->buffer_memory_max_bytes > 0 &&
        config->buffer_memory_max_bytes / 4 < config->buffer_bytes)
        diagnostics_add(reading->diagnostics,
                        "%s is less than four buffers of %s: raise the former or lower the latter",
                        OPTIONS__TEXT(config.buffer_memory_max_bytes, memory), buffer);
    option_enter(reading, offsetof(struct options, config.send_timeout_ms), timeout,
                 sizeof timeout);
    OPTIONS__TEXT(config.send_rate_min_bytes, rate);
    if (config->send_rate_min_bytes > 0 && config->send_timeout_ms == 0)
        diagnostics_add(reading->diagnostics, "%s extends %s, which is off: set one", rate,
                        timeout);
}

/* ---- the command line ---- */

static enum weir_log_level options__log_level(int loudness)
{
    if (loudness < 0) return WEIR_LOG_ERROR;
    return loudness < 2 ? (enum weir_log_level)(WEIR_LOG_WARNING + loudness) : WEIR_LOG_DETAIL;
}

static void options__check_port_file(const struct options *options, struct option_reading *reading)
{
    const char *name = options->port_file;
    char label[32];

    option_enter(reading, offsetof(struct options, port_file), label, sizeof label);
    if (name && name[0] == '\0')
        diagnostics_add(reading->diagnostics, "%s needs the name of a file", label);
    if (name && strcmp(name, "-") == 0)
        diagnostics_add(reading->diagnostics,
                        "%s -: name a file; ./- for one of this name, or /dev/stdout", label);
}

/* -v and -q are levels of the log, too. */
static void options__set_log_level(struct options *options, const struct option_reading *reading)
{
    if (!option_name_is_given(reading, "log-level") || option_name_is_given(reading, "verbose") ||
        option_name_is_given(reading, "quiet"))
        options->config.log_level = options__log_level(options->loudness);
}

void options_init(struct options *options)
{
    *options = (struct options){
        .drain_ms = 5000, .ping_interval_ms = 25 * 1000, .pong_timeout_ms = 20 * 1000};
    options->tls[0].name = LISTENING_TLS_NAME;
    options->tls_count = 1;
    options->cluster = (struct weir_cluster_options){
        .size = sizeof options->cluster,
        .name = "weir",
        .keep_bytes_max = 8 << 20, /* tidy: allow identifier - public */
        .queue_messages_max = 65536,
        .queue_bytes_max = 64 << 20,
        .write_timeout_ms = 500,
        .groups_max = 100000,
        .group_linger_ms = 5000,
        .hello_interval_ms = 2000,
        .count_deadline_max_ms = 1000};
    weir_config_init(&options->config);
}

bool options_read(int count, char **arguments, struct options *options,
                  struct diagnostics *diagnostics)
{
    struct option_table table = options_table;
    struct option_reading reading = {.table = &table,
                                     .count = count,
                                     .arguments = arguments,
                                     .target = options,
                                     .arena = &options->arena,
                                     .diagnostics = diagnostics};

    table.act = options__act;
    table.take_word = options__take_word;
    options_init(options);
    option_read(&reading);
    if (options->help || options->version) return diagnostics->count == 0;
    options->tls[0].is_client_given = option_name_is_given(&reading, "tls-client");
    if (options->config_file) config_file_apply(options, &reading);
    options__set_log_level(options, &reading);
    listening_finish(options, &reading);
    listening_tls_finish(options, diagnostics);
    options__check(options, &reading);
    options__check_port_file(options, &reading);
    diagnostics_leave(diagnostics);
    diagnostics_sort(diagnostics);
    return diagnostics->count == 0;
}

void options_free(struct options *options)
{
    arena_free(&options->arena);
}
