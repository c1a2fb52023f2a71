/* SPDX-License-Identifier: MIT */
/* address_list.c - a set of addresses, from CIDR blocks.
 *
 *      text -> blocks -> ranges -> sorted -> adjacent ones joined -> binary search
 */
#include "address_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "check.h"
#include "error_fill.h"
#include "memory.h"

#define ADDRESS_LIST__BLOCK_BYTES 72u
#define ADDRESS_LIST__V4_BITS_BEFORE 96u /* of an IPv4 address in its IPv6 form */

/* ---- one block ---- */

static enum weir_code address_list__wrong(const char *setting, const char *block,
                                          const char *reason, const char *hint,
                                          struct weir_error *error)
{
    char subject[96];

    snprintf(subject, sizeof subject, "%s: %s", setting, block);
    return error_fill(error, WEIR_INVALID, 0, "use setting", subject, reason, hint);
}

/* Reads digits up to the NUL. */
static bool address_list__bits(const char *text, uint32_t max, uint32_t *bits)
{
    *bits = 0;
    if (*text == '\0' || strlen(text) > 3) return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9') return false;
        *bits = *bits * 10 + (uint32_t)(*text - '0');
    }
    return *bits <= max;
}

static bool address_list__address(const char *text, struct weir_address *address)
{
    char with_port[ADDRESS_LIST__BLOCK_BYTES + 8];

    snprintf(with_port, sizeof with_port, strchr(text, ':') ? "[%s]:0" : "%s:0", text);
    /* A block has no port, no brackets and no scope. */
    return strspn(text, "0123456789abcdefABCDEF.:") == strlen(text) &&
           weir_address_parse(with_port, address);
}

/* Sets the range of all addresses with this prefix of `bits` bits. Returns false if the address has
 * bits after the prefix; `ip` is then the address of the block. */
static bool address_list__set_range(struct address_range *range, uint8_t ip[16], uint32_t bits)
{
    bool clean = true;

    for (uint32_t i = 0; i < 16; i++) {
        uint32_t kept = bits <= i * 8 ? 0 : bits - i * 8 > 8 ? 8 : bits - i * 8;
        uint8_t host = (uint8_t)(0xff >> kept);
        clean &= (ip[i] & host) == 0;
        ip[i] &= (uint8_t)~host;
        range->first[i] = ip[i];
        range->last[i] = ip[i] | host;
    }
    return clean;
}

/* Fails because the address has bits after its prefix; the hint says which block was meant. */
static enum weir_code address_list__has_host_bits(const char *setting, const char *block,
                                                  struct weir_address *address, uint32_t bits,
                                                  struct weir_error *error)
{
    char meant[WEIR_ADDRESS_TEXT_BYTES], hint[128];
    uint32_t before = address_is_v4(address) ? ADDRESS_LIST__V4_BITS_BEFORE : 0;

    address->port = 0;
    weir_address_text(address, meant, sizeof meant);
    meant[strlen(meant) - 2] = '\0'; /* ":0" */
    snprintf(hint, sizeof hint, "write %s/%u, or the one address without a length",
             meant[0] == '[' ? meant + 1 : meant, bits - before);
    char *bracket = strchr(hint, ']');
    if (bracket) memmove(bracket, bracket + 1, strlen(bracket));
    return address_list__wrong(setting, block, "it has bits behind its length", hint, error);
}

static enum weir_code address_list__read_block(const char *block, const char *setting,
                                               struct address_range *range,
                                               struct weir_error *error)
{
    char copy[ADDRESS_LIST__BLOCK_BYTES];
    struct weir_address address;
    uint32_t bits = 128;

    snprintf(copy, sizeof copy, "%s", block);
    char *slash = strchr(copy, '/');
    if (slash) *slash = '\0';
    if (!address_list__address(copy, &address))
        return address_list__wrong(setting, block, "not an address or a block of addresses",
                                   "write 10.0.0.0/8, 192.168.1.7 or 2001:db8::/32", error);
    uint32_t before = strchr(copy, ':') ? 0 : ADDRESS_LIST__V4_BITS_BEFORE;
    if (slash) {
        if (!address_list__bits(slash + 1, 128 - before, &bits))
            return address_list__wrong(setting, block, "its length is not that of an address",
                                       before > 0 ? "write /0 to /32" : "write /0 to /128", error);
        bits += before;
    }
    if (address_list__set_range(range, address.ip, bits)) return WEIR_OK;
    return address_list__has_host_bits(setting, block, &address, bits, error);
}

