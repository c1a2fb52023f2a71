/* SPDX-License-Identifier: MIT */
/* surroundings.h - the time and the random bytes that a handler gets from weir_now(),
 * weir_unix_time_ms() and weir_random(). The system provides them; a simulation replaces them. */
#ifndef BASE_SURROUNDINGS_H
#define BASE_SURROUNDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct surroundings {
    uint64_t (*now_ms)(void);
    int64_t (*unix_ms)(void);
    bool (*random)(void *bytes, size_t length);
    /* Called before a violated WEIR_ASSERT ends the process; null: no call. */
    void (*asserted)(const char *condition, const char *file, int line);
};

/* Uses these from now on, in all threads. They must stay valid. Null: the system's. */
void surroundings_set(const struct surroundings *surroundings);

#endif
