/* SPDX-License-Identifier: MIT */
/* findings_ends.c - the rules about closed sessions, openings that fail, broadcasts that members
 * miss, certificates and reloads. */
#include <inttypes.h>
#include <string.h>

#include "amount.h"
#include "findings_limits.h"
#include "findings_rules.h"
#include "findings_text.h"

/* ---- closes ---- */

/* What it means that sessions end for a reason. A reason without a row is a normal end. */
struct findings_ends__cause {
    enum weir_reason reason;
    const char *name; /* in the plural */
    const char *setting, *advice;
};

static const struct findings_ends__cause findings_ends__causes[] = {
    {WEIR_REASON_RESET, "resets by the peers", "keepalive",
     "Clients or the network between cut the connections: look for a proxy with short timeouts."},
    {WEIR_REASON_IDLE, "idle timeouts", "idle-timeout",
     "If these clients are alive, raise idle-timeout, or let them send something more often."},
    {WEIR_REASON_FIRST_BYTE, "first-byte timeouts", "first-byte-timeout",
     "The clients connect and send nothing: port scanners, health checks, or a protocol in which "
     "the server speaks first."},
    {WEIR_REASON_FRAME, "frame timeouts", "frame-timeout",
     "Clients stop within a message: a slow network, the wrong codec, or an attack."},
    {WEIR_REASON_STALLED, "peers that do not read", "send-timeout",
     "Clients take nothing for send-timeout: slow networks, or clients that hang."},
    {WEIR_REASON_LIFETIME, "sessions that reached their lifetime", "lifetime",
     "Raise lifetime, if sessions should last longer."},
    {WEIR_REASON_SLOW_READER, "members too slow for their group", "broadcast-policy",
     "Raise queue-high, or choose a broadcast-policy that drops messages instead of members."},
    {WEIR_REASON_EXHAUSTED, "memory shortages", "memory",
     "Raise memory, or lower queue-high and max-sessions."},
    {WEIR_REASON_EVICTED, "UDP peers that made room for others", "udp-peers-max",
     "Raise udp-peers-max."},
    {WEIR_REASON_PROTOCOL, "malformed messages", "codec",
     "Clients speak another protocol than the codec: weir frame guess names it from a capture."},
    {WEIR_REASON_OPENING, "openings that took too long", "opening-timeout",
     "Clients do not complete the TLS handshake, the WebSocket request or the PROXY header."},
    {WEIR_REASON_PROXY, "wrong PROXY headers", "proxy-from",
     "Check that the load balancer sends PROXY headers, and that proxy-from contains it."},
    {WEIR_REASON_TLS, "TLS failures", "tls-cert",
     "The log names the failures: a plain client, an unknown CA, or an old version."},
    {WEIR_REASON_UPGRADE, "requests that open no WebSocket", "listen",
     "Check the path and the origins in the listener's URL (websocket, origins)."},
    {WEIR_REASON_TRUNCATED, "streams that end too early", "",
     "Clients end TLS without close_notify within a message, or their connection was cut."},
};

static uint64_t findings_ends__closes(const struct findings_input *input, size_t reason)
{
    return input->now->closed_by_reason[reason] - input->before->closed_by_reason[reason];
}

static uint64_t findings_ends__all_closes(const struct findings_input *input)
{
    uint64_t count = 0;

    for (size_t i = 0; i < WEIR_REASONS_COUNT; i++) count += findings_ends__closes(input, i);
    return count;
}

/* Writes "Half of all closes are ...". */
static void findings_ends__say_share(struct finding *finding, uint64_t percent, const char *name)
{
    if (percent >= 99)
        findings_say(finding, "Nearly all closes are %s.", name);
    else if (percent <= 52)
        findings_say(finding, "Half of all closes are %s.", name);
    else
        findings_say(finding, "%" PRIu64 " %% of all closes are %s.", percent, name);
}

void findings_closes_dominated(const struct findings_input *input, struct findings *findings)
{
    uint64_t all = findings_ends__all_closes(input);

    if (all < FINDINGS_CLOSES_MIN) return;
    for (size_t i = 0; i < sizeof findings_ends__causes / sizeof findings_ends__causes[0]; i++) {
        const struct findings_ends__cause *cause = &findings_ends__causes[i];
        uint64_t count = findings_ends__closes(input, cause->reason);
        uint64_t percent = amount_percent(count, all);
        if (percent < FINDINGS_CLOSES_PERCENT) continue;
        const struct findings_head head = {"closes_dominated", FINDINGS_WARNING, cause->setting,
                                           cause->advice};
        struct finding *finding = findings_add(findings, &head);
        findings_ends__say_share(finding, percent, cause->name);
        findings_prove(finding,
                       "%" PRIu64 " of %" PRIu64 " sessions that ended in the last %s have the "
                       "reason %s.",
                       count, all, amount_duration(input->window_ms).text,
                       weir_reason_text(cause->reason));
    }
}

/* ---- openings ---- */

static void findings_ends__opening(const struct findings_input *input, struct findings *findings,
                                   uint64_t count, const char *what,
                                   const struct findings_head *head)
{
    uint64_t accepted = input->now->accepted - input->before->accepted;
    uint64_t percent = amount_percent(count, accepted);

    if (count < FINDINGS_OPENING_FAILED_MIN || percent < FINDINGS_OPENING_FAILED_PERCENT) return;
    struct finding *finding = findings_add(findings, head);
    findings_say(finding, "%" PRIu64 " %% of new connections fail at the %s.",
                 percent > 100 ? 100 : percent, what);
    findings_prove(finding, "%" PRIu64 " failed in the last %s, and %" PRIu64 " were accepted.",
                   count, amount_duration(input->window_ms).text, accepted);
}