/* ---- the list ---- */

/* The next word of the text, up to a comma or a space; false: there is none. `text` moves on. */
static bool address_list__word(const char **text, char *word, size_t size)
{
    const char *begin = *text + strspn(*text, ", \t\r\n");
    size_t length = strcspn(begin, ", \t\r\n");

    *text = begin + length;
    snprintf(word, size, "%.*s", (int)length, begin);
    return length > 0;
}

static int address_list__compare(const void *a, const void *b)
{
    return memcmp(((const struct address_range *)a)->first,
                  ((const struct address_range *)b)->first, 16);
}

/* The IPv4 addresses, in the form that they have in IPv6. */
static const struct address_range address_list__v4 = {
    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0},
    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
};

static bool address_list__holds(const struct address_range *outer,
                                const struct address_range *inner)
{
    return memcmp(outer->first, inner->first, 16) <= 0 && memcmp(outer->last, inner->last, 16) >= 0;
}

/* Of a range that holds all IPv4 addresses and more, leaves what is on either side of them: the
 * last added range becomes two. */
static void address_list__leave_out_v4(struct address_list *list)
{
    struct address_range *below = &list->ranges[list->count - 1];
    struct address_range *above = &list->ranges[list->count];

    if (!address_list__holds(below, &address_list__v4) ||
        memcmp(below, &address_list__v4, sizeof *below) == 0)
        return;
    *above = *below;
    memcpy(below->last, address_list__v4.first, 12); /* ::fffe:ffff:ffff */
    below->last[11] = 0xfe;
    memset(below->last + 12, 0xff, 4);
    memcpy(above->first, address_list__v4.last, 16); /* ::1:0:0:0 */
    memset(above->first + 10, 0, 6);
    above->first[9] = 1;
    if (memcmp(above->first, above->last, 16) <= 0) list->count++;
}

/* Sorts the ranges and joins those that overlap. */
static void address_list__put_in_order(struct address_list *list)
{
    uint32_t kept = 0;

    qsort(list->ranges, list->count, sizeof *list->ranges, address_list__compare);
    for (uint32_t i = 1; i < list->count; i++) {
        struct address_range *last = &list->ranges[kept];
        const struct address_range *next = &list->ranges[i];
        if (memcmp(next->first, last->last, 16) > 0)
            list->ranges[++kept] = *next;
        else if (memcmp(next->last, last->last, 16) > 0)
            memcpy(last->last, next->last, 16);
    }
    list->count = kept + 1;
}

enum weir_code address_list_parse(struct address_list *list, const char *text, const char *setting,
                                  struct weir_error *error)
{
    char word[ADDRESS_LIST__BLOCK_BYTES];
    enum weir_code code = WEIR_OK;
    uint32_t count = 0;

    *list = (struct address_list){.ranges = NULL};
    if (!text) return WEIR_OK;
    for (const char *at = text; address_list__word(&at, word, sizeof word);) count++;
    if (count == 0) return WEIR_OK;
    list->ranges = memory_alloc_array(count, 2 * sizeof *list->ranges); /* each may become two */
    if (!list->ranges)
        return error_fill(error, WEIR_NO_MEMORY, 0, "use setting", setting, NULL,
                          "give it fewer blocks");
    while (code == WEIR_OK && address_list__word(&text, word, sizeof word)) {
        code = address_list__read_block(word, setting, &list->ranges[list->count++], error);
        if (code == WEIR_OK) address_list__leave_out_v4(list);
    }
    if (code == WEIR_OK)
        address_list__put_in_order(list);
    else
        address_list_free(list);
    return code;
}

bool address_list_has(const struct address_list *list, const struct weir_address *address)
{
    uint32_t low = 0, high = list->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (memcmp(address->ip, list->ranges[middle].first, 16) < 0)
            high = middle;
        else if (memcmp(address->ip, list->ranges[middle].last, 16) > 0)
            low = middle + 1;
        else
            return true;
    }
    return false;
}

void address_list_free(struct address_list *list)
{
    memory_free(list->ranges);
    *list = (struct address_list){.ranges = NULL};
}
