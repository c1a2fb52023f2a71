/* SPDX-License-Identifier: MIT */
/* send_options.c - reads the command line of `weir send`. */
#include "send_options.h"

#include <string.h>

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

/* Finds the host before the colon in "localhost:7" or "[::1]:7". Returns its length; 0: it is
 * missing, or an IPv6 address lacks its brackets. */
static size_t send_options__find_host(const char *address, const char *colon, const char **host)
{
    size_t length = (size_t)(colon - address);

    *host = address;
    if (length >= 2 && address[0] == '[' && address[length - 1] == ']') {
        ++*host;
        return length - 2;
    }
    return memchr(address, ':', length) ? 0 : length;
}

static bool send_options__is_port(const char *text)
{
    return text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
}

/* Splits HOST:PORT. The host of a PORT alone is this machine. */
static void send_options__split_address(struct send_options *options,
                                        struct diagnostics *diagnostics)
{
    const char *address = options->address, *colon = strrchr(address, ':');
    const char *host = "localhost";
    size_t length = colon ? send_options__find_host(address, colon, &host) : strlen(host);

    options->port = colon ? colon + 1 : address;
    if (length == 0 || !send_options__is_port(options->port)) {
        diagnostics_add(diagnostics,
                        "%.100s: not an address; write HOST:PORT, [ADDR6]:PORT or PORT", address);
        return;
    }
    options->host = arena_copy(&options->arena, host, length);
    if (!options->host) diagnostics_add(diagnostics, "out of memory");
}

void send_options_init(struct send_options *options)
{
    *options = (struct send_options){.codec = "raw", .timeout_ms = 10000};
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
        send_options__split_address(options, diagnostics);
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
    return diagnostics->count == 0;
}

void send_options_free(struct send_options *options)
{
    arena_free(&options->arena);
}
