/* SPDX-License-Identifier: MIT */
/* test_reply_rate.c - the limit per UDP peer: rate, burst, episodes, and peers that share
 * buckets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "address.h"
#include "memory_faults.h"
#include "reply_rate.h"

#define S UINT64_C(1000000000)
#define RATE 1000u

static const struct siphash_key key = {{1, 2, 3}};
static struct reply_rate *rate;

static int open_rate(void **state)
{
    (void)state;
    rate = reply_rate_open(RATE, &key);
    return rate ? 0 : 1;
}

static int free_rate(void **state)
{
    (void)state;
    reply_rate_free(rate);
    return 0;
}

/* The buckets at these positions of the two rows. */
static uint64_t buckets(uint32_t first, uint32_t second)
{
    return UINT64_C(1) << 32 | second << 16 | first;
}

static uint32_t take(uint64_t of, uint64_t now_ns, uint32_t count)
{
    uint32_t within = 0;

    while (count-- > 0) within += reply_rate_take(rate, of, now_ns) == REPLY_RATE_WITHIN;
    return within;
}

static void a_second_is_free_and_the_rate_afterwards(void **state)
{
    uint64_t now_ns = 5 * S + 1; /* an odd time */

    (void)state;
    assert_int_equal(take(buckets(1, 2), now_ns, RATE), RATE);
    for (uint32_t i = 0; i < 5 * RATE; i++) {
        now_ns += S / RATE;
        assert_int_equal(take(buckets(1, 2), now_ns, 1), 1);
    }
    now_ns += 100 * S; /* it never saves more than a second */
    assert_int_equal(take(buckets(1, 2), now_ns, RATE), RATE);
    assert_int_equal(reply_rate_take(rate, buckets(1, 2), now_ns), REPLY_RATE_EXCEEDED);
}

static void an_episode_lasts_until_the_bucket_is_full(void **state)
{
    uint64_t now_ns = S;

    (void)state;
    assert_int_equal(take(buckets(3, 4), now_ns, RATE), RATE);
    assert_int_equal(reply_rate_take(rate, buckets(3, 4), now_ns), REPLY_RATE_EXCEEDED);
    for (int i = 0; i < 10; i++) {
        now_ns += S / 10 - 1;
        assert_int_equal(reply_rate_take(rate, buckets(3, 4), now_ns), REPLY_RATE_HELD_BACK);
    }
    now_ns += 12; /* the bit that marks the episode is worth a nanosecond */
    assert_int_equal(take(buckets(3, 4), now_ns, RATE), RATE);
    assert_int_equal(reply_rate_take(rate, buckets(3, 4), now_ns), REPLY_RATE_EXCEEDED);
}

static void one_shared_bucket_costs_nothing(void **state)
{
    (void)state;
    assert_int_equal(take(buckets(5, 6), S, RATE + 1), RATE);
    assert_int_equal(take(buckets(5, 7), S, RATE), RATE);
    assert_int_equal(take(buckets(8, 6), S, RATE), RATE);
    assert_int_equal(take(buckets(5, 6), S, 1), 0); /* nor does it end the episode */
}

/* A peer never gets more than its rate, whatever others do to its buckets. */
static void sharing_never_raises_the_rate(void **state)
{
    uint64_t now_ns = S, random = 1, window_ns = now_ns;
    uint32_t within = 0, all = 0;

    (void)state;
    for (uint32_t i = 0; i < 1000000; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint32_t which = (uint32_t)(random >> 60);
        uint64_t of = which < 8 ? buckets(9, 9) : buckets(which < 12 ? 9 : 10, which % 4 + 8);
        now_ns += (random >> 32) % 20000;
        bool passed = reply_rate_take(rate, of, now_ns) == REPLY_RATE_WITHIN;
        if (of == buckets(9, 9) && passed) within++, all++;
        if (now_ns - window_ns < S) continue;
        assert_in_range(within, 0, 2 * RATE);
        within = 0;
        window_ns = now_ns;
    }
    assert_true(all > 0);
    assert_true(all <= RATE + (now_ns - S) / (S / RATE));
}

static void buckets_depend_on_the_whole_address(void **state)
{
    const struct net_address base = address_of_v4(0x0a000001, 5050);
    uint64_t of = reply_rate_buckets_of(rate, &base);

    (void)state;
    assert_true(of > 0);
    assert_int_equal(reply_rate_buckets_of(rate, &base), of);
    for (size_t i = 0; i < sizeof base.ip; i++) {
        struct net_address other = base;
        other.ip[i] ^= 2;
        assert_true(reply_rate_buckets_of(rate, &other) != of);
    }
    struct net_address other = base;
    other.port++;
    assert_true(reply_rate_buckets_of(rate, &other) != of);
    other = base;
    other.scope++;
    assert_true(reply_rate_buckets_of(rate, &other) != of);
}

static void assert_limited(const char *text, bool limited)
{
    struct net_address address;

    assert_true(net_address_parse(text, &address));
    assert_int_equal(reply_rate_buckets_of(rate, &address) > 0, limited);
}

static void loopback_has_no_limit(void **state)
{
    const struct net_address peer = address_of_v4(0x0a000001, 5050);

    (void)state;
    assert_limited("127.0.0.1:5050", false);
    assert_limited("127.1.2.3:5050", false);
    assert_limited("[::1]:5050", false);
    assert_limited("10.0.0.1:5050", true);
    assert_limited("[2001:db8::1]:5050", true);
    assert_limited("[2001:db8::7f00:1]:5050", true);
    assert_int_equal(reply_rate_buckets_of(NULL, &peer), 0);
}

static void the_highest_rate_is_kept(void **state)
{
    (void)state;
    reply_rate_free(rate);
    rate = reply_rate_open(REPLY_RATE_PER_SECOND_MAX, &key);
    assert_non_null(rate);
    assert_int_equal(take(buckets(1, 2), S, REPLY_RATE_PER_SECOND_MAX + 1),
                     REPLY_RATE_PER_SECOND_MAX);
}

static void without_memory_it_does_not_open(void **state)
{
    (void)state;
    reply_rate_free(rate);
    memory_fail_nth(1, 0);
    rate = reply_rate_open(RATE, &key);
    assert_null(rate);
    memory_fail_nth(0, 0);
}

int main(void)
{
#define WITH_RATE(test) cmocka_unit_test_setup_teardown(test, open_rate, free_rate)
    const struct CMUnitTest tests[] = {
        WITH_RATE(a_second_is_free_and_the_rate_afterwards),
        WITH_RATE(an_episode_lasts_until_the_bucket_is_full),
        WITH_RATE(one_shared_bucket_costs_nothing),
        WITH_RATE(sharing_never_raises_the_rate),
        WITH_RATE(buckets_depend_on_the_whole_address),
        WITH_RATE(loopback_has_no_limit),
        WITH_RATE(the_highest_rate_is_kept),
        WITH_RATE(without_memory_it_does_not_open),
    };
#undef WITH_RATE

    return cmocka_run_group_tests_name("reply_rate", tests, NULL, NULL);
}
