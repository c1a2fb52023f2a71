/* SPDX-License-Identifier: MIT */
/* websocket_key.c - SHA-1 (RFC 3174) of the key and a fixed text, in base64. */
#include "websocket_key.h"

#include <stdint.h>
#include <string.h>

#define WEBSOCKET_KEY__DIGEST_BYTES 20u
#define WEBSOCKET_KEY__BLOCK_BYTES 64u

static const char websocket_key__suffix[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
static const char websocket_key__digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static uint32_t websocket_key__rotate(uint32_t value, uint32_t bits)
{
    return value << bits | value >> (32 - bits);
}

/* Fills in the 80 words of one block. */
static void websocket_key__expand(const uint8_t *block, uint32_t words[80])
{
    for (uint32_t i = 0; i < 16; i++)
        words[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
                   (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (uint32_t i = 16; i < 80; i++)
        words[i] =
            websocket_key__rotate(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
}

/* Returns the function of the round and its constant, added. */
static uint32_t websocket_key__mix(uint32_t round, uint32_t b, uint32_t c, uint32_t d)
{
    switch (round / 20) {
    case 0: return ((b & c) | (~b & d)) + 0x5a827999u;
    case 1: return (b ^ c ^ d) + 0x6ed9eba1u;
    case 2: return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdcu;
    default: return (b ^ c ^ d) + 0xca62c1d6u;
    }
}

static void websocket_key__hash_block(uint32_t hash[5], const uint8_t *block)
{
    uint32_t words[80], a = hash[0], b = hash[1], c = hash[2], d = hash[3], e = hash[4];

    websocket_key__expand(block, words);
    for (uint32_t round = 0; round < 80; round++) {
        uint32_t next =
            websocket_key__rotate(a, 5) + websocket_key__mix(round, b, c, d) + e + words[round];
        e = d;
        d = c;
        c = websocket_key__rotate(b, 30);
        b = a;
        a = next;
    }
    hash[0] += a;
    hash[1] += b;
    hash[2] += c;
    hash[3] += d;
    hash[4] += e;
}

/* Hashes a text that fills more than one block with its padding, and at most two. */
static void websocket_key__hash(const uint8_t *text, uint32_t length,
                                uint8_t digest[WEBSOCKET_KEY__DIGEST_BYTES])
{
    uint32_t hash[5] = {0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u, 0xc3d2e1f0u};
    uint8_t blocks[2 * WEBSOCKET_KEY__BLOCK_BYTES] = {0};

    memcpy(blocks, text, length);
    blocks[length] = 0x80;
    blocks[sizeof blocks - 2] = (uint8_t)(8 * length >> 8);
    blocks[sizeof blocks - 1] = (uint8_t)(8 * length);
    websocket_key__hash_block(hash, blocks);
    websocket_key__hash_block(hash, blocks + WEBSOCKET_KEY__BLOCK_BYTES);
    for (uint32_t i = 0; i < WEBSOCKET_KEY__DIGEST_BYTES; i++)
        digest[i] = (uint8_t)(hash[i / 4] >> (24 - 8 * (i % 4)));
}

bool websocket_key_is_valid(const char *key)
{
    size_t digits = strspn(key, websocket_key__digits);

    /* The last digit has 2 bits of the last byte; its other 4 bits are 0. */
    return digits == WEBSOCKET_KEY_LENGTH - 2 && strcmp(key + digits, "==") == 0 &&
           strchr("AQgw", key[digits - 1]);
}

void websocket_key_accept(const char *key, char accept[WEBSOCKET_ACCEPT_LENGTH + 1])
{
    uint8_t text[WEBSOCKET_KEY_LENGTH + sizeof websocket_key__suffix - 1];
    uint8_t digest[WEBSOCKET_KEY__DIGEST_BYTES + 1] = {0};

    memcpy(text, key, WEBSOCKET_KEY_LENGTH);
    memcpy(text + WEBSOCKET_KEY_LENGTH, websocket_key__suffix, sizeof websocket_key__suffix - 1);
    websocket_key__hash(text, sizeof text, digest);
    for (uint32_t i = 0; i < sizeof digest / 3; i++) {
        uint32_t group =
            (uint32_t)digest[3 * i] << 16 | (uint32_t)digest[3 * i + 1] << 8 | digest[3 * i + 2];
        for (uint32_t j = 0; j < 4; j++)
            accept[4 * i + j] = websocket_key__digits[group >> (18 - 6 * j) & 63];
    }
    accept[WEBSOCKET_ACCEPT_LENGTH - 1] = '=';
    accept[WEBSOCKET_ACCEPT_LENGTH] = '\0';
}
