/* SPDX-License-Identifier: MIT */
/* selftest.c - `weir selftest`: reports what this machine offers, in one text file to send back.
 *
 *      the machine -> an echo over each transport -> questions about the best one -> the verdict
 *
 * Each echo and each question runs in a process of its own with a time limit. What it prints goes
 * to stdout as it comes, and into the report, which is written at the end. The last line is "good",
 * "good without NAME", or what is wrong.
 */
#include "selftest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

#include "arena.h"
#include "diagnostics.h"
#include "exit_code.h"
#include "os_child.h"
#include "os_questions.h"
#include "output_file.h"
#include "print.h"
#include "selftest_echo.h"

#define SELFTEST__WRONG_BYTES 400
#define SELFTEST__LINE_BYTES 1024
#define SELFTEST__REPORT_BYTES (256u * 1024) /* several times what all questions print */
#define SELFTEST__PATIENCE_MS 1000           /* for a program that has an old report open */

struct selftest_options {
    const char *output;
    uint32_t limit_ms;
    bool help;
    struct arena arena;
};

static const struct selftest_options selftest__defaults = {.output = "weir-selftest.txt",
                                                           .limit_ms = 30000};

#define OPTIONS_TARGET struct selftest_options
#include "option_rows.h"

static const struct option selftest__options[] = {
#include "selftest_options.def"
};

static const struct option_table selftest__table = {
    .options = selftest__options,
    .count = sizeof selftest__options / sizeof selftest__options[0],
    .command = "weir selftest",
};

struct selftest {
    struct selftest_options options;
    struct output_file file;
    char report[SELFTEST__REPORT_BYTES];
    size_t report_bytes;
    bool best_is_there;                /* the best transport is available */
    int counts[4];                     /* questions by enum os_answer */
    int ended;                         /* questions that crashed or stood still */
    char wrong[SELFTEST__WRONG_BYTES]; /* what is wrong; "": nothing */
};

/* ---- the report ---- */

/* Prints the text, and adds it to the report. */
static void selftest__take(void *context, const char *bytes, size_t length)
{
    struct selftest *selftest = context;
    size_t room = sizeof selftest->report - selftest->report_bytes;

    print_bytes(bytes, length);
    print_flush(); /* the next part can take a while */
    if (length > room) length = room;
    memcpy(selftest->report + selftest->report_bytes, bytes, length);
    selftest->report_bytes += length;
}

static void selftest__say(struct selftest *selftest, const char *format, ...)
{
    char text[SELFTEST__LINE_BYTES];
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0) return;
    selftest__take(selftest, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
}

/* Adds to what is wrong. */
static void selftest__blame(struct selftest *selftest, const char *format, ...)
{
    size_t used = strlen(selftest->wrong);
    va_list arguments;

    if (used > 0 && used + 2 < sizeof selftest->wrong)
        used += (size_t)snprintf(selftest->wrong + used, sizeof selftest->wrong - used, "; ");
    va_start(arguments, format);
    vsnprintf(selftest->wrong + used, sizeof selftest->wrong - used, format, arguments);
    va_end(arguments);
}

/* ---- processes ---- */

/* Runs `weir selftest KIND WHICH`. Returns its answer; 0: it had none, and the report says why. */
static int selftest__run(struct selftest *selftest, const char *kind, const char *which)
{
    const char *const arguments[4] = {"selftest", kind, which};
    int code = 0;
    enum os_child_end end =
        os_child_run(arguments, selftest->options.limit_ms, selftest__take, selftest, &code);

    switch (end) {
    case OS_CHILD_ENDED:
        if (code >= OS_ANSWER_CONFIRMS && code <= OS_ANSWER_UNTRIED) return code;
        selftest__say(selftest, " -> ENDED with exit code %d", code);
        break;
    case OS_CHILD_CRASHED: selftest__say(selftest, " -> CRASHED, 0x%X", (unsigned)code); break;
    case OS_CHILD_STOOD_STILL:
        selftest__say(selftest, " -> STOOD STILL for %u ms, and was ended",
                      (unsigned)selftest->options.limit_ms);
        break;
    case OS_CHILD_NOT_STARTED:
        selftest__say(selftest, " -> its process CANNOT START, error %d", code);
        break;
    }
    return 0;
}

static void selftest__try_transport(struct selftest *selftest, size_t index)
{
    const char *transport = os_questions_transports[index];
    bool is_last = !os_questions_transports[index + 1];

    selftest__say(selftest, "echo over %s: ", transport);
    int answer = selftest__run(selftest, "--echo", transport);
    if (answer == OS_ANSWER_CONFIRMS) {
        if (index == 0) selftest->best_is_there = true;
        selftest__say(selftest, "every byte came back\n");
    } else if (answer == OS_ANSWER_UNTRIED && !is_last) {
        selftest__say(selftest, "not available\n");
    } else {
        selftest__say(selftest, answer == OS_ANSWER_UNTRIED ? "NOT AVAILABLE\n" : "\n");
        selftest__blame(selftest, "the echo over %s failed", transport);
    }
}

