/* SPDX-License-Identifier: MIT */
/* surroundings.c - the calls of weir.h by which a handler asks for the time and for random bytes,
 * and those of mark.h. */
#include "surroundings.h"

#include <weir/weir.h>

#include "atomic.h"
#include "check.h"
#include "clock.h"
#include "random.h"

#define SURROUNDINGS__RANDOM_BYTES_MAX 256u /* of one call to the system */

static uint64_t surroundings__now_ms(void)
{
    return clock_now_ns() / CLOCK_NS_PER_MS;
}

static bool surroundings__random(void *bytes, size_t length)
{
    uint8_t *at = bytes;

    while (length > 0) {
        size_t part =
            length < SURROUNDINGS__RANDOM_BYTES_MAX ? length : SURROUNDINGS__RANDOM_BYTES_MAX;
        if (!random_fill(at, part)) return false;
        at += part;
        length -= part;
    }
    return true;
}

static const struct surroundings surroundings__system = {
    .now_ms = surroundings__now_ms, .unix_ms = clock_unix_ms, .random = surroundings__random};

static _Atomic(const struct surroundings *) surroundings__present = &surroundings__system;

void surroundings_set(const struct surroundings *surroundings)
{
    atomic_store(&surroundings__present, surroundings ? surroundings : &surroundings__system);
}

static const struct surroundings *surroundings__get(void)
{
    return atomic_load_explicit(&surroundings__present, memory_order_acquire);
}

uint64_t weir_now(void)
{
    return surroundings__get()->now_ms();
}

int64_t weir_unix_time_ms(void)
{
    return surroundings__get()->unix_ms();
}

enum weir_code weir_random(void *bytes, size_t length)
{
    return surroundings__get()->random(bytes, length) ? WEIR_OK : WEIR_SYSTEM;
}

void weir_assert_failed(const char *condition, const char *file, int line)
{
    const struct surroundings *surroundings = surroundings__get();

    if (surroundings->asserted) surroundings->asserted(condition, file, line);
    check_asserted(condition, file, line);
}

void weir_mark_reached(struct weir_mark *mark)
{
#if defined(__GNUC__)
    __atomic_store_n(&mark->reached, 1, __ATOMIC_RELAXED);
#else
    mark->reached = 1;
#endif
}
