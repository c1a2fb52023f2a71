/* SPDX-License-Identifier: MIT */
/* send_options.c - reads the command line of `weir send`. */
#include "send_options.h"

#include <string.h>

#include <weir/weir.h>

#include "host_port.h"
#include "url.h"

#define OPTIONS_TARGET struct send_options
#include "option_rows.h"

static const struct option send_options__all[] = {
#include "send_options.def"
};

static void send_options__take_word(struct option_reading *reading, const char *word)
{
    struct send_options *options = reading->target;

    if (!options->address)
        options->address = word;
    else
        options->messages[options->messages_count++] = word;
}

const struct option_table send_options_table = {
    .options = send_options__all,
    .count = sizeof send_options__all / sizeof send_options__all[0],
    .command = "weir send",
    .take_word = send_options__take_word,
};

/* ---- the address ---- */

static void send_options__wrong(struct diagnostics *diagnostics, const struct send_options *options,
                                const char *reason, const char *hint)
{
    diagnostics_add(diagnostics, "%.100s: %s; %s", options->address, reason, hint);
}

/* Writes an IPv6 address for the system's resolver, with the index of its interface. */
static const char *send_options__host6(struct send_options *options, const struct host_port *parts,
                                       uint32_t scope)
{
    const char *interface = memchr(parts->host, '%', parts->host_length);
    size_t length = interface ? (size_t)(interface - parts->host) : parts->host_length;

    if (scope == 0) return arena_copy(&options->arena, parts->host, length);
    return arena_format(&options->arena, "%.*s%%%u", (int)length, parts->host, scope);
}

static bool send_options__is_link_local(const struct weir_address *address)
{
    return address->ip[0] == 0xfe && (address->ip[1] & 0xc0) == 0x80;
}

/* Adds a diagnostic if nothing can be connected to there. Numeric addresses are parsed here: the
 * system's resolver also accepts 127.1, and reads 010.0.0.1 as octal. */
static void send_options__check_host(const struct send_options *options, const char *text,
                                     const struct host_port *parts, struct weir_address *address,
                                     struct diagnostics *diagnostics)
{
    bool is_numeric = parts->in_brackets || host_port_is_numeric(parts->host, parts->host_length);
    struct weir_error error;

    if (is_numeric && weir_address_read(text, address, &error) != WEIR_OK)
        send_options__wrong(diagnostics, options,
                            error.reason[0] ? error.reason : weir_code_text(error.code),
                            error.hint);
    else if (send_options__is_link_local(address) && address->scope == 0)
        send_options__wrong(diagnostics, options, "a link-local address needs its interface",
                            "write [fe80::1%eth0]:PORT");
    else if (parts->port == 0)
        send_options__wrong(diagnostics, options, "nothing listens on port 0",
                            "write the port that the server prints");
    else if (parts->host_length == 1 && parts->host[0] == '*')
        send_options__wrong(diagnostics, options, "* is no host to connect to",
                            "write HOST:PORT, or PORT alone for this machine");
}

/* Splits HOST:PORT. The host of a PORT alone is this machine. */
static void send_options__split_address(struct send_options *options, const char *text,
                                        struct diagnostics *diagnostics)
{
    static const char local[] = "localhost";
    struct weir_address address = {.port = 0};
    struct host_port parts;
    enum host_port_problem problem = host_port_split(text, &parts);

    if (strncmp(text, "unix:", 5) == 0) {
        options->host = text;
        options->port = "0";
        if (options->udp || weir_address_read(text, &address, NULL) != WEIR_OK)
            send_options__wrong(diagnostics, options, "no address of a stream socket",
                                "write unix:/run/server.sock, without --udp");
        return;
    }
    if (problem != HOST_PORT_OK) {
        send_options__wrong(diagnostics, options, host_port_reason(problem),
                            host_port_hint(problem));
        return;
    }
    if (!parts.host) {
        parts.host = local;
        parts.host_length = sizeof local - 1;
    }
    send_options__check_host(options, text, &parts, &address, diagnostics);
    options->host = parts.in_brackets ? send_options__host6(options, &parts, address.scope)
                                      : arena_copy(&options->arena, parts.host, parts.host_length);
    options->port = arena_format(&options->arena, "%u", parts.port);
    if (!options->host || !options->port) diagnostics_add(diagnostics, "out of memory");
}

