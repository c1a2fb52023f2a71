/* SPDX-License-Identifier: MIT */
/* ctl.c - `weir ctl VERB` and `weir inspect ID`. */
#include "ctl.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "admin_client.h"
#include "ctl_show.h"
#include "exit_code.h"
#include "option.h"
#include "print.h"
#include "suggest.h"

struct ctl_options {
    const char *admin, *admin_token_file, *sort, *filter;
    uint32_t timeout_ms, limit, wait_ms;
    bool json, abort, help;
    const char *words[2]; /* the verb, and its argument; null: none */
    struct arena arena;
};

#define OPTIONS_TARGET struct ctl_options
#include "option_rows.h"

static const struct option ctl__options[] = {
#include "ctl_options.def"
};

static const struct ctl_options ctl__defaults = {.timeout_ms = 65000, .limit = 20, .wait_ms = 1000};

static void ctl__take_word(struct option_reading *reading, const char *word)
{
    struct ctl_options *options = reading->target;

    if (!options->words[0])
        options->words[0] = word;
    else if (!options->words[1])
        options->words[1] = word;
    else
        diagnostics_add(reading->diagnostics, "%.100s: there are too many words; see %s --help",
                        word, reading->table->command);
}

static const struct option_table ctl__table = {
    .options = ctl__options,
    .count = sizeof ctl__options / sizeof ctl__options[0],
    .command = "weir ctl",
    .take_word = ctl__take_word,
};

/* ---- answers ---- */

/* Returns the exit code for an HTTP status, after printing a failure. */
static int ctl__code(const struct admin_client *client, unsigned status)
{
    if (status == 0) {
        print_failure("%s", client->why);
        return EXIT_CODE_UNAVAILABLE;
    }
    if (status == 200 || status == 202) return EXIT_CODE_OK;
    int length = (int)client->body_length;
    while (length > 0 && client->body[length - 1] == '\n') length--;
    print_failure("%.*s", length, client->body);
    return status == 401 || status == 403 || status == 421 ? EXIT_CODE_SETTING : EXIT_CODE_FAILED;
}

static int ctl__request(struct admin_client *client, const char *method, const char *target)
{
    int code = ctl__code(client, admin_client_request(client, method, target));

    if (code != EXIT_CODE_OK) return code;
    print_bytes(client->body, client->body_length);
    if (client->body_length > 0 && client->body[client->body_length - 1] != '\n') print_text("\n");
    return code;
}

static int ctl__too_long(void)
{
    print_failure("an argument is too long");
    return EXIT_CODE_USAGE;
}

/* ---- verbs ---- */

static int ctl__health(struct admin_client *client, const struct ctl_options *options)
{
    (void)options;
    return ctl__request(client, "GET", "/healthz");
}

static int ctl__ready(struct admin_client *client, const struct ctl_options *options)
{
    (void)options;
    return ctl__request(client, "GET", "/readyz");
}

static int ctl__stats(struct admin_client *client, const struct ctl_options *options)
{
    (void)options;
    return ctl__request(client, "GET", "/stats.json");
}

static int ctl__sessions(struct admin_client *client, const struct ctl_options *options)
{
    char target[ADMIN_CLIENT_TARGET_BYTES], limit[16];
    bool fits = true;

    snprintf(target, sizeof target, "/sessions");
    snprintf(limit, sizeof limit, "%u", (unsigned)options->limit);
    fits = admin_client_add(target, "limit", limit) && fits;
    if (options->sort) fits = fits && admin_client_add(target, "sort", options->sort);
    if (options->filter) fits = fits && admin_client_add(target, "filter", options->filter);
    if (!fits) return ctl__too_long();
    if (options->json) return ctl__request(client, "GET", target);
    int code = ctl__code(client, admin_client_request(client, "GET", target));
    return code == EXIT_CODE_OK ? ctl_show_sessions(client) : code;
}

/* Makes "/sessions/ID", followed by `rest`. Returns false after printing that it is no id. */
static bool ctl__session(const char *id, const char *rest, char target[ADMIN_CLIENT_TARGET_BYTES])
{
    if (id[0] == '\0' || strspn(id, "0123456789abcdefABCDEF") != strlen(id) || strlen(id) > 16) {
        print_failure("%.100s: the id of a session has up to 16 hexadecimal digits; the log and "
                      "weir ctl sessions show it",
                      id);
        return false;
    }
    snprintf(target, ADMIN_CLIENT_TARGET_BYTES, "/sessions/%s%s", id, rest);
    return true;
}

