/* SPDX-License-Identifier: MIT */
/* top_screen.c - writes line after line, each cut to the width of the terminal, until its rows are
 * used up. VT sequences (ECMA-48) move to the first line, clear what an earlier screen left, and
 * emphasise. */
#include "top_screen.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "amount.h"
#include "utf8.h"

#define TOP_SCREEN__LINE_BYTES 1024
#define TOP_SCREEN__BAR 24         /* columns of a worker's load */
#define TOP_SCREEN__SESSIONS_MIN 6 /* rows that findings leave for the sessions */
#define TOP_SCREEN__PEER_MIN 22    /* columns of an IPv4 address with its port */
#define TOP_SCREEN__PEER_MAX 47    /* and of IPv6; only in wide terminals */
#define TOP_SCREEN__WIDE 125
#define TOP_SCREEN__PLAIN_SESSIONS 10 /* of --once */

#define TOP_SCREEN__HOME "\033[H"
#define TOP_SCREEN__CLEAR_LINE "\033[K"
#define TOP_SCREEN__CLEAR_REST "\033[J"
#define TOP_SCREEN__NORMAL "\033[0m"
#define TOP_SCREEN__BOLD "\033[1m"
#define TOP_SCREEN__DIM "\033[2m"
#define TOP_SCREEN__REVERSE "\033[7m"
#define TOP_SCREEN__RED "\033[1;31m"
#define TOP_SCREEN__YELLOW "\033[1;33m"

struct top_screen__pen {
    const struct top_screen *screen;
    struct text_builder *out;
    uint32_t rows_used;
    bool is_plain, is_last; /* is_last: the last row is being written */
    int peer_columns;
};

#if defined(__clang__)
#define TOP_SCREEN__FORMAT __attribute__((format(printf, 3, 4)))
#elif defined(__GNUC__) /* as C17 has it: on Windows gcc checks the system's own printf otherwise */
#define TOP_SCREEN__FORMAT __attribute__((format(gnu_printf, 3, 4)))
#else
#define TOP_SCREEN__FORMAT
#endif

/* ---- lines ---- */

/* The last row is for the keys. */
static bool top_screen__is_full(const struct top_screen__pen *pen)
{
    uint32_t rows = pen->is_last ? pen->screen->rows : pen->screen->rows - 1;

    return !pen->is_plain && pen->rows_used >= rows;
}

/* Cuts a text to this many characters. */
static void top_screen__cut(char *text, uint32_t columns)
{
    size_t length = strlen(text), at = 0, count;
    uint32_t code_point;

    for (; at < length && columns > 0; columns--, at += count > 0 ? count : 1)
        count = utf8_read((const uint8_t *)text + at, length - at, &code_point);
    if (at < length) text[at] = '\0';
}

/* Writes a line with this look, a VT sequence; "": none. */
static void top_screen__line(struct top_screen__pen *pen, const char *look, const char *format,
                             ...) TOP_SCREEN__FORMAT;

static void top_screen__line(struct top_screen__pen *pen, const char *look, const char *format, ...)
{
    char line[TOP_SCREEN__LINE_BYTES];
    va_list values;

    if (top_screen__is_full(pen)) return;
    va_start(values, format);
    vsnprintf(line, sizeof line, format, values);
    va_end(values);
    utf8_trim(line);
    if (pen->is_plain) {
        text_builder_add(pen->out, "%s\n", line);
        return;
    }
    top_screen__cut(line, pen->screen->columns);
    text_builder_add(pen->out, "%s%s%s%s" TOP_SCREEN__CLEAR_LINE, pen->rows_used > 0 ? "\r\n" : "",
                     look, line, *look ? TOP_SCREEN__NORMAL : "");
    pen->rows_used++;
}

/* Writes a text in as many lines as it needs, broken at blanks. `indent` columns stand before the
 * first line, and 4 before the others. */
static void top_screen__paragraph(struct top_screen__pen *pen, const char *look, int indent,
                                  const char *text)
{
    uint32_t width = pen->screen->columns > 8 ? pen->screen->columns - 4 : 0;

    if (pen->is_plain || width == 0) {
        top_screen__line(pen, look, "%*s%s", indent, "", text);
        return;
    }
    for (; *text; indent = 4) {
        char line[2 * TOP_TEXT_BYTES];
        snprintf(line, sizeof line, "%s", text);
        top_screen__cut(line, width);
        size_t length = strlen(line);
        char *blank = text[length] != '\0' ? strrchr(line, ' ') : NULL;
        if (blank && blank > line) {
            *blank = '\0';
            length = (size_t)(blank - line) + 1;
        }
        top_screen__line(pen, look, "%*s%s", indent, "", line);
        text += length;
    }
}

