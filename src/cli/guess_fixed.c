/* SPDX-License-Identifier: MIT */
/* guess_fixed.c - finds the sizes of records that repeat without a header: the distances at which
 * unpredictable bytes of a capture are equal most often. */
#include "guess_fixed.h"

#include <string.h>

#define GUESS_FIXED__SIZE_MIN 2
#define GUESS_FIXED__COMPARED 8192 /* bytes */
#define GUESS_FIXED__FRAMES 64     /* that are compared to find where records begin */

/* Returns how similar the capture is to itself at this distance, per compared byte. */
static int64_t guess_fixed__similarity(const struct guess_capture *capture, size_t distance)
{
    size_t end = capture->length < GUESS_FIXED__COMPARED + distance
                     ? capture->length
                     : GUESS_FIXED__COMPARED + distance;
    int64_t similarity = 0;

    for (size_t i = distance; i < end; i++) {
        int32_t surprise = capture->surprise[i];
        if (capture->bytes[i] == capture->bytes[i - distance] &&
            surprise > GUESS_CAPTURE_SURPRISE_BIT)
            similarity += surprise - GUESS_CAPTURE_SURPRISE_BIT;
    }
    return end > distance ? similarity * 1024 / (int64_t)(end - distance) : 0;
}

size_t guess_fixed_begin(const struct guess_capture *capture, uint32_t size)
{
    size_t best = 0;
    int64_t most = 0;

    for (size_t phase = 0; phase < size; phase++) {
        int64_t sum = 0;
        for (size_t i = 1; i <= GUESS_FIXED__FRAMES; i++) {
            size_t at = phase + i * size;
            if (at >= capture->length) break;
            if (capture->bytes[at] == capture->bytes[at - size]) sum += capture->surprise[at];
        }
        if (sum <= most) continue;
        most = sum;
        best = phase;
    }
    return best;
}

size_t guess_fixed_find(const struct guess_capture *capture, uint32_t sizes[GUESS_FIXED_SIZES_MAX])
{
    int64_t best[GUESS_FIXED_SIZES_MAX] = {0};
    size_t count = 0;

    for (uint32_t size = GUESS_FIXED__SIZE_MIN; size <= GUESS_FIXED_SIZE_MAX; size++) {
        if (size > capture->length / 3) break;
        int64_t similarity = guess_fixed__similarity(capture, size);
        size_t at = count;
        while (at > 0 && best[at - 1] < similarity) at--;
        if (similarity <= 0 || at == GUESS_FIXED_SIZES_MAX) continue;
        if (count < GUESS_FIXED_SIZES_MAX) count++;
        size_t moved = count - at - 1;
        memmove(&best[at + 1], &best[at], moved * sizeof best[0]);
        memmove(&sizes[at + 1], &sizes[at], moved * sizeof sizes[0]);
        best[at] = similarity;
        sizes[at] = size;
    }
    return count;
}
