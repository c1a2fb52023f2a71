/* SPDX-License-Identifier: MIT */
/* address_public.c - the public calls for addresses, and the conversion between their struct
 * weir_address and the compact one of the layers. */
#include "address.h"

#include <stdio.h>
#include <string.h>

#include <weir/address.h>

#include "error_fill.h"

struct weir_address *address_publish(const struct net_address *address, struct weir_address *to)
{
    *to = (struct weir_address){.scope = address->scope, .port = address->port};
    memcpy(to->ip, address->ip, sizeof to->ip);
    return to;
}

struct net_address address_of_public(const struct weir_address *address)
{
    struct net_address compact = {.scope = address->scope, .port = address->port};

    memcpy(compact.ip, address->ip, sizeof compact.ip);
    return compact;
}

#define ADDRESS__UNIX "unix:"

/* Reads the path of a Unix-domain socket. */
static enum weir_code address__read_path(const char *text, struct weir_address *address,
                                         struct weir_error *error)
{
    const char *path = text + strlen(ADDRESS__UNIX);
    size_t length = strlen(path);

    if (length == 0 || length > WEIR_ADDRESS_PATH_BYTES_MAX)
        return error_fill(error, WEIR_INVALID, 0, "use address", text,
                          length == 0 ? "the path is missing" : "the path is too long",
                          "write unix:/run/server.sock");
    *address = (struct weir_address){.path_bytes = (uint16_t)length};
    memcpy(address->path, path, length);
    return WEIR_OK;
}

enum weir_code weir_address_read(const char *text, struct weir_address *address,
                                 struct weir_error *error)
{
    struct net_address read;

    if (strncmp(text, ADDRESS__UNIX, strlen(ADDRESS__UNIX)) == 0)
        return address__read_path(text, address, error);
    enum weir_code code = net_address_read(text, &read, error);

    if (code == WEIR_OK) address_publish(&read, address);
    return code;
}

bool weir_address_parse(const char *text, struct weir_address *address)
{
    return weir_address_read(text, address, NULL) == WEIR_OK;
}

char *weir_address_text(const struct weir_address *address, char *text, size_t size)
{
    struct net_address compact = address_of_public(address);

    if (address->path_bytes > 0) {
        snprintf(text, size, ADDRESS__UNIX "%.*s", (int)address->path_bytes, address->path);
        return text;
    }

    return net_address_text(&compact, text, size);
}
