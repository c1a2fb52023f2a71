/* SPDX-License-Identifier: MIT */
/* reply_rate.c - the effect of the limit on datagrams per peer (src/session/reply_rate.c) on honest
 * peers and on reply loops, in virtual time. docs/decisions/0009-udp-reply-loops.md has the
 * results.
 *
 *      reply_rate honest [RATE]     peers that lose an answer because others share their buckets
 *      reply_rate loops [RATE]      how long loops between two servers last
 *      reply_rate cost [hash|take]  ten million calls (else: of SipHash), for callgrind
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "reply_rate.h"

#define RATE 2000u
#define S UINT64_C(1000000000)
#define HONEST_S 20u
#define KEYS_COUNT 5 /* of which the average is printed */
#define LOOP_S 60u
#define PEERS_MAX 100000u
#define CALLS_COUNT 10000000u

static uint64_t random_state = 1;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static struct reply_rate *open_rate(uint32_t per_second)
{
    struct siphash_key key;

    for (size_t i = 0; i < sizeof key.bytes; i++) key.bytes[i] = (uint8_t)next_random();
    struct reply_rate *rate = reply_rate_open(per_second, &key);
    if (!rate) {
        fprintf(stderr, "reply_rate: no memory\n");
        exit(1);
    }
    return rate;
}

/* ---- honest peers ---- */

struct load {
    const char *name;
    uint32_t peers_count, per_second;         /* of each honest peer */
    uint32_t forged_count, forged_per_second; /* of each forged source */
    bool behind_nat;                          /* all share one address, with consecutive ports */
};

static uint64_t buckets_of(const struct reply_rate *rate, const struct load *load, uint32_t i,
                           bool one_row)
{
    uint64_t random = next_random();
    const struct net_address peer = load->behind_nat
                                        ? address_of_v4(0xc0000201, (uint16_t)(1024 + i))
                                        : address_of_v4((uint32_t)(random >> 32), (uint16_t)random);
    uint64_t buckets = reply_rate_buckets_of(rate, &peer);

    return one_row && buckets > 0 ? (buckets & 0xffff) * 0x10001 + (UINT64_C(1) << 32) : buckets;
}

/* Returns the percentage of honest peers that lost at least one answer, with one random key. */
static double lose_percent_once(const struct load *load, uint32_t per_second, bool one_row)
{
    static uint64_t buckets[PEERS_MAX];
    static bool lost[PEERS_MAX];
    uint64_t honest = (uint64_t)load->peers_count * load->per_second;
    uint64_t forged = (uint64_t)load->forged_count * load->forged_per_second;
    uint64_t total = honest + forged;
    uint32_t lost_count = 0;

    struct reply_rate *rate = open_rate(per_second);
    memset(lost, 0, sizeof lost);
    for (uint32_t i = 0; i < load->peers_count + load->forged_count; i++)
        buckets[i] = buckets_of(rate, load, i, one_row);
    for (uint64_t i = 0; i < total * HONEST_S; i++) {
        bool is_honest = next_random() % total < honest;
        uint64_t peer = is_honest ? next_random() % load->peers_count
                                  : load->peers_count + next_random() % load->forged_count;
        uint64_t now_ns = S + i / total * S + i % total * S / total;
        if (buckets[peer] > 0 && reply_rate_take(rate, buckets[peer], now_ns) != REPLY_RATE_WITHIN)
            lost[peer] = true;
    }
    for (uint32_t i = 0; i < load->peers_count; i++) lost_count += lost[i];
    reply_rate_free(rate);
    return 100.0 * lost_count / load->peers_count;
}

static double lose_percent(const struct load *load, uint32_t per_second, bool one_row)
{
    double sum = 0;

    for (int i = 0; i < KEYS_COUNT; i++) sum += lose_percent_once(load, per_second, one_row);
    return sum / KEYS_COUNT;
}

