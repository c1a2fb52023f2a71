/* SPDX-License-Identifier: MIT */
/* tester.c - the program weir-test: runs a handler under many seeds, each in a process of its own.
 *
 *      seed 1 ... N -> quiet process -> result in shared memory
 *                           '-- failed --> the same seed again, with its trace, and its replay line
 */
#include <stdio.h>
#include <string.h>

#include <weir/test.h>

#include "exit_code.h"
#include "module.h"
#include "os.h"
#include "os_stream.h"
#include "os_trial.h"
#include "print.h"
#include "tester_options.h"

#define TESTER__MARKS_MAX 4096u
#define TESTER__VIOLATED "  VIOLATED: " /* in the lines of struct weir_test_swarm */

/* What a process tells the one that started it. */
struct tester__report {
    bool is_done;        /* the scenario has ended; otherwise the process crashed */
    enum weir_code code; /* of opening the server */
    char error[512];
    char violated[256]; /* the first violated rule; "": none */
    struct weir_test_result result;
    uint8_t reached[TESTER__MARKS_MAX]; /* by any process */
};

struct tester {
    struct tester_options options;
    struct weir_listen listens[2];
    struct weir_test_swarm swarm;
    struct tester__report *report;
    uint64_t seed;     /* of the process that runs */
    char failure[400]; /* of that seed; "": none */
};

static size_t tester__marks_count(const struct tester *tester)
{
    size_t count = (size_t)(tester->swarm.marks.last - tester->swarm.marks.first);

    return count < TESTER__MARKS_MAX ? count : TESTER__MARKS_MAX;
}

/* ---- one scenario, in its process ---- */

/* Keeps the violated rule: the process might end before the scenario does. */
static void tester__watch_line(void *user, const char *line)
{
    struct tester__report *report = user;
    const char *violated = strstr(line, TESTER__VIOLATED);

    if (!violated || report->violated[0] != '\0') return;
    snprintf(report->violated, sizeof report->violated, "%s", violated + strlen(TESTER__VIOLATED));
}

static void tester__print_line(void *user, const char *line)
{
    os_write(1, line, strlen(line)); /* immediately: the next line might not be reached */
    os_write(1, "\n", 1);
    tester__watch_line(user, line);
}

static void tester__run(void *argument)
{
    struct tester *tester = argument;
    struct tester__report *report = tester->report;
    struct weir_error error;

    report->result = (struct weir_test_result){.size = sizeof report->result};
    report->code = weir_test_run_seed(&tester->swarm, tester->seed, &report->result, &error);
    if (report->code != WEIR_OK) weir_error_text(&error, report->error, sizeof report->error);
    for (size_t i = 0; i < tester__marks_count(tester); i++)
        if (tester->swarm.marks.first[i]->reached) report->reached[i] = 1;
    report->is_done = true;
}

/* Runs the tester's seed, with its trace or quietly. Returns false if it failed: tester->failure
 * says why. */
static bool tester__try(struct tester *tester, bool with_trace)
{
    struct tester__report *report = tester->report;

    tester->swarm.trace = with_trace ? tester__print_line : tester__watch_line;
    tester->swarm.user = report;
    report->is_done = false;
    report->violated[0] = '\0';
    tester->failure[0] = '\0';
    if (!print_flush()) return false;
    bool returned = os_trial_run(tester__run, tester, !with_trace, tester->options.limit_ms,
                                 tester->failure, sizeof tester->failure);
    if (report->violated[0] != '\0')
        snprintf(tester->failure, sizeof tester->failure, "%s", report->violated);
    else if (returned && report->is_done)
        snprintf(tester->failure, sizeof tester->failure, "%s", report->result.failure);
    else if (returned)
        snprintf(tester->failure, sizeof tester->failure, "the handler ended the process");
    return tester->failure[0] == '\0';
}

