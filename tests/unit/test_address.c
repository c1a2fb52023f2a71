/* SPDX-License-Identifier: MIT */
/* test_address.c - addresses: parsed, formatted as RFC 5952 requires, and rejected when malformed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "address.h"
#include "address_loopback.h"
#include "check.h"
#include "interface.h"
#include "require.h"

/* Input texts, and the formatted results. */
static const struct {
    const char *read, *written;
} test__good[] = {
    {"127.0.0.1:5050", "127.0.0.1:5050"},
    {"0.0.0.0:0", "0.0.0.0:0"},
    {"255.255.255.255:65535", "255.255.255.255:65535"},
    {"1.2.3.4:00080", "1.2.3.4:80"},
    {"5050", "[::]:5050"},
    {"0", "[::]:0"},
    {"*:80", "[::]:80"},
    {"[::]:80", "[::]:80"},
    {"[::1]:80", "[::1]:80"},
    {"[1::]:80", "[1::]:80"},
    {"[2001:db8::1]:443", "[2001:db8::1]:443"},
    {"[2001:DB8:0:0:0:0:0:1]:443", "[2001:db8::1]:443"},      /* 4.3: lower case */
    {"[2001:0db8::0001]:1", "[2001:db8::1]:1"},               /* 4.1: no leading zeros */
    {"[2001:db8::0:1]:1", "[2001:db8::1]:1"},                 /* 4.2.1: as short as possible */
    {"[2001:db8:0:1:1:1:1:1]:1", "[2001:db8:0:1:1:1:1:1]:1"}, /* 4.2.2: never for a single group */
    {"[2001:db8::1:1:1:1:1]:1", "[2001:db8:0:1:1:1:1:1]:1"},
    {"[2001:0:0:1:0:0:0:1]:1", "[2001:0:0:1::1]:1"}, /* 4.2.3: the longest run */
    {"[2001:db8:0:0:1:0:0:1]:1",
     "[2001:db8::1:0:0:1]:1"}, /* 4.2.3: the first of equally long runs */
    {"[1:2:3:4:5:6:7:8]:1", "[1:2:3:4:5:6:7:8]:1"},
    {"[1:2:3:4:5:6::]:1", "[1:2:3:4:5:6::]:1"},
    {"[::3:4:5:6:7:8]:1", "[::3:4:5:6:7:8]:1"},
    {"[1:2:3:4:5:6:0:0]:1", "[1:2:3:4:5:6::]:1"},
    {"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
     "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
    {"[::ffff:1.2.3.4]:80", "1.2.3.4:80"}, /* the mapped form is the IPv4 address */
    {"[::ffff:102:304]:80", "1.2.3.4:80"},
    {"[64:ff9b::1.2.3.4]:80", "[64:ff9b::102:304]:80"},
    {"[1:2:3:4:5:6:1.2.3.4]:80", "[1:2:3:4:5:6:102:304]:80"},
    {"[::1.2.3.4]:80", "[::102:304]:80"},
    {"[fe80::1%4294967294]:80", "[fe80::1%4294967294]:80"}, /* no interface has this index */
    {"[fe80::1%4294967295]:80", "[fe80::1%4294967295]:80"},
};

static void addresses_are_formatted_in_their_shortest_form(void **state)
{
    char text[NET_ADDRESS_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < weir_count_of(test__good); i++) {
        struct net_address address, again;
        if (!net_address_parse(test__good[i].read, &address))
            require_failed(__FILE__, __LINE__, "\"%s\" is an address", test__good[i].read);
        net_address_text(&address, text, sizeof text);
        if (strcmp(text, test__good[i].written) != 0)
            require_failed(__FILE__, __LINE__, "\"%s\" is written \"%s\", not \"%s\"",
                           test__good[i].read, test__good[i].written, text);
        require(net_address_parse(text, &again)); /* parsing the result gives the same address */
        require(address_equals(&address, &again));
    }
}

static void malformed_addresses_are_rejected(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        ":",
        ":80",
        "*",
        "*:",
        "*80",
        "x",
        "http",
        "localhost:80",
        "65536",
        "99999999999999999999",
        "-1",
        "+80",
        "80 ",
        " 80",
        "80x",
        "0x50",
        "1.2.3.4",
        "1.2.3.4:",
        "1.2.3.4:65536",
        "1.2.3.4:x",
        "1.2.3:80",
        "1.2.3.4.5:80",
        "1.2.3.256:80",
        "01.2.3.4:80",
        "1.2.3.010:80",
        "1.2.3.00:80",
        "[::ffff:1.2.03.4]:80",
        "1.2.3.:80",
        ".1.2.3:80",
        "1..2.3:80",
        "1.2.3.4:80:90",
        "1.2.3.4 :80",
        "-1.2.3.4:80",
        "[]",
        "[]:80",
        "[:]:80",
        "[:::]:80",
        "[::",
        "[::]",
        "[::]80",
        "[::]:",
        "[::]:x",
        "[::]:65536",
        "::1",
        "::1:80",
        "[1]:80",
        "[1:2]:80",
        "[1:2:3:4:5:6:7]:80",
        "[1:2:3:4:5:6:7:8:9]:80",
        "[1:2:3:4:5:6:7:]:80",
        "[:1:2:3:4:5:6:7]:80",
        "[1::2::3]:80",
        "[1:2:3:4:5:6:7::8]:80",
        "[::1:2:3:4:5:6:7:8]:80",
        "[12345::]:80",
        "[g::]:80",
        "[::1.2.3]:80",
        "[::1.2.3.256]:80",
        "[::1.2.3.4:5]:80",
        "[1.2.3.4]:80",
        "[1:2:3:4:5:6:7:1.2.3.4]:80",
        "[fe80::1%]:80",
        "[fe80::1%x]:80",
        "[fe80::1%nonesuch]:80",
        "[fe80::1%0]:80",
        "[fe80::1%-1]:80",
        "[fe80::1%1 ]:80",
        "[fe80::1%a_name_that_is_longer_than_every_name_of_an_interface_can_be_]:80",
        "[::1%1]:80", /* not link-local: the system would ignore the interface */
        "[::%1]:80",
        "[2001:db8::1%1]:80",
        "[::ffff:1.2.3.4%1]:80",
        "1.2.3.4%1:80",
        "fe80::1%1",
        "127.1:80",
        "0x7f.0.0.1:80",
        "2130706433:80",
        "[::1",
        "[::1]x:80",
        "5050\n",
        "\357\273\2775050", /* a byte order mark */
        "[fe80::1%4294967296]:80",
        "[::1]]:80",
        "[[::1]]:80",
        "1:2",
        "[1:]:80",
    };

    (void)state;
    for (size_t i = 0; i < weir_count_of(bad); i++) {
        struct net_address address, before;
        memset(&address, 0x5a, sizeof address);
        memcpy(&before, &address, sizeof address);
        if (net_address_parse(bad[i], &address))
            require_failed(__FILE__, __LINE__, "\"%s\" is refused", bad[i]);
        require(memcmp(&before, &address, sizeof address) == 0); /* unchanged */
    }
}

