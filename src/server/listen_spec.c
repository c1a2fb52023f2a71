/* SPDX-License-Identifier: MIT */
/* listen_spec.c - finds a listener's codec and handler, and checks that they fit its protocol. */
#include "listen_spec.h"

#include <stdio.h>

#include "builtin.h"
#include "config.h"
#include "error_fill.h"
#include "filter.h"
#include "inherited_socket.h"
#include "memory.h"
#include "proxy_listen.h"
#include "sized.h"
#include "websocket.h"
#include "websocket_listen.h"

#define LISTEN_SPEC__EXTRA_BYTES_MAX (64u * 1024)

/* Rejects an unknown name, and lists the names there are. */
static enum weir_code listen_spec__unknown(const char *what, const char *name, const char *known,
                                           struct weir_error *error)
{
    char operation[32], reason[48], hint[128];

    snprintf(operation, sizeof operation, "use %s", what);
    snprintf(reason, sizeof reason, "no such %s", what);
    snprintf(hint, sizeof hint, "there is: %s", known);
    return error_fill(error, WEIR_INVALID, 0, operation, name, reason, hint);
}

/* Completes the codec and the handler if they are of an older version. */
static enum weir_code listen_spec__complete(struct listen_spec *spec, struct weir_error *error)
{
    struct service *service = &spec->service;

    service->codec = sized_complete(&sized_codec, service->codec, &spec->completed_codec, error);
    if (!service->codec) return WEIR_INVALID;
    service->handler =
        sized_complete(&sized_handler, service->handler, &spec->completed_handler, error);
    return service->handler ? WEIR_OK : WEIR_INVALID;
}

/* Finds the codec: the user's own, one made of a probe or of a frame specification, or built in. */
static enum weir_code listen_spec__find_codec(struct listen_spec *spec,
                                              const struct weir_listen *listen,
                                              struct weir_error *error)
{
    const char *text = listen->codec;
    enum weir_code code = WEIR_OK;

    if (listen->custom_probe && listen->custom_codec)
        return error_fill(error, WEIR_INVALID, 0, "listen", NULL,
                          "custom_codec and custom_probe are both set", "set one of them");
    if (!text) text = spec->service.proto == WEIR_TCP ? codec_raw.name : codec_datagram.name;
    spec->service.codec = listen->custom_codec ? listen->custom_codec : builtin_codec(text);
    if (listen->custom_probe)
        code = weir_frame_open_probe(listen->custom_probe, &spec->frame, error);
    else if (!spec->service.codec)
        code = weir_frame_open(text, &spec->frame, error);
    if (spec->frame) spec->service.codec = weir_frame_codec(spec->frame);
    return code;
}

static enum weir_code listen_spec__choose_codec(struct listen_spec *spec,
                                                const struct weir_listen *listen,
                                                struct weir_error *error)
{
    enum weir_code code = listen_spec__find_codec(spec, listen, error);

    if (code == WEIR_OK) code = listen_spec__complete(spec, error);
    if (code != WEIR_OK) return code;
    if (spec->service.proto == WEIR_TCP ? spec->service.codec->streams
                                        : spec->service.codec->datagrams)
        return WEIR_OK;
    return error_fill(error, WEIR_INVALID, 0, "use codec", spec->service.codec->name,
                      spec->service.proto == WEIR_TCP ? "it is not for streams (TCP)"
                                                      : "it is not for datagrams (UDP)",
                      spec->service.proto == WEIR_TCP
                          ? "leave it out, or use a codec for streams, such as line"
                          : "leave it out: each datagram is one message");
}

static enum weir_code listen_spec__choose_handler(struct listen_spec *spec,
                                                  const struct weir_listen *listen,
                                                  struct weir_error *error)
{
    char known[96];
    const char *name = listen->handler ? listen->handler : handler_echo.name;

    spec->service.handler = listen->custom_handler ? listen->custom_handler : builtin_handler(name);
    spec->given_handler = spec->service.handler;
    spec->given_arguments = listen->handler_arguments;
    spec->given_tls = listen->tls;
    if (!spec->service.handler)
        return listen_spec__unknown("handler", name, builtin_handler_names(known, sizeof known),
                                    error);
    return WEIR_OK;
}

/* Rejects a descriptor that is bound to another address, or is of another kind. */
static enum weir_code listen_spec__check_descriptor(const struct weir_listen *listen,
                                                    const struct weir_address *address,
                                                    struct weir_error *error)
{
    struct weir_address bound;
    enum weir_proto proto;
    char text[WEIR_ADDRESS_TEXT_BYTES], reason[WEIR_ADDRESS_TEXT_BYTES + 40];

