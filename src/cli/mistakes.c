/* SPDX-License-Identifier: MIT */
/* mistakes.c - collects what is wrong with a command line, and guesses what was meant. */
#include "mistakes.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#define MISTAKES__WORD_MAX 32    /* longer ones are not guessed at */
#define MISTAKES__DISTANCE_MAX 2 /* further off is no typing mistake */

void mistakes_add(struct mistakes *mistakes, const char *format, ...)
{
    va_list values;

    if (mistakes->count++ >= MISTAKES_MAX) return;
    char *line = mistakes->lines[mistakes->count - 1];
    va_start(values, format);
    vsnprintf(line, MISTAKES_LINE_BYTES, format, values);
    va_end(values);
    for (; *line != '\0'; line++)
        if ((unsigned char)*line < 0x20 || *line == 0x7f) *line = '?';
}

void mistakes_print(const struct mistakes *mistakes, FILE *out)
{
    for (size_t i = 0; i < mistakes->count && i < MISTAKES_MAX; i++)
        fprintf(out, "weir: %s\n", mistakes->lines[i]);
    if (mistakes->count > MISTAKES_MAX)
        fprintf(out, "weir: and %zu more mistakes\n", mistakes->count - MISTAKES_MAX);
}

/* ---- what was meant ---- */

static size_t mistakes__least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* How many letters must change to make one word of the other (Levenshtein's distance). */
static size_t mistakes__distance(const char *a, size_t a_length, const char *b)
{
    size_t row[MISTAKES__WORD_MAX], b_length = strlen(b);

    if (a_length >= MISTAKES__WORD_MAX || b_length >= MISTAKES__WORD_MAX) return SIZE_MAX;
    for (size_t j = 0; j <= b_length; j++) row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t above = row[j];
            row[j] = mistakes__least(above + 1, row[j - 1] + 1, corner + (a[i - 1] != b[j - 1]));
            corner = above;
        }
    }
    return row[b_length];
}

const char *mistakes_nearest(const char *word, size_t length, const char *const *words,
                             size_t count)
{
    const char *nearest = NULL;
    size_t least = MISTAKES__DISTANCE_MAX + 1;

    for (size_t i = 0; i < count; i++) {
        size_t distance = words[i] ? mistakes__distance(word, length, words[i]) : least;
        if (distance < least && distance < strlen(words[i])) { /* not: every letter is another */
            least = distance;
            nearest = words[i];
        }
    }
    return nearest;
}
