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

/* "localhost:7", "[::1]:7", or "7" of this machine. */
static void send_options__split_address(struct send_options *options, struct mistakes *mistakes)
{
    const char *address = options->address, *colon = strrchr(address, ':');
    const char *host = colon ? address : "localhost";
    size_t length = colon ? (size_t)(colon - address) : strlen(host);

    options->port = colon ? colon + 1 : address;
    if (colon && length >= 2 && host[0] == '[' && host[length - 1] == ']') {
        host++;
        length -= 2;
    } else if (colon && memchr(address, ':', length)) {
        length = 0; /* IPv6 without brackets: where does the port begin? */
    }
    if (length == 0 || options->port[0] == '\0' ||
        strspn(options->port, "0123456789") != strlen(options->port)) {
        mistakes_add(mistakes, "%.100s: not an address; write HOST:PORT, [ADDR6]:PORT or PORT",
                     address);
        return;
    }
    options->host = keep_text(&options->keep, host, length);
    if (!options->host) mistakes_add(mistakes, "out of memory");
}

void send_options_init(struct send_options *options)
{
    *options = (struct send_options){.codec = "raw", .timeout_ms = 10000};
}

bool send_options_read(int count, char **arguments, struct send_options *options,
                       struct mistakes *mistakes)
{
    struct option_reading reading = {.table = &send_options_table,
                                     .count = count,
                                     .arguments = arguments,
                                     .target = options,
                                     .keep = &options->keep,
                                     .mistakes = mistakes};

    send_options_init(options);
    options->messages = keep_bytes(&options->keep, sizeof(char *) * ((size_t)count + 1));
    if (!options->messages) {
        mistakes_add(mistakes, "out of memory");
        return false;
    }
    option_read(&reading);
    if (options->help) return mistakes->count == 0;
    if (options->address)
        send_options__split_address(options, mistakes);
    else
        mistakes_add(mistakes, "to whom? Write weir send HOST:PORT MESSAGE...");
    if (options->hex && options->raw)
        mistakes_add(mistakes, "--hex and --raw: answers are written in one way; name one");
    if (options->udp && option_is_given(&reading, offsetof(struct send_options, codec)) &&
        strcmp(options->codec, "datagram") != 0)
        mistakes_add(mistakes, "--codec %.100s and --udp: a datagram is a message already",
                     options->codec);
    if (options->udp) options->codec = "datagram";
    return mistakes->count == 0;
}

void send_options_free(struct send_options *options)
{
    keep_free(&options->keep);
}
