/* SPDX-License-Identifier: MIT */
/* websocket_scenarios.c - belongs to programs whose fixtures all serve WebSocket in stream mode. */
#include "real_filters.h"

/* Runs before main. */
__attribute__((constructor)) static void websocket_scenarios__begin(void)
{
    test_filters_reset();
    real_filters_set(&(struct real_filters){.websocket = true});
    test_chain_opens = true;
}
