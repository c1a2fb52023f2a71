/* SPDX-License-Identifier: MIT */
/* filtered_scenarios.h - is included first in scenarios that run a second time, through the filter
 * that transforms (test_filters.h): the calls of a peer go through the filter's other side. */
#ifndef SUPPORT_FILTERED_SCENARIOS_H
#define SUPPORT_FILTERED_SCENARIOS_H

#include "test_filters.h"

#define sim_peer_send filtered_send
#define sim_peer_receive filtered_receive
#define sim_peer_unread filtered_unread
#define sim_peer_finish filtered_finish
#define sim_peer_close filtered_close
#define sim_peer_saw_end filtered_saw_end

#endif
