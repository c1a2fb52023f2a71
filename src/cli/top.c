/* SPDX-License-Identifier: MIT */
/* top.c - `weir top`: asks the admin server once a second, and draws what it answers.
 *
 *      ask /stats.json and /sessions -> top_state -> top_screen -> wait for a key or the interval
 *
 * The terminal is restored whenever the command ends. A server that does not answer is asked again:
 * the last state stays on the screen, with the reason. --once asks twice, for rates, and prints
 * plain text.
 */
#include "top.h"

#include <stdio.h>
#include <string.h>

#include "admin_client.h"
#include "arena.h"
#include "diagnostics.h"
#include "exit_code.h"
#include "os_terminal.h"
#include "print.h"
#include "top_screen.h"
#include "top_state.h"

#define TOP__VALUES_MAX 65536 /* of one answer; 64 listeners have 11,000 for their durations */
#define TOP__SCREEN_BYTES 131072
#define TOP__CTRL_C 3
#define TOP__TRIES 10u       /* of --once, until there are two states */
#define TOP__TIMEOUT_MS 4000 /* of a request, during which no key is read */

/* VT sequences: another screen without a cursor, and back. */
#define TOP__ENTER "\033[?1049h\033[?25l"
#define TOP__LEAVE "\033[?25h\033[?1049l"

struct top_options {
    const char *admin, *token_file;
    uint32_t interval_ms, sort;
    bool once, help;
    struct arena arena;
};

static const struct top_options top__defaults = {.admin = ADMIN_CLIENT_ADDRESS,
                                                 .interval_ms = 1000};

#define OPTIONS_TARGET struct top_options
#include "option_rows.h"

static const struct option top__options[] = {
#include "top_options.def"
};

static void top__take_word(struct option_reading *reading, const char *word)
{
    diagnostics_add(reading->diagnostics,
                    "%.100s: weir top takes options only; write --admin %.100s", word, word);
}

static const struct option_table top__table = {
    .options = top__options,
    .count = sizeof top__options / sizeof top__options[0],
    .command = "weir top",
    .take_word = top__take_word,
};

struct top {
    struct top_options options;
    struct admin_client client;
    struct top_state states[3];
    const struct top_state *now, *before; /* in `states`; null: not known yet */
    struct top_sessions sessions;
    bool has_sessions;
    char problem[512]; /* why the server does not answer; "": it does */
    enum top_sort sort;
    struct json_read json;
    struct json_read_value values[TOP__VALUES_MAX];
    char screen[TOP__SCREEN_BYTES];
};

/* ---- asking ---- */

/* Asks for a path. Returns whether the answer is what was asked for; otherwise top->problem says
 * why not. */
static bool top__ask(struct top *top, const char *target)
{
    unsigned status = admin_client_request(&top->client, "GET", target);

    if (status == 200) return true;
    if (status == 0)
        snprintf(top->problem, sizeof top->problem, "%s", top->client.why);
    else if (status == 401)
        snprintf(top->problem, sizeof top->problem,
                 "the admin server needs its token: use --admin-token-file");
    else
        snprintf(top->problem, sizeof top->problem, "the admin server answers %s with status %u",
                 target, status);
    return false;
}

static bool top__not_understood(struct top *top)
{
    snprintf(top->problem, sizeof top->problem, "the answer of %s is not understood",
             top->client.address);
    return false;
}

/* Reads a new state. The server has new figures once a second; a server that was started again has
 * no earlier ones. */
static bool top__ask_state(struct top *top)
{
    struct top_state *next = top->states;

    while (next == top->now || next == top->before) next++;
    if (!top__ask(top, "/stats.json")) return false;
    if (!top_state_read(next, &top->json, top->client.body, top->client.body_length))
        return top__not_understood(top);
    if (top->now && next->uptime_ms == top->now->uptime_ms) return true; /* the same figures */
    bool is_later = top->now && next->uptime_ms > top->now->uptime_ms;
    top->before = is_later ? top->now : NULL;
    top->now = next;
    return true;
}

static bool top__ask_sessions(struct top *top)
{
    static const char *const keys[TOP_SORTS_COUNT] = {"queue", "bytes", "age", "received_ago_ms"};
    char target[64];

    snprintf(target, sizeof target, "/sessions?sort=%s&limit=%d", keys[top->sort],
             TOP_SESSIONS_MAX);
    if (!top__ask(top, target)) return false;
    top->has_sessions =
        top_sessions_read(&top->sessions, &top->json, top->client.body, top->client.body_length);
    return top->has_sessions || top__not_understood(top);
}

