/* SPDX-License-Identifier: MIT */
/* tester_options.c - the command line of weir-test: a handler, options, and files of messages. */
#include "tester_options.h"

#include <string.h>

#include "escape.h"
#include "handler_arguments.h"
#include "input.h"
#include "os_trial.h"
#include "text_file.h"

#define OPTIONS_TARGET struct tester_options
#include "option_rows.h"

#define TESTER_OPTIONS__MESSAGE_BYTES_MAX (1u << 20)

static const struct option tester_options__all[] = {
#include "tester_options.def"
};

static void tester_options__take_word(struct option_reading *reading, const char *word)
{
    struct tester_options *options = reading->target;

    if (options->handler)
        diagnostics_add(reading->diagnostics, "%.100s: weir-test runs one handler", word);
    else
        options->handler = word;
}

const struct option_table tester_options_table = {
    .options = tester_options__all,
    .count = sizeof tester_options__all / sizeof tester_options__all[0],
    .command = "weir-test",
    .take_word = tester_options__take_word,
};

void tester_options_init(struct tester_options *options)
{
    *options = (struct tester_options){.seeds = 1000, .limit_ms = 10000};
}

/* ---- messages ---- */

/* Returns whether there is room for one more message. */
static bool tester_options__add(struct tester_options *options, const void *bytes, size_t length)
{
    if (options->inputs_count == options->inputs_max) {
        size_t max = options->inputs_max * 2 + 64;
        struct weir_test_input *more = arena_alloc(&options->arena, max * sizeof *more);
        if (!more) return false;
        if (options->inputs) memcpy(more, options->inputs, options->inputs_count * sizeof *more);
        options->inputs = more;
        options->inputs_max = max;
    }
    options->inputs[options->inputs_count++] = (struct weir_test_input){bytes, length};
    return true;
}

static void tester_options__read_lines(struct tester_options *options,
                                       struct diagnostics *diagnostics)
{
    struct text_file file;
    const char *line;
    size_t length;

    if (!text_file_read(&file, "--input", options->input, &options->arena, diagnostics)) return;
    while ((line = text_file_line(&file, &length)) != NULL) {
        if (length == 0) continue;
        char *text = arena_copy(&options->arena, line, length);
        if (!text || !tester_options__add(options, text, length)) {
            diagnostics_add(diagnostics, "out of memory");
            return;
        }
        struct weir_test_input *added = &options->inputs[options->inputs_count - 1];
        if (!escape_read_text((uint8_t *)text, &added->length))
            diagnostics_add(diagnostics,
                            "--input %.100s, line %u: a backslash starts no escape; "
                            "write \\\\ for a backslash",
                            options->input, file.line);
    }
}

static void tester_options__read_folder(struct tester_options *options,
                                        struct diagnostics *diagnostics)
{
    char why[400];
    size_t count = 0, length;
    char **paths = os_trial_list(options->corpus, &options->arena, &count, why, sizeof why);

    if (!paths)
        diagnostics_add_unreadable(diagnostics, "--corpus %.100s: %s", options->corpus, why);
    for (size_t i = 0; i < count; i++) {
        const char *bytes = input_read_file(paths[i], TESTER_OPTIONS__MESSAGE_BYTES_MAX, &length,
                                            &options->arena, why, sizeof why);
        if (!bytes)
            diagnostics_add_unreadable(diagnostics, "--corpus %.100s: %s", paths[i], why);
        else if (!tester_options__add(options, bytes, length))
            diagnostics_add(diagnostics, "out of memory");
    }
}

/* ---- the line that repeats a scenario ---- */

static bool tester_options__is_plain(const char *word)
{
    return word[0] != '\0' &&
           strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                        "_./,:=+-@%") == strlen(word);
}

/* Quotes a word for a shell. */
static const char *tester_options__quote(struct arena *arena, const char *word)
{
    const char *text = "'";

    if (tester_options__is_plain(word)) return word;
    for (const char *at = word; *at && text; at++)
        text = *at == '\'' ? arena_format(arena, "%s'\\''", text)
                           : arena_format(arena, "%s%c", text, *at);
    return text ? arena_format(arena, "%s'", text) : NULL;
}

static const char *tester_options__with(struct arena *arena, const char *words, const char *option,
                                        const char *value)
{
    if (!value || !words) return words;
    const char *quoted = tester_options__quote(arena, value);
    return quoted ? arena_format(arena, "%s %s%s", words, option, quoted) : NULL;
}

static void tester_options__write_words(struct tester_options *options)
{
    struct arena *arena = &options->arena;
    const char *words = tester_options__with(arena, "weir-test", "", options->handler);

    words = tester_options__with(arena, words, "--codec ", options->codec);
    words = tester_options__with(arena, words, "--input ", options->input);
    words = tester_options__with(arena, words, "--corpus ", options->corpus);
    if (words)
        words = arena_format(arena, "%s%s%s", words, options->udp ? " --udp" : "",
                             options->no_tcp ? " --no-tcp" : "");
    options->words = words ? words : "weir-test";
}

/* ---- the command line ---- */

bool tester_options_read(int count, char **arguments, struct tester_options *options,
                         struct diagnostics *diagnostics)
{
    struct option_reading reading = {.table = &tester_options_table,
                                     .count = count,
                                     .arguments = arguments,
                                     .target = options,
                                     .arena = &options->arena,
                                     .diagnostics = diagnostics};

    tester_options_init(options);
    option_read(&reading);
    if (options->help || options->version) return diagnostics->count == 0;
    if (!options->handler)
        diagnostics_add(diagnostics,
                        "a handler is missing; write weir-test ./mine.so, or the name of a "
                        "built-in one");
    if (options->no_tcp && !options->udp)
        diagnostics_add(diagnostics, "--no-tcp leaves no listener; add --udp");
    if (options->input) tester_options__read_lines(options, diagnostics);
    if (options->corpus) tester_options__read_folder(options, diagnostics);
    tester_options__write_words(options);
    if (options->handler &&
        !handler_arguments_split(&options->arena, &options->handler, &options->handler_arguments))
        diagnostics_add(diagnostics, "out of memory");
    return diagnostics->count == 0;
}

void tester_options_free(struct tester_options *options)
{
    arena_free(&options->arena);
}
