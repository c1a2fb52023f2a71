/* SPDX-License-Identifier: MIT */
/* test_options.c - the command line: what it reads, and what it says to what it cannot read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "options.h"
#include "options_table.h"
#include "printed.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct options options;
static struct diagnostics diagnostics;

static bool read_words(int count, char **words)
{
    options_free(&options);
    diagnostics = (struct diagnostics){0};
    return options_read(count, words, &options, &diagnostics);
}

/* Reads a command line written as one string. */
static bool read_line(const char *line)
{
    static char words[512];
    char *arguments[64];
    int count = 0;

    snprintf(words, sizeof words, "%s", line);
    for (char *at = words; *at != '\0'; count++) {
        arguments[count] = at;
        at += strcspn(at, " ");
        if (*at == ' ') *at++ = '\0';
    }
    return read_words(count, arguments);
}

static void assert_read(const char *line)
{
    if (!read_line(line)) fail_msg("%s: %s", line, diagnostics.lines[0]);
}

/* It is refused with one mistake, in which that stands. */
static void assert_refused(const char *line, const char *answer)
{
    if (read_line(line) || diagnostics.count != 1 || !strstr(diagnostics.lines[0], answer))
        fail_msg("%s: got %zu, \"%s\", wanted \"%s\"", line, diagnostics.count,
                 diagnostics.lines[0], answer);
}

static int forget_options(void **state)
{
    (void)state;
    options_free(&options);
    return 0;
}

/* ---- what it reads ---- */

static void test_alone_it_serves_both(void **state)
{
    (void)state;
    assert_read("");
    assert_int_equal(options.listeners_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(options.listeners[i].proto, i < 2 ? WEIR_TCP : WEIR_UDP);
        assert_string_equal(options.listeners[i].address,
                            i % 2 == 0 ? "127.0.0.1:5050" : "[::1]:5050");
        assert_null(options.listeners[i].codec);
        assert_null(options.listeners[i].handler);
    }
    assert_true(options.listeners_are_default);
    assert_int_equal(options.drain_ms, 5000);
}

static void test_defaults_are_the_librarys(void **state)
{
    struct weir_config config;

    (void)state;
    weir_config_init(&config);
    assert_read("");
    assert_memory_equal(&options.config, &config, sizeof config);
}

static void test_every_form_of_an_option(void **state)
{
    (void)state;
    assert_read("--tcp 1 --tcp=127.0.0.1:2 -t 3 -t4 -u [::1]:5 --workers 3 --transport epoll -vv");
    assert_int_equal(options.listeners_count, 5);
    assert_string_equal(options.listeners[1].address, "127.0.0.1:2");
    assert_string_equal(options.listeners[3].address, "4");
    assert_int_equal(options.listeners[4].proto, WEIR_UDP);
    assert_int_equal(options.config.workers, 3);
    assert_string_equal(options.config.transport, "epoll");
    assert_int_equal(options.loudness, 2);
    assert_read("-q");
    assert_int_equal(options.loudness, -1);
    assert_false(options.config.verify_rio);
    assert_read("--verify-rio");
    assert_true(options.config.verify_rio);
    assert_read("--help");
    assert_true(options.help);
    assert_read("-V");
    assert_true(options.version);
}