void findings_opening_fails(const struct findings_input *input, struct findings *findings)
{
    static const struct findings_head proxy = {
        "opening_fails", FINDINGS_WARNING, "proxy-from",
        "Check that the load balancer sends PROXY headers, and that proxy-from contains it."};
    static const struct findings_head tls = {
        "opening_fails", FINDINGS_WARNING, "tls-cert",
        "The log names the failures: a plain client, an unknown CA, or an old version."};
    static const struct findings_head web = {
        "opening_fails", FINDINGS_WARNING, "listen",
        "Check the path and the origins in the listener's URL (websocket, origins)."};
    const struct weir_stats *now = input->now, *before = input->before;

    findings_ends__opening(input, findings,
                           now->opening_failed_proxy - before->opening_failed_proxy, "PROXY header",
                           &proxy);
    findings_ends__opening(input, findings, now->opening_failed_tls - before->opening_failed_tls,
                           "TLS handshake", &tls);
    findings_ends__opening(input, findings,
                           now->opening_failed_websocket - before->opening_failed_websocket,
                           "WebSocket request", &web);
}

/* ---- groups ---- */

/* Returns the group that has dropped the most; null: none has, or the groups are not known. */
static const struct findings_group *findings_ends__worst_group(const struct findings_input *input)
{
    const struct findings_group *worst = NULL;

    for (size_t i = 0; i < input->groups_count; i++) {
        const struct findings_group *group = &input->groups[i];
        if (group->dropped > (worst ? worst->dropped : 0)) worst = group;
    }
    return worst;
}

/* Returns the broadcasts that slow members missed; those for members that ended are normal. */
static uint64_t findings_ends__missed(const struct weir_stats *stats)
{
    return stats->broadcasts_dropped_full + stats->broadcasts_dropped_no_memory +
           stats->broadcasts_dropped_reply;
}

void findings_group_dropping(const struct findings_input *input, struct findings *findings)
{
    static const struct findings_head head = {
        "group_dropping", FINDINGS_WARNING, "broadcast-policy",
        "Its slow members miss messages or are closed, as broadcast-policy says. Raise queue-high, "
        "or broadcast less."};
    const struct findings_group *group = findings_ends__worst_group(input);
    uint64_t dropped = findings_ends__missed(input->now) - findings_ends__missed(input->before);
    uint64_t offered = input->now->broadcasts_offered - input->before->broadcasts_offered;
    uint64_t percent = amount_percent(dropped, offered);

    if (dropped < FINDINGS_GROUP_DROPPED_MIN || percent < FINDINGS_GROUP_DROPPED_PERCENT) return;
    struct finding *finding = findings_add(findings, &head);
    struct findings_word so_far = {""};
    if (group)
        so_far = findings_word(" Since it exists, the group has dropped %" PRIu64 " of %" PRIu64
                               " for its members, now %" PRIu64 ".",
                               group->dropped, group->offered, group->members);
    findings_say(finding, "Members of %s%s%s miss messages.", group ? "the group \"" : "groups",
                 group ? findings_name(group->name, group->name_length).text : "",
                 group ? "\"" : "");
    findings_prove(finding,
                   "%" PRIu64 " of %" PRIu64 " messages for members were dropped in the last %s "
                   "(%" PRIu64 " %%).%s",
                   dropped, offered, amount_duration(input->window_ms).text, percent, so_far.text);
}

/* ---- settings ---- */

void findings_certificate_expires(const struct findings_input *input, struct findings *findings)
{
    static const struct findings_head head = {
        "certificate_expires", FINDINGS_WARNING, "tls-cert",
        "Renew it, then reload the server: sessions stay open."};

    for (size_t i = 0; i < input->certificates_count; i++) {
        const struct findings_certificate *certificate = &input->certificates[i];
        int64_t left_s = certificate->expires_unix_s - input->now_unix_s;
        if (certificate->expires_unix_s == 0 || left_s >= FINDINGS_CERTIFICATE_DAYS * 86400)
            continue;
        struct finding *finding = findings_add(findings, &head);
        const char *name = certificate->name;
        if (left_s <= 0) finding->severity = FINDINGS_CRITICAL;
        findings_say(finding, "The certificate of the TLS settings \"%s\" %s.",
                     findings_name(name, strlen(name)).text,
                     left_s <= 0 ? "has expired" : "expires soon");
        findings_prove(finding, left_s <= 0 ? "It expired %s ago." : "It is valid for %s.",
                       amount_duration((uint64_t)(left_s <= 0 ? -left_s : left_s) * 1000).text);
    }
}

void findings_reload_failed(const struct findings_input *input, struct findings *findings)
{
    static const struct findings_head head = {
        "reload_failed", FINDINGS_WARNING, "config",
        "The earlier settings stay in use. weir check FILE lists all mistakes of the file."};

    if (!input->reload_error) return;
    struct finding *finding = findings_add(findings, &head);
    findings_say(finding, "The last reload of the settings failed.");
    findings_prove(finding, "%s", input->reload_error);
}

void findings_needs_restart(const struct findings_input *input, struct findings *findings)
{
    static const struct findings_head head = {
        "needs_restart", FINDINGS_NOTE, "config",
        "Drain and restart the server when it suits its clients; the log names the settings."};

    if (input->needs_restart_count == 0) return;
    struct finding *finding = findings_add(findings, &head);
    findings_say(finding, "The configuration file has changes that need a restart.");
    findings_prove(finding, "%" PRIu32 " setting%s differ%s from the running server.",
                   input->needs_restart_count, input->needs_restart_count == 1 ? "" : "s",
                   input->needs_restart_count == 1 ? "s" : "");
}
