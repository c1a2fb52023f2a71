/* SPDX-License-Identifier: MIT */
/* options.c - reads the command line of `weir serve` by the table in options.def, and rejects
 * settings that contradict each other. */
#include "options.h"

#include <inttypes.h>
#include <string.h>

#include "block_list.h"
#include "listening.h"
#include "listening_tls.h"

#define OPTIONS_TARGET struct options
#include "option_rows.h"

enum options__action {
    OPTIONS__TCP,
    OPTIONS__UDP,
    OPTIONS__URL,
    OPTIONS__ALLOW,
    OPTIONS__DENY,
    OPTIONS__ALLOW_FILE,
    OPTIONS__DENY_FILE,
    OPTIONS__PROXY_FROM,
    OPTIONS__TLS_CERTIFICATE,
    OPTIONS__TLS_KEY,
    OPTIONS__TLS_HOST,
    OPTIONS__TRACE,
    OPTIONS__VERBOSE,
    OPTIONS__QUIET,
};

static const struct option options__all[] = {
#include "options.def"
};

static const struct option_alias options__aliases[] = {
#define ALIAS(earlier, present) {earlier, present},
#include "option_aliases.def"
#undef ALIAS
};

/* ---- options that are not plain values ---- */

/* --trace, --trace=BLOCK */
static void options__trace(struct options *options, const char *value,
                           struct diagnostics *diagnostics)
{
    const char **list = &options->config.trace;

    if (value)
        block_list_add(list, "trace", value, &options->arena, diagnostics);
    else if (!*list)
        *list = "";
}

static void options__act(struct option_reading *reading, const struct option *option,
                         const char *value)
{
    struct options *options = reading->target;
    struct diagnostics *diagnostics = reading->diagnostics;

    switch ((enum options__action)option->action) {
    case OPTIONS__TCP: listening_add(options, WEIR_TCP, value, diagnostics); break;
    case OPTIONS__UDP: listening_add(options, WEIR_UDP, value, diagnostics); break;
    case OPTIONS__URL: listening_add_url(options, value, diagnostics); break;
    case OPTIONS__ALLOW:
    case OPTIONS__DENY:
        block_list_add(option->action == OPTIONS__ALLOW ? &options->config.allow
                                                        : &options->config.deny,
                       option->name, value, &options->arena, diagnostics);
        break;
    case OPTIONS__ALLOW_FILE:
    case OPTIONS__DENY_FILE:
        block_list_add_file(option->action == OPTIONS__ALLOW_FILE ? &options->config.allow
                                                                  : &options->config.deny,
                            option->name, value, &options->arena, diagnostics);
        break;
    case OPTIONS__PROXY_FROM:
        block_list_add(&options->proxy_from, option->name, value, &options->arena, diagnostics);
        break;
    case OPTIONS__TLS_CERTIFICATE:
        listening_tls_add_certificate(options, value, diagnostics);
        break;
    case OPTIONS__TLS_KEY: listening_tls_add_key(options, value, diagnostics); break;
    case OPTIONS__TLS_HOST: listening_tls_add_host(options, value, diagnostics); break;
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

const struct option_table options_table = {
    .options = options__all,
    .count = sizeof options__all / sizeof options__all[0],
    .aliases = options__aliases,
    .aliases_count = sizeof options__aliases / sizeof options__aliases[0],
    .command = "weir serve",
    .act = options__act,
    .take_word = options__take_word,
};

/* ---- settings that contradict each other ---- */

/* Writes the value of the option that is stored at this offset, as a user types it. */
static const char *options__text(const struct options *options, size_t offset, char *text,
                                 size_t size)
{
    for (size_t i = 0; i < options_table.count; i++)
        if (options_table.options[i].bytes > 0 && options_table.options[i].offset == offset)
            return option_text(&options_table.options[i], options, text, size);
    return "?";
}

#define OPTIONS__TEXT(member, text) \
    options__text(options, offsetof(struct options, member), text, sizeof text)

static void options__check_queue(struct options *options, bool low_given,
                                 struct diagnostics *diagnostics)
{
    struct weir_config *config = &options->config;
    char high[32], low[32], buffer[32];

    OPTIONS__TEXT(config.send_queue_high_bytes, high);
    OPTIONS__TEXT(config.buffer_bytes, buffer);
    if (config->send_queue_high_bytes / 2 < config->buffer_bytes)
        diagnostics_add(diagnostics,
                        "--queue-high %s is less than two buffers of --buffer-size %s: raise the "
                        "former or lower the latter",
                        high, buffer);
    if (config->send_queue_low_bytes < config->send_queue_high_bytes) return;
    if (low_given)
        diagnostics_add(diagnostics, "--queue-low %s must be less than --queue-high %s",
                        OPTIONS__TEXT(config.send_queue_low_bytes, low), high);
    else
        config->send_queue_low_bytes = config->send_queue_high_bytes / 4;
}

static void options__check(struct options *options, const struct option_reading *reading)
{
    struct weir_config *config = &options->config;
    char memory[32], buffer[32], rate[32];

    options__check_queue(
        options, option_is_given(reading, offsetof(struct options, config.send_queue_low_bytes)),
        reading->diagnostics);
    if (config->buffer_memory_max_bytes > 0 &&
        config->buffer_memory_max_bytes / 4 < config->buffer_bytes)
        diagnostics_add(
            reading->diagnostics,
            "--buffer-memory %s is less than four buffers of --buffer-size %s: raise the "
            "former or lower the latter",
            OPTIONS__TEXT(config.buffer_memory_max_bytes, memory),
            OPTIONS__TEXT(config.buffer_bytes, buffer));
    if (config->send_rate_min_bytes > 0 && config->send_timeout_ms == 0)
        diagnostics_add(reading->diagnostics,
                        "--send-rate-min %s extends --send-timeout, which is off: set one",
                        OPTIONS__TEXT(config.send_rate_min_bytes, rate));
}

/* ---- the command line ---- */

static enum weir_log_level options__log_level(int loudness)
{
    if (loudness < 0) return WEIR_LOG_ERROR;
    return loudness < 2 ? (enum weir_log_level)(WEIR_LOG_WARNING + loudness) : WEIR_LOG_DETAIL;
}

static void options__check_port_file(const struct options *options, struct diagnostics *diagnostics)
{
    const char *name = options->port_file;

    if (name && name[0] == '\0')
        diagnostics_add(diagnostics, "--port-file needs the name of a file");
    if (name && strcmp(name, "-") == 0)
        diagnostics_add(diagnostics,
                        "--port-file -: name a file; ./- for one of this name, or /dev/stdout");
}

void options_init(struct options *options)
{
    *options = (struct options){
        .drain_ms = 5000, .ping_interval_ms = 25 * 1000, .pong_timeout_ms = 20 * 1000};
    weir_config_init(&options->config);
}

bool options_read(int count, char **arguments, struct options *options,
                  struct diagnostics *diagnostics)
{
    struct option_reading reading = {.table = &options_table,
                                     .count = count,
                                     .arguments = arguments,
                                     .target = options,
                                     .arena = &options->arena,
                                     .diagnostics = diagnostics};

    options_init(options);
    option_read(&reading);
    if (options->help || options->version) return diagnostics->count == 0;
    options->config.log_level = options__log_level(options->loudness);
    listening_finish(options, diagnostics);
    listening_tls_finish(options, option_is_given(&reading, offsetof(struct options, tls.client)),
                         diagnostics);
    options__check(options, &reading);
    options__check_port_file(options, diagnostics);
    return diagnostics->count == 0;
}

void options_free(struct options *options)
{
    arena_free(&options->arena);
}