static void test_every_setting_has_an_option(void **state)
{
    (void)state;
    assert_read(
        "--idle-timeout 1s --first-byte-timeout 2s --frame-timeout 3s --send-timeout 4s "
        "--send-rate-min 5k/s --lifetime 6h --linger-timeout 29s --keepalive 7s --max-sessions 8 "
        "--max-sessions-per-address 9 --accept-rate 10/s --rate 11k --message-rate 12 "
        "--broadcast-policy drop-oldest --queue-high 1m --queue-low 14 --buffer-size 4k "
        "--buffer-memory 16m --datagram-memory 17m --backlog 18 --udp-peers-max 19 "
        "--udp-idle-timeout 20s --udp-reply-ratio 2.1 --udp-reply-rate 30/s "
        "--udp-receives 31");
    const struct weir_config *config = &options.config;
    assert_int_equal(config->idle_timeout_ms, 1000);
    assert_int_equal(config->first_byte_timeout_ms, 2000);
    assert_int_equal(config->frame_timeout_ms, 3000);
    assert_int_equal(config->send_timeout_ms, 4000);
    assert_int_equal(config->send_rate_min_bytes, 5120);
    assert_int_equal(config->lifetime_ms, 6 * 3600000);
    assert_int_equal(config->linger_timeout_ms, 29000);
    assert_int_equal(config->keepalive_ms, 7000);
    assert_int_equal(config->sessions_max, 8);
    assert_int_equal(config->sessions_per_address_max, 9);
    assert_int_equal(config->accept_rate_max, 10);
    assert_int_equal(config->receive_rate_max_bytes, 11 * 1024);
    assert_int_equal(config->message_rate_max, 12);
    assert_int_equal(config->broadcast_policy, WEIR_BROADCAST_DROP_OLDEST);
    assert_int_equal(config->send_queue_high_bytes, 1 << 20);
    assert_int_equal(config->send_queue_low_bytes, 14);
    assert_int_equal(config->buffer_bytes, 4096);
    assert_int_equal(config->buffer_memory_max_bytes, 16 << 20);
    assert_int_equal(config->datagram_memory_max_bytes, 17 << 20);
    assert_int_equal(config->listen_backlog, 18);
    assert_int_equal(config->datagram_peers_max, 19);
    assert_int_equal(config->datagram_idle_timeout_ms, 20000);
    assert_int_equal(config->datagram_reply_percent_max, 210);
    assert_int_equal(config->datagram_reply_rate_max, 30);
    assert_int_equal(config->datagram_receives, 31);
    assert_read("--mailbox 21 --drain 22s --drain-jitter 23s --node 24 --workers 25 --stats 26s "
                "--port-file f -m 27 -i off --log-lines 28 --log-flush 29s --bind-wait 30s");
    assert_int_equal(config->mailbox_commands_max, 21);
    assert_int_equal(options.drain_ms, 22000);
    assert_int_equal(config->drain_jitter_ms, 23000);
    assert_int_equal(config->node, 24);
    assert_int_equal(config->workers, 25);
    assert_int_equal(options.stats_ms, 26000);
    assert_string_equal(options.port_file, "f");
    assert_int_equal(config->sessions_max, 27);
    assert_int_equal(config->idle_timeout_ms, 0);
    assert_int_equal(config->log_lines_max, 28);
    assert_int_equal(config->log_flush_ms, 29000);
    assert_int_equal(config->bind_wait_ms, 30000);
    assert_read("--socket-unsent 28k --socket-receive 29k --socket-send 30k");
    assert_int_equal(config->socket_unsent_max_bytes, 28 * 1024);
    assert_int_equal(config->socket_receive_max_bytes, 29 * 1024);
    assert_int_equal(config->socket_send_max_bytes, 30 * 1024);
    assert_read("--max-conns 28 --workers auto --udp-reply-ratio off --udp-reply-rate off");
    assert_int_equal(config->sessions_max, 28);
    assert_int_equal(config->workers, 0);
    assert_int_equal(config->datagram_reply_percent_max, 0);
    assert_int_equal(config->datagram_reply_rate_max, 0);
}

static void test_the_low_mark_follows_the_high_one(void **state)
{
    (void)state;
    assert_read("--queue-high 128k");
    assert_int_equal(options.config.send_queue_low_bytes, 32 * 1024);
    assert_read("--queue-high 2m");
    assert_int_equal(options.config.send_queue_low_bytes, 256 * 1024);
    assert_refused("--queue-high 128k --queue-low 128k", "--queue-low 128k must be less than "
                                                         "--queue-high 128k");
}

static void test_reject_message(void **state)
{
    static char *names[] = {"--reject-message", "--farewell"}; /* and its earlier name */

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        char *words[] = {names[i], "full\\r\\n\\t\\\\\\x41"};
        assert_true(read_words(2, words));
        assert_string_equal(options.config.reject_message, "full\r\n\t\\A");
    }
    assert_refused("--reject-message a\\q", "after \\ write n, r, t");
    assert_refused("--reject-message a\\", "after \\ write n, r, t");
    assert_refused("--reject-message a\\x0", "after \\ write n, r, t");
    assert_refused("--reject-message a\\x00", "after \\ write n, r, t");
}

/* ---- listeners and codecs ---- */

