/* SPDX-License-Identifier: MIT */
/* test_proxy_listen.c - the PROXY protocol's settings of a listener: which are refused, and which
 * senders are trusted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "address.h"
#include "memory_faults.h"
#include "proxy_listen.h"

static struct weir_error error;
static struct filter *filter;

static struct weir_listen listen_required(const char *from)
{
    return (struct weir_listen){.size = sizeof(struct weir_listen),
                                .address = "127.0.0.1:0",
                                .proxy = WEIR_PROXY_REQUIRED,
                                .proxy_from = from};
}

static enum filter_use use_of(const char *text)
{
    struct weir_address address;

    assert_true(weir_address_parse(text, &address));
    return filter->kind->use(filter, &address);
}

static void assert_invalid(const struct weir_listen *listen, const char *reason)
{
    assert_int_equal(proxy_listen_open(listen, false, &filter, &error), WEIR_INVALID);
    assert_null(filter);
    if (!strstr(error.reason, reason)) fail_msg("\"%s\" is not in \"%s\"", reason, error.reason);
    assert_true(error.hint[0] != '\0');
}

static void listed_senders_are_trusted(void **state)
{
    struct weir_listen listen = listen_required("127.0.0.0/8, 2001:db8::/32");

    (void)state;
    assert_int_equal(proxy_listen_open(&listen, false, &filter, &error), WEIR_OK);
    assert_string_equal(filter->kind->name, "proxy");
    assert_int_equal(use_of("127.1.2.3:5"), FILTER_USED);
    assert_int_equal(use_of("[2001:db8::1]:5"), FILTER_USED);
    assert_int_equal(use_of("128.0.0.1:5"), FILTER_REFUSED);
    assert_int_equal(use_of("[::1]:5"), FILTER_REFUSED);
    filter_unref(filter);
    listen.proxy_others = WEIR_PROXY_OTHERS_SERVE;
    assert_int_equal(proxy_listen_open(&listen, false, &filter, &error), WEIR_OK);
    assert_int_equal(use_of("127.1.2.3:5"), FILTER_USED);
    assert_int_equal(use_of("128.0.0.1:5"), FILTER_SKIPPED);
    filter_unref(filter);
}

static void peers_of_a_unix_socket_are_trusted(void **state)
{
    const struct weir_listen listen = listen_required(NULL);

    (void)state;
    assert_int_equal(proxy_listen_open(&listen, true, &filter, &error), WEIR_OK);
    assert_int_equal(filter->kind->use(filter, NULL), FILTER_USED);
    filter_unref(filter);
}

static void a_listener_without_the_protocol_has_no_filter(void **state)
{
    struct weir_listen listen = {.size = sizeof listen, .address = "127.0.0.1:0"};

    (void)state;
    assert_int_equal(proxy_listen_open(&listen, false, &filter, &error), WEIR_OK);
    assert_null(filter);
    listen.proto = WEIR_UDP;
    assert_int_equal(proxy_listen_open(&listen, false, &filter, &error), WEIR_OK);
    assert_null(filter);
}

static void settings_that_do_not_fit_are_refused(void **state)
{
    struct weir_listen listen = listen_required(NULL);

    (void)state;
    assert_invalid(&listen, "only trusted senders can be believed");
    listen.proxy_from = " , ";
    assert_invalid(&listen, "only trusted senders can be believed");
    listen.proxy_from = "127.0.0.1/8";
    assert_invalid(&listen, "the address has bits after its prefix");
    listen.proxy_from = "::1";
    listen.proto = WEIR_UDP;
    assert_invalid(&listen, "the PROXY protocol is for TCP here");
    listen.proto = WEIR_TCP;
    listen.proxy = WEIR_PROXY_OFF;
    assert_invalid(&listen, "proxy_from and proxy_others need proxy");
    listen.proxy_from = NULL;
    listen.proxy_others = WEIR_PROXY_OTHERS_SERVE;
    assert_invalid(&listen, "proxy_from and proxy_others need proxy");
    listen.proxy = (enum weir_proxy)2;
    assert_invalid(&listen, "a value that does not exist");
    listen = listen_required("::1");
    listen.proxy_others = (enum weir_proxy_others)2;
    assert_invalid(&listen, "a value that does not exist");
}

static void missing_memory_is_reported(void **state)
{
    const struct weir_listen listen = listen_required("127.0.0.0/8");
    uint64_t nth = 1;

    (void)state;
    for (;; nth++) {
        memory_fail_nth(nth, 0);
        enum weir_code code = proxy_listen_open(&listen, false, &filter, &error);
        memory_fail_nth(0, 0);
        if (code == WEIR_OK) break;
        assert_int_equal(code, WEIR_NO_MEMORY);
        assert_null(filter);
    }
    assert_int_equal(nth, 5); /* the list's, its own, the lock's, the filter's */
    filter_unref(filter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listed_senders_are_trusted),
        cmocka_unit_test(peers_of_a_unix_socket_are_trusted),
        cmocka_unit_test(a_listener_without_the_protocol_has_no_filter),
        cmocka_unit_test(settings_that_do_not_fit_are_refused),
        cmocka_unit_test(missing_memory_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
