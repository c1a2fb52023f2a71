/* SPDX-License-Identifier: MIT */
/* test_wheel.c - the timing wheel compared with a sorted list, at every boundary distance, and over
 * years of virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "check.h"
#include "wheel.h"

static struct wheel wheel;

static void start(struct wheel_timer *timer, uint64_t due_ms)
{
    wheel_start(&wheel, timer, due_ms);
    wheel_validate(&wheel);
}

static struct wheel_timer *take(uint64_t now_ms)
{
    struct wheel_timer *timer = wheel_take_due(&wheel, now_ms);

    wheel_validate(&wheel);
    return timer;
}

/* A single timer is due exactly at its time, however the clock advances to it. */
static void expect_alone(uint64_t now_ms, uint64_t distance_ms, bool by_next)
{
    struct wheel_timer timer;
    uint64_t due_ms = now_ms + distance_ms, at_ms = now_ms;
    int rounds = 0;

    wheel_init(&wheel, now_ms);
    wheel_timer_init(&timer);
    start(&timer, due_ms);
    if (distance_ms == 0) due_ms++; /* due in the next millisecond */
    assert_true(wheel_timer_runs(&timer));
    if (!by_next) { /* in two jumps */
        assert_null(take(due_ms - 1));
        assert_ptr_equal(take(due_ms), &timer);
    } else {
        while ((at_ms = wheel_next_ms(&wheel)) < due_ms) {
            assert_null(take(at_ms));
            assert_true(++rounds <= WHEEL_LEVELS); /* each wait descends at least one level */
        }
        assert_int_equal(at_ms, due_ms);
        assert_ptr_equal(take(at_ms), &timer);
    }
    assert_false(wheel_timer_runs(&timer));
    assert_null(take(due_ms));
    assert_true(wheel_next_ms(&wheel) == UINT64_MAX);
}

static void timers_at_boundary_distances_are_exact(void **state)
{
    static const uint64_t nows[] = {0, 1, 63, 64, 4095, 4096, 123456789, UINT64_C(1) << 40};

    (void)state;
    for (size_t n = 0; n < weir_count_of(nows); n++)
        for (int level = 0; level < 7; level++) {
            uint64_t span = UINT64_C(1) << (6 * (level + 1));
            uint64_t distances[] = {0, 1, span - 1, span, span + 1, span * 3, span * 63 + 5};
            for (size_t d = 0; d < weir_count_of(distances); d++) {
                if (nows[n] + distances[d] >= WHEEL_MS_MAX) continue;
                expect_alone(nows[n], distances[d], false);
                expect_alone(nows[n], distances[d], true);
            }
        }
}

static void a_timer_beyond_the_maximum_is_due_at_the_end(void **state)
{
    struct wheel_timer timer;

    (void)state;
    wheel_init(&wheel, 5);
    wheel_timer_init(&timer);
    start(&timer, UINT64_MAX);
    assert_null(take(WHEEL_MS_MAX - 1));
    assert_ptr_equal(take(UINT64_MAX), &timer); /* and the clock reaches it */
}

static void a_timer_that_restarts_itself_does_not_spin(void **state)
{
    struct wheel_timer timer;
    int count = 0;

    (void)state;
    wheel_init(&wheel, 100);
    wheel_timer_init(&timer);
    start(&timer, 0);
    for (uint64_t now_ms = 100; now_ms < 110; now_ms++)
        while (take(now_ms)) {
            start(&timer, 0);
            count++;
        }
    assert_int_equal(count, 9);
    wheel_stop(&wheel, &timer);
}

static void stopped_and_moved_timers(void **state)
{
    struct wheel_timer a, b, c;

    (void)state;
    wheel_init(&wheel, 0);
    wheel_timer_init(&a);
    wheel_timer_init(&b);
    wheel_timer_init(&c);
    wheel_stop(&wheel, &a); /* has no effect */
    start(&a, 10);
    start(&b, 10);
    start(&c, 10);
    assert_ptr_equal(take(20), &a);
    wheel_stop(&wheel, &b); /* due, but not taken yet */
    wheel_validate(&wheel);
    assert_int_equal(wheel_next_ms(&wheel), 10);
    start(&c, 5000); /* moves the timer */
    assert_null(take(4999));
    start(&c, 6000);
    assert_null(take(5999));
    start(&a, 6000);
    assert_ptr_equal(take(6000), &c);
    assert_ptr_equal(take(6000), &a);
    assert_null(take(6000));
}