static void print_honest(uint32_t per_second)
{
    static const struct load loads[] = {
        {"10000 at 20/s", 10000, 20, 0, 0, false},
        {"10000 at 20/s behind one address", 10000, 20, 0, 0, true},
        {"1600 at 128/s", 1600, 128, 0, 0, false},
        {"1600 at 128/s behind one address", 1600, 128, 0, 0, true},
        {"8000 at 128/s", 8000, 128, 0, 0, false},
        {"200 at 1000/s", 200, 1000, 0, 0, false},
        {"130 at 1500/s", 130, 1500, 0, 0, false},
        {"660 at 1500/s", 660, 1500, 0, 0, false},
        {"10000 at 20/s, 50 forged at 4000/s", 10000, 20, 50, 4000, false},
        {"10000 at 20/s, 90 forged at 2200/s", 10000, 20, 90, 2200, false},
    };

    printf("limit %" PRIu32
           "/s, percent of honest peers that lost an answer in %u s, with one and two "
           "rows of %u buckets\n",
           per_second, HONEST_S, REPLY_RATE_BUCKETS);
    for (size_t i = 0; i < sizeof loads / sizeof loads[0]; i++) {
        printf("| %s | %.2f | %.2f |\n", loads[i].name, lose_percent(&loads[i], per_second, true),
               lose_percent(&loads[i], per_second, false));
        fflush(stdout);
    }
}

/* ---- loops ---- */

/* Prints how many datagrams a loop sent. `in_flight` forged datagrams start it. */
static void print_loop(uint64_t round_ns, uint32_t in_flight, uint32_t per_second)
{
    const struct net_address peer = address_of_v4(0x0a000001, 5050);
    uint64_t sent = 0, rounds = LOOP_S * S / round_ns, round = 0;

    struct reply_rate *rate = open_rate(per_second);
    uint64_t buckets = reply_rate_buckets_of(rate, &peer);
    for (; round < rounds && in_flight > 0; round++) {
        uint32_t left = 0;
        for (uint32_t i = 0; i < in_flight; i++) {
            uint64_t now_ns = S + round * round_ns + i * (round_ns / in_flight);
            left += reply_rate_take(rate, buckets, now_ns) == REPLY_RATE_WITHIN;
        }
        sent += in_flight = left;
    }
    if (in_flight == 0)
        printf(" ends after %" PRIu64 " |", sent);
    else
        printf(" %" PRIu64 "/s |", sent / LOOP_S);
    reply_rate_free(rate);
}

static void print_loops(uint32_t per_second)
{
    static const uint32_t round_us[] = {50, 100, 200, 400, 1000, 10000, 100000};
    static const uint32_t in_flight[] = {1, 10, 100, 10000};

    printf("limit %" PRIu32 "/s\n", per_second);
    for (size_t i = 0; i < sizeof round_us / sizeof round_us[0]; i++) {
        printf("| %" PRIu32 " us |", round_us[i]);
        for (size_t at = 0; at < sizeof in_flight / sizeof in_flight[0]; at++)
            print_loop(round_us[i] * UINT64_C(1000), in_flight[at], per_second);
        printf("\n");
    }
}

/* ---- cost ---- */

static void spend(const char *what)
{
    struct net_address peer = address_of_v4(0x0a000001, 1024);
    uint64_t sum = 0;
    const struct siphash_key key = {{1}};
    bool hash = strcmp(what, "hash") == 0, take = strcmp(what, "take") == 0;

    struct reply_rate *rate = open_rate(RATE);
    for (uint32_t i = 0; i < CALLS_COUNT; i++) {
        peer.port = (uint16_t)i;
        if (hash)
            sum += reply_rate_buckets_of(rate, &peer);
        else if (take)
            sum += reply_rate_take(rate, i * UINT64_C(2654435761) % 65536 * 65537, S + i * 10);
        else
            sum += siphash(&key, &peer, 24);
    }
    printf("%" PRIu64 "\n", sum);
    reply_rate_free(rate);
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "", *value = argc > 2 ? argv[2] : "";
    uint32_t per_second = *value ? (uint32_t)strtoul(value, NULL, 10) : RATE;

    if (strcmp(command, "cost") == 0) {
        spend(value);
    } else if (strcmp(command, "loops") == 0 && per_second > 0) {
        print_loops(per_second);
    } else if (strcmp(command, "honest") == 0 && per_second > 0) {
        print_honest(per_second);
    } else {
        fprintf(stderr, "usage: reply_rate honest|loops [RATE], or reply_rate cost [hash|take]\n");
        return 2;
    }
    return 0;
}
