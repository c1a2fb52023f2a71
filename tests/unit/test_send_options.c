/* SPDX-License-Identifier: MIT */
/* test_send_options.c - the command line of `weir send`, and how it shows and reads bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <weir/weir.h>

#include "escape.h"
#include "print.h"
#include "printed.h"
#include "send_options.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct send_options options;
static struct diagnostics diagnostics;

static bool read_line(const char *line)
{
    static char words[256];
    char *arguments[32];
    int count = 0;

    snprintf(words, sizeof words, "%s", line);
    for (char *at = words; *at != '\0'; count++) {
        arguments[count] = at;
        at += strcspn(at, " ");
        if (*at == ' ') *at++ = '\0';
    }
    send_options_free(&options);
    diagnostics = (struct diagnostics){0};
    return send_options_read(count, arguments, &options, &diagnostics);
}

static int forget_options(void **state)
{
    (void)state;
    send_options_free(&options);
    return 0;
}

static void test_what_it_reads(void **state)
{
    (void)state;
    assert_true(read_line("localhost:7 hello there"));
    assert_string_equal(options.host, "localhost");
    assert_string_equal(options.port, "7");
    assert_int_equal(options.messages_count, 2);
    assert_string_equal(options.messages[1], "there");
    assert_string_equal(options.codec, "raw");
    assert_int_equal(options.wait_ms, 0);
    assert_true(read_line("-xt 5 --wait 2s -c u32be [::1]:65535 -- --hex -"));
    assert_string_equal(options.host, "::1");
    assert_string_equal(options.port, "65535");
    assert_int_equal(options.messages_count, 2);
    assert_string_equal(options.messages[0], "--hex");
    assert_true(options.hex);
    assert_int_equal(options.timeout_ms, 5000);
    assert_int_equal(options.wait_ms, 2000);
    assert_true(read_line("7 --udp"));
    assert_string_equal(options.host, "localhost");
    assert_string_equal(options.port, "7");
    assert_string_equal(options.codec, "datagram");
    assert_int_equal(options.messages_count, 0);
    assert_true(read_line("1.2.3.4:00080"));
    assert_string_equal(options.host, "1.2.3.4");
    assert_string_equal(options.port, "80");
    assert_true(read_line("123.example:80")); /* a name, as are 1e100.example and cafe */
    assert_string_equal(options.host, "123.example");
    assert_true(read_line("[fe80::1%1]:7"));
    assert_string_equal(options.host, "fe80::1%1");
    assert_true(read_line("--help"));
    assert_true(options.help);
}

static void test_tls(void **state)
{
    static const char *const implying[] = {"--tls-ca a",   "--tls-name a",  "--tls-cert a",
                                           "--tls-alpn a", "--tls-min 1.3", "--tls-insecure"};
    char line[64];

    (void)state;
    assert_true(read_line("7"));
    assert_false(options.tls);
    assert_true(read_line("--tls host:7"));
    assert_true(options.tls);
    assert_int_equal(options.tls_min, WEIR_TLS_1_2);
    assert_null(options.tls_ca);
    for (size_t i = 0; i < COUNT(implying); i++) {
        snprintf(line, sizeof line, "%s host:7", implying[i]);
        assert_true(read_line(line));
        assert_true(options.tls);
    }
    assert_true(read_line("--tls-cert a.pem --tls-key a.key --tls-min 1.3 [fe80::1%1]:7"));
    assert_string_equal(options.tls_cert, "a.pem");
    assert_string_equal(options.tls_key, "a.key");
    assert_int_equal(options.tls_min, WEIR_TLS_1_3);
}

static void test_urls(void **state)
{
    (void)state;
    assert_true(read_line("tcp://localhost:7?codec=u32be%2cmax=1k hello"));
    assert_string_equal(options.host, "localhost");
    assert_string_equal(options.port, "7");
    assert_string_equal(options.codec, "u32be,max=1k");
    assert_false(options.udp);
    assert_true(read_line("udp://[::1]:7"));
    assert_string_equal(options.host, "::1");
    assert_true(options.udp);
    assert_string_equal(options.codec, "datagram");
    assert_true(read_line("udp://[fe80::1%251]:7?codec=datagram --udp"));
    assert_string_equal(options.host, "fe80::1%1");
}

