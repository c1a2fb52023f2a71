/* SPDX-License-Identifier: MIT */
/* rio_verifier.c - not here yet. */
#include "rio_provider.h"

const struct rio_provider *rio_provider_verified(const struct win_system *system,
                                                 const struct rio_provider *under)
{
    (void)system;
    return under;
}