/* What the texts say depends on what was probably meant. */
static void an_error_says_what_to_write(void **state)
{
    static const struct {
        const char *text, *reason, *hint;
    } wrong[] = {
        {"", "the address is empty", "write PORT"},
        {"65536", "the port is too large", "a port is 0 to 65535"},
        {"1.2.3.4:65536", "the port is too large", "a port is 0 to 65535"},
        {"-1", "the port is not a number", "decimal digits"},
        {"[::]:0x50", "the port is not a number", "decimal digits"},
        {"1.2.3.4:http", "the port is not a number", "decimal digits"},
        {"1.2.3.4", "the port is missing", "ADDR:PORT"},
        {"[::1]", "the port is missing", "[ADDR6]:PORT"},
        {"localhost", "the port is missing", "ADDR:PORT"},
        {"::1", "not an address with a port", "in brackets: [::1]:PORT"},
        {"::1:5050", "not an address with a port", "in brackets: [::1]:PORT"},
        {"[::1:80", "the brackets do not enclose", "[::1]:5050"},
        {":80", "nothing precedes the port", "PORT alone"},
        {"127.1:80", "not an IPv4 address", "four numbers"},
        {"010.0.0.1:80", "not an IPv4 address", "without leading zeros"},
        {"localhost:80", "names are not resolved", "127.0.0.1:5050"},
        {"[1.2.3.4]:80", "not an IPv6 address", "[::1]:5050"},
        {"[::1%1]:80", "only a link-local address", "leave out the %"},
        {"[fe80::1%nonesuch]:80", "there is no interface \"nonesuch\"", "see "},
    };
    struct net_address address;
    struct weir_error error;

    (void)state;
    for (size_t i = 0; i < weir_count_of(wrong); i++) {
        require(net_address_read(wrong[i].text, &address, &error) == WEIR_INVALID);
        if (!strstr(error.reason, wrong[i].reason) || !strstr(error.hint, wrong[i].hint) ||
            strcmp(error.subject, wrong[i].text) != 0)
            require_failed(__FILE__, __LINE__, "\"%s\" is explained, not: %s; %s", wrong[i].text,
                           error.reason, error.hint);
    }
}

/* The first interface is the loopback interface on each system that has one. */
static void an_interface_is_read_and_written_by_its_name(void **state)
{
    struct net_address by_number, by_name;
    char name[32], text[64], written[NET_ADDRESS_TEXT_BYTES];

    (void)state;
    if (!interface_name(1, name, sizeof name)) skip(); /* Windows; or there is no interface */
    snprintf(text, sizeof text, "[fe80::1%%%s]:80", name);
    require(net_address_read("[fe80::1%1]:80", &by_number, NULL) == WEIR_OK);
    require(net_address_read(text, &by_name, NULL) == WEIR_OK);
    require(by_number.scope == 1);
    require(address_equals(&by_number, &by_name));
    require(strcmp(net_address_text(&by_number, written, sizeof written), text) == 0);
}

