/* SPDX-License-Identifier: MIT */
/* printed.h - collects what print.h prints, instead of writing it to stdout. */
#ifndef SUPPORT_PRINTED_H
#define SUPPORT_PRINTED_H

/* Begins to collect, with nothing. */
void printed_begin(void);

/* Returns all text since printed_begin(). It is valid until the next call. */
const char *printed_text(void);

#endif
