/* SPDX-License-Identifier: MIT */
/* os_terminal_linux.c - a terminal by termios. Signals are blocked except inside ppoll(), so none
 * is lost between two waits. */
#include "os_terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static struct termios os__saved_terminal;
static bool os__is_open;
static volatile sig_atomic_t os__was_resized, os__was_stopped;

static void os__on_signal(int number)
{
    if (number == SIGWINCH)
        os__was_resized = 1;
    else
        os__was_stopped = 1;
}

/* Directs the signals to os__on_signal(), and blocks them. *waiting is the mask in which they
 * arrive. */
static void os__take_signals(sigset_t *waiting)
{
    static const int numbers[] = {SIGWINCH, SIGTERM, SIGHUP, SIGINT};
    static sigset_t before;
    static bool is_done;

    if (!is_done) {
        sigset_t ours;
        struct sigaction action = {.sa_handler = os__on_signal};
        sigemptyset(&ours);
        sigemptyset(&action.sa_mask);
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
            sigaddset(&ours, numbers[i]);
            sigaction(numbers[i], &action, NULL);
        }
        sigprocmask(SIG_BLOCK, &ours, &before);
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
            sigdelset(&before, numbers[i]);
        is_done = true;
    }
    *waiting = before;
}

bool os_terminal_open(void)
{
    sigset_t waiting;
    struct termios raw;

    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) return false;
    if (tcgetattr(STDIN_FILENO, &os__saved_terminal) != 0) return false;
    os__take_signals(&waiting);
    raw = os__saved_terminal;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
    raw.c_iflag &= ~(tcflag_t)(IXON | ICRNL);
    raw.c_oflag &= ~(tcflag_t)OPOST;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    os__is_open = tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) == 0;
    return os__is_open;
}

void os_terminal_close(void)
{
    if (os__is_open) tcsetattr(STDIN_FILENO, TCSAFLUSH, &os__saved_terminal);
    os__is_open = false;
}

void os_terminal_size(uint32_t *columns, uint32_t *rows)
{
    struct winsize size;

    *columns = 80;
    *rows = 24;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
        return;
    *columns = size.ws_col;
    *rows = size.ws_row;
}

/* Returns what a signal has asked for; TIME: none has. */
static enum os_terminal_event os__signalled(void)
{
    if (os__was_stopped) return OS_TERMINAL_STOP;
    if (!os__was_resized) return OS_TERMINAL_TIME;
    os__was_resized = 0;
    return OS_TERMINAL_RESIZED;
}

enum os_terminal_event os_terminal_wait(uint32_t timeout_ms, char *key)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    struct timespec timeout = {timeout_ms / 1000, (long)(timeout_ms % 1000) * 1000000};
    sigset_t waiting;

    os__take_signals(&waiting);
    int ready = ppoll(&input, os__is_open ? 1 : 0, &timeout, &waiting);
    if (ready < 0) return errno == EINTR ? os__signalled() : OS_TERMINAL_STOP;
    if (ready == 0) return os__signalled();
    return read(STDIN_FILENO, key, 1) == 1 ? OS_TERMINAL_KEY : OS_TERMINAL_STOP;
}
