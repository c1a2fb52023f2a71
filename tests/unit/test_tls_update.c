/* SPDX-License-Identifier: MIT */
/* test_tls_update.c - weir_server_update() with TLS settings: all names change, or none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <weir/weir.h>

#include "certificates.h"
#include "memory_faults.h"
#include "require.h"

static struct weir_server *server;
static struct weir_error error;
static struct certificate certificate;
static struct weir_tls good, wrong;

static int set_up(void **state)
{
    const struct weir_listen listen = {
        .size = sizeof listen, .address = "127.0.0.1:0", .tls = "game"};

    (void)state;
    good = (struct weir_tls){.size = sizeof good, .certificate = *state};
    wrong = (struct weir_tls){.size = sizeof wrong, .certificate = certificate_no_file()};
    require(weir_server_open(NULL, &server, &error) == WEIR_OK);
    require(weir_server_tls(server, "game", &good, &error) == WEIR_OK);
    require(weir_server_listen(server, &listen, &error) == WEIR_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    weir_server_free(server);
    return 0;
}

static enum weir_code update(const struct weir_update_tls *tls, size_t count, bool check_only)
{
    const struct weir_update given = {
        .size = sizeof given, .tls = tls, .tls_count = count, .check_only = check_only};

    return weir_server_update(server, &given, &error);
}

/* Returns how often the settings of the name were replaced; -1: there are none. */
static int replaced(const char *name)
{
    struct weir_tls_stats stats;

    return weir_server_tls_stats(server, name, &stats) ? (int)stats.replaced : -1;
}

static void names_are_replaced_and_added(void **state)
{
    const struct weir_update_tls both[] = {{"game", &good}, {"admin", &good}};
    const struct weir_listen listen = {
        .size = sizeof listen, .address = "127.0.0.1:0", .tls = "admin"};

    (void)state;
    assert_int_equal(update(both, 2, true), WEIR_OK);
    assert_int_equal(replaced("game"), 0);
    assert_int_equal(replaced("admin"), -1);
    assert_int_equal(update(both, 2, false), WEIR_OK);
    assert_int_equal(replaced("game"), 1);
    assert_int_equal(replaced("admin"), 0);
    assert_int_equal(weir_server_listen(server, &listen, &error), WEIR_OK);
}

static void a_wrong_name_changes_none(void **state)
{
    struct weir_update_tls both[] = {{"game", &good}, {"admin", &wrong}};

    (void)state;
    assert_int_not_equal(update(both, 2, false), WEIR_OK);
    assert_int_equal(replaced("game"), 0);
    assert_int_equal(replaced("admin"), -1);
    both[1] = (struct weir_update_tls){"game", &good};
    assert_int_equal(update(both, 2, false), WEIR_INVALID);
    assert_string_equal(error.reason, "the update contains the name twice");
    both[1] = (struct weir_update_tls){"", &good};
    assert_int_equal(update(both, 2, false), WEIR_INVALID);
    assert_int_equal(replaced("game"), 0);
}

static void a_wrong_certificate_changes_no_setting(void **state)
{
    const struct weir_update_tls one = {"game", &wrong};
    struct weir_config config;
    const struct weir_update given = {
        .size = sizeof given, .config = &config, .tls = &one, .tls_count = 1};

    (void)state;
    weir_config_init(&config);
    config.sessions_max = 1;
    assert_int_not_equal(weir_server_update(server, &given, &error), WEIR_OK);
    assert_int_equal(replaced("game"), 0);
}

static void a_websocket_keeps_http1(void **state)
{
    const struct weir_listen listen = {
        .size = sizeof listen, .address = "127.0.0.1:0", .tls = "game", .websocket = "/play"};
    const struct weir_update_tls one = {"game", &good};

    (void)state;
    if (weir_server_listen(server, &listen, &error) == WEIR_UNSUPPORTED) skip();
    good.alpn = "h2,http/1.1";
    assert_int_equal(update(&one, 1, false), WEIR_INVALID);
    assert_int_equal(replaced("game"), 0);
}

static void limits_of_handshakes_change(void **state)
{
    struct weir_config config;
    const struct weir_update given = {.size = sizeof given, .config = &config};

    (void)state;
    weir_config_init(&config);
    config.tls_handshakes_max = 7;
    config.tls_handshake_rate = 9;
    assert_int_equal(weir_server_update(server, &given, &error), WEIR_OK);
}

static void missing_memory_changes_nothing(void **state)
{
    const struct weir_update_tls both[] = {{"game", &good}, {"admin", &good}};
    enum weir_code code;
    uint64_t nth = 0;

    (void)state;
    do {
        assert_int_equal(replaced("game"), 0);
        assert_int_equal(replaced("admin"), -1);
        memory_fail_nth(++nth, 0);
        code = update(both, 2, false);
        memory_fail_nth(0, 0);
    } while (code == WEIR_NO_MEMORY);
    assert_int_equal(code, WEIR_OK);
    assert_true(nth > 5);
    assert_int_equal(replaced("game"), 1);
}

int main(void)
{
    const struct certificate_wish wish = {.names = "DNS:a.example"};

    certificates_open_files();
    certificate = certificate_make(&wish);
    const char *file = certificate_file(&certificate, NULL, true);
    struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_are_replaced_and_added, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wrong_name_changes_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wrong_certificate_changes_no_setting, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_websocket_keeps_http1, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limits_of_handshakes_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(missing_memory_changes_nothing, set_up, tear_down),
    };
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tests[i].initial_state = (void *)(uintptr_t)file;
    int failed = cmocka_run_group_tests_name("tls_update", tests, NULL, NULL);
    certificate_free(&certificate);
    certificates_remove_files();
    return failed;
}
