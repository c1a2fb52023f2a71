/* SPDX-License-Identifier: MIT */
/* inherited_socket.c - see inherited_socket.h. */
#include "inherited_socket.h"

#include <string.h>

#include "address.h"
#include "net.h"

_Static_assert(NET_UNIX_PATH_BYTES <= WEIR_ADDRESS_PATH_BYTES_MAX + 1, "a path fits");

bool inherited_socket_is_at(const struct weir_address *bound, const struct weir_address *address)
{
    return bound->port == address->port && bound->scope == address->scope &&
           memcmp(bound->ip, address->ip, sizeof bound->ip) == 0 &&
           bound->path_bytes == address->path_bytes &&
           memcmp(bound->path, address->path, bound->path_bytes) == 0;
}

enum weir_code weir_descriptor_address(intptr_t descriptor, enum weir_proto *proto,
                                       struct weir_address *address, struct weir_error *error)
{
    struct net_inherited inherited;
    enum weir_code code = net_read_inherited(descriptor, &inherited, error);

    if (code != WEIR_OK) return code;
    *proto = inherited.is_stream ? WEIR_TCP : WEIR_UDP;
    address_publish(&inherited.address, address);
    address->path_bytes = (uint16_t)strlen(inherited.unix_path);
    memcpy(address->path, inherited.unix_path, address->path_bytes);
    return WEIR_OK;
}