static void texts_are_truncated_to_the_buffer(void **state)
{
    struct net_address address;
    char text[NET_ADDRESS_TEXT_BYTES + 8];

    (void)state;
    require(
        net_address_parse("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535", &address));
    require(net_address_text(&address, text, sizeof text) == text);
    require(strlen(text) < NET_ADDRESS_TEXT_BYTES);
    for (size_t size = 1; size < 40; size++) {
        memset(text, 'x', sizeof text);
        net_address_text(&address, text, size);
        require(strlen(text) == size - 1);
        require(text[size] == 'x');
    }
}

/* ---- kinds of addresses ---- */

static struct net_address test__of(const char *text)
{
    struct net_address address;

    require(net_address_parse(text, &address));
    return address;
}

static const struct {
    const char *text;
    bool v4, any, loopback, answerable;
} test__kinds[] = {
    {"127.0.0.1:7", true, false, true, true},
    {"127.255.255.254:7", true, false, true, true},
    {"128.0.0.1:7", true, false, false, true},
    {"10.0.0.1:7", true, false, false, true},
    {"0.0.0.0:7", true, true, false, false},
    {"0.1.2.3:7", true, false, false, false},
    {"223.255.255.255:7", true, false, false, true},
    {"224.0.0.1:7", true, false, false, false},
    {"239.255.255.255:7", true, false, false, false},
    {"240.0.0.1:7", true, false, false, true},
    {"255.255.255.255:7", true, false, false, false},
    {"255.255.255.254:7", true, false, false, true},
    {"10.0.0.1:0", true, false, false, false},
    {"[::]:7", false, true, false, false},
    {"[::1]:7", false, false, true, true},
    {"[::2]:7", false, false, false, true},
    {"[ff02::1]:7", false, false, false, false},
    {"[fe80::1%2]:7", false, false, false, true},
    {"[2001:db8::1]:7", false, false, false, true},
    {"[2001:db8::1]:0", false, false, false, false},
};

static void each_kind_of_address_is_recognized(void **state)
{
    (void)state;
    for (size_t i = 0; i < weir_count_of(test__kinds); i++) {
        struct net_address address = test__of(test__kinds[i].text);
        if (address_is_v4(&address) != test__kinds[i].v4 ||
            address_is_any(&address) != test__kinds[i].any ||
            address_is_loopback(&address) != test__kinds[i].loopback ||
            address_is_answerable(&address) != test__kinds[i].answerable)
            require_failed(__FILE__, __LINE__,
                           "%s is known: v4 %d, any %d, loopback %d, answerable %d",
                           test__kinds[i].text, address_is_v4(&address), address_is_any(&address),
                           address_is_loopback(&address), address_is_answerable(&address));
    }
}

static void comparing_addresses_includes_all_parts(void **state)
{
    struct net_address a = test__of("[fe80::1%2]:7"), b = test__of("[fe80::1%3]:7"),
                       c = test__of("[fe80::1%2]:8");
    struct net_address v4 = address_of_v4(0x01020304, 5), read = test__of("1.2.3.4:5");

    (void)state;
    require(address_equals(&a, &a));
    require(!address_equals(&a, &b));
    require(!address_same_ip(&a, &b));
    require(!address_equals(&a, &c));
    require(address_same_ip(&a, &c));
    require(address_equals(&v4, &read));
}

/* The public calls convert between two forms; an error leaves the caller's address unchanged. */
static void public_addresses_are_read_and_written(void **state)
{
    static const char *const texts[] = {"127.0.0.1:5050", "[fe80::1%7]:65535", "[::]:0"};
    struct weir_address address;
    char text[WEIR_ADDRESS_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        memset(&address, 0xff, sizeof address);
        require(weir_address_parse(texts[i], &address));
        assert_int_equal(address.path_bytes, 0);
        assert_string_equal(weir_address_text(&address, text, sizeof text), texts[i]);
    }
    require(weir_address_read("127.0.0.1:x", &address, NULL) == WEIR_INVALID);
    assert_string_equal(weir_address_text(&address, text, sizeof text), "[::]:0");
}

/* Net reports clients of a Unix-domain socket with a zeroed address. */
static void a_peer_without_address_is_named_unix(void **state)
{
    struct net_address none = {.port = 0}, any = {.port = 1}, other = test__of("127.0.0.1:0");
    char text[NET_ADDRESS_TEXT_BYTES];

    (void)state;
    assert_string_equal(address_peer_text(&none, text, sizeof text), "unix");
    assert_string_equal(address_peer_text(&any, text, sizeof text), "[::]:1");
    assert_string_equal(address_peer_text(&other, text, sizeof text), "127.0.0.1:0");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_formatted_in_their_shortest_form),
        cmocka_unit_test(malformed_addresses_are_rejected),
        cmocka_unit_test(an_error_says_what_to_write),
        cmocka_unit_test(an_interface_is_read_and_written_by_its_name),
        cmocka_unit_test(texts_are_truncated_to_the_buffer),
        cmocka_unit_test(each_kind_of_address_is_recognized),
        cmocka_unit_test(comparing_addresses_includes_all_parts),
        cmocka_unit_test(public_addresses_are_read_and_written),
        cmocka_unit_test(a_peer_without_address_is_named_unix),
    };

    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
