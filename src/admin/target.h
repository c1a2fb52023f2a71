/* SPDX-License-Identifier: MIT */
/* target.h - the target of a request, split and decoded: "/sessions/7?sort=age" is the path
 * "/sessions/7" with the parameter sort=age. */
#ifndef ADMIN_TARGET_H
#define ADMIN_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#define TARGET_BYTES_MAX 1024u /* of the whole target; a longer one is invalid */
#define TARGET_PARAMETERS_MAX 16u

struct target_parameter {
    const char *name, *value; /* value: "" without '=' */
};

struct target {
    char text[TARGET_BYTES_MAX + 1]; /* holds the texts below */
    const char *path;
    struct target_parameter parameters[TARGET_PARAMETERS_MAX];
    size_t parameters_count;
};

/* Splits a target of the form "/path?query" (RFC 9112, section 3.2.1), and decodes %HH; in the
 * query '+' is a blank. Returns false if it has another form, is too long, has too many parameters,
 * or if an escape is wrong or stands for a NUL. */
bool target_read(const char *text, struct target *target);

/* Returns the value of the first parameter with this name; null: there is none. */
const char *target_value(const struct target *target, const char *name);

/* Returns the first parameter whose name is none of `names`, a list that ends with null; null:
 * there is none. */
const char *target_unknown(const struct target *target, const char *const *names);

#endif
