/* SPDX-License-Identifier: MIT */
/* findings_durations.c - the rules about time: workers that do not answer, slow handlers, and event
 * loops that are late or busy. */
#include <inttypes.h>

#include "amount.h"
#include "findings_limits.h"
#include "findings_rules.h"
#include "findings_text.h"

/* Returns the index of the worker with the highest figure, and how many reach `least`. */
static size_t findings_durations__worst(const struct findings_input *input,
                                        uint64_t (*figure)(const struct findings_worker *worker),
                                        uint64_t least, uint64_t *count)
{
    size_t worst = 0;

    *count = 0;
    for (size_t i = 0; i < input->workers_count; i++) {
        *count += figure(&input->workers[i]) >= least;
        if (figure(&input->workers[i]) > figure(&input->workers[worst])) worst = i;
    }
    return worst;
}

/* ---- workers ---- */

static uint64_t findings_durations__silent(const struct findings_worker *worker)
{
    return worker->silent_ms;
}

void findings_worker_silent(const struct findings_input *input, struct findings *findings)
{
    static const struct findings_head head = {
        "worker_silent", FINDINGS_CRITICAL, "handler-warn",
        "A callback blocks it: with handler-warn the log names the handler and the session."};

    uint64_t count;
    size_t worst =
        findings_durations__worst(input, findings_durations__silent, FINDINGS_SILENT_MS, &count);

    if (count == 0) return;
    struct finding *finding = findings_add(findings, &head);
    struct amount silent = amount_duration(input->workers[worst].silent_ms);
    findings_say(finding, "Worker %zu has not answered for %s: it serves no session.", worst,
                 silent.text);
    findings_prove(finding, "Its event loop has not run a command that has waited for %s.%s",
                   silent.text, findings_others(count - 1, "worker", "silent").text);
}

/* ---- handlers ---- */

void findings_handler_slow(const struct findings_input *input, struct findings *findings)
{
    static const struct findings_head head = {
        "handler_slow", FINDINGS_WARNING, "workers",
        "While a callback runs, its worker serves no other session. Make it faster, or move slow "
        "work to another thread; more workers spread it."};

    for (size_t i = 0; i < input->handlers_count; i++) {
        const struct findings_handler *handler = &input->handlers[i];
        const struct findings_durations *took = &handler->durations;
        if (took->count < FINDINGS_HANDLER_SAMPLES_MIN || took->p99_ns < FINDINGS_HANDLER_P99_NS)
            continue;
        struct finding *finding = findings_add(findings, &head);
        findings_say(finding, "Handler %s took %s at p99.", handler->name,
                     amount_duration_ns(took->p99_ns).text);
        findings_prove(finding,
                       "Of its callbacks in the last %s%s%s, %" PRIu64
                       " were measured: p50 is %s, p99 is %s.",
                       amount_duration(input->window_ms).text, *handler->listener ? ", on " : "",
                       handler->listener, took->count, amount_duration_ns(took->p50_ns).text,
                       amount_duration_ns(took->p99_ns).text);
    }
}

void findings_handler_blocks(const struct findings_input *input, struct findings *findings)
{
    static const struct findings_head head = {
        "handler_blocks", FINDINGS_WARNING, "handler-warn",
        "The log names the handler and the session. While a callback blocks, its worker serves no "
        "other session."};
    uint64_t count = input->now->handlers_blocked - input->before->handlers_blocked;

    if (count == 0) return;
    struct finding *finding = findings_add(findings, &head);
    findings_say(finding, "Callbacks of a handler blocked a worker for longer than handler-warn.");
    findings_prove(finding, "That happened %" PRIu64 " time%s in the last %s.", count,
                   count == 1 ? "" : "s", amount_duration(input->window_ms).text);
}

/* ---- event loops ---- */

void findings_loop_lag(const struct findings_input *input, struct findings *findings)
{
    static const struct findings_head head = {
        "loop_lag", FINDINGS_WARNING, "workers",
        "Everything that arrives meanwhile waits. The cause is a slow handler, too few workers, or "
        "a machine without free processors."};
    const struct findings_durations *took = &input->loop;

    if (took->count < FINDINGS_LOOP_SAMPLES_MIN || took->p99_ns < FINDINGS_LOOP_P99_NS) return;
    struct finding *finding = findings_add(findings, &head);
    findings_say(finding, "The event loops lag: one iteration in a hundred takes %s or more.",
                 amount_duration_ns(took->p99_ns).text);
    findings_prove(finding, "In the last %s there were %" PRIu64 " iterations, with a p99 of %s.",
                   amount_duration(input->window_ms).text, took->count,
                   amount_duration_ns(took->p99_ns).text);
}

static uint64_t findings_durations__busy(const struct findings_worker *worker)
{
    return worker->busy_ms;
}

void findings_loop_busy(const struct findings_input *input, struct findings *findings)
{
    static const struct findings_head head = {
        "loop_busy", FINDINGS_WARNING, "workers",
        "Add workers if the machine has free processors, or limit clients by rate and "
        "accept-rate."};
    uint64_t least = input->window_ms * FINDINGS_BUSY_PERCENT / 100, count;
    size_t worst = findings_durations__worst(input, findings_durations__busy, least, &count);

    if (count == 0 || input->window_ms < FINDINGS_BUSY_WINDOW_MIN_MS) return;
    uint64_t busy_ms = input->workers[worst].busy_ms;
    uint64_t percent = amount_percent(busy_ms, input->window_ms);
    struct finding *finding = findings_add(findings, &head);
    findings_say(finding, "Worker %zu is busy for %" PRIu64 " %% of the time.", worst,
                 percent > 100 ? 100 : percent);
    findings_prove(finding, "In the last %s it spent %s in loop iterations.%s",
                   amount_duration(input->window_ms).text, amount_duration(busy_ms).text,
                   findings_others(count - 1, "worker", "as busy").text);
}
