/* SPDX-License-Identifier: MIT */
/* proxy_line.h - parses the line of a PROXY header, version 1. */
#ifndef FILTER_PROXY_LINE_H
#define FILTER_PROXY_LINE_H

#include "proxy_header.h"

#define PROXY_LINE_START "PROXY "
#define PROXY_LINE_BYTES_MAX 107u /* of the whole line, with CR and LF */

/* Parses a line, without CR and LF, that begins with PROXY_LINE_START and has printable ASCII
 * characters alone. Sets the kind and the addresses of *header. Returns false after writing the
 * reason, if the line violates the specification. */
bool proxy_line_read(const char *line, struct proxy_header *header,
                     struct proxy_header_error *error);

#endif