static int ctl__close(struct admin_client *client, const struct ctl_options *options)
{
    char target[ADMIN_CLIENT_TARGET_BYTES];

    if (!ctl__session(options->words[1], options->abort ? "/close?how=abort" : "/close", target))
        return EXIT_CODE_USAGE;
    return ctl__request(client, "POST", target);
}

static int ctl__drain(struct admin_client *client, const struct ctl_options *options)
{
    char target[ADMIN_CLIENT_TARGET_BYTES] = "/drain";

    if (options->words[1] && !admin_client_add(target, "within", options->words[1]))
        return ctl__too_long();
    return ctl__request(client, "POST", target);
}

static int ctl__reload(struct admin_client *client, const struct ctl_options *options)
{
    (void)options;
    return ctl__request(client, "POST", "/reload");
}

static int ctl__log(struct admin_client *client, const struct ctl_options *options)
{
    char target[ADMIN_CLIENT_TARGET_BYTES] = "/log";

    if (!admin_client_add(target, "level", options->words[1])) return ctl__too_long();
    return ctl__request(client, "POST", target);
}

enum ctl__argument { CTL__NONE, CTL__OPTIONAL, CTL__REQUIRED };

static const struct ctl__verb {
    const char *name;
    enum ctl__argument argument;
    int (*run)(struct admin_client *client, const struct ctl_options *options);
} ctl__verbs[] = {
    {"health", CTL__NONE, ctl__health},   {"ready", CTL__NONE, ctl__ready},
    {"stats", CTL__NONE, ctl__stats},     {"sessions", CTL__NONE, ctl__sessions},
    {"close", CTL__REQUIRED, ctl__close}, {"drain", CTL__OPTIONAL, ctl__drain},
    {"reload", CTL__NONE, ctl__reload},   {"log", CTL__REQUIRED, ctl__log},
};

#define CTL__VERBS_COUNT (sizeof ctl__verbs / sizeof ctl__verbs[0])

static const char *ctl__verb_name(size_t index)
{
    return index < CTL__VERBS_COUNT ? ctl__verbs[index].name : NULL;
}

static void ctl__unknown(const char *word, struct diagnostics *diagnostics)
{
    const char *suggestion = suggest_name(word, strlen(word), ctl__verb_name);

    if (suggestion)
        diagnostics_add(diagnostics, "%.100s: no such verb; did you mean %s? See weir ctl --help",
                        word, suggestion);
    else
        diagnostics_add(diagnostics, "%.100s: no such verb; see weir ctl --help", word);
}

/* Finds the verb, and checks its argument. Null after adding a diagnostic. */
static const struct ctl__verb *ctl__find(const struct ctl_options *options,
                                         struct diagnostics *diagnostics)
{
    const char *word = options->words[0];
    const struct ctl__verb *verb = ctl__verbs, *end = ctl__verbs + CTL__VERBS_COUNT;

    if (!word) {
        diagnostics_add(diagnostics, "weir ctl needs a verb, such as health; see weir ctl --help");
        return NULL;
    }
    while (verb < end && strcmp(verb->name, word) != 0) verb++;
    if (verb == end)
        ctl__unknown(word, diagnostics);
    else if (verb->argument == CTL__REQUIRED && !options->words[1])
        diagnostics_add(diagnostics, "weir ctl %s needs an argument; see weir ctl --help", word);
    else if (verb->argument == CTL__NONE && options->words[1])
        diagnostics_add(diagnostics, "weir ctl %s takes no argument (%.100s)", word,
                        options->words[1]);
    else
        return verb;
    return NULL;
}

/* ---- the commands ---- */

static int ctl__help(void)
{
    print_text("weir ctl [OPTION]... VERB: asks or changes a running server, by its admin server\n"
               "\n"
               "  health        prints \"ok\" if every worker runs\n"
               "  ready         prints \"ready\" while it accepts sessions\n"
               "  stats         prints all counters as JSON\n"
               "  sessions      lists open sessions\n"
               "  close ID      closes a session gracefully\n"
               "  drain [TIME]  starts a graceful shutdown, with this deadline\n"
               "  reload        loads the files again, and waits for the result\n"
               "  log LEVEL     changes the log level: error, warning, info, detail\n"
               "\n"
               "weir inspect [OPTION]... ID: shows one session\n");
    option_help(&ctl__table, &ctl__defaults);
    print_text(
        "\n"
        "Exit codes: 0 done, healthy or ready; 1 not healthy, not ready, no such session, or the\n"
        "reload failed; 64 wrong usage; 69 no admin server answers; 74 output was lost; 78 the\n"
        "admin server refuses the token or the host name.\n");
    return EXIT_CODE_OK;
}

