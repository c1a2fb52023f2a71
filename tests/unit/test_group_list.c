/* SPDX-License-Identifier: MIT */
/* test_group_list.c - lists of a worker's groups in slices, while groups come and go, and what a
 * group counts; over the simulated network. test_inspection.c has the calls of a whole server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "broadcast.h"
#include "codec_dot.h"
#include "fixture.h"
#include "group.h"
#include "group_list.h"
#include "memory_faults.h"
#include "payload.h"
#include "worker.h"

#define GROUPS_MAX 2000u

/* ---- a handler: a word joins the group of that name ---- */

static void join(struct weir_session *session, const struct weir_message *message)
{
    char name[32];

    snprintf(name, sizeof name, "%.*s", (int)message->length, (const char *)message->bytes);
    assert_int_equal(weir_session_join(session, name), WEIR_OK);
}

static const struct weir_handler handler_join = {
    .size = sizeof(struct weir_handler), .name = "join", .session_bytes = 8, .on_message = join};

static struct weir_session *open_world(struct weir_config *config, const struct weir_codec *codec,
                                       struct sim_peer **peer)
{
    config->groups_per_session_max = GROUPS_MAX;
    fixture_open(config, codec, &handler_join, 1);
    *peer = fixture_connect();
    fixture_run_ms(20);
    return fixture_only_session();
}

static void broadcast(const char *group, const void *bytes, size_t length)
{
    assert_int_equal(broadcast_send(&fixture.common, group, bytes, length, 0), WEIR_OK);
    fixture_run_ms(20);
}

/* ---- lists ---- */

static struct {
    uint32_t shown[GROUPS_MAX]; /* how often, by the number that is the name */
    uint32_t count, most, slices, ends;
    uint64_t cursor;
    struct weir_group_info info; /* of the last one */
    char name[WEIR_GROUP_NAME_BYTES_MAX + 1];
} seen;

static uint32_t in_slice;

static void take_group(void *user, const struct weir_group_info *info)
{
    assert_ptr_equal(user, &seen);
    seen.shown[strtoul(info->name, NULL, 10) % GROUPS_MAX]++;
    seen.count++;
    in_slice++;
    seen.info = *info;
    snprintf(seen.name, sizeof seen.name, "%s", info->name);
}

static void take_end(void *user, uint64_t cursor)
{
    assert_ptr_equal(user, &seen);
    seen.ends++;
    seen.cursor = cursor;
}

static enum weir_code ask(uint32_t position, const char *group, uint32_t count_max)
{
    const struct weir_groups_query query = {.size = sizeof query,
                                            .group = group,
                                            .count_max = count_max,
                                            .user = &seen,
                                            .on_group = take_group,
                                            .on_end = take_end};

    return group_list_post(&fixture.loop.worker, position, &query);
}

/* Asks for the slice at the cursor. */
static void take_slice(uint32_t count_max)
{
    in_slice = 0;
    assert_int_equal(ask((uint32_t)seen.cursor, NULL, count_max), WEIR_OK);
    fixture_run_ms(2);
    seen.slices++;
    if (in_slice > seen.most) seen.most = in_slice;
}

static void list_all(uint32_t count_max)
{
    memset(&seen, 0, sizeof seen);
    do take_slice(count_max);
    while (seen.cursor != 0);
    assert_int_equal(seen.ends, seen.slices);
}

/* Returns what is known of the group. */
static struct weir_group_info look(const char *group)
{
    memset(&seen, 0, sizeof seen);
    assert_int_equal(ask(0, group, 64), WEIR_OK);
    fixture_run_ms(2);
    assert_int_equal(seen.ends, 1);
    assert_int_equal(seen.cursor, 0);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.name, group);
    return seen.info;
}

static void change(struct weir_session *session, uint32_t from, uint32_t to, bool joins)
{
    char name[16];

    for (uint32_t i = from; i < to; i++) {
        snprintf(name, sizeof name, "%u", i);
        if (joins)
            assert_int_equal(weir_session_join(session, name), WEIR_OK);
        else
            weir_session_leave(session, name);
    }
}

static void each_group_is_shown_once(void **state)
{
    struct weir_config config = fixture_config();
    struct sim_peer *peer;
    struct weir_session *session = open_world(&config, &codec_dot, &peer);

    (void)state;
    list_all(64);
    assert_int_equal(seen.count, 0);
    assert_int_equal(seen.slices, 1);
    change(session, 0, 1000, true);
    list_all(64);
    assert_int_equal(seen.count, 1000);
    for (int i = 0; i < 1000; i++) assert_int_equal(seen.shown[i], 1);
    assert_int_equal(seen.most, 64);
    assert_true(seen.slices <= 1000 / 64 + 2);
    assert_int_equal(seen.info.members, 1);
    assert_int_equal(seen.info.worker, 0);
    sim_peer_close(peer);
    fixture_close();
}

