/* SPDX-License-Identifier: MIT */
/* address_public.c - the public calls for addresses, and the conversion between their struct
 * weir_address and the compact one of the layers. */
#include "address.h"

#include <weir/address.h>

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

enum weir_code weir_address_read(const char *text, struct weir_address *address,
                                 struct weir_error *error)
{
    struct net_address read;
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

    return net_address_text(&compact, text, size);
}
