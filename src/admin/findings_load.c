/* SPDX-License-Identifier: MIT */
/* findings_load.c - the rules about limits and exhausted resources. */
#include <inttypes.h>

#include "amount.h"
#include "findings_limits.h"
#include "findings_rules.h"
#include "findings_text.h"

/* Returns by how much a counter of struct weir_stats has grown in the window. */
#define FINDINGS_LOAD__GROWTH(input, member) ((input)->now->member - (input)->before->member)

/* ---- memory and sessions ---- */

static uint64_t findings_load__memory_percent(const struct findings_worker *worker)
{
    return amount_percent(worker->memory_bytes, worker->memory_max_bytes);
}

void findings_memory_high(const struct findings_input *input, struct findings *findings)
{
    static const struct findings_head head = {
        "memory_high", FINDINGS_WARNING, "memory",
        "When it is full, the session that holds the most is closed. Raise memory, or lower "
        "queue-high and max-sessions."};

    size_t worst = 0;
    uint64_t count = 0;

    for (size_t i = 0; i < input->workers_count; i++) {
        count += findings_load__memory_percent(&input->workers[i]) >= FINDINGS_MEMORY_PERCENT;
        if (findings_load__memory_percent(&input->workers[i]) >
            findings_load__memory_percent(&input->workers[worst]))
            worst = i;
    }
    if (count == 0) return;
    const struct findings_worker *worker = &input->workers[worst];
    uint64_t percent = findings_load__memory_percent(worker);
    struct finding *finding = findings_add(findings, &head);
    if (percent >= FINDINGS_MEMORY_CRITICAL_PERCENT) finding->severity = FINDINGS_CRITICAL;
    findings_say(finding, "Worker %zu uses %" PRIu64 " %% of its memory.", worst, percent);
    findings_prove(finding, "Its sessions, queues and buffers hold %s of %s.%s",
                   amount_bytes(worker->memory_bytes).text,
                   amount_bytes(worker->memory_max_bytes).text,
                   findings_others(count - 1, "worker", "nearly as full").text);
}

void findings_sessions_nearly_full(const struct findings_input *input, struct findings *findings)
{
    static const struct findings_head head = {
        "sessions_nearly_full", FINDINGS_WARNING, "max-sessions",
        "At the limit further connections are refused. Raise max-sessions, or shorten "
        "idle-timeout."};
    uint64_t percent = amount_percent(input->now->open, input->sessions_max);

    if (percent < FINDINGS_SESSIONS_PERCENT) return;
    struct finding *finding = findings_add(findings, &head);
    findings_say(finding, "%" PRIu64 " %% of the possible sessions are open.", percent);
    findings_prove(finding, "%" PRIu64 " of %" PRIu64 " sessions are open.", input->now->open,
                   input->sessions_max);
}

/* ---- refused connections ---- */

static void findings_load__refused(const struct findings_input *input, struct findings *findings,
                                   uint64_t count, const char *cause,
                                   const struct findings_head *head)
{
    uint64_t accepted = FINDINGS_LOAD__GROWTH(input, accepted);

    if (count < FINDINGS_REFUSED_MIN) return;
    struct finding *finding = findings_add(findings, head);
    findings_say(finding, "Connections are refused: %s.", cause);
    findings_prove(finding,
                   "%" PRIu64 " were refused for this reason in the last %s; %" PRIu64
                   " were accepted.",
                   count, amount_duration(input->window_ms).text, accepted);
}

void findings_accepts_refused(const struct findings_input *input, struct findings *findings)
{
    static const struct findings_head full = {
        "refused_full", FINDINGS_CRITICAL, "max-sessions",
        "Raise max-sessions (and the limit on open files), or shorten idle-timeout."};
    static const struct findings_head address = {
        "refused_address", FINDINGS_WARNING, "max-sessions-per-address",
        "If many clients share an address (NAT), raise max-sessions-per-address."};
    static const struct findings_head rate = {"refused_rate", FINDINGS_WARNING, "accept-rate",
                                              "Raise accept-rate, unless this is an attack."};
    static const struct findings_head denied = {
        "refused_denied", FINDINGS_NOTE, "deny",
        "The lists work. Check them if a legitimate client cannot connect."};
    static const struct findings_head failed = {
        "refused_failed", FINDINGS_WARNING, "memory",
        "The log has the cause: no memory, no resources of the system, or a reset by the client."};

    findings_load__refused(input, findings, FINDINGS_LOAD__GROWTH(input, refused_full),
                           "max-sessions sessions are open", &full);
    findings_load__refused(input, findings, FINDINGS_LOAD__GROWTH(input, refused_address),
                           "their address has max-sessions-per-address sessions", &address);
    findings_load__refused(input, findings, FINDINGS_LOAD__GROWTH(input, refused_rate),
                           "more arrive than accept-rate allows", &rate);
    findings_load__refused(input, findings, FINDINGS_LOAD__GROWTH(input, refused_denied),
                           "the lists allow and deny exclude their addresses", &denied);
    findings_load__refused(input, findings, FINDINGS_LOAD__GROWTH(input, refused_failed),
                           "no session could be made for them", &failed);
}