static void test_diagnostics(void **state)
{
    static const struct {
        const char *line, *answer;
    } mistaken[] = {
        {"", "an address is missing; write weir send HOST:PORT"},
        {"localhost", "localhost: the port is missing"},
        {"localhost:", "the port is missing"},
        {":7", "nothing precedes the port"},
        {"[]:7", "nothing precedes the port"},
        {"::1:7", "in brackets"},
        {"[::1", "the brackets do not enclose an address"},
        {"[::g]:7", "not an IPv6 address in the brackets"},
        {"[1.2.3.4]:7", "not an IPv6 address in the brackets"},
        {"host:http", "the port is not a number"},
        {"host:-7", "the port is not a number"},
        {"host:+7", "the port is not a number"},
        {"host:0x50", "the port is not a number"},
        {"host:7x", "the port is not a number"},
        {"host:65536", "host:65536: the port is too large"},
        {"host:65543", "the port is too large"}, /* 7, modulo 65536 */
        {"host:4294967303", "the port is too large"},
        {"host:18446744073709551623", "the port is too large"},
        {"65543", "the port is too large"},
        {"host:0", "nothing listens on port 0"},
        {"*:7", "* is no host"},
        {"127.1:7", "not an IPv4 address"},
        {"010.0.0.1:7", "not an IPv4 address"},
        {"0x7f.0.0.1:7", "not an IPv4 address"},
        {"2130706433:7", "not an IPv4 address"},
        {"1.2.3.256:7", "not an IPv4 address"},
        {"[fe80::1%nonesuch]:7", "there is no interface \"nonesuch\""},
        {"[fe80::1]:7", "a link-local address needs its interface"},
        {"[::1%1]:7", "only a link-local address"},
        {"http://host:7", "write tcp://HOST:PORT or udp://HOST:PORT"},
        {"tcp://host:65543", "tcp://host:65543: the port is too large"},
        {"tcp://host:7%00", "%00 encodes the byte NUL"},
        {"tcp://host:7?handler=echo", "unknown key \"handler\"; the only key is codec"},
        {"udp://host:7?codec=raw", "each datagram is a message; leave codec out of the URL"},
        {"tcp://host:7 --udp", "contradict each other"},
        {"tcp://host:7?codec=line --codec raw", "both name a codec"},
        {"7 --codex raw", "did you mean --codec?"},
        {"7 --wait soon", "write a time such as"},
        {"7 --timeout 0", "write a time such as"},
        {"7 --hex --raw", "--hex and --raw"},
        {"7 --udp --tls", "TLS needs TCP; leave --udp"},
        {"udp://host:7 --tls-min 1.3", "TLS needs TCP; leave --udp"},
        {"7 --tls-min 1.1", "1.2"},
        {"7 --tls-key a.key", "--tls-key a.key is the key of a certificate"},
        {"7 --tls-insecure --tls-ca a.pem", "--tls-insecure accepts any certificate"},
        {"7 --tls-insecure --tls-name a", "--tls-insecure accepts any certificate"},
        {"7 --udp --codec line", "--codec line and --udp"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(mistaken); i++)
        if (read_line(mistaken[i].line) || diagnostics.count != 1 ||
            !strstr(diagnostics.lines[0], mistaken[i].answer))
            fail_msg("%s: got \"%s\"", mistaken[i].line, diagnostics.lines[0]);
}

static void assert_written(void (*write)(const uint8_t *, size_t), const char *bytes, size_t length,
                           const char *wanted)
{
    printed_begin();
    write((const uint8_t *)bytes, length);
    assert_string_equal(printed_text(), wanted);
}

static void test_bytes_are_shown(void **state)
{
    (void)state;
    assert_written(print_escaped, "a rnt\\\r\n\t\0\x1b\x7f\xff~", 14,
                   "a rnt\\\\\\r\\n\\t\\x00\\x1b\\x7f\\xff~");
    assert_written(print_escaped, "", 0, "");
    assert_written(print_hex, "\0\x9f\xff", 3, "009fff");
}

static void test_hex_is_read(void **state)
{
    uint8_t bytes[16];
    static const char *const bad[] = {"0", "0 1", "0g", "g0", "0x01", "00,01"};

    (void)state;
    assert_int_equal(escape_read_hex("", 0, bytes), 0);
    assert_int_equal(escape_read_hex(" 00 9fFF\tab", 11, bytes), 4);
    assert_memory_equal(bytes, "\0\x9f\xff\xab", 4);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_true(escape_read_hex(bad[i], strlen(bad[i]), bytes) == ESCAPE_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_it_reads),
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_diagnostics),
        cmocka_unit_test(test_bytes_are_shown),
        cmocka_unit_test(test_hex_is_read),
    };

    return cmocka_run_group_tests_name("send_options", tests, NULL, forget_options);
}