/* Returns false if the server does not answer; top->problem says why. A worker that hangs delays
 * the list of sessions, so the state, with the findings, comes first. */
static bool top__update(struct top *top)
{
    top->problem[0] = '\0';
    return top__ask_state(top) && top__ask_sessions(top);
}

/* ---- drawing ---- */

/* Prints the screen; columns and rows 0: as plain text. Returns false if the output is lost. */
static bool top__draw(struct top *top, uint32_t columns, uint32_t rows)
{
    struct text_builder out = {.bytes = top->screen, .size = sizeof top->screen};
    const struct top_screen screen = {
        .now = top->now,
        .before = top->before,
        .sessions = top->has_sessions ? &top->sessions : NULL,
        .problem = top->problem[0] != '\0' ? top->problem : NULL,
        .sort = top->sort,
        .columns = columns,
        .rows = rows,
    };

    top->screen[0] = '\0';
    top_screen_draw(&screen, &out);
    print_bytes(top->screen, out.used);
    return print_flush();
}

static int top__once(struct top *top)
{
    bool goes_on = top__update(top);
    char key;

    for (uint32_t i = 0; i < TOP__TRIES && goes_on && !top->before; i++) {
        if (os_terminal_wait(top->options.interval_ms, &key) == OS_TERMINAL_STOP)
            return EXIT_CODE_FAILED;
        goes_on = top__update(top);
    }
    if (!goes_on) {
        print_failure("%s", top->problem);
        return EXIT_CODE_UNAVAILABLE;
    }
    return top__draw(top, 0, 0) ? EXIT_CODE_OK : EXIT_CODE_IO;
}

/* ---- the terminal ---- */

/* Waits until it is time to ask again. Returns false if the command shall end. */
static bool top__wait(struct top *top)
{
    char key = '\0';

    switch (os_terminal_wait(top->options.interval_ms, &key)) {
    case OS_TERMINAL_STOP: return false;
    case OS_TERMINAL_KEY: break;
    default: return true; /* a new size is drawn with new figures */
    }
    if (key == 's') top->sort = (enum top_sort)((top->sort + 1) % TOP_SORTS_COUNT);
    return key != 'q' && key != 'Q' && key != TOP__CTRL_C;
}

static int top__on_terminal(struct top *top)
{
    uint32_t columns, rows;
    bool goes_on = true;

    print_bytes(TOP__ENTER, sizeof TOP__ENTER - 1);
    for (; goes_on; goes_on = goes_on && top__wait(top)) {
        top__update(top);
        os_terminal_size(&columns, &rows);
        goes_on = top__draw(top, columns, rows);
    }
    print_bytes(TOP__LEAVE, sizeof TOP__LEAVE - 1);
    os_terminal_close();
    return EXIT_CODE_OK;
}

/* ---- the command ---- */

static void top__help(void)
{
    print_text("weir top: shows a running server: figures, findings, sessions\n"
               "\n"
               "  weir top [OPTION]...     the server was started with --admin\n"
               "\n"
               "Keys: q ends, s changes the order of the sessions.\n");
    option_help(&top__table, &top__defaults);
}

static int top__run(struct top *top, struct diagnostics *diagnostics)
{
    int code = EXIT_CODE_USAGE;

    top->json = (struct json_read){.values = top->values, .values_max = TOP__VALUES_MAX};
    top->sort = (enum top_sort)top->options.sort;
    bool is_usable = admin_client_open(&top->client, top->options.admin, top->options.token_file,
                                       TOP__TIMEOUT_MS, &top->options.arena, diagnostics);
    if (is_usable)
        code = !top->options.once && os_terminal_open() ? top__on_terminal(top) : top__once(top);
    else
        diagnostics_print(diagnostics, stderr);
    admin_client_close(&top->client);
    return code;
}

int top_main(int count, char **arguments)
{
    static struct top top; /* too large for a stack */
    struct diagnostics diagnostics = {0};
    struct option_reading reading = {.table = &top__table,
                                     .count = count,
                                     .arguments = arguments,
                                     .target = &top.options,
                                     .arena = &top.options.arena,
                                     .diagnostics = &diagnostics};
    int code = EXIT_CODE_OK;

    top.options = top__defaults;
    option_read(&reading);
    if (diagnostics.count > 0) {
        diagnostics_print(&diagnostics, stderr);
        code = EXIT_CODE_USAGE;
    } else if (top.options.help) {
        top__help();
    } else {
        code = top__run(&top, &diagnostics);
    }
    arena_free(&top.options.arena);
    return code;
}