/* ---- exhausted resources ---- */

/* Adds the finding if its counter has grown by `least`. The evidence is "WHAT N times in the last
 * 60 s". */
static void findings_load__grown(const struct findings_input *input, struct findings *findings,
                                 uint64_t count, uint64_t least, const char *text, const char *what,
                                 const struct findings_head *head)
{
    if (count < least) return;
    struct finding *finding = findings_add(findings, head);
    findings_say(finding, "%s", text);
    findings_prove(finding, "%s %" PRIu64 " time%s in the last %s.", what, count,
                   count == 1 ? "" : "s", amount_duration(input->window_ms).text);
}

void findings_out_of_files(const struct findings_input *input, struct findings *findings)
{
    static const struct findings_head head = {
        "out_of_files", FINDINGS_CRITICAL, "max-sessions",
        "Raise the limit on open files (ulimit -n, LimitNOFILE) above max-sessions."};

    findings_load__grown(input, findings, FINDINGS_LOAD__GROWTH(input, pauses_no_files), 1,
                         "The process has no file descriptors left: connections wait.",
                         "Accepting paused", &head);
}

void findings_out_of_buffers(const struct findings_input *input, struct findings *findings)
{
    static const struct findings_head head = {
        "out_of_buffers", FINDINGS_WARNING, "buffer-memory",
        "Raise buffer-memory or memory: until buffers are free, peers are not read from."};

    findings_load__grown(input, findings, FINDINGS_LOAD__GROWTH(input, pauses_no_buffers), 1,
                         "The buffer pool of a worker was empty.", "Receiving paused", &head);
}

void findings_mailbox_full(const struct findings_input *input, struct findings *findings)
{
    static const struct findings_head head = {
        "mailbox_full", FINDINGS_WARNING, "mailbox",
        "Other threads or workers send faster than a worker can take it. Raise mailbox, or send "
        "less."};

    findings_load__grown(input, findings, FINDINGS_LOAD__GROWTH(input, commands_refused),
                         FINDINGS_MAILBOX_REFUSED_MIN,
                         "A worker's mailbox was full: messages from other threads were refused.",
                         "A command was refused", &head);
}

void findings_log_lost(const struct findings_input *input, struct findings *findings)
{
    static const struct findings_head head = {"log_lost", FINDINGS_NOTE, "log-rate",
                                              "Log less (-v), or raise log-rate and log-lines."};

    findings_load__grown(input, findings, FINDINGS_LOAD__GROWTH(input, log_lines_lost),
                         FINDINGS_LOG_LOST_MIN, "Lines of the log were lost.",
                         "A line was not written", &head);
}

/* ---- datagrams ---- */

static uint64_t findings_load__dropped(const struct weir_stats *stats)
{
    return stats->dropped_own_source + stats->dropped_bad_source + stats->dropped_services +
           stats->dropped_too_large + stats->dropped_unsent + stats->dropped_rate +
           stats->dropped_reply + stats->dropped_reply_rate + stats->dropped_peers +
           stats->dropped_paused;
}

void findings_datagrams_dropped(const struct findings_input *input, struct findings *findings)
{
    static const struct findings_head head = {
        "datagrams_dropped", FINDINGS_WARNING, "udp-peers-max",
        "The counters dropped_... say why: rate, udp-reply-rate, udp-reply-ratio, udp-peers-max."};
    uint64_t dropped = findings_load__dropped(input->now) - findings_load__dropped(input->before);
    uint64_t all =
        FINDINGS_LOAD__GROWTH(input, datagrams_in) + FINDINGS_LOAD__GROWTH(input, datagrams_out);
    uint64_t percent = amount_percent(dropped, all + dropped);

    if (dropped < FINDINGS_DATAGRAMS_DROPPED_MIN || percent < FINDINGS_DATAGRAMS_DROPPED_PERCENT)
        return;
    struct finding *finding = findings_add(findings, &head);
    findings_say(finding, "%" PRIu64 " %% of the datagrams are dropped.", percent);
    findings_prove(finding,
                   "%" PRIu64 " were dropped in the last %s; %" PRIu64 " were received or sent.",
                   dropped, amount_duration(input->window_ms).text, all);
}
