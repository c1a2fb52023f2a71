/* SPDX-License-Identifier: MIT */
/* cluster_bare.c - how many messages per second libnats carries from one process to another, for
 * bench/cluster.py:
 *
 *     cluster_bare URL MESSAGES BYTES WINDOW
 *
 *     parent --publish--> nats-server --> child: counts, and confirms every WINDOW / 4 messages
 *
 * The parent is at most WINDOW messages ahead, so that nothing is lost. Prints messages per second.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <nats/nats.h>

static void require_ok(natsStatus status, const char *call)
{
    if (status == NATS_OK) return;
    fprintf(stderr, "cluster_bare: %s: %s\n", call, natsStatus_GetText(status));
    exit(1);
}

static natsConnection *connect_to(const char *url)
{
    natsConnection *connection = NULL;

    require_ok(natsConnection_ConnectTo(&connection, url), "connect");
    return connection;
}

/* Counts messages, and confirms each quarter of a window by a message. */
static void run_child(const char *url, uint64_t count, uint64_t window)
{
    natsConnection *connection = connect_to(url);
    natsSubscription *subscription = NULL;
    natsMsg *message;

    require_ok(natsConnection_SubscribeSync(&subscription, connection, "bench.data"), "subscribe");
    require_ok(natsSubscription_SetPendingLimits(subscription, -1, -1), "limits");
    require_ok(natsConnection_Flush(connection), "flush");
    require_ok(natsConnection_PublishString(connection, "bench.confirm", "ready"), "publish");
    for (uint64_t received = 1; received <= count; received++) {
        require_ok(natsSubscription_NextMsg(&message, subscription, 10000), "receive");
        natsMsg_Destroy(message);
        if (received % (window / 4) == 0 || received == count)
            require_ok(natsConnection_PublishString(connection, "bench.confirm", "go"), "publish");
    }
    require_ok(natsConnection_Flush(connection), "flush");
    natsSubscription_Destroy(subscription);
    natsConnection_Destroy(connection);
}

static void wait_for_confirmation(natsSubscription *confirmations)
{
    natsMsg *message;

    require_ok(natsSubscription_NextMsg(&message, confirmations, 10000), "wait for the other side");
    natsMsg_Destroy(message);
}

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Returns the seconds until the last message was confirmed. */
static double publish_all(natsConnection *connection, natsSubscription *confirmations,
                          uint64_t count, int length, uint64_t window)
{
    char *bytes = calloc(1, (size_t)length + 1);
    uint64_t quarters = 4; /* of a window, that may still be sent */
    double began_s = now_s();

    for (uint64_t sent = 1; sent <= count; sent++) {
        require_ok(natsConnection_Publish(connection, "bench.data", bytes, length), "publish");
        if (sent % (window / 4) != 0) continue;
        if (--quarters > 0) continue;
        wait_for_confirmation(confirmations);
        quarters++;
    }
    for (; quarters < 4; quarters++) wait_for_confirmation(confirmations);
    if (count % (window / 4) != 0) wait_for_confirmation(confirmations);
    free(bytes);
    return now_s() - began_s;
}

static void run_parent(char **arguments)
{
    const char *url = arguments[1];
    uint64_t count = strtoull(arguments[2], NULL, 10), window = strtoull(arguments[4], NULL, 10);
    natsConnection *connection = connect_to(url);
    natsSubscription *confirmations = NULL;

    require_ok(natsConnection_SubscribeSync(&confirmations, connection, "bench.confirm"),
               "subscribe");
    require_ok(natsConnection_Flush(connection), "flush");
    pid_t child = fork();
    if (child == 0) { /* libnats has threads, which a fork does not copy */
        execl("/proc/self/exe", "cluster_bare", "--child", url, arguments[2], arguments[4],
              (char *)NULL);
        _exit(1);
    }
    wait_for_confirmation(confirmations);
    double seconds =
        publish_all(connection, confirmations, count, (int)strtol(arguments[3], NULL, 10), window);
    printf("%.0f\n", (double)count / seconds);
    waitpid(child, NULL, 0);
    natsSubscription_Destroy(confirmations);
    natsConnection_Destroy(connection);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "--child") == 0) {
        run_child(argv[2], strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
    } else if (argc == 5) {
        run_parent(argv);
    } else {
        fprintf(stderr, "usage: cluster_bare URL MESSAGES BYTES WINDOW\n");
        return 64;
    }
    nats_Close();
    return 0;
}
