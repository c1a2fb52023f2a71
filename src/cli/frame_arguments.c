/* SPDX-License-Identifier: MIT */
/* frame_arguments.c - reads the words after `weir frame`. */
#include "frame_arguments.h"

#include <string.h>

#include "frame_wireshark.h"
#include "suggest.h"

#define OPTIONS_TARGET struct frame_arguments__words
#include "option_rows.h"

#define FRAME_ARGUMENTS__WORDS_MAX 3 /* one more than any command takes */

/* The words after the command that are no options. */
struct frame_arguments__words {
    const char *words[FRAME_ARGUMENTS__WORDS_MAX];
    size_t count; /* can exceed the maximum */
    const char *name;
    uint16_t port;
    bool help;
};

static const char *const frame_arguments__names[] = {"explain", "decode", "encode", "wireshark",
                                                     "guess"};
static const char *const frame_arguments__usages[] = {
    "weir frame explain SPEC", "weir frame decode SPEC [FILE]", "weir frame encode SPEC [FILE]",
    "weir frame wireshark SPEC [--name NAME] [--port PORT]", "weir frame guess [FILE]"};

static const struct option frame_arguments__options[] = {
    OPTIONS_TEXT("name", 'n', "NAME", name, "frame wireshark: the name of the protocol")
        OPTIONS_VALUE("port", NULL, 'p', COUNT, "PORT", port, 1, 65535, "",
                      "frame wireshark: the port that Wireshark dissects")
            OPTIONS_SWITCH("help", 'h', help, "show the help of weir frame")};

static void frame_arguments__take_word(struct option_reading *reading, const char *word)
{
    struct frame_arguments__words *words = reading->target;

    if (words->count < FRAME_ARGUMENTS__WORDS_MAX) words->words[words->count] = word;
    words->count++;
}

static const struct option_table frame_arguments__table = {
    .options = frame_arguments__options,
    .count = sizeof frame_arguments__options / sizeof frame_arguments__options[0],
    .command = "weir frame",
    .take_word = frame_arguments__take_word,
};

/* Returns FRAME_COMMANDS_COUNT after adding a diagnostic if the word is no command. */
static enum frame_command frame_arguments__find(const char *word, struct diagnostics *diagnostics)
{
    size_t command = 0;

    while (command < FRAME_COMMANDS_COUNT && strcmp(word, frame_arguments__names[command]) != 0)
        command++;
    if (command < FRAME_COMMANDS_COUNT) return (enum frame_command)command;
    const char *suggestion =
        suggest_word(word, strlen(word), frame_arguments__names, FRAME_COMMANDS_COUNT);
    diagnostics_add(diagnostics, "frame %.100s: no such command; %s%s%s", word,
                    suggestion ? "did you mean " : "see weir frame --help",
                    suggestion ? suggestion : "", suggestion ? "?" : "");
    return FRAME_COMMANDS_COUNT;
}

/* Assigns the words. Returns false if they are too few or too many for the command. */
static bool frame_arguments__assign(struct frame_arguments *arguments,
                                    const struct frame_arguments__words *words)
{
    size_t specs = arguments->command == FRAME_GUESS ? 0 : 1;
    bool reads = arguments->command != FRAME_EXPLAIN && arguments->command != FRAME_WIRESHARK;
    size_t files = reads ? 1 : 0;

    if (words->count < specs || words->count > specs + files) return false;
    if (specs > 0) arguments->spec = words->words[0];
    if (words->count > specs && strcmp(words->words[specs], "-") != 0)
        arguments->file = words->words[specs];
    return true;
}

/* Adds a diagnostic for an option that the command does not have, or a name that is too long. */
static void frame_arguments__check_options(const struct frame_arguments *arguments,
                                           struct diagnostics *diagnostics)
{
    if (arguments->command != FRAME_WIRESHARK && (arguments->name || arguments->port > 0))
        diagnostics_add(diagnostics, "--name and --port are options of weir frame wireshark");
    if (arguments->name &&
        (arguments->name[0] == '\0' || strlen(arguments->name) > FRAME_WIRESHARK_NAME_BYTES_MAX))
        diagnostics_add(diagnostics, "--name: write 1 to %d bytes", FRAME_WIRESHARK_NAME_BYTES_MAX);
}

bool frame_arguments_read(int count, char **words, struct frame_arguments *arguments,
                          struct diagnostics *diagnostics)
{
    struct frame_arguments__words read = {.count = 0};
    struct option_reading reading = {.table = &frame_arguments__table,
                                     .count = count,
                                     .at = 1,
                                     .arguments = words,
                                     .target = &read,
                                     .diagnostics = diagnostics};

    *arguments = (struct frame_arguments){.help = false};
    if (strcmp(words[0], "--help") == 0 || strcmp(words[0], "-h") == 0)
        return arguments->help = true;
    arguments->command = frame_arguments__find(words[0], diagnostics);
    if (arguments->command == FRAME_COMMANDS_COUNT) return false;
    option_read(&reading);
    if (read.help && diagnostics->count == 0) return arguments->help = true;
    arguments->name = read.name;
    arguments->port = read.port;
    frame_arguments__check_options(arguments, diagnostics);
    if (diagnostics->count == 0 && !frame_arguments__assign(arguments, &read))
        diagnostics_add(diagnostics, "frame %s: %s; write %s", words[0],
                        read.count == 0 ? "a SPEC is missing" : "too many words",
                        frame_arguments__usages[arguments->command]);
    return diagnostics->count == 0;
}
