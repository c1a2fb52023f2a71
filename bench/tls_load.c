/* SPDX-License-Identifier: MIT */
/* tls_load.c - loads a TLS echo server: `tls_load PORT MODE SECONDS THREADS BYTES`.
 *
 *      full        each thread connects, completes a full handshake, and closes
 *      resumed     the same with the ticket of its first connection
 *      echo        each thread sends a message of BYTES bytes and waits for all of them, again and
 *                  again over one connection
 *
 * Prints the number of handshakes or round trips, and the seconds. tls.py runs it. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct {
    struct sockaddr_in address;
    bool echoes, resumes;
    size_t bytes;
    SSL_CTX *settings;
    atomic_bool over;
    atomic_ulong count, failures;
} load;

static SSL *load__connect(SSL_SESSION *ticket)
{
    int one = 1, handle = socket(AF_INET, SOCK_STREAM, 0);
    SSL *peer = SSL_new(load.settings);

    if (connect(handle, (struct sockaddr *)&load.address, sizeof load.address) != 0) exit(1);
    setsockopt(handle, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    SSL_set_fd(peer, handle);
    if (ticket) SSL_set_session(peer, ticket);
    if (SSL_connect(peer) == 1) return peer;
    atomic_fetch_add(&load.failures, 1);
    close(handle);
    SSL_free(peer);
    return NULL;
}

static void load__close(SSL *peer)
{
    int handle = SSL_get_fd(peer);

    SSL_shutdown(peer);
    SSL_free(peer);
    close(handle);
}

/* One round trip. */
static bool load__echo(SSL *peer, char *message)
{
    size_t got = 0, done;

    if (SSL_write_ex(peer, message, load.bytes, &done) != 1) return false;
    while (got < load.bytes) {
        if (SSL_read_ex(peer, message, load.bytes - got, &done) != 1) return false;
        got += done;
    }
    return true;
}

/* Returns a ticket: of TLS 1.3 it comes with the first data. */
static SSL_SESSION *load__ticket(char *message)
{
    SSL *peer = load__connect(NULL);
    SSL_SESSION *ticket;

    if (!peer || !load__echo(peer, message)) exit(1);
    ticket = SSL_get1_session(peer);
    load__close(peer);
    return ticket;
}

static void *load__run(void *unused)
{
    char *message = calloc(1, load.bytes);
    SSL_SESSION *ticket = load.resumes ? load__ticket(message) : NULL;
    SSL *peer = load.echoes ? load__connect(NULL) : NULL;

    (void)unused;
    while (!atomic_load(&load.over)) {
        if (load.echoes) {
            if (!peer || !load__echo(peer, message)) exit(1);
        } else {
            peer = load__connect(ticket);
            if (!peer) continue;
            if (load.resumes && !SSL_session_reused(peer)) atomic_fetch_add(&load.failures, 1);
            load__close(peer);
        }
        atomic_fetch_add(&load.count, 1);
    }
    if (load.echoes) load__close(peer);
    SSL_SESSION_free(ticket);
    free(message);
    return NULL;
}

static unsigned load__number(const char *text)
{
    return (unsigned)strtoul(text, NULL, 10);
}

static double load__now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    pthread_t threads[64];
    int count;

    if (argc != 6 || (count = (int)load__number(argv[4])) < 1 || count > 64) {
        fprintf(stderr, "tls_load PORT full|resumed|echo SECONDS THREADS BYTES\n");
        return 64;
    }
    load.address = (struct sockaddr_in){.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)load__number(argv[1])),
                                        .sin_addr = {htonl(INADDR_LOOPBACK)}};
    load.echoes = strcmp(argv[2], "echo") == 0;
    load.resumes = strcmp(argv[2], "resumed") == 0;
    load.bytes = load__number(argv[5]);
    load.settings = SSL_CTX_new(TLS_client_method());
    double began_s = load__now_s();
    for (int i = 0; i < count; i++) pthread_create(&threads[i], NULL, load__run, NULL);
    sleep(load__number(argv[3])); /* tidy: allow sleep - the time of the measurement */
    atomic_store(&load.over, true);
    double seconds = load__now_s() - began_s;
    unsigned long done = atomic_load(&load.count);
    for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
    printf("%lu %.3f %lu\n", done, seconds, atomic_load(&load.failures));
    return 0;
}
