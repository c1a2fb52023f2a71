/* SPDX-License-Identifier: MIT */
/* config_check.c - `weir check FILE`: reads a configuration file as `weir serve --config FILE`
 * does, loads its certificates and modules, and reports every mistake. Nothing is bound without
 * --bind. */
#include "config_check.h"

#include <string.h>

#include "config_help.h"
#include "exit_code.h"
#include "loopback.h"
#include "os_loopback.h"
#include "print.h"
#include "serve_prepare.h"

struct config_check {
    const char *file;
    bool bind, keys, help;
    struct arena arena;
};

#define OPTIONS_TARGET struct config_check
#include "option_rows.h"

static const struct option config_check__all[] = {
#include "check_options.def"
};

static void config_check__take_word(struct option_reading *reading, const char *word)
{
    struct config_check *check = reading->target;

    if (check->file)
        diagnostics_add(reading->diagnostics, "%.100s: weir check reads one file", word);
    check->file = word;
}

static const struct option_table config_check__table = {
    .options = config_check__all,
    .count = sizeof config_check__all / sizeof config_check__all[0],
    .command = "weir check",
    .take_word = config_check__take_word,
};

static int config_check__help(void)
{
    static const struct config_check defaults;

    print_text(
        "weir check [OPTION]... FILE: checks a configuration file for weir serve --config FILE\n"
        "\n"
        "Reports every mistake as FILE:LINE:COLUMN, on stderr, with the text to write instead.\n"
        "Loads the certificates and modules. Binds no address, so a server can run meanwhile.\n");
    option_help(&config_check__table, &defaults);
    print_text("\nExit codes: 0 no mistake, 64 wrong usage, 69 cannot bind, 74 cannot read the "
               "file,\n78 the file has mistakes.\n");
    return EXIT_CODE_OK;
}

/* ---- the check ---- */

/* Opens the listeners and closes them again. Returns the exit code. */
static int config_check__bind(struct options *options, struct weir_server *server)
{
    struct weir_error error;
    char text[512];

    if (weir_server_start(server, &error) == WEIR_OK) return EXIT_CODE_OK;
    print_failure("%s: %s", options->config_file, weir_error_text(&error, text, sizeof text));
    return EXIT_CODE_UNAVAILABLE;
}

static void config_check__print_good(const struct config_check *check,
                                     const struct options *options)
{
    size_t names = options->tls_count - (options->tls[0].tls.certificate ? 0 : 1);

    print_text("%s: no mistakes; %zu listener%s%s", check->file, options->listeners_count,
               options->listeners_count == 1 ? "" : "s",
               options->listeners_are_default ? " (the default ones: the file has no list listen)"
                                              : "");
    if (names > 0) print_text(", TLS settings: %zu", names);
    print_text("%s\n", check->bind ? ", every address can be bound" : "");
}

/* Checks what options_read() has read: `diagnostics` already has its mistakes. */
static int config_check__options(const struct config_check *check, struct options *options,
                                 struct diagnostics *diagnostics)
{
    struct weir_server *server = NULL;
    struct weir_error error;
    char line[256];
    int code = EXIT_CODE_OK;

    loopback_drop_absent(options, os_has_loopback, line, sizeof line);
    serve_prepare_modules(options, diagnostics);
    serve_prepare_server(options, &server, diagnostics, &error);
    if (diagnostics->count > 0)
        code = diagnostics_exit_code(diagnostics);
    else if (check->bind)
        code = config_check__bind(options, server);
    weir_server_free(server);
    return code;
}

static int config_check__file(const struct config_check *check)
{
    char *arguments[] = {"--config", (char *)check->file};
    struct diagnostics diagnostics = {.count = 0};
    struct options options;
    int code;

    if (!options_read(2, arguments, &options, &diagnostics) &&
        diagnostics.unreadable_count == diagnostics.count)
        code = EXIT_CODE_IO;
    else
        code = config_check__options(check, &options, &diagnostics);
    print_flush();
    diagnostics_print(&diagnostics, stderr);
    if (code == EXIT_CODE_OK) config_check__print_good(check, &options);
    options_free(&options);
    return code;
}

int config_check_main(int count, char **arguments)
{
    struct diagnostics diagnostics = {.count = 0};
    struct config_check check = {.file = NULL};
    struct option_reading reading = {.table = &config_check__table,
                                     .count = count,
                                     .arguments = arguments,
                                     .target = &check,
                                     .arena = &check.arena,
                                     .diagnostics = &diagnostics};

    option_read(&reading);
    if (diagnostics.count == 0 && check.help) return config_check__help();
    if (diagnostics.count == 0 && check.keys) return config_help();
    if (!check.file && diagnostics.count == 0)
        diagnostics_add(&diagnostics, "weir check needs a file: weir check weir.yaml");
    if (diagnostics.count == 0) return config_check__file(&check);
    diagnostics_print(&diagnostics, stderr);
    return EXIT_CODE_USAGE;
}