/* Adds a diagnostic if the URL and the options contradict each other. */
static void send_options__check_url(const struct option_reading *reading, const struct url *url)
{
    const struct send_options *options = reading->target;
    bool has_codec = option_is_given(reading, offsetof(struct send_options, codec));

    if (url->proto == WEIR_TCP && options->udp)
        diagnostics_add(reading->diagnostics, "%.100s and --udp contradict each other; use one",
                        options->address);
    else if (url->values[URL_CODEC] && has_codec)
        diagnostics_add(reading->diagnostics, "%.100s and --codec both name a codec; use one",
                        options->address);
    else if (url->values[URL_CODEC] && url->proto == WEIR_UDP &&
             strcmp(url->values[URL_CODEC], "datagram") != 0)
        diagnostics_add(reading->diagnostics,
                        "%.100s: each datagram is a message; leave codec out of the URL",
                        options->address);
}

/* Reads the address, or the URL with protocol, address and codec. */
static void send_options__read_address(struct option_reading *reading)
{
    struct send_options *options = reading->target;
    struct url url;

    if (!url_is_one(options->address)) {
        send_options__split_address(options, options->address, reading->diagnostics);
        return;
    }
    if (!url_read(&url, options->address, "", URL_OF_SERVER, &options->arena, reading->diagnostics))
        return;
    send_options__check_url(reading, &url);
    options->udp = options->udp || url.proto == WEIR_UDP;
    if (url.values[URL_CODEC]) options->codec = url.values[URL_CODEC];
    send_options__split_address(options, url.address, reading->diagnostics);
}

/* ---- the command line ---- */

void send_options_init(struct send_options *options)
{
    *options = (struct send_options){.codec = "raw", .timeout_ms = 10000};
}

/* An option of TLS implies TLS. */
static bool send_options__wants_tls(const struct send_options *options)
{
    const char *const texts[] = {options->tls_ca, options->tls_name, options->tls_cert,
                                 options->tls_key, options->tls_alpn};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i]) return true;
    return options->tls || options->tls_insecure || options->tls_min > 0;
}

static bool send_options__has_no_name(const struct send_options *options)
{
    return !options->tls_insecure && !options->tls_name && options->host &&
           strncmp(options->host, "unix:", 5) == 0;
}

static void send_options__check_tls(struct send_options *options, struct diagnostics *diagnostics)
{
    options->tls = send_options__wants_tls(options);
    if (!options->tls) return;
    if (options->udp)
        diagnostics_add(diagnostics, "TLS needs TCP; leave --udp or the --tls options out");
    if (options->tls_key && !options->tls_cert)
        diagnostics_add(diagnostics,
                        "--tls-key %.100s is the key of a certificate; give it with --tls-cert",
                        options->tls_key);
    if (send_options__has_no_name(options))
        diagnostics_add(diagnostics,
                        "%.100s has no name that a certificate could have; use --tls-name",
                        options->host);
    if (options->tls_insecure && (options->tls_ca || options->tls_name))
        diagnostics_add(diagnostics,
                        "--tls-insecure accepts any certificate, so leave --tls-ca and --tls-name "
                        "out");
}

bool send_options_read(int count, char **arguments, struct send_options *options,
                       struct diagnostics *diagnostics)
{
    struct option_reading reading = {.table = &send_options_table,
                                     .count = count,
                                     .arguments = arguments,
                                     .target = options,
                                     .arena = &options->arena,
                                     .diagnostics = diagnostics};

    send_options_init(options);
    options->messages = arena_alloc(&options->arena, sizeof(char *) * ((size_t)count + 1));
    if (!options->messages) {
        diagnostics_add(diagnostics, "out of memory");
        return false;
    }
    option_read(&reading);
    if (options->help) return diagnostics->count == 0;
    if (options->address)
        send_options__read_address(&reading);
    else
        diagnostics_add(diagnostics, "an address is missing; write weir send HOST:PORT MESSAGE...");
    if (options->hex && options->raw)
        diagnostics_add(diagnostics, "--hex and --raw exclude each other; use one");
    if (options->udp && option_is_given(&reading, offsetof(struct send_options, codec)) &&
        strcmp(options->codec, "datagram") != 0)
        diagnostics_add(diagnostics,
                        "--codec %.100s and --udp: each datagram is a message; leave --codec out",
                        options->codec);
    if (options->udp) options->codec = "datagram";
    send_options__check_tls(options, diagnostics);
    return diagnostics->count == 0;
}

void send_options_free(struct send_options *options)
{
    arena_free(&options->arena);
}
