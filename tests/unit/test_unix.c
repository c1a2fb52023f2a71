/* SPDX-License-Identifier: MIT */
/* test_unix.c - what differs for the sessions of a Unix-domain listener, which have no addresses:
 * limits by address, the worker that serves them, and the text of the listener; and the text of
 * such addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "builtin.h"
#include "fixture.h"
#include "sim_wire.h"

static void limits_by_address_do_not_apply(void **state)
{
    (void)state;
    struct weir_config config = fixture_config();

    config.deny = "0.0.0.0/0";
    config.sessions_per_address_max = 1;
    fixture_open(&config, NULL, &handler_echo, 1);
    fixture.tcp_service.is_unix = true;
    struct sim_peer *peers[2] = {fixture_connect(), fixture_connect()};
    fixture_run_ms(10);
    assert_int_equal(fixture_stats().open, 2);
    for (int i = 0; i < 2; i++) sim_peer_close(peers[i]);
    fixture_run_ms(10);
    fixture_close();
}

static char line[LOG_LINE_BYTES];

static void take_line(void *user, int level, const char *text)
{
    (void)user;
    (void)level;
    snprintf(line, sizeof line, "%s", text);
}

static void the_log_names_the_path(void **state)
{
    (void)state;
    struct weir_config config = fixture_config();
    const struct net_event failed = {.kind = NET_BROKEN, .code = WEIR_SYSTEM, .os_error = 5};

    fixture_open(&config, NULL, &handler_echo, 1);
    fixture.common.log = (struct log){.write = take_line};
    fixture.tcp.endpoint.unix_path = "/run/weir.sock";
    endpoint_on_broken(&fixture.tcp.endpoint, &failed);
    assert_non_null(strstr(line, "cannot go on listening on tcp unix:/run/weir.sock: "));
    fixture_run_ms(10);
    fixture.common.log = (struct log){.write = NULL};
    fixture_close();
}

static void addresses_have_a_text(void **state)
{
    (void)state;
    struct weir_address address;
    struct weir_error error;
    char text[WEIR_ADDRESS_TEXT_BYTES], longest[WEIR_ADDRESS_PATH_BYTES_MAX + 10] = "unix:/";

    assert_int_equal(weir_address_read("unix:/run/weir.sock", &address, &error), WEIR_OK);
    assert_int_equal(address.path_bytes, strlen("/run/weir.sock"));
    assert_string_equal(address.path, "/run/weir.sock");
    assert_int_equal(address.port, 0);
    assert_string_equal(weir_address_text(&address, text, sizeof text), "unix:/run/weir.sock");
    assert_string_equal(weir_address_text(&address, text, 6), "unix:");
    memset(longest + 6, 'x', WEIR_ADDRESS_PATH_BYTES_MAX - 1);
    assert_true(weir_address_parse(longest, &address));
    assert_string_equal(weir_address_text(&address, text, sizeof text), longest);
    longest[strlen(longest)] = 'x';
    assert_int_equal(weir_address_read(longest, &address, &error), WEIR_INVALID);
    assert_string_equal(error.reason, "the path is too long");
    assert_int_equal(weir_address_read("unix:", &address, &error), WEIR_INVALID);
    assert_string_equal(error.reason, "the path is missing");
}

static void targets_are_read(void **state)
{
    (void)state;
    struct dial_target target;
    struct weir_error error;
    char longest[WEIR_ADDRESS_PATH_BYTES_MAX + 10] = "unix:/";
    static char name[HOST_NAME_BYTES_MAX + 20];

    assert_int_equal(dial_target_read("unix:/run/x", &target, &error), WEIR_OK);
    assert_string_equal(target.path, "/run/x");
    assert_int_equal(dial_target_read("unix:", &target, &error), WEIR_INVALID);
    memset(longest + 6, 'x', WEIR_ADDRESS_PATH_BYTES_MAX);
    assert_int_equal(dial_target_read(longest, &target, &error), WEIR_INVALID);
    assert_int_equal(dial_target_read("80", &target, &error), WEIR_OK);
    assert_string_equal(target.name, "localhost");
    assert_int_equal(target.address.port, 80);
    memset(name, 'n', HOST_NAME_BYTES_MAX + 1);
    memcpy(name + HOST_NAME_BYTES_MAX + 1, ":80", 3);
    assert_int_equal(dial_target_read(name, &target, &error), WEIR_INVALID);
    assert_string_equal(error.reason, "the host's name is too long");
    assert_int_equal(dial_target_read("[fe80::1%1]:80", &target, &error), WEIR_OK);
    assert_int_equal(target.address.scope, 1);
    assert_int_equal(dial_target_read("[fe00::1]:80", &target, &error), WEIR_OK);
    assert_int_equal(dial_target_read("[feff::1]:80", &target, &error), WEIR_OK);
    assert_int_equal(dial_target_read("[fe80::1]:80", &target, &error), WEIR_INVALID);
    assert_int_equal(dial_target_read("**:80", &target, &error), WEIR_OK); /* the lookup fails */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_by_address_do_not_apply),
        cmocka_unit_test(the_log_names_the_path),
        cmocka_unit_test(addresses_have_a_text),
        cmocka_unit_test(targets_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
