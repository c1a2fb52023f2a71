/* SPDX-License-Identifier: MIT */
/* guess_capture.c - measures how predictable each byte of a capture is for a reader that knows no
 * frames: the null hypothesis of a guess.
 *
 * Four models predict a byte: by itself, after one byte, after two bytes, and as any of 256. Their
 * mixture learns while it reads. So a zero within zeros, or a character within a word, has a high
 * probability, and is no evidence wherever a frame is said to begin. A search finds runs of bytes
 * that occurred before. */
#include "guess_capture.h"

#include <string.h>

#include "guess_bits.h"

#define GUESS_CAPTURE__MODELS 4
#define GUESS_CAPTURE__PAIRS 65536
#define GUESS_CAPTURE__TRIPLES (1U << 20) /* slots; counts of different triples can share one */
#define GUESS_CAPTURE__RUN_BYTES 20       /* shorter repetitions are normal in headers */
#define GUESS_CAPTURE__RUNS (1U << 16)
#define GUESS_CAPTURE__FACTOR 0x9e3779b1U
#define GUESS_CAPTURE__WEIGHT_MIN 0.01F

/* The counts of the models, and for each previous byte the trust in each model. */
struct guess_capture__models {
    uint32_t single[256], singles; /* of the whole capture, from the start */
    uint32_t pair[256][256], pairs[256];
    uint16_t triple[GUESS_CAPTURE__TRIPLES], triples[GUESS_CAPTURE__PAIRS];
    float trust[256][GUESS_CAPTURE__MODELS];
};

/* The search for runs of bytes that occurred before. */
struct guess_capture__runs {
    uint32_t last[GUESS_CAPTURE__RUNS]; /* where the run with this hash ended; 0: nowhere */
    uint32_t hash, oldest_factor;
    size_t at; /* where the current repetition was seen before; 0: none */
};

static uint32_t guess_capture__slot(uint32_t pair, uint8_t byte)
{
    return ((pair << 8 | byte) * GUESS_CAPTURE__FACTOR) >> 12;
}

static float guess_capture__single(const struct guess_capture__models *models, uint8_t byte)
{
    return ((float)models->single[byte] + 0.5F) / ((float)models->singles + 128.0F);
}

/* Returns the probability of the byte, and counts it. */
static float guess_capture__predict(struct guess_capture__models *models, uint32_t pair,
                                    uint8_t byte)
{
    uint8_t previous = (uint8_t)pair;
    uint16_t *triple = &models->triple[guess_capture__slot(pair, byte)];
    uint16_t *triples = &models->triples[pair];
    float *trust = models->trust[previous], p[GUESS_CAPTURE__MODELS], all = 0, sum = 0;

    p[0] = guess_capture__single(models, byte);
    p[1] = ((float)models->pair[previous][byte] + 2 * p[0]) / ((float)models->pairs[previous] + 2);
    p[2] = ((float)*triple + p[1]) / ((float)*triples + 1);
    if (p[2] > 1) p[2] = 1; /* a shared slot */
    p[3] = 1.0F / 256;
    for (int i = 0; i < GUESS_CAPTURE__MODELS; i++) all += trust[i] * p[i];
    for (int i = 0; i < GUESS_CAPTURE__MODELS; i++) {
        trust[i] = trust[i] * p[i] / all + GUESS_CAPTURE__WEIGHT_MIN;
        sum += trust[i];
    }
    for (int i = 0; i < GUESS_CAPTURE__MODELS; i++) trust[i] /= sum;
    models->pair[previous][byte]++;
    models->pairs[previous]++;
    if (*triples < UINT16_MAX) {
        ++*triple;
        ++*triples;
    }
    return all;
}

static uint8_t guess_capture__surprise(float probability)
{
    int32_t bits = 24 * GUESS_BIT - guess_bits_log2((uint64_t)(probability * 16777216.0F) + 1);
    int32_t surprise = bits / (GUESS_BIT / GUESS_CAPTURE_SURPRISE_BIT);

    if (surprise < 0) return 0;
    return surprise > UINT8_MAX ? UINT8_MAX : (uint8_t)surprise;
}

/* Returns whether the byte continues a repetition, and looks for the next one. */
static bool guess_capture__repeats(struct guess_capture__runs *runs, const uint8_t *bytes, size_t i)
{
    bool repeats = runs->at > 0 && bytes[runs->at] == bytes[i];
    size_t run = GUESS_CAPTURE__RUN_BYTES;

    runs->hash = (runs->hash + bytes[i] + 1) * GUESS_CAPTURE__FACTOR;
    if (i >= run) runs->hash -= (bytes[i - run] + 1U) * runs->oldest_factor;
    runs->at = repeats ? runs->at + 1 : 0;
    if (i + 1 < run) return repeats;
    uint32_t *last = &runs->last[runs->hash >> 16];
    if (runs->at == 0 && *last > 0 && memcmp(bytes + *last - run, bytes + i + 1 - run, run) == 0)
        runs->at = *last;
    *last = (uint32_t)(i + 1);
    return repeats;
}

/* Allocates the measurements. Returns false if memory is exhausted. */
static bool guess_capture__alloc(struct guess_capture *capture, struct arena *arena)
{
    size_t count = capture->length + 1;

    capture->surprise = arena_alloc(arena, count);
    capture->repeated = arena_alloc(arena, count * sizeof capture->repeated[0]);
    return capture->surprise && capture->repeated;
}

/* Counts single bytes, and trusts all models alike. */
static void guess_capture__prepare(struct guess_capture *capture,
                                   struct guess_capture__models *models)
{
    for (int i = 0; i < 256; i++)
        for (int j = 0; j < GUESS_CAPTURE__MODELS; j++)
            models->trust[i][j] = 1.0F / GUESS_CAPTURE__MODELS;
    for (size_t i = 0; i < capture->length; i++) models->single[capture->bytes[i]]++;
    models->singles = (uint32_t)capture->length;
    for (int i = 0; i < 256; i++)
        capture->rarity[i] = guess_capture__surprise(guess_capture__single(models, (uint8_t)i));
}

bool guess_capture_measure(struct guess_capture *capture, const uint8_t *bytes, size_t length,
                           struct arena *arena)
{
    struct guess_capture__models *models = arena_alloc(arena, sizeof *models);
    struct guess_capture__runs *runs = arena_alloc(arena, sizeof *runs);
    uint32_t pair = 0;

    capture->bytes = bytes;
    capture->length = length;
    if (!models || !runs || !guess_capture__alloc(capture, arena)) return false;
    guess_capture__prepare(capture, models);
    runs->oldest_factor = 1;
    for (int i = 0; i <= GUESS_CAPTURE__RUN_BYTES; i++)
        runs->oldest_factor *= GUESS_CAPTURE__FACTOR;
    for (size_t i = 0; i < length; i++) {
        bool repeats = guess_capture__repeats(runs, bytes, i);
        capture->surprise[i] =
            guess_capture__surprise(guess_capture__predict(models, pair, bytes[i]));
        capture->repeated[i + 1] = capture->repeated[i] + (repeats ? 1 : 0);
        pair = (pair << 8 | bytes[i]) & 0xffff;
    }
    return true;
}
