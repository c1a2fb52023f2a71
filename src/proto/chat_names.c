/* SPDX-License-Identifier: MIT */
/* chat_names.c - maps characters that look alike to one of them. */
#include "chat_names.h"

#include <string.h>

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

const char *chat_names_key(const char *name, char key[CHAT_NAMES_KEY_BYTES])
{
    char *at = key + sizeof CHAT_NAMES_KEY_PREFIX - 1;

    memcpy(key, CHAT_NAMES_KEY_PREFIX, sizeof CHAT_NAMES_KEY_PREFIX);
    for (; *name != '\0'; name++) *at++ = chat_names__fold(*name);
    *at = '\0';
    return key;
}
