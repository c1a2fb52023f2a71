/* SPDX-License-Identifier: MIT */
/* address_list.c - a set of addresses, from CIDR blocks.
 *
 *      text -> blocks -> ranges -> sorted -> adjacent ones joined -> binary search
 */
#include "address_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "error_fill.h"
#include "memory.h"

#define ADDRESS_LIST__BLOCK_BYTES 72u

/* ---- one block ---- */

static enum weir_code address_list__read_block(const char *text, const char *setting,
                                               struct address_range *range,
                                               struct weir_error *error)
{
    struct weir_address_block block;
    struct weir_error wrong;
    char subject[96];

    if (weir_address_block_read(text, &block, &wrong) != WEIR_OK) {
        snprintf(subject, sizeof subject, "%s: %s", setting, text);
        return error_fill(error, wrong.code, 0, "use setting", subject, wrong.reason, wrong.hint);
    }
    for (uint32_t i = 0; i < sizeof block.ip; i++) {
        uint32_t before = i * 8, bits = block.prefix_bits;
        uint32_t kept = bits <= before ? 0 : bits - before > 8 ? 8 : bits - before;
        range->first[i] = block.ip[i];
        range->last[i] = block.ip[i] | (uint8_t)(0xff >> kept);
    }
    return WEIR_OK;
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

bool address_list_has(const struct address_list *list, const struct net_address *address)
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
