/* SPDX-License-Identifier: MIT */
/* handler_discard.c - takes everything and answers nothing (RFC 863). */
#include "builtin.h"

const struct weir_handler handler_discard = {
    .size = sizeof(struct weir_handler),
    .name = "discard",
    .summary = "takes everything, answers nothing",
};