/* ---- figures ---- */

/* Returns by how much a counter grew per second. */
static uint64_t top_screen__rate(const struct top_screen *screen, uint64_t now, uint64_t before)
{
    uint64_t elapsed_ms = screen->before ? screen->now->uptime_ms - screen->before->uptime_ms : 0;

    return elapsed_ms > 0 && now > before ? (now - before) * 1000 / elapsed_ms : 0;
}

#define TOP_SCREEN__RATE(screen, member) \
    top_screen__rate(screen, (screen)->now->member, (screen)->before ? (screen)->before->member : 0)

static void top_screen__head(struct top_screen__pen *pen)
{
    const struct top_state *now = pen->screen->now;
    const char *state = now->is_draining ? "draining" : now->is_ready ? "serving" : "not ready";
    char limit[48] = "";

    if (now->sessions_max > 0)
        snprintf(limit, sizeof limit, " of %s", amount_count(now->sessions_max).text);
    top_screen__line(pen, TOP_SCREEN__BOLD,
                     "weir %s  %s  up %s  node %" PRIu64 "  %" PRIu64 "%s sessions", now->version,
                     state, amount_duration(now->uptime_ms).text, now->node, now->open, limit);
    if (pen->screen->problem)
        top_screen__line(pen, TOP_SCREEN__RED, "No answer: %s", pen->screen->problem);
}

static void top_screen__traffic(struct top_screen__pen *pen)
{
    const struct top_screen *screen = pen->screen;

    top_screen__line(pen, "", "received %s/s, %s messages/s   sent %s/s, %s messages/s",
                     amount_bytes(TOP_SCREEN__RATE(screen, bytes_in)).text,
                     amount_count(TOP_SCREEN__RATE(screen, messages_in)).text,
                     amount_bytes(TOP_SCREEN__RATE(screen, bytes_out)).text,
                     amount_count(TOP_SCREEN__RATE(screen, messages_out)).text);
    top_screen__line(pen, "", "accepted %s/s   refused %s/s   send queues %s",
                     amount_count(TOP_SCREEN__RATE(screen, accepted)).text,
                     amount_count(TOP_SCREEN__RATE(screen, refused)).text,
                     amount_bytes(screen->now->queued_bytes).text);
}

static void top_screen__cluster(struct top_screen__pen *pen)
{
    const struct top_screen *screen = pen->screen;
    const struct top_cluster *cluster = &screen->now->cluster;
    bool is_good = strcmp(cluster->state, "connected") == 0;

    if (cluster->state[0] == '\0') return;
    top_screen__line(pen, is_good ? "" : TOP_SCREEN__RED,
                     "cluster %s   other nodes %" PRIu64
                     "   sent %s/s   received %s/s   dropped %s   refused %s   missing %s",
                     cluster->state, cluster->nodes,
                     amount_count(TOP_SCREEN__RATE(screen, cluster.sent)).text,
                     amount_count(TOP_SCREEN__RATE(screen, cluster.received)).text,
                     amount_count(cluster->dropped).text, amount_count(cluster->refused).text,
                     amount_count(cluster->gaps).text);
}

static const char *top_screen__duration(uint64_t ns, struct amount *amount)
{
    *amount = amount_duration_ns(ns);
    return ns > 0 ? amount->text : "-";
}

/* Finds the slowest handler. Returns its p99. */
static uint64_t top_screen__slowest(const struct top_screen *screen, const char **name)
{
    const struct top_state *now = screen->now, *before = screen->before;
    uint64_t slowest_ns = 0;

    *name = "";
    for (uint32_t i = 0; i < now->handlers_count; i++) {
        const struct top_handler *handler = &now->handlers[i];
        bool is_same = before && i < before->handlers_count &&
                       before->handlers[i].listener == handler->listener;
        uint64_t p99_ns = top_histogram_p99_ns(&handler->durations,
                                               is_same ? &before->handlers[i].durations : NULL);
        if (p99_ns <= slowest_ns) continue;
        slowest_ns = p99_ns;
        *name = handler->name;
    }
    return slowest_ns;
}