    if (listen->descriptor == 0) return WEIR_OK;
    enum weir_code code = weir_descriptor_address(listen->descriptor, &proto, &bound, error);
    if (code != WEIR_OK) return code;
    if (proto == listen->proto && inherited_socket_is_at(&bound, address)) return WEIR_OK;
    snprintf(reason, sizeof reason, "the descriptor is bound to %s %s",
             proto == WEIR_TCP ? "tcp" : "udp", weir_address_text(&bound, text, sizeof text));
    return error_fill(error, WEIR_INVALID, 0, "listen on", listen->address, reason,
                      "pass the descriptor of this address, or leave it out");
}

static enum weir_code listen_spec__read_address(struct listen_spec *spec,
                                                const struct weir_listen *listen,
                                                struct weir_error *error)
{
    struct weir_address *address = &spec->unix_address;
    struct weir_error wrong;
    enum weir_code code = weir_address_read(listen->address, address, &wrong);

    if (code != WEIR_OK)
        return error_fill(error, code, wrong.os_error, "listen on", listen->address, wrong.reason,
                          wrong.hint);
    spec->where.address = address_of_public(address);
    code = listen_spec__check_descriptor(listen, address, error);
    if (code != WEIR_OK) return code;
    spec->where.inherited = listen->descriptor;
    if (address->path_bytes == 0) return WEIR_OK;
    if (listen->proto == WEIR_UDP)
        return error_fill(error, WEIR_INVALID, 0, "listen on udp", listen->address,
                          "Unix-domain sockets are for streams here", "use tcp");
    spec->where.unix_path = address->path;
    spec->where.unix_mode = listen->unix_mode;
    return WEIR_OK;
}

/* Makes the filters, from the socket on. */
static enum weir_code listen_spec__open_filters(struct listen_spec *spec,
                                                const struct weir_listen *listen,
                                                struct weir_error *error)
{
    struct service *service = &spec->service;
    struct filter *filter;
    enum weir_code code = proxy_listen_open(listen, service->is_unix, &filter, error);

    if (code != WEIR_OK) return code;
    if (filter) service->filters[service->filters_count++] = filter;
    code = websocket_listen_open(listen, service->codec, &filter, error);
    if (code != WEIR_OK || !filter) return code;
    service->filters[service->filters_count++] = filter;
    service_set_codec(service, websocket_codec_of_filter(filter));
    return WEIR_OK;
}

enum weir_code listen_spec_read(const struct weir_listen *given, const struct weir_config *config,
                                struct listen_spec *spec, struct weir_error *error)
{
    struct weir_listen completed = {.size = 0};
    const struct weir_listen *listen = sized_complete(&sized_listen, given, &completed, error);

    *spec = (struct listen_spec){.frame = NULL};
    if (!listen) return WEIR_INVALID;
    *spec = (struct listen_spec){.service.proto = listen->proto,
                                 .where.backlog = config->listen_backlog};
    if (!listen->address)
        return error_fill(error, WEIR_INVALID, 0, "listen", NULL, "no address is given",
                          "set weir_listen.address, to \"0\" for a free port");
    enum weir_code code = listen_spec__read_address(spec, listen, error);
    if (code != WEIR_OK) return code;
    code = listen_spec__choose_handler(spec, listen, error);
    if (code == WEIR_OK) code = listen_spec__choose_codec(spec, listen, error);
    if (code != WEIR_OK) return code;
    struct service *service = &spec->service;
    service_init(service, service->proto, service->codec, service->handler, config);
    service->is_unix = spec->where.unix_path != NULL;
    spec->limits = listen_spec_limits(listen);
    listen_spec_inherit(spec, config);
    code = config_check_times(&service->config, error);
    if (code == WEIR_OK) code = listen_spec__open_filters(spec, listen, error);
    if (code != WEIR_OK) return code;
    spec->extra_bytes = service_session_bytes(service->codec, service->handler);
    if (spec->extra_bytes <= LISTEN_SPEC__EXTRA_BYTES_MAX) return WEIR_OK;
    return error_fill(error, WEIR_INVALID, 0, "use handler", spec->service.handler->name,
                      "a session's memory is 64 KiB at most",
                      "keep a pointer to what is larger, and free it in on_close");
}

void listen_spec_free(struct listen_spec *spec)
{
    struct service *service = &spec->service;

    memory_free(spec->services);
    while (service->filters_count > 0) filter_unref(service->filters[--service->filters_count]);
    weir_frame_free(spec->frame);
    memory_free(spec->arguments);
}