static void test_urls(void **state)
{
    (void)state;
    assert_read("--listen tcp://[::]:7000?codec=u32be%2cmax=1m&handler=chat -l udp://7 "
                "--listen tcp://127.0.0.1:8?handler=.%2Fmy%20file.so");
    assert_int_equal(options.listeners_count, 3);
    assert_int_equal(options.listeners[0].proto, WEIR_TCP);
    assert_string_equal(options.listeners[0].address, "[::]:7000");
    assert_string_equal(options.listeners[0].codec, "u32be,max=1m");
    assert_string_equal(options.listeners[0].handler, "chat");
    assert_int_equal(options.listeners[1].proto, WEIR_UDP);
    assert_string_equal(options.listeners[1].address, "7");
    assert_null(options.listeners[1].handler);
    assert_string_equal(options.listeners[2].handler, "./my file.so");
    assert_refused("-l 7000", "write tcp://[ADDR:]PORT or udp://");
    assert_refused("-l sctp://7000", "write tcp://[ADDR:]PORT or udp://");
    assert_refused("-l tcp://localhost:7", "not an address; names are not resolved here");
    assert_refused("-l tcp://", "the address is empty");
    assert_refused("-l tcp://7?codek=raw", "unknown key \"codek\"; did you mean codec?");
    assert_refused("-l tcp://7?colour=red",
                   "unknown key \"colour\"; the keys are codec, handler, proxy, ");
    assert_refused("-l tcp://7?", "unknown key \"\";");
    assert_refused("-l tcp://7?codec", "codec needs a value");
    assert_refused("-l tcp://7?codec=&handler=echo", "codec needs a value");
    assert_refused("-l tcp://7?codec=raw&codec=raw", "codec is given twice");
    assert_refused("-l tcp://7?codec=%", "two hexadecimal digits");
    assert_refused("-l tcp://7?codec=%4", "two hexadecimal digits");
    assert_refused("-l tcp://7?codec=%zz", "two hexadecimal digits");
    assert_refused("-l tcp://7?codec=%00", "%00 encodes the byte NUL");
}

static void test_proxy_of_listeners(void **state)
{
    (void)state;
    assert_read("--proxy required --proxy-from 10.0.0.0/8 --proxy-from ::1 --tcp 1 --udp 1 "
                "-l tcp://2?proxy=off -l tcp://3?proxy_from=192.0.2.0/24,192.0.2.7 "
                "-l tcp://4?proxy_others=serve --tcp unix:/x");
    assert_int_equal(options.listeners[0].proxy, WEIR_PROXY_REQUIRED);
    assert_string_equal(options.listeners[0].proxy_from, "10.0.0.0/8, ::1");
    assert_int_equal(options.listeners[0].proxy_others, WEIR_PROXY_OTHERS_REFUSE);
    assert_int_equal(options.listeners[1].proxy, WEIR_PROXY_OFF); /* UDP */
    assert_int_equal(options.listeners[2].proxy, WEIR_PROXY_OFF);
    assert_null(options.listeners[2].proxy_from);
    assert_int_equal(options.listeners[3].proxy, WEIR_PROXY_REQUIRED);
    assert_string_equal(options.listeners[3].proxy_from, "192.0.2.0/24, 192.0.2.7");
    assert_int_equal(options.listeners[4].proxy_others, WEIR_PROXY_OTHERS_SERVE);
    assert_read("--proxy-others serve -l tcp://2?proxy=required&proxy_from=::1 "
                "-l tcp://3?proxy=required&proxy_from=::1&proxy_others=refuse --tcp 4");
    assert_int_equal(options.listeners[0].proxy_others, WEIR_PROXY_OTHERS_SERVE);
    assert_int_equal(options.listeners[1].proxy_others, WEIR_PROXY_OTHERS_REFUSE);
    assert_int_equal(options.listeners[2].proxy, WEIR_PROXY_OFF);
    assert_read("--proxy required --tcp unix:/x"); /* the file's permissions decide */
    assert_refused("--proxy maybe", "--proxy");
    assert_refused("-l tcp://7?proxy=maybe", "\"maybe\" is not one of off required");
    assert_refused("-l tcp://7?proxy=required&proxy_from=::1&proxy_others=some",
                   "\"some\" is not one of refuse serve");
    assert_refused("-l udp://7?proxy=required", "the PROXY protocol is for TCP here");
    assert_refused("-l udp://7?proxy_from=::1", "the PROXY protocol is for TCP here");
    assert_refused("-l udp://7?proxy_others=serve", "the PROXY protocol is for TCP here");
    assert_refused("--proxy required --tcp 7", "so say which senders are trusted: --proxy-from");
    assert_refused("-l tcp://7?proxy=required", "so say which senders are trusted: --proxy-from");
    assert_refused("-l tcp://7?proxy=required&proxy_from=10.0.0.1/8", "has bits after its prefix");
    assert_refused("--proxy-from 10.0.0.1/8 --tcp 7", "has bits after its prefix");
    assert_refused("-l tcp://7?proxy_from=::1", "need proxy=required");
    assert_refused("-l tcp://7?proxy_others=serve", "need proxy=required");
    assert_refused("--proxy required --proxy-from ::1 --udp 7", "no listener reads PROXY headers");
    assert_refused("--proxy-from ::1 --tcp 7", "--proxy-from needs --proxy required");
}

