/* SPDX-License-Identifier: MIT */
/* sized.h - public structs that programs fill in and that can grow. Each begins with its size.
 *
 *      given     [ size | members of its version ]
 *                        | copied
 *      completed [ size | members of its version | defaults of the later members ]
 *
 * So a program or module that was compiled with an older weir.h works unchanged. A larger size is
 * an error: weir would ignore members that the program relies on.
 */
#ifndef BASE_SIZED_H
#define BASE_SIZED_H

#include <stddef.h>

#include <weir/error.h>

/* A public struct: its name, the size of its oldest version, and its size now. */
struct sized {
    const char *name;
    size_t size_min, size;
};

extern const struct sized sized_config, sized_listen, sized_handler, sized_codec, sized_probe,
    sized_connect, sized_sessions_query, sized_groups_query, sized_tls, sized_tls_connect,
    sized_update, sized_bridge;

/* Checks the size that a program set. Returns WEIR_OK; or WEIR_INVALID: *error, which may be null,
 * names the struct and says what is wrong. */
enum weir_code sized_check(const struct sized *type, size_t size, struct weir_error *error);

/* Completes a struct of any version. *copy has the current size and contains the defaults. Returns
 * `given` if it has the current size. If it is older, copies its members over the defaults and
 * returns `copy`. Returns null if its size is wrong, with the cause in *error (may be null). */
const void *sized_complete(const struct sized *type, const void *given, void *copy,
                           struct weir_error *error);

/* The same, but always copies: a full-size struct, too. */
enum weir_code sized_copy(const struct sized *type, const void *given, void *copy,
                          struct weir_error *error);

/* Allocates `bytes` zeroed bytes whose first member points to the completed struct. That is a copy
 * in the same allocation, unless `given` has the current size. Returns WEIR_OK; WEIR_INVALID or
 * WEIR_NO_MEMORY with the cause in *error, which may be null. The caller frees *opened with
 * memory_free(). */
enum weir_code sized_open(const struct sized *type, const void *given, size_t bytes, void **opened,
                          struct weir_error *error);

#endif
