/* SPDX-License-Identifier: MIT */
/* broker_driver.c - the NATS broker without a cluster: does what stdin says, for test_broker.py.
 *
 *      open URLS [KEY=VALUE]...  keys: write (timeout in ms), ca, credentials
 *      subscribe SUBJECT         prints "subscribed ID"
 *      unsubscribe ID
 *      publish SUBJECT COUNT BYTES   numbered messages; prints "published CODE=COUNT..."
 *      flush, close
 *      many COUNT                subscribes to as many subjects
 *      received SUBJECT          prints "received COUNT FIRST LAST MISSING"; from now on of this
 *                                subject
 *      reset                     counts from 0
 *      stop 1, stop 0            on_message waits, and goes on
 *      starve 1, starve 0        no large allocation succeeds, and again all do; prints "starve N"
 *
 * Events print "connected", "disconnected WHY", "dropped COUNT". Each answer is one line.
 */
#include <dlfcn.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/cluster.h>

#include "broker_nats.h"
#include "thread.h"

#define LINE_BYTES 1024
#define STARVED_BYTES 500000 /* larger ones fail */
#define MESSAGE_BYTES_MAX (4 * 1024 * 1024)

static struct lock *lock; /* of what the broker's threads print and count */
static uint64_t count, first, last, missing;
static char wanted[BROKER_SUBJECT_BYTES_MAX + 1];
static uint8_t message[MESSAGE_BYTES_MAX];

static atomic_bool is_starved;

#ifdef __has_feature /* of clang; gcc says it in macros of its own */
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
    !HAS_FEATURE(address_sanitizer) && !HAS_FEATURE(thread_sanitizer)
/* libnats calls this one. Its buffer grows by realloc(). */
__attribute__((visibility("default"))) void *realloc(void *block, size_t size)
{
    static _Atomic(void *) next;
    void *(*function)(void *, size_t);
    void *found = atomic_load(&next);

    if (atomic_load(&is_starved) && size > STARVED_BYTES) return NULL;
    if (!found) atomic_store(&next, found = dlsym(RTLD_NEXT, "realloc"));
    memcpy(&function, &found, sizeof function);
    return function(block, size);
}
#endif

static void print(const char *word, const char *text)
{
    lock_take(lock);
    printf("%s%s%s\n", word, *text ? " " : "", text);
    fflush(stdout);
    lock_give_back(lock);
}

static const char *name_of(enum weir_code code)
{
    switch (code) {
    case WEIR_OK: return "OK";
    case WEIR_GONE: return "GONE";
    case WEIR_TIMED_OUT: return "TIMED_OUT";
    case WEIR_TOO_LARGE: return "TOO_LARGE";
    case WEIR_NO_MEMORY: return "NO_MEMORY";
    default: return "OTHER";
    }
}

static void on_message(void *user, const char *subject, const uint8_t *bytes, size_t length)
{
    uint64_t number = 0;

    (void)user;
    if (length < sizeof number) return;
    memcpy(&number, bytes, sizeof number);
    lock_take(lock);
    if (strcmp(subject, wanted) == 0) {
        if (count == 0) first = number;
        if (count > 0 && number > last + 1) missing += number - last - 1;
        if (count > 0 && number <= last) printf("disordered %" PRIu64 "\n", number);
        last = number;
        count++;
    }
    lock_give_back(lock);
}

static void on_connected(void *user)
{
    (void)user;
    print("connected", "");
}

static void on_disconnected(void *user, const char *why)
{
    (void)user;
    print("disconnected", why);
}

static void on_dropped(void *user, uint64_t dropped)
{
    char text[32];

    (void)user;
    snprintf(text, sizeof text, "%" PRIu64, dropped);
    print("dropped", text);
}

/* Returns the next word, and moves *rest behind it. */
static char *take_word(char **rest)
{
    char *word = *rest + strspn(*rest, " ");
    char *end = word + strcspn(word, " ");

    *rest = *end ? end + 1 : end;
    *end = '\0';
    return *word ? word : NULL;
}

static uint64_t take_number(char **rest)
{
    const char *word = take_word(rest);

    return word ? strtoull(word, NULL, 10) : 0;
}

static struct broker *open_broker(char *rest)
{
    struct weir_cluster_options options = {.size = sizeof options, .name = "test"};
    struct broker_events events = {.on_message = on_message,
                                   .on_connected = on_connected,
                                   .on_disconnected = on_disconnected,
                                   .on_dropped = on_dropped};
    struct weir_error error;
    struct broker *broker = NULL;
    char text[512];

