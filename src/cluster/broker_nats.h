/* SPDX-License-Identifier: MIT */
/* broker_nats.h - NATS as the broker of a cluster, by libnats. Without libnats,
 * broker_nats_absent.c says so. */
#ifndef CLUSTER_BROKER_NATS_H
#define CLUSTER_BROKER_NATS_H

#include "broker.h"

broker_open broker_nats_open;

/* Checks the options that concern NATS, and reads the files that they name. Connects to nothing. */
enum weir_code broker_nats_check(const struct weir_cluster_options *options,
                                 struct weir_error *error);

#endif