static void top_screen__latency(struct top_screen__pen *pen)
{
    const struct top_state *now = pen->screen->now, *before = pen->screen->before;
    struct amount loop, handler, opening;
    const char *name;
    uint64_t slowest_ns = top_screen__slowest(pen->screen, &name);

    top_screen__line(
        pen, "", "p99: loop iteration %s   handler %s%s%s   opening %s",
        top_screen__duration(
            top_histogram_p99_ns(&now->iterations, before ? &before->iterations : NULL), &loop),
        name, *name ? " " : "", top_screen__duration(slowest_ns, &handler),
        top_screen__duration(
            top_histogram_p99_ns(&now->openings, before ? &before->openings : NULL), &opening));
}

static void top_screen__worker(struct top_screen__pen *pen, uint32_t index)
{
    const struct top_screen *screen = pen->screen;
    const struct top_worker *worker = &screen->now->workers[index];
    bool has_before = screen->before && index < screen->before->workers_count;
    uint64_t busy =
        top_screen__rate(screen, worker->busy_ns,
                         has_before ? screen->before->workers[index].busy_ns : worker->busy_ns);
    uint64_t percent = amount_percent(busy, 1000000000);
    char bar[TOP_SCREEN__BAR + 1], limit[48] = "";

    if (percent > 100) percent = 100;
    for (size_t i = 0; i < TOP_SCREEN__BAR; i++)
        bar[i] = i * 100 < percent * TOP_SCREEN__BAR ? '#' : '.';
    bar[TOP_SCREEN__BAR] = '\0';
    if (worker->memory_max_bytes > 0)
        snprintf(limit, sizeof limit, " of %s", amount_bytes(worker->memory_max_bytes).text);
    top_screen__line(
        pen, "", "worker %-3" PRIu32 " [%s] %3" PRIu64 " %%  %" PRIu64 " sessions  memory %s%s",
        index, bar, percent, worker->sessions, amount_bytes(worker->memory_bytes).text, limit);
}

static void top_screen__workers(struct top_screen__pen *pen)
{
    uint32_t count = pen->screen->now->workers_count, drawn = count;

    if (!pen->is_plain && drawn > pen->screen->rows / 4) drawn = pen->screen->rows / 4;
    for (uint32_t i = 0; i < drawn; i++) top_screen__worker(pen, i);
    if (drawn < count)
        top_screen__line(pen, TOP_SCREEN__DIM, "and %" PRIu32 " more workers", count - drawn);
}

/* ---- findings ---- */

static const char *top_screen__look(const struct top_finding *finding)
{
    if (strcmp(finding->severity, "critical") == 0) return TOP_SCREEN__RED;
    return strcmp(finding->severity, "warning") == 0 ? TOP_SCREEN__YELLOW : TOP_SCREEN__BOLD;
}

static void top_screen__finding(struct top_screen__pen *pen, const struct top_finding *finding)
{
    char line[2 * TOP_TEXT_BYTES];

    snprintf(line, sizeof line, "%s: %s", finding->severity, finding->text);
    top_screen__paragraph(pen, top_screen__look(finding), 0, line);
    top_screen__paragraph(pen, "", 4, finding->evidence);
    snprintf(line, sizeof line, "%s%s%s", finding->advice, *finding->setting ? " Option: --" : "",
             finding->setting);
    top_screen__paragraph(pen, TOP_SCREEN__DIM, 4, line);
}

static void top_screen__findings(struct top_screen__pen *pen)
{
    const struct top_state *now = pen->screen->now;
    uint32_t limit = pen->screen->rows > TOP_SCREEN__SESSIONS_MIN
                         ? pen->screen->rows - TOP_SCREEN__SESSIONS_MIN
                         : 0;

    top_screen__line(pen, "", "%s", "");
    if (now->findings_count == 0) {
        top_screen__line(pen, "", "Nothing stands out: no rule found a problem.");
        return;
    }
    for (uint32_t i = 0; i < now->findings_count; i++) {
        if (!pen->is_plain && pen->rows_used + 3 > limit) {
            top_screen__line(pen, TOP_SCREEN__DIM, "and %" PRIu32 " more findings: weir top --once",
                             now->findings_count - i);
            return;
        }
        top_screen__finding(pen, &now->findings[i]);
    }
}

