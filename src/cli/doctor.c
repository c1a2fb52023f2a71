/* SPDX-License-Identifier: MIT */
/* doctor.c - `weir doctor`: tests the transports as weir selftest does, asks the system for its
 * limits, and prints one finding for each subject. */
#include "doctor.h"

#include <stdio.h>
#include <string.h>

#include <weir/cluster.h>
#include <weir/weir.h>

#include "arena.h"
#include "diagnostics.h"
#include "doctor_rules.h"
#include "escape.h"
#include "exit_code.h"
#include "json_escape.h"
#include "option.h"
#include "os_child.h"
#include "os_doctor.h"
#include "os_questions.h"
#include "print.h"

struct doctor_options {
    uint32_t sessions, limit_ms;
    bool json, help;
    struct arena arena;
};

#define OPTIONS_TARGET struct doctor_options
#include "option_rows.h"

static const struct option doctor__options[] = {
#include "doctor_options.def"
};

static const struct option_table doctor__table = {
    .options = doctor__options,
    .count = sizeof doctor__options / sizeof doctor__options[0],
    .command = "weir doctor",
};

/* ---- the facts ---- */

/* Adds what the process of a test prints to why a transport does not work, as one line. */
static void doctor__take(void *context, const char *bytes, size_t length)
{
    struct doctor_transport *transport = context;
    size_t used = strlen(transport->why);

    if (length > sizeof transport->why - 1 - used) length = sizeof transport->why - 1 - used;
    memcpy(transport->why + used, bytes, length);
    for (char *at = transport->why; *at; at++)
        if (*at == '\n') *at = ' ';
    escape_controls(transport->why);
}

/* Tests a transport in a process of its own, which may crash or stand still. */
static void doctor__test(struct doctor_transport *transport, uint32_t limit_ms)
{
    const char *const arguments[4] = {"selftest", "--echo", transport->name};
    int code = 0;
    enum os_child_end end = os_child_run(arguments, limit_ms, doctor__take, transport, &code);

    transport->state = DOCTOR_TRANSPORT_FAILED;
    if (end == OS_CHILD_ENDED && code == OS_ANSWER_CONFIRMS)
        transport->state = DOCTOR_TRANSPORT_WORKS;
    else if (end == OS_CHILD_ENDED && code == OS_ANSWER_UNTRIED)
        transport->state = DOCTOR_TRANSPORT_MISSING;
    else if (end != OS_CHILD_ENDED)
        snprintf(transport->why, sizeof transport->why, "its process %s (%d)",
                 end == OS_CHILD_CRASHED       ? "crashed"
                 : end == OS_CHILD_STOOD_STILL ? "stood still and was ended"
                                               : "could not start",
                 code);
    size_t length = strlen(transport->why);
    while (length > 0 && transport->why[length - 1] == ' ') transport->why[--length] = '\0';
}

static void doctor__ask(const struct doctor_options *options, struct doctor_facts *facts)
{
    struct weir_config config;

    /* Every fact is unknown until the system says it. */
    memset(facts, 0xff, sizeof *facts);
    memset(facts->transports, 0, sizeof facts->transports);
    memset(facts->clock_source, 0, sizeof facts->clock_source);
    weir_config_init(&config);
    facts->sessions = options->sessions;
    facts->backlog = config.listen_backlog;
    facts->receive_buffer_bytes = config.socket_receive_max_bytes;
    facts->memory_bytes = config.memory_max_bytes;
    facts->has_cluster = weir_cluster_is_supported() ? 1 : 0;
    for (size_t i = 0; i < DOCTOR_TRANSPORTS_MAX && os_questions_transports[i]; i++) {
        facts->transports[i].name = os_questions_transports[i];
        doctor__test(&facts->transports[i], options->limit_ms);
    }
    os_doctor_ask(facts);
}

/* ---- the findings ---- */

