/* SPDX-License-Identifier: MIT */
/* broker_nats_absent.c - replaces broker_nats.c where libnats was not found. */
#include "broker_nats.h"

#include <weir/cluster.h>

#include "error_fill.h"

enum weir_code broker_nats_check(const struct weir_cluster_options *options,
                                 struct weir_error *error)
{
    return error_fill(
        error, WEIR_UNSUPPORTED, 0, BROKER_OPERATION, options->name,
        "weir was built without libnats",
        "on Linux, install libnats (Debian and Ubuntu: libnats-dev) and build weir again");
}

enum weir_code broker_nats_open(void *argument, const struct weir_cluster_options *options,
                                const struct broker_events *events, struct broker **broker,
                                struct weir_error *error)
{
    (void)argument;
    (void)events;
    *broker = NULL;
    return broker_nats_check(options, error);
}

bool weir_cluster_is_supported(void)
{
    return false;
}
