/* SPDX-License-Identifier: MIT */
/* tls_scenarios.c - belongs to programs whose fixtures all serve TLS. */
#include "real_filters.h"

/* Runs before main. */
__attribute__((constructor)) static void tls_scenarios__begin(void)
{
    test_filters_reset();
    real_filters_set(&(struct real_filters){.tls = true});
    test_chain_opens = true;
}