static void test_codec_and_handler_hold_for_those_that_say_none(void **state)
{
    (void)state;
    assert_read(
        "--tcp 1 -l tcp://2?codec=line -l tcp://3?handler=time --codec u32be --handler chat");
    assert_string_equal(options.listeners[0].codec, "u32be");
    assert_string_equal(options.listeners[0].handler, "chat");
    assert_string_equal(options.listeners[1].codec, "line");
    assert_string_equal(options.listeners[1].handler, "chat");
    assert_string_equal(options.listeners[2].codec, "u32be");
    assert_string_equal(options.listeners[2].handler, "time");
}

static void test_a_stream_codec_is_rejected_on_udp(void **state)
{
    (void)state;
    assert_refused("--tcp 1 --udp 2 --codec u32be", "udp 2: codec u32be is for streams, and each");
    assert_refused("-l udp://2?codec=line", "udp 2: codec line is for streams");
    assert_refused("-l tcp://2?codec=datagram", "tcp 2: codec datagram is for UDP");
    assert_read("--tcp 1 -l udp://2?codec=datagram --codec u32be");
    assert_read("--codec u32be"); /* without any listener: TCP alone */
    assert_int_equal(options.listeners_count, 2);
    assert_int_equal(options.listeners[0].proto, WEIR_TCP);
    assert_int_equal(options.listeners[1].proto, WEIR_TCP);
}

static void test_the_mode_of_socket_files(void **state)
{
    (void)state;
    assert_read("--tcp unix:/run/a --unix-mode 0660 --tcp 7000 --tcp unix:@b");
    assert_int_equal(options.listeners[0].unix_mode, 0660);
    assert_int_equal(options.listeners[1].unix_mode, 0);
    assert_int_equal(options.listeners[2].unix_mode, 0);
    assert_read("--tcp unix:/run/a");
    assert_int_equal(options.listeners[0].unix_mode, 0);
    assert_read("--tcp unix:/run/a --unix-mode umask");
    assert_int_equal(options.listeners[0].unix_mode, 0);
    assert_refused("--unix-mode 0660", "no listener has a socket file");
    assert_refused("--tcp unix:@b --unix-mode 0660", "no listener has a socket file");
    assert_refused("--tcp unix:/run/a --unix-mode 0680", "write permissions in octal digits");
}

