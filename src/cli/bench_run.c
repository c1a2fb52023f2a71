/* SPDX-License-Identifier: MIT */
/* bench_run.c - the main thread of a run. It starts the load when all connections are open, reads
 * the server's processor time at the begin and the end of the measurement, and shows the progress.
 *
 *      threads -> ready -> start -> [ warm-up | measurement ] -> ended -> sum
 */
#include "bench_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bench_datagrams.h"
#include "bench_room.h"
#include "bench_streams.h"
#include "bench_text.h"
#include "bench_thread.h"
#include "exit_code.h"
#include "os.h"
#include "os_terminal.h"
#include "os_usage.h"
#include "print.h"

#define BENCH_RUN__MS_NS UINT64_C(1000000)
#define BENCH_RUN__SECOND_NS UINT64_C(1000000000)
#define BENCH_RUN__LOOK_MS 100      /* between two progress lines */
#define BENCH_RUN__HEAD_START_MS 10 /* until all threads have seen the start */

/* What the main thread knows of a run. */
struct bench_run_state {
    struct bench_run run;
    struct bench_thread *threads;
    uint32_t started; /* threads */
    struct bench_summary *summary;
    uint64_t start_ns, measured_ns, end_ns;
    struct os_usage before; /* of the server, at measured_ns */
    uint64_t before_ns, before_answered;
    bool has_before, has_after, shows_progress;
    uint64_t progress_ns, progress_answered; /* of the last progress line */
    uint64_t stream_ns, stream_answered;     /* of the last line of --json-stream */
};

/* ---- preparation ---- */

/* Opens the codec, and checks that it can frame the messages. */
static int bench_run__open_codec(struct bench_run *run, char *why, size_t why_size)
{
    const struct bench_options *options = run->options;
    struct weir_framing framing = {0};
    struct weir_error error;

    if (options->udp || options->websocket) return EXIT_CODE_OK;
    if (weir_frame_open(options->codec, &run->frame, &error) != WEIR_OK) {
        weir_error_text(&error, why, why_size);
        return EXIT_CODE_SETTING;
    }
    const struct weir_codec *codec = weir_frame_codec(run->frame);
    enum weir_code code = !codec->streams ? WEIR_INVALID
                          : codec->encode
                              ? codec->encode(codec, run->pattern.bytes, options->size, &framing)
                              : WEIR_OK;
    if (code == WEIR_OK) return EXIT_CODE_OK;
    snprintf(why, why_size, "--codec %.100s cannot frame messages of --size %" PRIu32,
             options->codec, options->size);
    return EXIT_CODE_SETTING;
}

static const struct bench_driver *bench_run__driver(const struct bench_options *options)
{
    if (options->udp) return &bench_datagrams_driver;
    if (options->mode == BENCH_BROADCAST) return &bench_room_driver;
    return options->mode == BENCH_CONNECT ? &bench_dials_driver : &bench_streams_driver;
}

static void bench_run__init(struct bench_run *run, struct bench_options *options)
{
    bool is_raw = strcmp(options->codec, "raw") == 0;
    bool has_one_sender = options->mode == BENCH_BROADCAST;

    run->options = options;
    run->driver = bench_run__driver(options);
    run->has_frames = !is_raw;
    run->schedule =
        (struct bench_schedule){.rate = options->rate,
                                .connections = has_one_sender ? 1 : options->connections,
                                .messages_max = options->messages};
    bench_pattern_init(&run->pattern, options->size, !is_raw && !options->udp, &options->arena);
}

static int bench_run__prepare(struct bench_run_state *state, struct bench_options *options,
                              char *why, size_t why_size)
{
    struct os_usage usage;
    uint64_t files_before;

    bench_run__init(&state->run, options);
    state->threads = arena_alloc(&options->arena, options->threads * sizeof *state->threads);
    if (!state->run.pattern.bytes || !state->threads) {
        snprintf(why, why_size, "out of memory");
        return EXIT_CODE_FAILED;
    }
    if (options->pid > 0 && !os_usage_read(options->pid, &usage)) {
        snprintf(why, why_size,
                 "--pid %" PRIu32 ": there is no such process, or this user may "
                 "not see it",
                 options->pid);
        return EXIT_CODE_USAGE;
    }
    state->summary->has_server = options->pid > 0;
    if (options->pid > 0) state->summary->server_bytes_before = usage.resident_bytes;
    os_raise_files_limit(&files_before);
    return bench_run__open_codec(&state->run, why, why_size);
}