static void selftest__try_question(struct selftest *selftest, size_t index)
{
    static const char *const texts[] = {"confirms", "DIFFERS from", "answers", "leaves untried"};
    const struct os_question *question = os_questions_at(index);
    char number[16];

    snprintf(number, sizeof number, "%u", (unsigned)index + 1);
    selftest__say(selftest, "%2s %s [%s]: ", number, question->about, question->rules);
    int answer = selftest__run(selftest, "--question", number);
    if (answer == 0) {
        selftest->ended++;
        selftest__say(selftest, " [%s]\n", question->rules);
        return;
    }
    selftest->counts[answer - OS_ANSWER_CONFIRMS]++;
    selftest__say(selftest, " -> %s %s\n", texts[answer - OS_ANSWER_CONFIRMS], question->rules);
    if (answer == OS_ANSWER_DIFFERS)
        selftest__blame(selftest, "question %s (%s) differs from what weir expects", number,
                        question->about);
}

static void selftest__try_questions(struct selftest *selftest)
{
    if (os_questions_count == 0) return;
    if (!selftest->best_is_there) {
        selftest__say(selftest, "questions: none, because %s is not available\n",
                      os_questions_best);
        return;
    }
    for (size_t i = 0; i < os_questions_count; i++) selftest__try_question(selftest, i);
    selftest__say(selftest,
                  "%u questions: %d confirm, %d differ, %d answer, %d untried, %d crashed or stood "
                  "still\n",
                  (unsigned)os_questions_count, selftest->counts[0], selftest->counts[1],
                  selftest->counts[2], selftest->counts[3], selftest->ended);
}

/* ---- the command ---- */

static int selftest__test(struct selftest *selftest)
{
    char system[128];

    selftest__say(selftest, "weir %s selftest on %s, %u bits\n", weir_version(),
                  os_child_system(system, sizeof system), (unsigned)(8 * sizeof(void *)));
    selftest__say(selftest, "this report is written to %.200s\n", selftest->options.output);
    for (size_t i = 0; os_questions_transports[i]; i++) selftest__try_transport(selftest, i);
    selftest__try_questions(selftest);
    if (selftest->wrong[0] != '\0')
        selftest__say(selftest, "wrong: %s\n", selftest->wrong);
    else if (selftest->best_is_there)
        selftest__say(selftest, "good\n");
    else
        selftest__say(selftest, "good without %s\n", os_questions_best);
    return selftest->wrong[0] != '\0' ? EXIT_CODE_FAILED : EXIT_CODE_OK;
}

static int selftest__report(struct selftest *selftest)
{
    const char *output = selftest->options.output;
    struct output_file *file = &selftest->file;

    if (!output_file_open(file, "output", output, SELFTEST__PATIENCE_MS,
                          &selftest->options.arena)) {
        print_failure("%s", file->why);
        return EXIT_CODE_IO;
    }
    int code = selftest__test(selftest);
    if (!output_file_write(file, selftest->report, selftest->report_bytes)) {
        print_failure("%s", file->why);
        code = EXIT_CODE_IO;
    }
    output_file_close(file);
    return code;
}

static int selftest__help(void)
{
    print_text(
        "weir selftest [OPTION]...: reports what this machine offers, in a file to send back\n");
    option_help(&selftest__table, &selftest__defaults);
    print_text(
        "\n"
        "It echoes over each transport on the loopback interface and compares every byte. Where\n"
        "Windows has Registered I/O, it also asks how that behaves where no document says it.\n"
        "It needs no privileges and no network.\n"
        "\n"
        "The last line is \"good\", \"good without %s\", or what is wrong.\n"
        "Exit codes: 0 good; 1 something is wrong; 64 wrong usage; 74 cannot write the report.\n",
        os_questions_best);
    return EXIT_CODE_OK;
}

/* Runs in the process of one echo or question. Returns its answer; 0: the arguments name none. */
static int selftest__answer(int count, char **arguments)
{
    if (count != 2) return 0;
    if (strcmp(arguments[0], "--echo") == 0) return (int)selftest_echo(arguments[1]);
    if (strcmp(arguments[0], "--question") != 0) return 0;
    unsigned long number = strtoul(arguments[1], NULL, 10);
    if (number == 0 || number > os_questions_count) return 0;
    return (int)os_questions_ask(number - 1);
}

int selftest_main(int count, char **arguments)
{
    static struct selftest selftest; /* too large for the stack */
    struct diagnostics diagnostics = {0};
    struct option_reading reading = {.table = &selftest__table,
                                     .count = count,
                                     .arguments = arguments,
                                     .target = &selftest.options,
                                     .arena = &selftest.options.arena,
                                     .diagnostics = &diagnostics};
    int code = selftest__answer(count, arguments);

    if (code != 0) return code;
    selftest.options = selftest__defaults;
    option_read(&reading);
    if (diagnostics.count > 0) {
        diagnostics_print(&diagnostics, stderr);
        code = diagnostics_exit_code(&diagnostics);
    } else {
        code = selftest.options.help ? selftest__help() : selftest__report(&selftest);
    }
    arena_free(&selftest.options.arena);
    return code;
}
