/* SPDX-License-Identifier: MIT */
/* trust_windows.h - the part of trust.h that a test calls with a store of its own. */
#ifndef BASE_TRUST_WINDOWS_H
#define BASE_TRUST_WINDOWS_H

#include "trust.h"

/* Calls `take` for each certificate of the store (HCERTSTORE) that may identify servers. Thread:
 * any. */
void trust_windows_each(void *store, trust_take *take, void *user);

#endif