/* ---- progress ---- */

static uint64_t bench_run__answered(const struct bench_run_state *state)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < state->started; i++)
        sum += atomic_load_explicit(&state->threads[i].answered, memory_order_relaxed);
    return sum;
}

static void bench_run__show(struct bench_run_state *state)
{
    uint64_t now_ns = os_now_ns(), answered = bench_run__answered(state);
    double passed_s = (double)(now_ns - state->progress_ns) / 1e9;
    double rate = passed_s > 0 ? (double)(answered - state->progress_answered) / passed_s : 0;

    uint64_t since_ns = now_ns < state->measured_ns ? state->start_ns : state->measured_ns;
    double load_s = now_ns > since_ns ? (double)(now_ns - since_ns) / 1e9 : 0;

    if (!state->shows_progress) return;
    if (state->measured_ns == 0)
        fprintf(stderr, "\rconnecting");
    else
        fprintf(stderr, "\r%s %.1f s  %s answers  %s/s          ",
                now_ns < state->measured_ns ? "warm-up" : "measuring", load_s,
                bench_text_count(answered).text, bench_text_count((uint64_t)rate).text);
    state->progress_ns = now_ns;
    state->progress_answered = answered;
}

static void bench_run__clear_progress(const struct bench_run_state *state)
{
    if (state->shows_progress) fprintf(stderr, "\r%*s\r", 72, "");
}

/* Prints a line of --json-stream if a second has passed since the last one, or at the end. */
static void bench_run__stream(struct bench_run_state *state, bool is_end)
{
    uint64_t now_ns = os_now_ns(), answered = bench_run__answered(state);

    if (!state->run.options->json_stream || state->start_ns == 0) return;
    if (state->stream_ns == 0) state->stream_ns = state->start_ns;
    if (!is_end && now_ns < state->stream_ns + BENCH_RUN__SECOND_NS) return;
    double passed_s = (double)(now_ns - state->stream_ns) / 1e9;
    print_text("{\"at_s\":%.3f,\"is_warmup\":%s,\"answers\":%" PRIu64 ",\"answers_per_s\":%.1f}\n",
               (double)(now_ns - state->start_ns) / 1e9,
               now_ns < state->measured_ns ? "true" : "false", answered,
               passed_s > 0 ? (double)(answered - state->stream_answered) / passed_s : 0);
    print_flush();
    state->stream_ns = now_ns;
    state->stream_answered = answered;
}

/* ---- the server ---- */

/* Reads what the server has used, when the measurement begins and when it ends. */
static void bench_run__sample(struct bench_run_state *state, uint64_t now_ns, bool is_end)
{
    struct bench_summary *summary = state->summary;
    struct os_usage usage;

    if (!summary->has_server || state->measured_ns == 0 || state->has_after) return;
    if (!state->has_before && now_ns >= state->measured_ns &&
        os_usage_read(summary->options->pid, &state->before)) {
        state->before_ns = os_now_ns();
        state->before_answered = bench_run__answered(state);
        state->has_before = true;
    }
    if (!state->has_before || !is_end || !os_usage_read(summary->options->pid, &usage)) return;
    summary->server_wall_ns = os_now_ns() - state->before_ns;
    summary->server_cpu_ns = usage.cpu_ns - state->before.cpu_ns;
    summary->server_messages = bench_run__answered(state) - state->before_answered;
    summary->server_bytes = usage.resident_bytes;
    state->has_after = true;
}

/* ---- waiting ---- */

/* Waits for some time, at most until the next moment to read the server's time. */
static void bench_run__wait(struct bench_run_state *state)
{
    uint64_t now_ns = os_now_ns(), wait_ms = BENCH_RUN__LOOK_MS;
    uint64_t next_ns = now_ns < state->measured_ns ? state->measured_ns : state->end_ns;
    char key;

    if (next_ns > now_ns && (next_ns - now_ns) / BENCH_RUN__MS_NS < wait_ms)
        wait_ms = (next_ns - now_ns) / BENCH_RUN__MS_NS + 1;
    if (os_terminal_wait((uint32_t)wait_ms, &key) != OS_TERMINAL_STOP) return;
    state->summary->was_stopped = true;
    atomic_store(&state->run.is_stopped, true);
}

