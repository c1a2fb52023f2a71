/* SPDX-License-Identifier: MIT */
/* findings_sessions.c - the rules about open sessions: pauses, incomplete frames, and addresses
 * that have an unusual part of the sessions. */
#include <inttypes.h>

#include "amount.h"
#include "findings_limits.h"
#include "findings_rules.h"
#include "findings_text.h"

/* Returns "Session 0000000001000002 of 203.0.113.9:4711". */
static struct findings_word findings_sessions__name(const struct findings_session *session)
{
    char peer[WEIR_ADDRESS_TEXT_BYTES];

    return findings_word("Session %016" PRIx64 " of %s", session->id,
                         weir_address_text(&session->peer, peer, sizeof peer));
}

static struct findings_word findings_sessions__others(const struct findings_kind *kind)
{
    return findings_others(kind->count - 1, "session", "in the same state");
}

/* Returns when a timeout ends it, as one more sentence. */
static struct findings_word findings_sessions__deadline(const struct findings_session *session)
{
    if (session->deadline_ms == UINT64_MAX || session->deadline_reason == WEIR_REASON_NONE)
        return findings_word(" No timeout will close it.");
    return findings_word(" It is closed in %s (%s) unless that changes.",
                         amount_duration(session->deadline_ms).text,
                         weir_reason_text(session->deadline_reason));
}

static const struct findings_kind *findings_sessions__kind(const struct findings_kind *kind)
{
    return kind->count > 0 ? kind : NULL;
}

void findings_peer_not_reading(const struct findings_input *input, struct findings *findings)
{
    static const struct findings_head head = {
        "peer_not_reading", FINDINGS_WARNING, "send-timeout",
        "Ask why this peer does not read. A shorter send-timeout closes such sessions earlier."};
    const struct findings_kind *kind =
        input->scan ? findings_sessions__kind(&input->scan->not_reading) : NULL;

    if (!kind) return;
    struct finding *finding = findings_add(findings, &head);
    finding->session = kind->worst.id;
    findings_say(finding, "%s has been paused for %s because its peer does not read.",
                 findings_sessions__name(&kind->worst).text,
                 amount_duration(kind->worst.paused_ms).text);
    findings_prove(
        finding, "Its send queue holds %s.%s%s", amount_bytes(kind->worst.queued_bytes).text,
        findings_sessions__deadline(&kind->worst).text, findings_sessions__others(kind).text);
}

void findings_over_rate(const struct findings_input *input, struct findings *findings)
{
    static const struct findings_head head = {
        "over_rate", FINDINGS_NOTE, "rate",
        "The limit works. If such peers are legitimate, raise rate or message-rate."};
    const struct findings_kind *kind =
        input->scan ? findings_sessions__kind(&input->scan->over_rate) : NULL;

    if (!kind) return;
    struct finding *finding = findings_add(findings, &head);
    finding->session = kind->worst.id;
    findings_say(
        finding, "%s has been paused for %s because its peer sends more than its rate allows.",
        findings_sessions__name(&kind->worst).text, amount_duration(kind->worst.paused_ms).text);
    findings_prove(finding, "Reading paused %" PRIu64 " times for this reason in the last %s.%s",
                   input->now->pauses_rate - input->before->pauses_rate,
                   amount_duration(input->window_ms).text, findings_sessions__others(kind).text);
}

void findings_slow_frame(const struct findings_input *input, struct findings *findings)
{
    static const struct findings_head head = {
        "slow_frame", FINDINGS_WARNING, "frame-timeout",
        "A shorter frame-timeout closes such sessions earlier; one that is off never does."};
    const struct findings_kind *kind =
        input->scan ? findings_sessions__kind(&input->scan->slow_frame) : NULL;

    if (!kind) return;
    const struct findings_session *worst = &kind->worst;
    uint64_t rate = worst->partial_bytes * 1000 / worst->partial_ms;
    struct finding *finding = findings_add(findings, &head);
    finding->session = worst->id;
    if (rate > 0)
        findings_say(finding, "%s sends a frame with %s a second.",
                     findings_sessions__name(worst).text, amount_bytes(rate).text);
    else
        findings_say(finding, "%s began a frame, and hardly sends the rest.",
                     findings_sessions__name(worst).text);
    findings_prove(finding, "The frame has been incomplete for %s, with %s so far.%s%s",
                   amount_duration(worst->partial_ms).text, amount_bytes(worst->partial_bytes).text,
                   findings_sessions__deadline(worst).text, findings_sessions__others(kind).text);
}

void findings_paused_by_handler(const struct findings_input *input, struct findings *findings)
{
    static const struct findings_head head = {
        "paused_by_handler", FINDINGS_NOTE, "",
        "Check that the handler calls weir_session_resume() in every case."};
    const struct findings_kind *kind =
        input->scan ? findings_sessions__kind(&input->scan->handler_paused) : NULL;

    if (!kind) return;
    struct finding *finding = findings_add(findings, &head);
    finding->session = kind->worst.id;
    findings_say(finding, "%s has been paused by its handler for %s.",
                 findings_sessions__name(&kind->worst).text,
                 amount_duration(kind->worst.paused_ms).text);
    findings_prove(finding, "weir_session_pause() was called, and nothing has resumed it.%s",
                   findings_sessions__others(kind).text);
}

void findings_address_share(const struct findings_input *input, struct findings *findings)
{
    static const struct findings_head head = {
        "address_share", FINDINGS_WARNING, "max-sessions-per-address",
        "If it is a load balancer, use the PROXY protocol (proxy, proxy-from), so that limits "
        "apply to its clients. Otherwise limit it with max-sessions-per-address or deny."};
    const struct findings_address *address =
        input->scan ? findings_scan_address(input->scan) : NULL;

    if (!address || address->count < FINDINGS_ADDRESS_SESSIONS_MIN) return;
    uint64_t percent = amount_percent(address->count, input->scan->sessions);
    bool is_many = address->count >= FINDINGS_ADDRESS_MANY_MIN;
    if (percent < (is_many ? FINDINGS_ADDRESS_MANY_PERCENT : FINDINGS_ADDRESS_PERCENT)) return;
    struct finding *finding = findings_add(findings, &head);
    if (percent == 100)
        findings_say(finding, "All sessions belong to one address, %s.",
                     findings_network(&address->peer).text);
    else
        findings_say(finding, "%" PRIu64 " %% of all sessions belong to one address, %s.", percent,
                     findings_network(&address->peer).text);
    findings_prove(finding, "It has at least %" PRIu64 " of %" PRIu64 " open sessions.",
                   address->count, input->scan->sessions);
}