static int tester__print_failure(const struct tester *tester)
{
    print_text("FAILED: seed %llu: %s\nreplay: %s --seed %llu\n", (unsigned long long)tester->seed,
               tester->failure, tester->options.words, (unsigned long long)tester->seed);
    return EXIT_CODE_FAILED;
}

/* ---- all seeds ---- */

static int tester__replay(struct tester *tester)
{
    tester->seed = tester->options.seed;
    if (!tester__try(tester, true)) return tester__print_failure(tester);
    print_text("seed %llu: passed\n", (unsigned long long)tester->seed);
    return EXIT_CODE_OK;
}

/* A seed has failed: prints its trace. A handler that then behaves differently cannot be replayed.
 */
static int tester__show_failure(struct tester *tester)
{
    char before[sizeof tester->failure];

    memcpy(before, tester->failure, sizeof before);
    if (tester__try(tester, true)) {
        memcpy(tester->failure, before, sizeof before);
        print_text("the seed passed when it ran again: the handler depends on something besides "
                   "weir_now(), weir_unix_time_ms() and weir_random()\n");
    }
    return tester__print_failure(tester);
}

/* Runs the first seed again. Returns whether the same things happened. */
static bool tester__repeats(struct tester *tester, uint64_t hash)
{
    tester->seed = 1;
    if (!tester__try(tester, false)) return false;
    if (tester->report->result.hash == hash) return true;
    snprintf(tester->failure, sizeof tester->failure,
             "two runs differ: the handler depends on something besides weir_now(), "
             "weir_unix_time_ms() and weir_random()");
    return false;
}

/* Returns whether all marks were reached; prints those that were not. */
static bool tester__check_marks(const struct tester *tester)
{
    size_t count = tester__marks_count(tester), reached = 0;

    for (size_t i = 0; i < count; i++) {
        const struct weir_mark *mark = tester->swarm.marks.first[i];
        reached += tester->report->reached[i];
        if (!tester->report->reached[i])
            print_text("FAILED: no seed reached WEIR_SOMETIMES(%s) at %s:%d; try more --seeds, or "
                       "an --input that leads there\n",
                       mark->condition, mark->file, mark->line);
    }
    print_text("reached: %zu of %zu WEIR_SOMETIMES\n", reached, count);
    return reached == count;
}

static int tester__run_all(struct tester *tester)
{
    unsigned long long sessions = 0, messages = 0, virtual_ms = 0;
    uint64_t hash = 0;

    for (tester->seed = 1; tester->seed <= tester->options.seeds; tester->seed++) {
        if (!tester__try(tester, false)) return tester__show_failure(tester);
        if (tester->seed == 1) hash = tester->report->result.hash;
        sessions += tester->report->result.sessions;
        messages += tester->report->result.messages;
        virtual_ms += tester->report->result.virtual_ms;
    }
    if (!tester__repeats(tester, hash)) return tester__print_failure(tester);
    print_text("passed: %llu seeds, %llu sessions, %llu messages, %llu s of virtual time\n",
               (unsigned long long)tester->options.seeds, sessions, messages, virtual_ms / 1000);
    return tester__check_marks(tester) ? EXIT_CODE_OK : EXIT_CODE_FAILED;
}

/* ---- the handler ---- */

static bool tester__load(struct tester *tester, struct weir_listen *listen)
{
    struct tester_options *options = &tester->options;
    char why[640];
    const char *path = arena_format(&options->arena, "%s%s",
                                    strpbrk(options->handler, "/\\") ? "" : "./", options->handler);
    struct weir_module module;

    if (!path || !module_load(path, &module, why, sizeof why)) {
        print_failure("%s", path ? why : "out of memory");
        return false;
    }
    const struct weir_marks *marks = os_load(path, "weir_module_marks", why, sizeof why);
    if (marks) tester->swarm.marks = *marks;
    listen->custom_handler = module.handler;
    if (options->codec) return true;
    if (module.codec && module.codec->streams) listen->custom_codec = module.codec;
    listen->custom_probe = module.probe;
    return true;
}

