/* SPDX-License-Identifier: MIT */
/* options.c - reads the command line by the table in options.def. */
#include "options.h"

#include <stdio.h>
#include <string.h>

enum options__id {
#define OPTION(identifier, name, letter, argument, help) OPTIONS__##identifier,
#include "options.def"
#undef OPTION
    OPTIONS__COUNT
};

struct options__entry {
    const char *name;
    char letter;
    const char *argument; /* "": a switch */
    const char *help;
};

static const struct options__entry options__table[] = {
#define OPTION(identifier, name, letter, argument, help) {name, letter, argument, help},
#include "options.def"
#undef OPTION
};

/* ---- numbers with units ---- */

/* Digits up to the end, or up to a unit at *rest. */
static bool options__number(const char *text, uint64_t max, uint64_t *value, const char **rest)
{
    const char *at = text;

    *value = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        *value = *value * 10 + (uint64_t)(*at - '0');
        if (*value > max) return false;
    }
    *rest = at;
    return at != text;
}

static bool options__duration_ms(const char *text, uint32_t *ms)
{
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"", 1000}, {"m", 60000}, {"h", 3600000}};
    uint64_t value;
    const char *rest;

    if (!options__number(text, UINT32_MAX, &value, &rest)) return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(rest, units[i].unit) != 0) continue;
        if (value * units[i].ms > UINT32_MAX) return false;
        *ms = (uint32_t)(value * units[i].ms);
        return true;
    }
    return false;
}

/* ---- one option ---- */

static bool options__add_listener(struct options *options, enum weir_proto proto,
                                  const char *address, char *mistake, size_t mistake_bytes)
{
    struct weir_address parsed;

    if (!weir_address_parse(address, &parsed)) {
        snprintf(mistake, mistake_bytes,
                 "--%s %s: not an address; write PORT, ADDR:PORT or [ADDR6]:PORT, in numbers",
                 proto == WEIR_TCP ? "tcp" : "udp", address);
        return false;
    }
    if (options->listeners_count == OPTIONS_LISTENERS_MAX) {
        snprintf(mistake, mistake_bytes, "more than %d listeners; start a second server",
                 OPTIONS_LISTENERS_MAX);
        return false;
    }
    options->listeners[options->listeners_count].proto = proto;
    options->listeners[options->listeners_count].address = address;
    options->listeners_count++;
    return true;
}

static bool options__apply(struct options *options, enum options__id id, const char *value,
                           char *mistake, size_t mistake_bytes)
{
    uint64_t number;
    const char *rest;

    switch (id) {
    case OPTIONS__tcp:
        return options__add_listener(options, WEIR_TCP, value, mistake, mistake_bytes);
    case OPTIONS__udp:
        return options__add_listener(options, WEIR_UDP, value, mistake, mistake_bytes);
    case OPTIONS__workers:
        if (options__number(value, 255, &number, &rest) && *rest == '\0' && number > 0) {
            options->workers = (uint32_t)number;
            return true;
        }
        snprintf(mistake, mistake_bytes, "--workers %s: write a number from 1 to 255", value);
        return false;
    case OPTIONS__transport: options->transport = value; return true;
    case OPTIONS__drain:
        if (options__duration_ms(value, &options->drain_ms)) return true;
        snprintf(mistake, mistake_bytes, "--drain %s: write a time such as 500ms, 5s or 1m", value);
        return false;
    case OPTIONS__verify_rio: options->verify_rio = true; return true;
    case OPTIONS__verbose: options->loudness++; return true;
    case OPTIONS__quiet: options->loudness = -1; return true;
    case OPTIONS__help: options->help = true; return true;
    case OPTIONS__version: options->version = true; return true;
    case OPTIONS__COUNT: break;
    }
    return false;
}

/* ---- finding it, or what was meant ---- */

static size_t options__least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* How many letters must change to make one word of the other (Levenshtein's distance). */
static size_t options__distance(const char *a, size_t a_length, const char *b)
{
    size_t row[32], b_length = strlen(b);

    if (a_length >= 32 || b_length >= 32) return 32;
    for (size_t j = 0; j <= b_length; j++) row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t above = row[j];
            row[j] = options__least(above + 1, row[j - 1] + 1, corner + (a[i - 1] != b[j - 1]));
            corner = above;
        }
    }
    return row[b_length];
}

static const char *options__nearest(const char *name, size_t length)
{
    const char *nearest = NULL;
    size_t least = 3; /* further off is no typing mistake */

    for (size_t i = 0; i < OPTIONS__COUNT; i++) {
        size_t distance = options__distance(name, length, options__table[i].name);
        if (distance < least) {
            least = distance;
            nearest = options__table[i].name;
        }
    }
    return nearest;
}

static int options__find_name(const char *name, size_t length)
{
    for (int i = 0; i < OPTIONS__COUNT; i++)
        if (strncmp(options__table[i].name, name, length) == 0 &&
            options__table[i].name[length] == '\0')
            return i;
    return -1;
}

