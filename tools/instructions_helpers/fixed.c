/* SPDX-License-Identifier: MIT */
/* fixed.c - a library to preload, in which time and random numbers are the same in every run.
 *
 * The cost of a timer depends on the time that has passed since the timer was set, and the cost of
 * a hash table depends on the random key. Here, time moves by 0.5 milliseconds with every look at
 * the clock, and random bytes are a fixed pattern. The few instructions of these functions count as
 * instructions of the server: the system's own clock costs more.
 *
 * The gate lets many connections become ready for one iteration of the event loop. While it is
 * closed, a thread that looks at the clock waits. A worker does that after each wait for events, so
 * what arrives meanwhile is ready in its next wait:
 *
 *      client: close the gate, send one message -> server: woken, waits at the gate
 *      client: send the others, open the gate   -> server: finds all of them ready
 *
 * INSTRUCTIONS_GATE names the file that the client and the server share.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FIRST_NS UINT64_C(1000000000000) /* both clocks: a time since which the machine could run */
#define STEP_NS UINT64_C(500000)
#define NS_PER_S UINT64_C(1000000000)

/* Exported, although the build hides symbols by default. */
#define PRELOADED __attribute__((visibility("default")))

struct gate {
    _Atomic uint32_t is_closed;  /* written by the client */
    _Atomic uint32_t is_reached; /* a thread of the server waits */
};

static _Atomic uint64_t looks;
static struct gate open_gate;
static struct gate *gate = &open_gate;

__attribute__((constructor)) static void gate__map(void)
{
    const char *path = getenv("INSTRUCTIONS_GATE");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

    if (file < 0) return;
    void *mapped = mmap(NULL, sizeof *gate, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped != MAP_FAILED) gate = mapped;
    close(file);
}

static void gate__wait(void)
{
    atomic_store(&gate->is_reached, 1);
    while (atomic_load(&gate->is_closed)) syscall(SYS_futex, gate, FUTEX_WAIT, 1, NULL, NULL, 0);
    atomic_store(&gate->is_reached, 0);
}

PRELOADED int clock_gettime(clockid_t clock, struct timespec *now)
{
    uint64_t ns = FIRST_NS + STEP_NS * atomic_fetch_add_explicit(&looks, 1, memory_order_relaxed);

    (void)clock;
    if (atomic_load_explicit(&gate->is_closed, memory_order_relaxed)) gate__wait();
    now->tv_sec = (time_t)(ns / NS_PER_S);
    now->tv_nsec = (long)(ns % NS_PER_S);
    return 0;
}

PRELOADED ssize_t getrandom(void *bytes, size_t length, unsigned flags)
{
    (void)flags;
    memset(bytes, 0x5a, length);
    return (ssize_t)length;
}