/* Sets the listeners. Returns false after printing why there are none. */
static bool tester__set_listens(struct tester *tester)
{
    struct tester_options *options = &tester->options;
    struct weir_listen tcp = {.size = sizeof tcp, .proto = WEIR_TCP, .codec = options->codec};
    struct weir_listen udp = {.size = sizeof udp, .proto = WEIR_UDP};
    size_t count = 0;

    if (module_is_file(options->handler)) {
        if (!tester__load(tester, &tcp)) return false;
    } else {
        tcp.handler = options->handler;
    }
    tcp.handler_arguments = udp.handler_arguments = options->handler_arguments;
    udp.handler = tcp.handler;
    udp.custom_handler = tcp.custom_handler;
    if (!options->no_tcp) tester->listens[count++] = tcp;
    if (options->udp) tester->listens[count++] = udp;
    tester->swarm.listens = tester->listens;
    tester->swarm.listens_count = count;
    tester->swarm.inputs = options->inputs;
    tester->swarm.inputs_count = options->inputs_count;
    return true;
}

/* Opens a server once in this process, so that wrong settings have one clear message. */
static bool tester__check_settings(struct tester *tester)
{
    struct weir_test *test;
    struct weir_error error;
    char text[512];
    enum weir_code code = weir_test_open(NULL, NULL, &test, &error);

    for (size_t i = 0; i < tester->swarm.listens_count && code == WEIR_OK; i++)
        code = weir_test_listen(test, &tester->listens[i], &error);
    weir_test_free(test);
    if (code == WEIR_OK) return true;
    print_failure("%s", weir_error_text(&error, text, sizeof text));
    return false;
}

static int tester__start(struct tester *tester)
{
    tester->swarm.size = sizeof tester->swarm;
    if (!tester__set_listens(tester) || !tester__check_settings(tester)) return EXIT_CODE_SETTING;
    tester->report = os_trial_shared(sizeof *tester->report);
    if (!tester->report) {
        print_failure("out of memory");
        return EXIT_CODE_FAILED;
    }
    return tester->options.seed > 0 ? tester__replay(tester) : tester__run_all(tester);
}

/* ---- the program ---- */

static int tester__help(void)
{
    struct tester_options defaults;

    print_text(
        "weir-test %s: runs a handler of weir under random peers and faults\n"
        "\n"
        "  weir-test ./mine.so --codec line --input messages.txt --seeds 10000\n"
        "  weir-test ./mine.so --codec line --input messages.txt --seed 17\n"
        "\n"
        "Each seed is one scenario: peers that split, reset, half-close, stop reading or say\n"
        "nothing, lost datagrams, failed allocations, clock jumps, and a drain or a stop. It\n"
        "checks weir's rules and WEIR_ASSERT() of the handler; WEIR_SOMETIMES() must become\n"
        "true in at least one seed. Exit codes: 0, or 1 if a seed or a mark failed.\n\n",
        weir_version());
    tester_options_init(&defaults);
    if (print_flush()) option_help(&tester_options_table, &defaults);
    return EXIT_CODE_OK;
}

static int tester__main(int count, char **arguments)
{
    static struct tester tester;
    struct diagnostics diagnostics = {0};
    int code = EXIT_CODE_OK;

    if (!tester_options_read(count - 1, arguments + 1, &tester.options, &diagnostics)) {
        diagnostics_print(&diagnostics, stderr);
        code = diagnostics_exit_code(&diagnostics);
    } else if (tester.options.help) {
        code = tester__help();
    } else if (tester.options.version) {
        print_text("weir-test %s\n", weir_version());
    } else {
        code = tester__start(&tester);
    }
    tester_options_free(&tester.options);
    return code;
}

int main(int count, char **arguments)
{
    os_open_streams();
    return print_end(tester__main(count, arguments));
}