/* Reads the options. Returns false with the exit code in *code: there is nothing more to do. */
static bool ctl__read(int count, char **arguments, struct ctl_options *options, int *code)
{
    struct diagnostics diagnostics = {0};
    struct option_reading reading = {.table = &ctl__table,
                                     .count = count,
                                     .arguments = arguments,
                                     .target = options,
                                     .arena = &options->arena,
                                     .diagnostics = &diagnostics};

    *options = ctl__defaults;
    option_read(&reading);
    *code = EXIT_CODE_OK;
    if (diagnostics.count > 0) {
        diagnostics_print(&diagnostics, stderr);
        *code = diagnostics_exit_code(&diagnostics);
        return false;
    }
    if (options->help) *code = ctl__help();
    return !options->help;
}

static bool ctl__open(struct admin_client *client, struct ctl_options *options,
                      struct diagnostics *diagnostics, int *code)
{
    if (diagnostics->count == 0 &&
        admin_client_open(client, options->admin, options->admin_token_file, options->timeout_ms,
                          &options->arena, diagnostics))
        return true;
    diagnostics_print(diagnostics, stderr);
    *code = diagnostics_exit_code(diagnostics);
    return false;
}

int ctl_main(int count, char **arguments)
{
    struct ctl_options options;
    struct diagnostics diagnostics = {0};
    struct admin_client client;
    int code;

    if (ctl__read(count, arguments, &options, &code)) {
        const struct ctl__verb *verb = ctl__find(&options, &diagnostics);
        if (ctl__open(&client, &options, &diagnostics, &code)) {
            code = verb->run(&client, &options);
            admin_client_close(&client);
        }
    }
    arena_free(&options.arena);
    return code;
}

#define CTL__POLL_MS 100u

/* Asks for the session until it has frames to show, or the time is over. The watch goes on for a
 * while, so that a further call shows them immediately. */
static int ctl__ask_frames(struct admin_client *client, const struct ctl_options *options,
                           const char *target, const char *watch)
{
    int code = ctl__code(client, admin_client_request(client, "POST", watch));

    for (uint32_t waited_ms = 0; code == EXIT_CODE_OK; waited_ms += CTL__POLL_MS) {
        code = ctl__code(client, admin_client_request(client, "GET", target));
        if (code != EXIT_CODE_OK || ctl_show_has_frames(client) || waited_ms >= options->wait_ms)
            return code;
        if (client->is_open) os_peer_wait(&client->peer, OS_PEER_RECEIVE, CTL__POLL_MS);
    }
    return code;
}

static int ctl__inspect(struct admin_client *client, const struct ctl_options *options)
{
    char target[ADMIN_CLIENT_TARGET_BYTES], watch[ADMIN_CLIENT_TARGET_BYTES];

    if (!ctl__session(options->words[0], "", target) ||
        !ctl__session(options->words[0], "/watch?for=60s", watch))
        return EXIT_CODE_USAGE;
    int code = ctl__ask_frames(client, options, target, watch);
    if (code != EXIT_CODE_OK) return code;
    if (!options->json) return ctl_show_session(client);
    print_bytes(client->body, client->body_length);
    print_text("\n");
    return code;
}

int ctl_inspect_main(int count, char **arguments)
{
    struct ctl_options options;
    struct diagnostics diagnostics = {0};
    struct admin_client client;
    int code;

    if (ctl__read(count, arguments, &options, &code)) {
        if (!options.words[0] || options.words[1])
            diagnostics_add(&diagnostics, "weir inspect needs the id of one session; see weir ctl "
                                          "sessions, and weir inspect --help");
        if (ctl__open(&client, &options, &diagnostics, &code)) {
            code = ctl__inspect(&client, &options);
            admin_client_close(&client);
        }
    }
    arena_free(&options.arena);
    return code;
}
