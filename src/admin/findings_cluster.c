/* SPDX-License-Identifier: MIT */
/* findings_cluster.c - the rules about the cluster: its broker, lost messages, node numbers. */
#include <inttypes.h>

#include "amount.h"
#include "findings_limits.h"
#include "findings_rules.h"
#include "findings_text.h"

/* Returns by how much a counter of struct weir_cluster_stats has grown in the window. */
#define FINDINGS_CLUSTER__GROWTH(input, member) \
    ((input)->cluster->member - (input)->cluster_before->member)

void findings_broker_away(const struct findings_input *input, struct findings *findings)
{
    static const struct findings_head head = {
        "broker_away", FINDINGS_CRITICAL, "cluster",
        "Start nats-server, or correct the address, password or certificate; the log has the "
        "cause. Sessions of this node are served meanwhile."};

    if (!input->cluster || input->cluster->state != WEIR_CLUSTER_CONNECTING) return;
    struct finding *finding = findings_add(findings, &head);
    findings_say(finding, "The broker of the cluster is away: this node is alone.");
    findings_prove(finding,
                   "The connection was lost %" PRIu64 " time%s; %" PRIu64
                   " messages for other nodes were dropped in the last %s.",
                   input->cluster->disconnects, input->cluster->disconnects == 1 ? "" : "s",
                   FINDINGS_CLUSTER__GROWTH(input, dropped_away),
                   amount_duration(input->window_ms).text);
}

void findings_node_refused(const struct findings_input *input, struct findings *findings)
{
    static const struct findings_head refused = {
        "node_refused", FINDINGS_CRITICAL, "node",
        "Restart one of the two with another node: until then this one exchanges nothing."};
    static const struct findings_head conflict = {
        "node_conflict", FINDINGS_WARNING, "node",
        "Restart the other one with another node; it exchanges nothing until then."};
    bool is_refused = input->cluster && input->cluster->state == WEIR_CLUSTER_REFUSED;

    if (!input->cluster) return;
    if (!is_refused && FINDINGS_CLUSTER__GROWTH(input, conflicts) == 0) return;
    struct finding *finding = findings_add(findings, is_refused ? &refused : &conflict);
    findings_say(finding, "Another node of the cluster has the number of this one.");
    findings_prove(finding, "It was seen %" PRIu64 " time%s since the start.",
                   input->cluster->conflicts, input->cluster->conflicts == 1 ? "" : "s");
}

/* ---- counters ---- */

/* Adds the finding if its counter has grown by `least`. The evidence is "COUNT WHAT in the last
 * 60 s". */
static void findings_cluster__grown(const struct findings_input *input, struct findings *findings,
                                    uint64_t count, uint64_t least, const char *text,
                                    const char *what, const struct findings_head *head)
{
    if (count < least) return;
    struct finding *finding = findings_add(findings, head);
    findings_say(finding, "%s", text);
    findings_prove(finding, "%" PRIu64 " %s in the last %s.", count, what,
                   amount_duration(input->window_ms).text);
}

void findings_cluster_dropping(const struct findings_input *input, struct findings *findings)
{
    static const struct findings_head queue = {
        "cluster_queue_full", FINDINGS_WARNING, "cluster-queue",
        "Handlers send more to other nodes than the broker takes: send less, or raise "
        "cluster-queue for short bursts."};
    static const struct findings_head write = {
        "cluster_broker_slow", FINDINGS_WARNING, "cluster-write-timeout",
        "nats-server or the network to it is overloaded or hangs: look at its processor and its "
        "log."};
    static const struct findings_head large = {
        "cluster_too_large", FINDINGS_WARNING, "cluster",
        "Raise max_payload in the configuration of nats-server (1 MB by default)."};
    static const struct findings_head groups = {
        "cluster_groups_full", FINDINGS_WARNING, "cluster-groups",
        "The groups beyond the limit do not reach other nodes: raise cluster-groups."};

    if (!input->cluster) return;
    findings_cluster__grown(
        input, findings, FINDINGS_CLUSTER__GROWTH(input, dropped_queue), FINDINGS_CLUSTER_LOST_MIN,
        "Messages for other nodes are dropped: their queue is full.", "were dropped", &queue);
    findings_cluster__grown(input, findings, FINDINGS_CLUSTER__GROWTH(input, dropped_write),
                            FINDINGS_CLUSTER_LOST_MIN,
                            "Messages for other nodes are dropped: the broker does not read them.",
                            "were dropped", &write);
    findings_cluster__grown(input, findings, FINDINGS_CLUSTER__GROWTH(input, dropped_too_large),
                            FINDINGS_CLUSTER_LOST_MIN,
                            "Messages for other nodes are larger than the broker allows.",
                            "were dropped", &large);
    findings_cluster__grown(input, findings, FINDINGS_CLUSTER__GROWTH(input, groups_refused),
                            FINDINGS_CLUSTER_LOST_MIN, "This node has more groups than it may.",
                            "joins were not reported", &groups);
}

void findings_cluster_losing(const struct findings_input *input, struct findings *findings)
{
    static const struct findings_head mailbox = {
        "cluster_mailbox_full", FINDINGS_WARNING, "mailbox",
        "Other nodes send faster than a worker can take it. Raise mailbox, or send less."};
    static const struct findings_head slow = {
        "cluster_slow_consumer", FINDINGS_WARNING, "",
        "This node takes messages more slowly than they arrive: give it more processor time, or "
        "fewer groups."};
    static const struct findings_head gaps = {
        "cluster_gaps", FINDINGS_WARNING, "cluster",
        "A connection to the broker was lost with messages on their way: look at the log of "
        "nats-server and of the other nodes."};
    static const struct findings_head malformed = {
        "cluster_malformed", FINDINGS_WARNING, "cluster-name",
        "Another program, or an incompatible version of weir, publishes under this cluster's name: "
        "use another cluster-name, or permissions in nats-server."};

    if (!input->cluster) return;
    uint64_t dropped = FINDINGS_CLUSTER__GROWTH(input, slow_consumer);
    uint64_t missing = FINDINGS_CLUSTER__GROWTH(input, gaps);
    findings_cluster__grown(input, findings, FINDINGS_CLUSTER__GROWTH(input, refused_mailbox),
                            FINDINGS_CLUSTER_LOST_MIN,
                            "Messages of other nodes are dropped: a worker's mailbox is full.",
                            "were dropped", &mailbox);
    findings_cluster__grown(input, findings, dropped, FINDINGS_CLUSTER_LOST_MIN,
                            "Messages of other nodes are dropped before weir sees them.",
                            "were dropped", &slow);
    findings_cluster__grown(input, findings, missing > dropped ? missing - dropped : 0,
                            FINDINGS_CLUSTER_LOST_MIN, "Messages of other nodes did not arrive.",
                            "are missing", &gaps);
    findings_cluster__grown(input, findings, FINDINGS_CLUSTER__GROWTH(input, refused_malformed),
                            FINDINGS_CLUSTER_LOST_MIN,
                            "Messages arrive that no node of this version has sent.",
                            "were ignored", &malformed);
}
