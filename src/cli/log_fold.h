/* SPDX-License-Identifier: MIT */
/* log_fold.h - counts lines of the log that repeat the line before, in place of writing them. */
#ifndef CLI_LOG_FOLD_H
#define CLI_LOG_FOLD_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/weir.h>

#define LOG_FOLD_TEXT_BYTES 512  /* longer texts are never folded */
#define LOG_FOLD_NOTE_BYTES 96   /* of a note about repetitions */
#define LOG_FOLD_PERIOD_MS 10000 /* between two notes while a line goes on repeating */

/* The line before. All 0: there is none. Used under a lock of the caller. */
struct log_fold {
    enum weir_log_level level;
    char text[LOG_FOLD_TEXT_BYTES]; /* "": none */
    uint64_t count;                 /* of its repetitions */
    int64_t noted_unix_ms;          /* of the last note; meaningful while count > 0 */
};

/* Takes the next line. Returns whether it is to be written. *note is the note about the line
 * before that is to be written first, with the level of that line; "": none. The first repetition
 * is noted immediately, so that no count waits for another line. */
bool log_fold_add(struct log_fold *fold, enum weir_log_level level, const char *text,
                  int64_t unix_ms, char note[LOG_FOLD_NOTE_BYTES], enum weir_log_level *note_level);

/* Writes the note that is still to be written, at the end; "": none. */
void log_fold_end(struct log_fold *fold, char note[LOG_FOLD_NOTE_BYTES],
                  enum weir_log_level *note_level);

#endif
