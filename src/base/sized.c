/* SPDX-License-Identifier: MIT */
/* sized.c - completes public structs of older versions. This file knows the oldest version of each:
 * a version ends before the member that is named here. */
#include "sized.h"

#include <stdio.h>
#include <string.h>

#include <weir/bridge.h>
#include <weir/weir.h>

#include "error_fill.h"
#include "memory.h"

const struct sized sized_config = {"weir_config", offsetof(struct weir_config, verify_rio),
                                   sizeof(struct weir_config)};
const struct sized sized_listen = {"weir_listen", offsetof(struct weir_listen, custom_probe),
                                   sizeof(struct weir_listen)};
const struct sized sized_handler = {"weir_handler", offsetof(struct weir_handler, on_drain),
                                    sizeof(struct weir_handler)};
const struct sized sized_codec = {"weir_codec", offsetof(struct weir_codec, encode),
                                  sizeof(struct weir_codec)};
const struct sized sized_probe = {"weir_probe", offsetof(struct weir_probe, encode),
                                  sizeof(struct weir_probe)};

const struct sized sized_connect = {"weir_connect_options",
                                    offsetof(struct weir_connect_options, user),
                                    sizeof(struct weir_connect_options)};
const struct sized sized_sessions_query = {
    "weir_sessions_query", sizeof(struct weir_sessions_query), sizeof(struct weir_sessions_query)};
const struct sized sized_groups_query = {"weir_groups_query", sizeof(struct weir_groups_query),
                                         sizeof(struct weir_groups_query)};
const struct sized sized_tls_connect = {"weir_tls_connect", sizeof(struct weir_tls_connect),
                                        sizeof(struct weir_tls_connect)};

const struct sized sized_update = {"weir_update", sizeof(struct weir_update),
                                   sizeof(struct weir_update)};
const struct sized sized_bridge = {"weir_bridge", sizeof(struct weir_bridge),
                                   sizeof(struct weir_bridge)};
const struct sized sized_tls = {"weir_tls", sizeof(struct weir_tls), sizeof(struct weir_tls)};

enum weir_code sized_check(const struct sized *type, size_t size, struct weir_error *error)
{
    char reason[96], hint[128];

    if (size >= type->size_min && size <= type->size && size % sizeof(void *) == 0) return WEIR_OK;
    snprintf(hint, sizeof hint, "set its size to sizeof(struct %s)", type->name);
    if (size > type->size) {
        snprintf(reason, sizeof reason, "its size is %zu, and this version of weir knows %zu bytes",
                 size, type->size);
        snprintf(hint, sizeof hint, "use a newer weir, or build it with this version's weir.h");
    } else if (size == 0) {
        snprintf(reason, sizeof reason, "its size is 0");
    } else {
        snprintf(reason, sizeof reason, "no version of weir.h has its size, %zu bytes", size);
    }
    return error_fill(error, WEIR_INVALID, 0, "use struct", type->name, reason, hint);
}

const void *sized_complete(const struct sized *type, const void *given, void *copy,
                           struct weir_error *error)
{
    size_t size;

    memcpy(&size, given, sizeof size);
    if (sized_check(type, size, error) != WEIR_OK) return NULL;
    if (size == type->size) return given;
    memcpy(copy, given, size);
    memcpy(copy, &type->size, sizeof size);
    return copy;
}

enum weir_code sized_copy(const struct sized *type, const void *given, void *copy,
                          struct weir_error *error)
{
    const void *whole = sized_complete(type, given, copy, error);

    if (!whole) return WEIR_INVALID;
    if (whole != copy) memcpy(copy, whole, type->size);
    return WEIR_OK;
}

enum weir_code sized_open(const struct sized *type, const void *given, size_t bytes, void **opened,
                          struct weir_error *error)
{
    size_t size, copy_at = (bytes + 15) / 16 * 16;

    memcpy(&size, given, sizeof size);
    if (sized_check(type, size, error) != WEIR_OK) return WEIR_INVALID;
    *opened = memory_alloc(copy_at + type->size);
    if (!*opened)
        return error_fill(error, WEIR_NO_MEMORY, 0, "copy a struct", type->name, NULL, NULL);
    const void *whole = sized_complete(type, given, (char *)*opened + copy_at, NULL);
    memcpy(*opened, &whole, sizeof whole);
    return WEIR_OK;
}
