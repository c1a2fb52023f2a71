/* SPDX-License-Identifier: MIT */
/* activation.c - see activation.h. A socket that no listener expects ends the start: serving it
 * would open an address that the settings do not name, and ignoring it would let its clients wait
 * forever. */
#include "activation.h"

#include <stdio.h>
#include <string.h>

#include "os_systemd.h"

static bool activation__is_same(const struct weir_address *a, const struct weir_address *b)
{
    return memcmp(a->ip, b->ip, sizeof a->ip) == 0 && a->port == b->port && a->scope == b->scope &&
           a->path_bytes == b->path_bytes && memcmp(a->path, b->path, a->path_bytes) == 0;
}

/* Returns the listener at this address that has no socket yet; null: there is none. */
static struct weir_listen *activation__find(struct options *options, enum weir_proto proto,
                                            const struct weir_address *bound)
{
    for (size_t i = 0; i < options->listeners_count; i++) {
        struct weir_listen *listen = &options->listeners[i];
        struct weir_address address;
        if (listen->proto == proto && listen->descriptor == 0 &&
            weir_address_parse(listen->address, &address) && activation__is_same(&address, bound))
            return listen;
    }
    return NULL;
}

static bool activation__fail(enum weir_proto proto, const struct weir_address *bound,
                             const char *name, struct weir_error *error)
{
    const char *word = proto == WEIR_TCP ? "tcp" : "udp";
    char text[WEIR_ADDRESS_TEXT_BYTES];

    weir_address_text(bound, text, sizeof text);
    *error = (struct weir_error){.code = WEIR_INVALID};
    snprintf(error->operation, sizeof error->operation, "use a passed socket");
    snprintf(error->subject, sizeof error->subject, "%s %.80s", word, text);
    snprintf(error->reason, sizeof error->reason,
             "no listener without a socket has this address (%.30s)", name[0] ? name : "no name");
    snprintf(error->hint, sizeof error->hint,
             "add the listener (--%s %.60s), or remove the address from the socket unit", word,
             text);
    return false;
}

static bool activation__take(struct options *options, intptr_t descriptor, const char *name,
                             struct weir_error *error)
{
    struct weir_address bound;
    enum weir_proto proto;

    if (weir_descriptor_address(descriptor, &proto, &bound, error) != WEIR_OK) return false;
    struct weir_listen *listen = activation__find(options, proto, &bound);
    if (!listen) return activation__fail(proto, &bound, name, error);
    listen->descriptor = descriptor;
    return true;
}

bool activation_begin(struct options *options, struct weir_error *error)
{
    intptr_t first;
    size_t count = os_systemd_sockets(&first);
    char name[256];

    for (size_t i = 0; i < count; i++)
        if (!activation__take(options, first + (intptr_t)i,
                              os_systemd_socket_name(i, name, sizeof name), error))
            return false;
    return true;
}

void activation_end(void)
{
    os_systemd_close_sockets();
}