/* The table splits and merges its buckets while the list is made. */
static void groups_may_come_and_go_meanwhile(void **state)
{
    struct weir_config config = fixture_config();
    struct sim_peer *peer;
    struct weir_session *session = open_world(&config, &codec_dot, &peer);

    (void)state;
    for (uint32_t round = 0; round < 2; round++) {
        uint32_t from = 200, to = round == 0 ? 200 : GROUPS_MAX;
        memset(&seen, 0, sizeof seen);
        change(session, 0, to, true);
        do {
            take_slice(10);
            if (round == 0) change(session, to, to + 50 < GROUPS_MAX ? to + 50 : GROUPS_MAX, true);
            if (round == 1) change(session, from, from + 50, false);
            if (round == 0 && to + 50 <= GROUPS_MAX) to += 50;
            if (round == 1 && from + 50 <= GROUPS_MAX) from += 50;
        } while (seen.cursor != 0);
        for (int i = 0; i < 200; i++) assert_int_equal(seen.shown[i], 1);
        for (uint32_t i = 200; i < GROUPS_MAX; i++) assert_true(seen.shown[i] <= 1);
    }
    sim_peer_close(peer);
    fixture_close();
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* Finds two numbers that are names with the same hash. */
static void find_equal_hashes(uint32_t *first, uint32_t *second)
{
    enum { NAMES = 400000 };
    uint64_t *hashes = calloc(NAMES, sizeof *hashes);
    char name[16];

    assert_non_null(hashes);
    for (uint32_t i = 0; i < NAMES; i++) {
        snprintf(name, sizeof name, "%u", i);
        hashes[i] = (uint64_t)group_hash(&fixture.common, name) << 32 | i;
    }
    qsort(hashes, NAMES, sizeof *hashes, compare_hashes);
    uint32_t at = 1;
    while (at < NAMES && hashes[at] >> 32 != hashes[at - 1] >> 32) at++;
    assert_true(at < NAMES); /* some twenty are expected */
    *first = (uint32_t)hashes[at - 1];
    *second = (uint32_t)hashes[at];
    free(hashes);
}

/* They are shown together, and never beyond the maximum of a slice that has others before them. */
static void groups_of_one_hash_stay_together(void **state)
{
    struct weir_config config = fixture_config();
    struct sim_peer *peer;
    struct weir_session *session = open_world(&config, &codec_dot, &peer);
    uint32_t first, second;

    (void)state;
    find_equal_hashes(&first, &second);
    change(session, first, first + 1, true);
    change(session, second, second + 1, true);
    list_all(1);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.most, 2);
    list_all(2);
    assert_int_equal(seen.count, 2);
    change(session, 500000, 500100, true); /* other names, without other equal hashes */
    for (uint32_t count_max = 2; count_max < 10; count_max++) {
        list_all(count_max);
        assert_int_equal(seen.count, 102);
        assert_int_equal(seen.most, count_max);
    }
    sim_peer_close(peer);
    fixture_close();
}

static void the_next_worker_follows(void **state)
{
    struct weir_config config = fixture_config();
    struct sim_peer *peer;

    (void)state;
    open_world(&config, &codec_dot, &peer);
    fixture.common.workers_count = 2;
    memset(&seen, 0, sizeof seen);
    take_slice(64);
    assert_int_equal(seen.cursor, UINT64_C(1) << 32);
    assert_int_equal(ask(0, "nobody's", 64), WEIR_OK);
    fixture_run_ms(2);
    assert_int_equal(seen.cursor, UINT64_C(1) << 32);
    assert_int_equal(seen.count, 0);
    fixture.common.workers_count = 1;
    sim_peer_close(peer);
    fixture_close();
}

static void what_cannot_be_asked_is_refused(void **state)
{
    struct weir_config config = fixture_config();

    (void)state;
    config.mailbox_commands_max = 2;
    fixture_open(&config, &codec_dot, &handler_join, 1);
    memset(&seen, 0, sizeof seen);
    memory_fail_nth(1, 0);
    assert_int_equal(ask(0, NULL, 64), WEIR_NO_MEMORY);
    memory_fail_nth(0, 0);
    assert_int_equal(ask(0, NULL, 64), WEIR_OK);
    assert_int_equal(ask(0, NULL, 64), WEIR_OK);
    assert_int_equal(ask(0, NULL, 64), WEIR_MAILBOX_FULL);
    fixture_iterations(2);
    assert_int_equal(seen.ends, 2);
    remote_stop(&fixture.loop.worker);
    fixture_run_to_the_end();
    assert_int_equal(ask(0, NULL, 64), WEIR_GONE);
    assert_int_equal(seen.ends, 2);
    fixture_close();
}

