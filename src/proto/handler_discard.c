/* SPDX-License-Identifier: MIT */
/* handler_discard.c - receives messages and sends no answer (RFC 863). */
#include "builtin.h"

const struct weir_handler handler_discard = {
    .size = sizeof(struct weir_handler),
    .name = "discard",
    .summary = "receives everything, answers nothing",
};
