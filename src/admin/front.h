/* SPDX-License-Identifier: MIT */
/* front.h - the handler "admin": checks each request, finds its route and lets it answer. */
#ifndef ADMIN_FRONT_H
#define ADMIN_FRONT_H

#include <weir/weir.h>

struct admin;

/* Fills in the handler of an admin server. */
void front_init(struct weir_handler *handler, struct admin *admin);

#endif
