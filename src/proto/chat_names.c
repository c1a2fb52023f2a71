/* SPDX-License-Identifier: MIT */
/* chat_names.c - the names of one worker's chat users: a hash table of lists. The owner of a table
 * is its thread. */
#include "chat_names.h"
#include "thread_local.h"

#include <stdint.h>
#include <string.h>

#define CHAT_NAMES__LISTS_COUNT 256

static THREAD_LOCAL struct chat_name *chat_names__lists[CHAT_NAMES__LISTS_COUNT];

/* Returns the character that stands for all that look like this one. */
static char chat_names__fold(char character)
{
    if (character >= 'A' && character <= 'Z') character = (char)(character - 'A' + 'a');
    if (character == '0') return 'o';
    return character == '1' || character == 'l' ? 'i' : character;
}

bool chat_names_are_alike(const char *a, const char *b)
{
    while (*a != '\0' && chat_names__fold(*a) == chat_names__fold(*b)) a++, b++;
    return *a == '\0' && *b == '\0';
}

/* FNV-1a of the folded name. It begins with an address, which clients do not know. */
static struct chat_name **chat_names__list(const char *text)
{
    uint64_t hash = (uintptr_t)chat_names__lists ^ UINT64_C(0xcbf29ce484222325);

    for (; *text != '\0'; text++)
        hash = (hash ^ (uint8_t)chat_names__fold(*text)) * UINT64_C(0x100000001b3);
    return &chat_names__lists[(hash >> 32) % CHAT_NAMES__LISTS_COUNT];
}

bool chat_names_take(struct chat_name *name, const void *scope, const char *text)
{
    struct chat_name **list = chat_names__list(text);

    for (const struct chat_name *at = *list; at; at = at->next)
        if (at != name && at->scope == scope && chat_names_are_alike(at->text, text)) return false;
    chat_names_release(name);
    memcpy(name->text, text, strlen(text) + 1); /* chat_line_is_name() limits its length */
    name->scope = scope;
    name->next = *list;
    name->link = list;
    if (name->next) name->next->link = &name->next;
    *list = name;
    return true;
}

void chat_names_release(struct chat_name *name)
{
    if (!name->scope) return;
    *name->link = name->next;
    if (name->next) name->next->link = name->link;
    name->scope = NULL;
}