static void doctor__print(const struct doctor_finding *finding)
{
    print_text("%-8s %s: %s\n", doctor_level_text(finding->level), finding->subject, finding->text);
    if (finding->fix[0] != '\0') print_text("%-8s %s\n", "", finding->fix);
}

static void doctor__print_member(const char *name, const char *text, const char *end)
{
    char json[JSON_ESCAPE_FACTOR * sizeof((struct doctor_finding *)0)->text];

    json_escape(text, json, sizeof json);
    print_text("\"%s\":\"", name);
    print_bytes(json, strlen(json));
    print_text("\"%s", end);
}

static void doctor__print_json(const struct doctor_finding *finding, bool is_first)
{
    print_text("%s\n{", is_first ? "" : ",");
    doctor__print_member("level", doctor_level_text(finding->level), ",");
    doctor__print_member("subject", finding->subject, ",");
    doctor__print_member("text", finding->text, ",");
    doctor__print_member("fix", finding->fix, "}");
}

static void doctor__begin(bool json)
{
    char system[128];

    os_child_system(system, sizeof system);
    if (!json) {
        print_text("weir %s on %s\n", weir_version(), system);
        return;
    }
    print_text("{");
    doctor__print_member("version", weir_version(), ",");
    doctor__print_member("system", system, ",");
    print_text("\"findings\":[");
}

/* Prints every finding. Returns the exit code. */
static int doctor__report(const struct doctor_options *options, const struct doctor_facts *facts)
{
    struct doctor_finding finding;
    size_t printed = 0;
    unsigned wrong = 0;

    doctor__begin(options->json);
    for (size_t i = 0; i < doctor_rules_count; i++) {
        if (!doctor_rules_apply(i, facts, &finding)) continue;
        if (options->json)
            doctor__print_json(&finding, printed == 0);
        else
            doctor__print(&finding);
        printed++;
        if (finding.level >= DOCTOR_WARNING) wrong++;
    }
    if (options->json)
        print_text("\n],\"wrong\":%u}\n", wrong);
    else if (wrong == 0)
        print_text("good\n");
    else
        print_text("%u to change\n", wrong);
    return wrong == 0 ? EXIT_CODE_OK : EXIT_CODE_FAILED;
}

static int doctor__help(const struct doctor_options *defaults)
{
    print_text(
        "weir doctor [OPTION]...: says what in this system limits a server, and how to change "
        "it\n");
    option_help(&doctor__table, defaults);
    print_text(
        "\n"
        "It tests each transport by an echo on the loopback interface, and asks the system for\n"
        "its limits. It changes nothing, and needs no privileges. Limits depend on the user: run\n"
        "it as the user of the server, in its container or unit.\n"
        "\n"
        "Each line has a level, a subject and a sentence: ok; note: nothing is to be done;\n"
        "warning: it limits a server; error: weir does not work here. The next line says what to\n"
        "do. Exit codes: 0 nothing is to be changed; 1 a warning or error; 64 wrong usage; 74\n"
        "cannot print.\n");
    return EXIT_CODE_OK;
}

static int doctor__run(const struct doctor_options *options)
{
    static struct doctor_facts facts;

    doctor__ask(options, &facts);
    return doctor__report(options, &facts);
}

int doctor_main(int count, char **arguments)
{
    struct weir_config config;
    struct doctor_options options = {.limit_ms = 30000}, defaults;
    struct diagnostics diagnostics = {0};
    struct option_reading reading = {.table = &doctor__table,
                                     .count = count,
                                     .arguments = arguments,
                                     .target = &options,
                                     .arena = &options.arena,
                                     .diagnostics = &diagnostics};
    int code;

    weir_config_init(&config);
    options.sessions = config.sessions_max;
    defaults = options;
    option_read(&reading);
    if (diagnostics.count > 0) {
        diagnostics_print(&diagnostics, stderr);
        code = diagnostics_exit_code(&diagnostics);
    } else {
        code = options.help ? doctor__help(&defaults) : doctor__run(&options);
    }
    arena_free(&options.arena);
    return code;
}
