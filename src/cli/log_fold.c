/* SPDX-License-Identifier: MIT */
/* log_fold.c - see log_fold.h. */
#include "log_fold.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void log_fold__note_count(const struct log_fold *fold, char note[LOG_FOLD_NOTE_BYTES])
{
    snprintf(note, LOG_FOLD_NOTE_BYTES, "the line before was repeated %" PRIu64 " times",
             fold->count);
}

void log_fold_end(struct log_fold *fold, char note[LOG_FOLD_NOTE_BYTES],
                  enum weir_log_level *note_level)
{
    note[0] = '\0';
    *note_level = fold->level;
    if (fold->count > 1) log_fold__note_count(fold, note); /* one was noted when it came */
    fold->count = 0;
    fold->text[0] = '\0';
}

/* Counts a repetition, and notes the first one, and later the count from time to time. */
static void log_fold__repeat(struct log_fold *fold, int64_t unix_ms, char note[LOG_FOLD_NOTE_BYTES])
{
    fold->count++;
    if (fold->count == 1)
        snprintf(note, LOG_FOLD_NOTE_BYTES,
                 "the line before is repeated; further repetitions are counted");
    else if (unix_ms - fold->noted_unix_ms >= LOG_FOLD_PERIOD_MS)
        log_fold__note_count(fold, note);
    if (note[0] != '\0') fold->noted_unix_ms = unix_ms;
}

bool log_fold_add(struct log_fold *fold, enum weir_log_level level, const char *text,
                  int64_t unix_ms, char note[LOG_FOLD_NOTE_BYTES], enum weir_log_level *note_level)
{
    bool repeats = text[0] != '\0' && level == fold->level && strcmp(text, fold->text) == 0;

    if (repeats) {
        note[0] = '\0';
        *note_level = level;
        log_fold__repeat(fold, unix_ms, note);
        return false;
    }
    log_fold_end(fold, note, note_level);
    fold->level = level;
    if (strlen(text) < sizeof fold->text) snprintf(fold->text, sizeof fold->text, "%s", text);
    return true;
}