/* ---- comparison with a list ---- */

#define TIMERS 200

struct model {
    struct wheel_timer timers[TIMERS];
    uint64_t due_ms[TIMERS]; /* 0: not running */
    uint64_t now_ms;
    uint64_t random;
};

static uint64_t draw(struct model *model, uint64_t bound)
{
    model->random = model->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (model->random >> 33) % bound;
}

static uint64_t soonest(const struct model *model)
{
    uint64_t soonest_ms = UINT64_MAX;

    for (int i = 0; i < TIMERS; i++)
        if (model->due_ms[i] > 0 && model->due_ms[i] < soonest_ms) soonest_ms = model->due_ms[i];
    return soonest_ms;
}

static void start_one(struct model *model, int i)
{
    uint64_t distance_ms = draw(model, UINT64_C(1) << draw(model, 34));
    uint64_t due_ms = draw(model, 50) == 0 ? 0 : model->now_ms + distance_ms;

    wheel_start(&wheel, &model->timers[i], due_ms);
    model->due_ms[i] = due_ms > model->now_ms ? due_ms : model->now_ms + 1;
}

/* Takes all due timers, and starts or stops others in between. */
static void take_all(struct model *model)
{
    struct wheel_timer *timer;
    uint64_t last_ms = 0;

    while ((timer = wheel_take_due(&wheel, model->now_ms)) != NULL) {
        ptrdiff_t i = timer - model->timers;
        assert_true(timer->due_ms == model->due_ms[i]);
        assert_true(model->due_ms[i] <= model->now_ms);
        assert_true(model->due_ms[i] >= last_ms);
        assert_true(model->due_ms[i] == soonest(model));
        last_ms = model->due_ms[i];
        model->due_ms[i] = 0;
        if (draw(model, 4) == 0) start_one(model, (int)draw(model, TIMERS));
    }
    assert_true(soonest(model) > model->now_ms); /* no due timer was missed */
}

static void a_million_operations_agree_with_a_list(void **state)
{
    static struct model model;
    const char *given = getenv("WEIR_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : 20260101;

    (void)state;
    printf("WEIR_SEED=%llu\n", (unsigned long long)seed);
    model.random = seed;
    wheel_init(&wheel, 0);
    for (int i = 0; i < TIMERS; i++) wheel_timer_init(&model.timers[i]);
    for (int operation = 0; operation < 1000000; operation++) {
        int i = (int)draw(&model, TIMERS);
        switch (draw(&model, 8)) {
        case 0:
        case 1:
        case 2: start_one(&model, i); break;
        case 3:
            wheel_stop(&wheel, &model.timers[i]);
            model.due_ms[i] = 0;
            break;
        case 4: /* as a worker waits */
            assert_true(wheel_next_ms(&wheel) <= soonest(&model));
            if (soonest(&model) != UINT64_MAX && wheel_next_ms(&wheel) > model.now_ms)
                model.now_ms = wheel_next_ms(&wheel);
            take_all(&model);
            break;
        case 5: /* a jump of up to half an hour */
            model.now_ms += draw(&model, UINT64_C(1) << draw(&model, 21));
            take_all(&model);
            break;
        default: assert_true(wheel_timer_runs(&model.timers[i]) == (model.due_ms[i] > 0)); break;
        }
        if (operation % 1000 == 0) wheel_validate(&wheel);
    }
    printf("%.1f days of virtual time\n", (double)model.now_ms / 86400000.0);
    for (int i = 0; i < TIMERS; i++) wheel_stop(&wheel, &model.timers[i]);
    wheel_validate(&wheel);
    assert_true(wheel_next_ms(&wheel) == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_at_boundary_distances_are_exact),
        cmocka_unit_test(a_timer_beyond_the_maximum_is_due_at_the_end),
        cmocka_unit_test(a_timer_that_restarts_itself_does_not_spin),
        cmocka_unit_test(stopped_and_moved_timers),
        cmocka_unit_test(a_million_operations_agree_with_a_list),
    };

    return cmocka_run_group_tests_name("wheel", tests, NULL, NULL);
}