static void test_the_longest_message(void **state)
{
    static const struct {
        const char *codec, *limited;
    } codecs[] = {
        {"u32be", "u32be,max=1048576"},
        {"u32be,max=64k", "u32be,max=1048576"},
        {"u32be,max=64k,strip=no", "u32be,strip=no,max=1048576"},
        {"netty(1,2,max=3,4),max=5", "netty(1,2,max=3,4),max=1048576"},
        {"length:max=3,width=2", "length:width=2,max=1048576"},
        {"netstring:max=3", "netstring:max=1048576"},
        {"line,max=3", "line,max=1048576"},
        {"length:magic=max", "length:magic=max,max=1048576"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(codecs); i++) {
        char codec[64];
        char *words[] = {"--codec", codec, "--max-message", "1m"};
        snprintf(codec, sizeof codec, "%s", codecs[i].codec);
        assert_true(read_words(4, words));
        assert_string_equal(options.listeners[0].codec, codecs[i].limited);
    }
    assert_read("--udp 1 -l tcp://2?codec=line --max-message 1k");
    assert_null(options.listeners[0].codec);
    assert_string_equal(options.listeners[1].codec, "line,max=1024");
    assert_refused("--max-message 1m", "name a --codec");
    assert_refused("--codec fixed:size=8 --max-message 1m", "name a --codec");
}

/* ---- allow and deny lists ---- */

static void test_blocks(void **state)
{
    char *words[] = {"--allow", "10.0.0.0/8, ::1", "--allow=192.168.1.7", "--deny",
                     "2001:db8::/32"};

    (void)state;
    assert_true(read_words(5, words));
    assert_string_equal(options.config.allow, "10.0.0.0/8, ::1, 192.168.1.7");
    assert_string_equal(options.config.deny, "2001:db8::/32");
    assert_read("--deny 0.0.0.0/0 --deny ::/0 --deny 1.2.3.4/32 --deny ::1/128");
    assert_string_equal(options.config.deny, "0.0.0.0/0, ::/0, 1.2.3.4/32, ::1/128");
    static const struct {
        const char *block, *answer;
    } bad[] = {
        {"10.0.0/8", "10.0.0/8: not an address or a block of addresses; write 10.0.0.0/8"},
        {"10.0.0.0/33", "its length is not that of an address; write /0 to /32"},
        {"::1/129", "its length is not that of an address; write /0 to /128"},
        {"10.0.0.0/", "its length"},
        {"10.0.0.0/-1", "its length"},
        {"10.0.0.0/8x", "its length"},
        {"10.0.0.0/8/8", "its length"},
        {"10.0.0.0/0008", "its length"},
        {"host", "not an address"},
        {"[::1]", "not an address"},
        {"10.0.0.0:80", "not an address"},
        {"*", "not an address"},
        {"/8", "not an address"},
        {"10.1.2.3/8", "bits after its prefix; write 10.0.0.0/8, or the one address"},
        {"2001:db8::1/32", "bits after its prefix; write 2001:db8::/32"},
        {"fe80::1%1", "a block has no interface"},
        {"127.1", "not an address"},
        {"010.0.0.1", "not an address"},
        {"10.0.0.0\xc2\xa0", "10.0.0.0\\xc2\\xa0: not an address"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        char line[64];
        snprintf(line, sizeof line, "--allow %s", bad[i].block);
        assert_refused(line, bad[i].answer);
        assert_null(options.config.allow);
    }
    assert_refused("--allow ,", "write a block such as");
}

static void write_bytes(const char *path, const char *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void write_file(const char *path, const char *text)
{
    write_bytes(path, text, strlen(text));
}

static void test_files_of_blocks(void **state)
{
    const char *path = "test_options.blocks";
    char line[128];

    (void)state;
    write_file(path, "# friends\r\n10.0.0.0/8 # all of them\r\n\r\n  ::1\n#1.2.3.4\n192.0.2.1");
    snprintf(line, sizeof line, "--deny 9.9.9.9 --deny-file %s --allowfile %s", path, path);
    assert_read(line);
    assert_string_equal(options.config.allow, "10.0.0.0/8, ::1, 192.0.2.1");
    assert_string_equal(options.config.deny, "9.9.9.9, 10.0.0.0/8, ::1, 192.0.2.1");
    write_file(path, "10.0.0.0/8\n\nnonsense\n");
    snprintf(line, sizeof line, "--allow-file %s", path);
    assert_refused(line, "test_options.blocks, line 3: nonsense: not an address");
    write_file(path, "# nobody\n");
    assert_refused(line, "the file contains no block");
    snprintf(line, sizeof line, "--deny-file %s", path);
    assert_read(line);
    assert_null(options.config.deny);
    assert_int_equal(remove(path), 0);
    assert_refused(line, "cannot open the file");
}

#define BOM "\xef\xbb\xbf"

/* Files as editors, PowerShell and other systems write them. */
static void test_files_of_blocks_in_any_form(void **state)
{
    static const struct {
        const char *text, *list;
    } files[] = {
        {BOM "10.0.0.0/8\r\n::1\r\n", "10.0.0.0/8, ::1"},
        {BOM "# Freunde\xc3\xbc\n10.0.0.0/8", "10.0.0.0/8"},
        {"10.0.0.0/8\n" BOM "::1\n", "10.0.0.0/8, ::1"}, /* two files, concatenated */
        {"10.0.0.0/8\r::1\r# comment\r192.0.2.1\r", "10.0.0.0/8, ::1, 192.0.2.1"},
        {"\n\n  10.0.0.0/8\t,::1 ,\n", "10.0.0.0/8, ::1"},
    };
    const char *path = "test_options.forms";
    char line[128];

    (void)state;
    snprintf(line, sizeof line, "--allow-file %s", path);
    for (size_t i = 0; i < COUNT(files); i++) {
        write_file(path, files[i].text);
        assert_read(line);
        assert_string_equal(options.config.allow, files[i].list);
    }
    assert_int_equal(remove(path), 0);
}

static void test_files_that_are_no_text_are_named_once(void **state)
{
#define BYTES(text) text, sizeof(text) - 1
    static const struct {
        const char *bytes;
        size_t length;
        const char *answer;
    } files[] = {
        {BYTES("\xff\xfe:\0:\0"
               "1\0\n\0"),
         "the file is UTF-16; save it as UTF-8"},
        {BYTES("\xfe\xff\0:\0:\0"
               "1"),
         "the file is UTF-16"},
        {BYTES(":\0:\0"
               "1\0\n\0"),
         "the file is UTF-16"}, /* without a mark */
        {BYTES("\0:\0:\0"
               "1"),
         "the file is UTF-16"},
        {BYTES("\xff\xfe\0\0:\0\0\0"), "the file is UTF-32"},
        {BYTES("\0\0\xfe\xff\0\0\0:"), "the file is UTF-32"},
        {BYTES("::1\n10.0.0.0\0/8\n\0\n"), "line 2: a NUL byte"},
        {BYTES(BOM), "the file contains no block"},
        {BYTES(""), "the file contains no block"},
        {BYTES("::1\nnonsense"), "line 2: nonsense: not an address"},
        {BYTES("nonsense"), "line 1: nonsense: not an address"},
    };
#undef BYTES
    const char *path = "test_options.bytes";
    char line[128];

    (void)state;
    snprintf(line, sizeof line, "--allow-file %s", path);
    for (size_t i = 0; i < COUNT(files); i++) {
        write_bytes(path, files[i].bytes, files[i].length);
        assert_refused(line, files[i].answer);
    }
    assert_int_equal(remove(path), 0);
}

static void test_a_long_line_of_a_file(void **state)
{
    static char text[200000], long_word[100000];
    const char *path = "test_options.long";
    char line[128];

    (void)state;
    snprintf(line, sizeof line, "--deny-file %s", path);
    for (size_t i = 0; i + 10 < sizeof text; i += 10) memcpy(text + i, "192.0.2.1 ", 10);
    write_file(path, text);
    assert_read(line);
    memset(long_word, '1', sizeof long_word - 1);
    write_file(path, long_word);
    assert_refused(line, "line 1: 1111111111");
    assert_int_equal(remove(path), 0);
}

/* ---- mistakes ---- */

static void test_errors_suggest_the_intended_word(void **state)
{
    static const struct {
        const char *line, *answer;
    } mistaken[] = {
        {"--transprot epoll", "did you mean --transport?"},
        {"--worker 2", "did you mean --workers?"},
        {"--max-conn 2", "did you mean --max-conns?"},
        {"--nothing-like-it", "see weir serve --help"},
        {"--nothing-like-it 5", "see weir serve --help"},
        {"--Listening", "unknown option --Listening"},
        {"--tcp", "--tcp needs a value: [ADDR:]PORT"},
        {"--tcp localhost:7", "not an address"},
        {"--tcp 65536", "--tcp 65536: the port is too large; a port is 0 to 65535"},
        {"--udp 1.2.3:7", "--udp 1.2.3:7: not an IPv4 address; write four numbers"},
        {"--tcp tcp://7", "--tcp tcp://7: this is a URL; write --listen tcp://7"},
        {"--tcp ::1", "--tcp ::1: not an address with a port; write an IPv6 address in brackets"},
        {"--tcp [fe80::1%nonesuch]:7", "there is no interface \"nonesuch\""},
        {"-l tcp://[fe80::1%25nonesuch]:7", "there is no interface \"nonesuch\""},
        {"-l tcp://[fe80::1%eth0]:7", "before an interface write %25"},
        {"-l tcp://7%00", "%00 encodes the byte NUL"},
        {"-l tcp://7?codec=%00", "%00 encodes the byte NUL"},
        {"-l tcp://7%0", "after % write two hexadecimal digits"},
        {"-l tcp://7%zz", "after % write two hexadecimal digits"},
        {"-l tcp://7%20", "the port is not a number"},
        {"-l http://7", "write tcp://[ADDR:]PORT or udp://[ADDR:]PORT"},
        {"-l udp://7?codec=raw",
         "udp 7: codec raw is for streams, and each datagram is a message; leave codec out of its "
         "URL"},
        {"-l udp://7?codec=line", "leave codec out of its URL"},
        {"--udp 7 --codec raw", "give it to the TCP listeners alone"},
        {"--workers 0", "a number from 1 to 255; or auto"},
        {"--workers 256", "a number from 1 to 255; or auto"},
        {"--drain 5x", "--drain 5x: write a time such as 500ms, 60s, 5m, 1h or 1d, at most 24d"},
        {"--drain=", "--drain : write a time"},
        {"--buffer-size 2k", "a size such as 4096, 64k, 1m or 2g, from 4k to 1m"},
        {"--accept-rate many", "a rate such as 1000 or 1000/s"},
        {"--rate 1x/s", "a size per second such as 64k/s"},
        {"--udp-reply-ratio 0", "a ratio such as 1.0, 0.5 or 150%"},
        {"--broadcast-policy drop-old", "write one of disconnect drop-newest drop-oldest"},
        {"--broadcast-policy drop-oldst", "did you mean drop-oldest?"},
        {"--help=yes", "takes no value"},
        {"-x", "unknown option -x"},
        {"-vx", "unknown option -x"},
        {"start", "start: not an option of weir serve"},
        {"5050", "an address needs a protocol: --tcp 5050"},
        {"-- --tcp", "--tcp: not an option of weir serve"},
        {"-", "not an option of weir serve"},
        {"--buffer-size 1m", "--queue-high 1m is less than two buffers of --buffer-size 1m"},
        {"--buffer-memory 32k", "--buffer-memory 32k is less than four buffers"},
        {"--send-rate-min 1k --send-timeout off", "extends --send-timeout"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(mistaken); i++)
        assert_refused(mistaken[i].line, mistaken[i].answer);
}

static void test_all_errors_are_reported(void **state)
{
    (void)state;
    assert_false(read_line("--tpc 5 --idle-timeout 5x word --workers=0 --queue-low 2m"));
    assert_int_equal(diagnostics.count, 5);
    assert_non_null(strstr(diagnostics.lines[0], "--tcp?"));
    assert_non_null(strstr(diagnostics.lines[1], "--idle-timeout"));
    assert_non_null(strstr(diagnostics.lines[2], "word"));
    assert_non_null(strstr(diagnostics.lines[3], "--workers"));
    assert_non_null(strstr(diagnostics.lines[4], "--queue-low"));
}

static void test_an_error_is_one_line(void **state)
{
    char *words[] = {"--drain", "a\nweir: info: all is well\x1b[0m"};

    (void)state;
    assert_false(read_words(2, words));
    for (const char *at = diagnostics.lines[0]; *at != '\0'; at++) assert_in_range(*at, 0x20, 0x7e);
}

static void test_many_errors(void **state)
{
    char *words[DIAGNOSTICS_MAX + 5];

    (void)state;
    for (size_t i = 0; i < COUNT(words); i++) words[i] = "x";
    assert_false(read_words(COUNT(words), words));
    assert_int_equal(diagnostics.count, COUNT(words));
}

static void test_too_many_listeners(void **state)
{
    char *arguments[2 * (OPTIONS_LISTENERS_MAX + 1)];

    (void)state;
    for (size_t i = 0; i < COUNT(arguments); i++) arguments[i] = i % 2 ? "0" : "--tcp";
    assert_true(read_words(2 * OPTIONS_LISTENERS_MAX, arguments));
    assert_false(read_words(2 * OPTIONS_LISTENERS_MAX + 2, arguments));
    assert_non_null(strstr(diagnostics.lines[0], "more than 64 listeners"));
}

/* ---- help ---- */

/* Every default that is printed reads as what the settings hold. */
static void test_help_shows_each_option_with_its_default(void **state)
{
    struct options defaults;

    (void)state;
    options_init(&defaults);
    printed_begin();
    option_help(&options_table, &defaults);
    const char *help = printed_text();
    for (size_t i = 0; i < options_table.count; i++) {
        const struct option *option = &options_table.options[i];
        char standard[64], shown[80];
        uint64_t value;
        snprintf(shown, sizeof shown, option->store == OPTION_GROUP ? "\n%s:\n" : "--%s ",
                 option->name);
        const char *found = strstr(help, shown);
        if (!found) fail_msg("%s is not in the help", option->name);
        option_text(option, &defaults, standard, sizeof standard);
        if (standard[0] == '\0') continue;
        snprintf(shown, sizeof shown, "[%s]\n", standard);
        const char *end = found ? strstr(found, "]\n") : NULL;
        if (!end || end + 2 - strstr(found, shown) != (ptrdiff_t)strlen(shown))
            fail_msg("--%s is shown without %s", option->name, shown);
        if (option->store != OPTION_VALUE) continue;
        assert_true(value_read(&option->rule, standard, &value));
        assert_int_equal(value, option_number(option, &defaults));
    }
}

/* An earlier name belongs to one option, and is neither shown nor suggested. */
static void test_earlier_names_are_hidden(void **state)
{
    (void)state;
    for (size_t i = 0; i < options_table.aliases_count; i++) {
        const struct option_alias *alias = &options_table.aliases[i];
        size_t count = 0;
        for (size_t j = 0; j < options_table.count; j++) {
            count += strcmp(options_table.options[j].name, alias->name) == 0;
            assert_string_not_equal(options_table.options[j].name, alias->alias);
        }
        assert_int_equal(count, 1);
    }
    assert_refused("--farewel", "unknown option --farewel; see weir serve --help");
}

/* Two options of one name, or a member that an option is too narrow or too wide for. */
static void test_the_table_is_sound(void **state)
{
    (void)state;
    assert_in_range(options_table.count, 1, OPTION_TABLE_MAX);
    for (size_t i = 0; i < options_table.count; i++) {
        const struct option *one = &options_table.options[i];
        if (one->store == OPTION_VALUE) assert_true(one->bytes == 4 || one->bytes == 8);
        if (one->store == OPTION_VALUE && one->bytes == 4)
            assert_true(one->rule.most <= UINT32_MAX);
        if (one->store == OPTION_SWITCH) assert_int_equal(one->bytes, sizeof(bool));
        for (size_t j = 0; j < i; j++) {
            const struct option *other = &options_table.options[j];
            assert_string_not_equal(one->name, other->name);
            if (one->letter != 0) assert_int_not_equal(one->letter, other->letter);
            if (one->bytes > 0 && other->bytes > 0) assert_true(one->offset != other->offset);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alone_it_serves_both),
        cmocka_unit_test(test_defaults_are_the_librarys),
        cmocka_unit_test(test_every_form_of_an_option),
        cmocka_unit_test(test_every_setting_has_an_option),
        cmocka_unit_test(test_the_low_mark_follows_the_high_one),
        cmocka_unit_test(test_reject_message),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_proxy_of_listeners),
        cmocka_unit_test(test_codec_and_handler_hold_for_those_that_say_none),
        cmocka_unit_test(test_a_stream_codec_is_rejected_on_udp),
        cmocka_unit_test(test_the_mode_of_socket_files),
        cmocka_unit_test(test_the_longest_message),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_files_of_blocks),
        cmocka_unit_test(test_files_of_blocks_in_any_form),
        cmocka_unit_test(test_files_that_are_no_text_are_named_once),
        cmocka_unit_test(test_a_long_line_of_a_file),
        cmocka_unit_test(test_errors_suggest_the_intended_word),
        cmocka_unit_test(test_all_errors_are_reported),
        cmocka_unit_test(test_an_error_is_one_line),
        cmocka_unit_test(test_many_errors),
        cmocka_unit_test(test_too_many_listeners),
        cmocka_unit_test(test_help_shows_each_option_with_its_default),
        cmocka_unit_test(test_earlier_names_are_hidden),
        cmocka_unit_test(test_the_table_is_sound),
    };

    return cmocka_run_group_tests_name("options", tests, NULL, forget_options);
}