static int options__find_letter(char letter)
{
    for (int i = 0; i < OPTIONS__COUNT; i++)
        if (options__table[i].letter != 0 && options__table[i].letter == letter) return i;
    return -1;
}

/* The words being read, and where. */
struct options__reader {
    int count, at;
    char **arguments;
    struct options *options;
    char *mistake;
    size_t mistake_bytes;
};

/* Applies an option with the value joined to it (null: none), or with the next word where it needs
 * one. */
static bool options__read_value(struct options__reader *reader, int id, const char *joined)
{
    const struct options__entry *entry = &options__table[id];
    const char *value = joined;

    if (entry->argument[0] == '\0' && joined) {
        snprintf(reader->mistake, reader->mistake_bytes, "--%s takes no value", entry->name);
        return false;
    }
    if (entry->argument[0] != '\0' && !joined) {
        if (reader->at + 1 == reader->count) {
            snprintf(reader->mistake, reader->mistake_bytes, "--%s needs a value: %s", entry->name,
                     entry->argument);
            return false;
        }
        value = reader->arguments[++reader->at];
    }
    return options__apply(reader->options, (enum options__id)id, value, reader->mistake,
                          reader->mistake_bytes);
}

/* --name, --name=value, --name value */
static bool options__read_long(struct options__reader *reader, const char *name)
{
    size_t length = strcspn(name, "=");
    int id = options__find_name(name, length);

    if (id >= 0)
        return options__read_value(reader, id, name[length] == '=' ? name + length + 1 : NULL);
    const char *nearest = options__nearest(name, length);
    if (nearest)
        snprintf(reader->mistake, reader->mistake_bytes, "unknown option --%s; did you mean --%s?",
                 name, nearest);
    else
        snprintf(reader->mistake, reader->mistake_bytes, "unknown option --%s; see weir --help",
                 name);
    return false;
}

/* -a, -ab for switches, -t VALUE, -tVALUE */
static bool options__read_letters(struct options__reader *reader, const char *letters)
{
    for (; *letters; letters++) {
        int id = options__find_letter(*letters);
        if (id < 0) {
            snprintf(reader->mistake, reader->mistake_bytes, "unknown option -%c; see weir --help",
                     *letters);
            return false;
        }
        if (options__table[id].argument[0] != '\0')
            return options__read_value(reader, id, letters[1] ? letters + 1 : NULL);
        if (!options__read_value(reader, id, NULL)) return false;
    }
    return true;
}

bool options_read(int count, char **arguments, struct options *options, char *mistake,
                  size_t mistake_bytes)
{
    struct options__reader reader = {count, 0, arguments, options, mistake, mistake_bytes};

    *options = (struct options){.transport = "auto", .drain_ms = 5000};
    if (count > 0 && strcmp(arguments[0], "serve") == 0) reader.at = 1;
    for (; reader.at < count; reader.at++) {
        const char *word = arguments[reader.at];
        if (word[0] != '-' || word[1] == '\0') {
            snprintf(mistake, mistake_bytes,
                     "%s: no such command; weir serves with 'weir serve', see weir --help", word);
            return false;
        }
        bool read = word[1] == '-' ? options__read_long(&reader, word + 2)
                                   : options__read_letters(&reader, word + 1);
        if (!read) return false;
    }
    if (options->listeners_count > 0) return true;
    return options__add_listener(options, WEIR_TCP, "5050", mistake, mistake_bytes) &&
           options__add_listener(options, WEIR_UDP, "5050", mistake, mistake_bytes);
}

/* ---- help ---- */

static void options__help_line(const struct options__entry *entry)
{
    char left[48], letter[8] = "    ";

    if (entry->letter != 0) snprintf(letter, sizeof letter, "-%c, ", entry->letter);
    snprintf(left, sizeof left, "  %s--%s %s", letter, entry->name, entry->argument);
    printf("%-28s %s\n", left, entry->help);
}

void options_help(void)
{
    printf(
        "weir %s: a TCP and UDP session server\n"
        "\n"
        "  weir                               echo over TCP and UDP on port 5050, IPv4 and IPv6\n"
        "  weir serve --tcp 7 --udp 7         on the ports you name\n"
        "  weir serve --tcp 127.0.0.1:0       on a free port of one address\n"
        "\n"
        "Try it:  weir &  printf 'hello\\n' | nc -N 127.0.0.1 5050\n"
        "\n"
        "Options of weir serve (\"serve\" may be left out):\n",
        weir_version());
    for (size_t i = 0; i < OPTIONS__COUNT; i++) options__help_line(&options__table[i]);
    printf(
        "\n"
        "An address is PORT, ADDR:PORT or [ADDR6]:PORT; PORT alone: every address, both families.\n"
        "stdout has one line per listener, then \"ready\": scripts wait for it. The log: stderr.\n"
        "SIGINT or SIGTERM ends in peace: no new connections, answers delivered, for --drain at\n"
        "most; a second one ends now.\n"
        "Exit codes: 0 ended as asked, 1 failed while running, 64 wrong usage, 69 cannot listen,\n"
        "78 wrong setting.\n");
}
