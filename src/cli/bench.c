/* SPDX-License-Identifier: MIT */
/* bench.c - `weir bench`: puts load on an echo server, compares every byte that comes back, and
 * measures how long the answers take.
 *
 *      options -> bench_run: threads with connections -> summary -> text or JSON, .hgrm, SVG
 */
#include "bench.h"

#include <stdio.h>

#include "bench_hgrm.h"
#include "bench_json.h"
#include "bench_options.h"
#include "bench_plot.h"
#include "bench_report.h"
#include "bench_run.h"
#include "bench_svg.h"
#include "exit_code.h"
#include "output_file.h"
#include "print.h"

#define BENCH__TEXT_BYTES 131072u /* of one report or file */
#define BENCH__PATIENCE_MS 1000   /* for a program that has an old file open */

struct bench {
    struct bench_options options;
    struct bench_summary summary;
    struct output_file hgrm, svg;
    char text[BENCH__TEXT_BYTES];
};

static int bench__help(void)
{
    struct bench_options defaults;

    bench_options_init(&defaults);
    print_text("weir bench [OPTION]... ADDRESS: measures an echo server\n"
               "\n"
               "ADDRESS is HOST:PORT, PORT, unix:PATH, tcp://HOST:PORT?codec=SPEC or\n"
               "udp://HOST:PORT. The server must send back every message unchanged; each byte is\n"
               "compared.\n");
    option_help(&bench_options_table, &defaults);
    print_text(
        "\n"
        "The service time of a message begins when it is sent, the response time when it was\n"
        "due. They differ in an open loop (--rate) if the server stands still for a while: the\n"
        "messages of that time are sent late, and only the response time shows it.\n"
        "\n"
        "  weir bench 127.0.0.1:5050\n"
        "  weir bench -n 1000 -r 20000 -d 30s --hgrm echo.hgrm --svg echo.svg server.example:7\n"
        "  weir bench --mode broadcast -n 200 chat.example:7000\n"
        "  weir bench --udp --depth 16 -p \"$(pidof weir)\" 127.0.0.1:5050\n"
        "\n"
        "Exit codes: 0 every message was answered rightly; 1 something is missing or wrong; 64\n"
        "wrong usage; 69 cannot connect, or the server's certificate is invalid; 74 cannot\n"
        "write a file or to stdout; 78 invalid codec.\n");
    return EXIT_CODE_OK;
}

/* ---- output ---- */

static struct text_builder bench__builder(struct bench *bench)
{
    return (struct text_builder){.bytes = bench->text, .size = sizeof bench->text};
}

/* Checks that a file of an option can be written. */
static bool bench__open_file(struct bench *bench, struct output_file *file, const char *option,
                             const char *name)
{
    if (!name) return true;
    if (output_file_open(file, option, name, BENCH__PATIENCE_MS, &bench->options.arena))
        return true;
    print_failure("%s", file->why);
    return false;
}

static bool bench__write_file(struct output_file *file, const struct text_builder *text)
{
    bool is_written = output_file_write(file, text->bytes, text->used);

    if (!is_written) print_failure("%s", file->why);
    output_file_close(file);
    return is_written;
}

static bool bench__write_files(struct bench *bench)
{
    struct text_builder out = bench__builder(bench);
    bool is_written = true;

    if (bench->options.hgrm) {
        bench_hgrm_write(&bench->summary.result.response, &out);
        is_written = bench__write_file(&bench->hgrm, &out);
    }
    out = bench__builder(bench);
    if (bench->options.svg) {
        bench_svg_write(&bench->summary, &out);
        is_written = bench__write_file(&bench->svg, &out) && is_written;
    }
    return is_written;
}

static void bench__print(struct bench *bench)
{
    struct text_builder out = bench__builder(bench);

    if (bench->options.json)
        bench_json_write(&bench->summary, &out);
    else
        bench_report_write(&bench->summary, &out);
    if (bench->options.plot && !bench->options.json) bench_plot_write(&bench->summary, &out);
    print_bytes(out.bytes, out.used);
    print_flush();
}

/* ---- the command ---- */

static int bench__run(struct bench *bench)
{
    char why[512];

    if (!bench__open_file(bench, &bench->hgrm, "hgrm", bench->options.hgrm) ||
        !bench__open_file(bench, &bench->svg, "svg", bench->options.svg))
        return EXIT_CODE_IO;
    int code = bench_run(&bench->options, &bench->summary, why, sizeof why);
    if (code != EXIT_CODE_OK) {
        print_failure("%s", why);
        return code;
    }
    bench__print(bench);
    if (!bench__write_files(bench)) return EXIT_CODE_IO;
    return bench_summary_is_right(&bench->summary) ? EXIT_CODE_OK : EXIT_CODE_FAILED;
}

int bench_main(int count, char **arguments)
{
    static struct bench bench; /* too large for the stack */
    struct diagnostics diagnostics = {0};
    int code;

    if (!bench_options_read(count, arguments, &bench.options, &diagnostics)) {
        diagnostics_print(&diagnostics, stderr);
        code = diagnostics_exit_code(&diagnostics);
    } else {
        code = bench.options.help ? bench__help() : bench__run(&bench);
    }
    bench_options_free(&bench.options);
    return code;
}
