/* SPDX-License-Identifier: MIT */
/* cluster_json.c - see cluster_json.h. */
#include "cluster_json.h"

#include <inttypes.h>
#include <stdio.h>

#define CLUSTER_JSON__NODES_MAX 255

static const struct cluster_json__member {
    const char *name;
    size_t offset;
} cluster_json__members[] = {
#define STAT(member, type, family, label, help) \
    {#member, offsetof(struct weir_cluster_stats, member)},
#include "cluster.def"
#undef STAT
};

#define CLUSTER_JSON__COUNT (sizeof cluster_json__members / sizeof cluster_json__members[0])

/* A member that is missing in cluster.def would be missing in /stats.json and /metrics. */
_Static_assert(sizeof(struct weir_cluster_stats) == offsetof(struct weir_cluster_stats, connects) +
                                                        CLUSTER_JSON__COUNT * sizeof(uint64_t),
               "add the new member of struct weir_cluster_stats to cluster.def");

static const char *cluster_json__state(enum weir_cluster_state state)
{
    switch (state) {
    case WEIR_CLUSTER_CONNECTING: return "connecting";
    case WEIR_CLUSTER_CONNECTED: return "connected";
    case WEIR_CLUSTER_REFUSED: return "refused";
    }
    return "unknown";
}

static void cluster_json__node(struct json *json, const struct weir_cluster_node *node)
{
    char incarnation[17];

    snprintf(incarnation, sizeof incarnation, "%016" PRIx64, node->incarnation);
    json_begin_object(json, NULL);
    json_u64(json, "node", node->node);
    json_text(json, "address", node->address);
    json_u64(json, "sessions", node->sessions);
    json_u64(json, "silent_ms", node->silent_ms);
    json_bool(json, "draining", node->draining);
    json_text(json, "incarnation", incarnation);
    json_end_object(json);
}

void cluster_json_write(struct json *json, const struct snapshot *snapshot,
                        size_t (*read_nodes)(struct weir_cluster_node *nodes, size_t nodes_max))
{
    struct weir_cluster_node nodes[CLUSTER_JSON__NODES_MAX];

    if (!snapshot->has_cluster) return;
    json_begin_object(json, "cluster");
    json_text(json, "state", cluster_json__state(snapshot->cluster.state));
    for (size_t i = 0; i < CLUSTER_JSON__COUNT; i++)
        json_u64(json, cluster_json__members[i].name,
                 *(const uint64_t *)(const void *)((const char *)&snapshot->cluster +
                                                   cluster_json__members[i].offset));
    json_begin_array(json, "others");
    size_t count = read_nodes ? read_nodes(nodes, CLUSTER_JSON__NODES_MAX) : 0;
    for (size_t i = 0; i < count && i < CLUSTER_JSON__NODES_MAX; i++)
        cluster_json__node(json, &nodes[i]);
    json_end_array(json);
    json_end_object(json);
}