/* Returns the thread that could not run; null: there is none. */
static const struct bench_thread *bench_run__failed(const struct bench_run_state *state)
{
    for (uint32_t i = 0; i < state->started; i++)
        if (state->threads[i].has_failed) return &state->threads[i];
    return NULL;
}

/* Waits until all connections are open, and starts the load. */
static void bench_run__begin(struct bench_run_state *state)
{
    const struct bench_options *options = state->run.options;

    while (atomic_load(&state->run.ready) < options->threads && !state->summary->was_stopped) {
        bench_run__show(state);
        bench_run__wait(state);
    }
    if (state->summary->was_stopped || bench_run__failed(state)) {
        atomic_store(&state->run.is_stopped, true);
        return;
    }
    struct bench_schedule times = state->run.schedule;
    bench_schedule_start(&times, os_now_ns() + BENCH_RUN__HEAD_START_MS * BENCH_RUN__MS_NS,
                         options->warmup_ms, options->duration_ms);
    state->start_ns = times.start_ns;
    state->measured_ns = times.measured_ns;
    state->end_ns = times.end_ns;
    atomic_store(&state->run.start_ns, times.start_ns);
}

static void bench_run__await(struct bench_run_state *state)
{
    uint64_t now_ns;

    while (atomic_load(&state->run.ended) < state->started) {
        now_ns = os_now_ns();
        bench_run__sample(state, now_ns, now_ns >= state->end_ns);
        bench_run__show(state);
        bench_run__stream(state, false);
        bench_run__wait(state);
    }
    bench_run__sample(state, os_now_ns(), true);
    bench_run__stream(state, true);
    bench_run__clear_progress(state);
}

/* ---- the sum ---- */

static void bench_run__sum(struct bench_run_state *state, uint64_t stopped_ns)
{
    struct bench_summary *summary = state->summary;
    uint64_t end_ns = 0;

    for (uint32_t i = 0; i < state->started; i++)
        bench_result_merge(&summary->result, state->threads[i].result);
    if (state->measured_ns == 0) return;
    if (summary->options->duration_ms > 0)
        end_ns = summary->was_stopped && stopped_ns < state->end_ns ? stopped_ns : state->end_ns;
    if (summary->result.last_ns > end_ns) end_ns = summary->result.last_ns;
    if (end_ns > state->measured_ns) summary->elapsed_ns = end_ns - state->measured_ns;
}

/* Starts the threads, waits for them and frees them. */
static int bench_run__threads(struct bench_run_state *state, char *why, size_t why_size)
{
    uint32_t count = state->run.options->threads;
    int code = EXIT_CODE_OK;

    for (; state->started < count; state->started++) {
        struct bench_thread *thread = &state->threads[state->started];
        if (!bench_thread_init(thread, &state->run, state->started)) break;
        if (!bench_thread_start(thread)) break;
    }
    if (state->started < count) {
        snprintf(why, why_size, "the system has no memory or no thread for the generator");
        atomic_store(&state->run.is_stopped, true);
        code = EXIT_CODE_FAILED;
    } else {
        bench_run__begin(state);
    }
    bench_run__await(state);
    uint64_t stopped_ns = os_now_ns();
    for (uint32_t i = 0; i < state->started; i++) bench_thread_join(&state->threads[i]);
    const struct bench_thread *failed = bench_run__failed(state);
    if (failed && code == EXIT_CODE_OK) {
        snprintf(why, why_size, "%s", failed->why);
        code = EXIT_CODE_UNAVAILABLE;
    }
    bench_run__sum(state, stopped_ns);
    for (uint32_t i = 0; i < count; i++) bench_thread_free(&state->threads[i]);
    return code;
}

int bench_run(struct bench_options *options, struct bench_summary *summary, char *why,
              size_t why_size)
{
    struct bench_run_state state = {.summary = summary};

    summary->options = options;
    state.shows_progress = !options->quiet && os_stderr_is_terminal();
    state.progress_ns = os_now_ns();
    int code = bench_run__prepare(&state, options, why, why_size);
    if (code == EXIT_CODE_OK) code = bench_run__threads(&state, why, why_size);
    weir_frame_free(state.run.frame);
    return code;
}