/* ---- sessions ---- */

static void top_screen__session(struct top_screen__pen *pen, const struct top_session *session)
{
    char peer[sizeof session->peer], age[32], silent[32];

    snprintf(peer, sizeof peer, "%s", session->peer);
    top_screen__cut(peer, (uint32_t)pen->peer_columns);
    snprintf(age, sizeof age, "%s", amount_duration(session->age_ms).text);
    snprintf(silent, sizeof silent, "%s", amount_duration(session->received_ago_ms).text);
    top_screen__line(pen, "", "%-*s %-14.14s %10s %10s %10s %9s %9s  %-16s %s", pen->peer_columns,
                     peer, session->state, amount_bytes(session->queued_bytes).text,
                     amount_bytes(session->bytes_in).text, amount_bytes(session->bytes_out).text,
                     age, silent, session->id, session->handler);
}

/* Returns how many sessions there is room for. */
static uint32_t top_screen__sessions_count(const struct top_screen__pen *pen)
{
    uint32_t count = pen->screen->sessions->count, rows = pen->screen->rows;
    uint32_t used = pen->rows_used + 2; /* the heads of the columns, and the keys */
    uint32_t most = pen->is_plain ? TOP_SCREEN__PLAIN_SESSIONS : rows > used ? rows - used : 0;

    return count < most ? count : most;
}

static void top_screen__sessions(struct top_screen__pen *pen)
{
    const struct top_sessions *sessions = pen->screen->sessions;

    top_screen__line(pen, "", "%s", "");
    if (!sessions) return;
    uint32_t count = top_screen__sessions_count(pen);
    pen->peer_columns = TOP_SCREEN__PEER_MIN;
    for (uint32_t i = 0; i < count; i++) {
        int length = (int)strlen(sessions->items[i].peer);
        bool has_room = pen->is_plain || pen->screen->columns >= TOP_SCREEN__WIDE;
        if (has_room && length > pen->peer_columns)
            pen->peer_columns = length < TOP_SCREEN__PEER_MAX ? length : TOP_SCREEN__PEER_MAX;
    }
    top_screen__line(pen, TOP_SCREEN__REVERSE, "%-*s %-14s %10s %10s %10s %9s %9s  %-16s %s",
                     pen->peer_columns, "PEER", "STATE", "QUEUED", "RECEIVED", "SENT", "AGE",
                     "SILENT", "SESSION", "HANDLER");
    for (uint32_t i = 0; i < count; i++) top_screen__session(pen, &sessions->items[i]);
}

/* Fills the rows that are left, and explains the keys in the last one. */
static void top_screen__keys(struct top_screen__pen *pen)
{
    if (pen->is_plain) return;
    while (pen->rows_used + 1 < pen->screen->rows) top_screen__line(pen, "", "%s", "");
    pen->is_last = true;
    top_screen__line(pen, TOP_SCREEN__DIM, "q: quit   s: sort (now by %s)",
                     top_sort_text(pen->screen->sort));
}

/* ---- the screen ---- */

void top_screen_draw(const struct top_screen *screen, struct text_builder *out)
{
    struct top_screen__pen pen = {
        .screen = screen, .out = out, .is_plain = screen->columns == 0 && screen->rows == 0};

    if (!pen.is_plain) text_builder_add(out, TOP_SCREEN__HOME);
    if (screen->now) {
        top_screen__head(&pen);
        top_screen__traffic(&pen);
        top_screen__cluster(&pen);
        top_screen__latency(&pen);
        top_screen__workers(&pen);
        top_screen__findings(&pen);
        top_screen__sessions(&pen);
    } else {
        top_screen__line(&pen, TOP_SCREEN__BOLD, "weir top");
        top_screen__line(&pen, "", "%s", screen->problem ? screen->problem : "Connecting");
    }
    top_screen__keys(&pen);
    if (!pen.is_plain) text_builder_add(out, TOP_SCREEN__CLEAR_REST);
}

const char *top_sort_text(enum top_sort sort)
{
    static const char *const words[TOP_SORTS_COUNT] = {"queue", "bytes", "age", "idle"};

    return words[sort];
}