/* ---- counts ---- */

static void what_members_get_and_miss_is_counted_by_cause(void **state)
{
    struct weir_config config = fixture_config();
    struct sim_peer *peer;

    (void)state;
    config.datagram_reply_percent_max = 100;
    struct weir_session *session = open_world(&config, &codec_dot, &peer);
    fixture_tell(peer, "a");
    struct sim_datagrams *socket = fixture_datagrams(7);
    fixture_send_to(socket, "a");
    fixture_run_ms(20);
    broadcast("a", "one.two", 7); /* the codec cannot frame it; it is too long for the answer */
    broadcast("a", "b", 1);       /* both get it */
    memory_fail_nth(2, 1);        /* the payload is the first allocation, the share the next */
    broadcast("a", "c", 1);
    memory_fail_nth(0, 0);
    weir_session_abort(session);
    assert_int_equal(broadcast_send(&fixture.common, "a", "d", 1, 0), WEIR_OK);
    fixture_run_ms(20);
    struct weir_group_info info = look("a");
    assert_int_equal(info.members, 1); /* the other one has left */
    assert_int_equal(info.offered, 8);
    assert_int_equal(info.delivered, 2);
    assert_int_equal(info.dropped_not_framed, 1);
    assert_int_equal(info.dropped_reply, 3);
    assert_int_equal(info.dropped_no_memory, 1);
    assert_int_equal(info.dropped_closed, 1);
    assert_int_equal(info.dropped_full, 0);
    sim_datagrams_close(socket);
    sim_peer_close(peer);
    fixture_close();
}

/* Fills the queue of a member that does not read, with broadcasts and answers. Returns how many
 * broadcasts. */
static uint32_t fill(struct weir_session *session, const char *text, size_t length)
{
    uint32_t count = 0;

    do {
        broadcast("a", text, length);
        count++;
    } while (weir_session_send(session, text, 1000) == WEIR_OK);
    session_update_receiving(session); /* as after a callback */
    return count;
}

static void a_full_queue_drops_the_newest_or_the_oldest(void **state)
{
    static char text[20000];

    (void)state;
    memset(text, 'x', sizeof text);
    for (int policy = WEIR_BROADCAST_DROP_NEWEST; policy <= WEIR_BROADCAST_DROP_OLDEST; policy++) {
        struct weir_config config = fixture_config();
        struct sim_peer *peer;
        config.broadcast_policy = (enum weir_broadcast_policy)policy;
        struct weir_session *session = open_world(&config, NULL, &peer);
        fixture_say(peer, "a");
        fixture_run_ms(20);
        assert_int_equal(weir_session_join(session, "b"), WEIR_OK);
        uint32_t count = fill(session, text, sizeof text);
        struct weir_group_info info = look("a");
        assert_int_equal(info.offered, count);
        assert_int_equal(info.congested, 1);
        assert_int_equal(info.delivered + info.dropped_full, count);
        if (policy == WEIR_BROADCAST_DROP_NEWEST) {
            assert_true(info.dropped_full > 0);
            assert_int_equal(info.dropped_late, 0);
        } else {
            assert_true(info.dropped_late > 0);
        }
        struct weir_group_info other = look("b"); /* its member misses them, too */
        assert_int_equal(other.offered, 0);
        assert_int_equal(other.congested, 1);
        assert_int_equal(other.dropped_late, info.dropped_late);
        /* Without the group the member is not counted there. */
        weir_session_leave(session, "b");
        assert_int_equal(weir_session_join(session, "b"), WEIR_OK);
        assert_int_equal(look("b").congested, 1);
        assert_int_equal(look("b").dropped_late, 0);
        sim_peer_close(peer);
        fixture_close();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_group_is_shown_once),
        cmocka_unit_test(groups_may_come_and_go_meanwhile),
        cmocka_unit_test(groups_of_one_hash_stay_together),
        cmocka_unit_test(the_next_worker_follows),
        cmocka_unit_test(what_cannot_be_asked_is_refused),
        cmocka_unit_test(what_members_get_and_miss_is_counted_by_cause),
        cmocka_unit_test(a_full_queue_drops_the_newest_or_the_oldest),
    };

    return cmocka_run_group_tests_name("group_list", tests, NULL, NULL);
}