    options.servers = take_word(&rest);
    options.write_timeout_ms = 500;
    for (char *word = take_word(&rest); word; word = take_word(&rest)) {
        char *value = strchr(word, '=') + 1;
        if (strncmp(word, "write=", 6) == 0)
            options.write_timeout_ms = (uint32_t)strtoul(value, NULL, 10);
        if (strncmp(word, "ca=", 3) == 0) options.tls_ca = value;
        if (strncmp(word, "credentials=", 12) == 0) options.credentials = value;
    }
    if (broker_nats_open(NULL, &options, &events, &broker, &error) == WEIR_OK)
        print("opened", "");
    else
        print("refused", weir_error_text(&error, text, sizeof text));
    return broker;
}

static void publish(struct broker *broker, char *rest)
{
    static uint64_t number;
    const char *subject = take_word(&rest);
    uint64_t messages = take_number(&rest);
    size_t bytes = (size_t)take_number(&rest);
    uint64_t codes[64] = {0};
    char text[512] = "";
    size_t used = 0;

    for (uint64_t i = 0; i < messages; i++) {
        uint64_t next = number + 1;
        memcpy(message, &next, sizeof next);
        enum weir_code code = broker->ops->publish(broker, subject, message, bytes);
        if (code == WEIR_OK) number = next; /* as a bridge: only messages that left have numbers */
        codes[code]++;
    }
    broker->ops->flush(broker);
    for (size_t i = 0; i < 64; i++)
        if (codes[i] > 0)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s=%" PRIu64,
                                     used ? " " : "", name_of((enum weir_code)i), codes[i]);
    print("published", text);
}

static void subscribe(struct broker *broker, const char *subject)
{
    uint64_t id = 0;
    char text[32];

    snprintf(wanted, sizeof wanted, "%s", subject);
    enum weir_code code = broker->ops->subscribe(broker, subject, &id);
    broker->ops->flush(broker);
    snprintf(text, sizeof text, "%" PRIu64, id);
    print("subscribed", code == WEIR_OK ? text : name_of(code));
}

/* 100,000 groups of a node. */
static void subscribe_many(struct broker *broker, const char *how_many)
{
    char subject[64];
    uint64_t id;

    for (unsigned long i = 0; i < strtoul(how_many, NULL, 10); i++) {
        snprintf(subject, sizeof subject, "weir.test.g.%lu", i);
        broker->ops->subscribe(broker, subject, &id);
    }
    broker->ops->flush(broker);
    print("many", how_many);
}

static void received(const char *subject)
{
    char text[128];

    lock_take(lock);
    snprintf(text, sizeof text, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, count, first, last,
             missing);
    snprintf(wanted, sizeof wanted, "%s", subject);
    lock_give_back(lock);
    print("received", text);
}

static void reset(void)
{
    lock_take(lock);
    count = first = last = missing = 0;
    lock_give_back(lock);
    print("reset", "");
}

static void slow_down(const char *stop)
{
    if (stop[0] == '1')
        lock_take(lock);
    else
        lock_give_back(lock);
    if (stop[0] != '1') print("fast", "");
}

static void starve(const char *on)
{
    atomic_store(&is_starved, on[0] == '1');
    print("starve", on);
}

int main(void)
{
    char line[LINE_BYTES];
    struct broker *broker = NULL;

    lock = lock_open();
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        char *rest = line + strcspn(line, " ");
        if (*rest) *rest++ = '\0';
        if (strcmp(line, "open") == 0) broker = open_broker(rest);
        if (strcmp(line, "subscribe") == 0) subscribe(broker, rest);
        if (strcmp(line, "many") == 0) subscribe_many(broker, rest);
        if (strcmp(line, "unsubscribe") == 0)
            broker->ops->unsubscribe(broker, strtoull(rest, NULL, 10));
        if (strcmp(line, "publish") == 0) publish(broker, rest);
        if (strcmp(line, "flush") == 0) broker->ops->flush(broker);
        if (strcmp(line, "received") == 0) received(rest);
        if (strcmp(line, "reset") == 0) reset();
        if (strcmp(line, "stop") == 0) slow_down(rest);
        if (strcmp(line, "starve") == 0) starve(rest);
        if (strcmp(line, "close") != 0) continue;
        broker->ops->close(broker);
        print("closed", "");
    }
    return EXIT_SUCCESS;
}
