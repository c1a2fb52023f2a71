/* SPDX-License-Identifier: MIT */
/* serve_announce.c - see serve_announce.h. */
#include "serve_announce.h"

#include <stdio.h>
#include <string.h>

#include "loopback.h"
#include "serve_admin.h"
#include "serve_output.h"

static bool serve_announce__is_loopback(const struct weir_address *address)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}, six[16] = {[15] = 1};

    return memcmp(address->ip, six, sizeof six) == 0 ||
           (memcmp(address->ip, mapped, sizeof mapped) == 0 && address->ip[12] == 127);
}

/* A UDP echo sends its answers to any source address, also to a forged one. */
static void serve_announce__warn_of_reflection(const struct options *options,
                                               const struct weir_listener_info *info)
{
    char address[WEIR_ADDRESS_TEXT_BYTES], line[320];

    if (info->proto != WEIR_UDP || strcmp(info->handler, "echo") != 0 ||
        serve_announce__is_loopback(&info->address))
        return;
    snprintf(line, sizeof line,
             "udp %s echoes to the source address of a datagram, which can be forged; on a public "
             "network, list the allowed clients with --allow, or limit it with --message-rate",
             weir_address_text(&info->address, address, sizeof address));
    if (!options->config.allow) serve_output_log(options, WEIR_LOG_WARNING, line);
}

/* The answers of these handlers are longer than most datagrams. A ratio above 1.0 was chosen by
 * the user, who knows the answers. Of a module, nothing is known. */
static void serve_announce__warn_of_silence(const struct options *options,
                                            const struct weir_listener_info *info)
{
    const struct value_rule rule = {.kind = VALUE_RATIO, .off = "off"};
    uint32_t percent = options->config.datagram_reply_percent_max;
    bool is_long = strcmp(info->handler, "time") == 0 || strcmp(info->handler, "chat") == 0;
    bool is_short = strcmp(info->handler, "echo") == 0 || strcmp(info->handler, "discard") == 0;
    char address[WEIR_ADDRESS_TEXT_BYTES], ratio[16], line[320];

    if (info->proto != WEIR_UDP || is_short || percent == 0 || percent > 100) return;
    snprintf(line, sizeof line,
             "udp %s: --udp-reply-ratio %s drops the answers of %s that exceed the bytes received; "
             "raise the ratio, or set it to off on a network without forged addresses",
             weir_address_text(&info->address, address, sizeof address),
             value_text(&rule, percent, ratio, sizeof ratio), info->handler);
    serve_output_log(options, is_long ? WEIR_LOG_WARNING : WEIR_LOG_INFO, line);
}

/* Writes the filters of a listener, in their order on the wire: " tls=default websocket=/play". */
static const char *serve_announce__filters(const struct weir_listener_info *info, char *text,
                                           size_t size)
{
    snprintf(text, size, "%s%s%s%s%s", info->proxy == WEIR_PROXY_REQUIRED ? " proxy=required" : "",
             info->tls ? " tls=" : "", info->tls ? info->tls : "",
             info->websocket ? " websocket=" : "", info->websocket ? info->websocket : "");
    return text;
}

/* Scripts wait for these lines and parse them. After "ready" they can read the warnings. */
void serve_announce(const struct options *options, const struct weir_server *server)
{
    char address[WEIR_ADDRESS_TEXT_BYTES], filters[512], line[256];
    size_t count = weir_server_listeners_count(server);

    for (size_t i = 0; i < count; i++) {
        struct weir_listener_info info;
        weir_server_listener(server, i, &info);
        serve_announce__warn_of_reflection(options, &info);
        serve_announce__warn_of_silence(options, &info);
    }
    if (options->loudness >= 0 && loopback_how_to_open(options, line, sizeof line))
        serve_output_report(WEIR_LOG_INFO, "%s", line);
    serve_output_flush_log(options->config.log_flush_ms);
    for (size_t i = 0; i < count; i++) {
        struct weir_listener_info info;
        weir_server_listener(server, i, &info);
        serve_output_print("listening proto=%s addr=%s transport=%s workers=%u codec=%s "
                           "handler=%s%s",
                           info.proto == WEIR_TCP ? "tcp" : "udp",
                           weir_address_text(&info.address, address, sizeof address),
                           info.transport, info.workers, info.codec, info.handler,
                           serve_announce__filters(&info, filters, sizeof filters));
    }
    serve_admin_announce();
    serve_output_print("ready");
}
