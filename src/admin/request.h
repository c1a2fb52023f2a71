/* SPDX-License-Identifier: MIT */
/* request.h - a request to the admin server: the head of an HTTP request, parsed. */
#ifndef ADMIN_REQUEST_H
#define ADMIN_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

enum request_method { REQUEST_GET, REQUEST_HEAD, REQUEST_POST, REQUEST_OTHER };

/* The header lines that matter. */
enum request_field {
    REQUEST_HOST,
    REQUEST_AUTHORIZATION,
    REQUEST_ACCEPT,
    REQUEST_ADMIN,        /* Weir-Admin */
    REQUEST_FIELDS_COUNT, /* any other line */
};

/* A message of the codec "admin" is one struct request. Its texts end in a NUL, and are valid until
 * on_message returns. */
struct request {
    uint32_t status; /* 0: the head is valid. Else it is refused with this status; `why` explains */
    const char *why;
    enum request_method method;
    bool is_old; /* HTTP/1.0 */
    bool closes; /* no further request follows on this connection; always with HTTP/1.0 */
    const char *target;
    const char *values[REQUEST_FIELDS_COUNT]; /* null: the head has no such line */
};

#endif
