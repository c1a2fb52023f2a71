/* SPDX-License-Identifier: MIT */
/* test_doctor_rules.c - facts that provoke each rule of weir doctor, and facts that do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "doctor_rules.h"

/* A system that is good for 1000 sessions. */
static struct doctor_facts test__good(void)
{
    return (struct doctor_facts){
        .sessions = 1000,
        .backlog = 4096,
        .receive_buffer_bytes = 3 << 19,
        .memory_bytes = 1 << 30,
        .transports = {{.state = DOCTOR_TRANSPORT_WORKS, .name = "uring"},
                       {.state = DOCTOR_TRANSPORT_WORKS, .name = "epoll"}},
        .kernel = 601,
        .io_uring_disabled = 0,
        .seccomp_mode = 0,
        .files_soft_max = 1024,
        .files_hard_max = 4096,
        .system_files_max = 100000,
        .system_files = 2000,
        .locked_bytes_max = 64 << 10,
        .threads_max = DOCTOR_UNLIMITED,
        .somaxconn = 4096,
        .syn_backlog_max = 4096,
        .rmem_max_bytes = 4 << 20,
        .wmem_max_bytes = 4 << 20,
        .conntrack_max = 65536,
        .conntrack_count = 10,
        .ports_first = 32768,
        .ports_last = 60999,
        .has_gso = 1,
        .has_gro = 1,
        .has_ipv6 = 1,
        .has_cluster = 1,
        .clock_is_synchronised = 1,
        .processors = 4,
        .processors_quota_percent = DOCTOR_UNLIMITED,
        .memory_max_bytes = DOCTOR_UNLIMITED,
        .memory_available_bytes = UINT64_C(8) << 30,
        .clock_source = "tsc",
    };
}

/* Returns the worst finding about a subject; a null subject: none has it. */
static struct doctor_finding test__find(const struct doctor_facts *facts, const char *subject)
{
    struct doctor_finding worst = {.level = DOCTOR_OK}, finding;

    for (size_t i = 0; i < doctor_rules_count; i++) {
        if (!doctor_rules_apply(i, facts, &finding) || strcmp(finding.subject, subject) != 0)
            continue;
        if (!worst.subject || finding.level > worst.level) worst = finding;
    }
    return worst;
}

static void test__is(const struct doctor_facts *facts, const char *subject, enum doctor_level level,
                     const char *fix)
{
    struct doctor_finding found = test__find(facts, subject);

    assert_non_null(found.subject);
    assert_int_equal(found.level, level);
    assert_string_not_equal(found.text, "");
    if (level < DOCTOR_WARNING)
        assert_string_equal(found.fix, "");
    else
        assert_non_null(strstr(found.fix, fix));
}

static void a_good_system_has_no_finding(void **state)
{
    struct doctor_facts facts = test__good();
    struct doctor_finding finding;

    (void)state;
    for (size_t i = 0; i < doctor_rules_count; i++) {
        assert_true(doctor_rules_apply(i, &facts, &finding));
        assert_int_equal(finding.level, DOCTOR_OK);
        assert_string_equal(finding.fix, "");
    }
}

/* A container without /proc, or Windows: no rule guesses. */
static void unknown_facts_have_no_finding(void **state)
{
    struct doctor_facts facts;
    struct doctor_finding finding;

    (void)state;
    memset(&facts, 0xff, sizeof facts);
    memset(facts.transports, 0, sizeof facts.transports);
    facts.clock_source[0] = '\0';
    facts.sessions = 1000;
    facts.backlog = 4096;
    for (size_t i = 0; i < doctor_rules_count; i++)
        assert_false(doctor_rules_apply(i, &facts, &finding));
}

static void a_missing_transport_is_explained(void **state)
{
    struct doctor_facts facts = test__good();

    (void)state;
    facts.transports[0].state = DOCTOR_TRANSPORT_MISSING;
    snprintf(facts.transports[0].why, sizeof facts.transports[0].why, "EPERM");
    facts.io_uring_disabled = 2;
    test__is(&facts, "transport", DOCTOR_WARNING, "kernel.io_uring_disabled=0");
    assert_non_null(strstr(test__find(&facts, "transport").text, "EPERM"));
    facts.io_uring_disabled = DOCTOR_UNKNOWN;
    facts.seccomp_mode = 2;
    test__is(&facts, "transport", DOCTOR_WARNING, "io_uring_setup");
    facts.seccomp_mode = 0;
    facts.kernel = 510;
    test__is(&facts, "transport", DOCTOR_WARNING, "update Linux");
    facts.kernel = 601;
    test__is(&facts, "transport", DOCTOR_WARNING, "next transport");
}

static void the_last_transport_must_work(void **state)
{
    struct doctor_facts facts = test__good();

    (void)state;
    facts.transports[1].state = DOCTOR_TRANSPORT_MISSING;
    test__is(&facts, "transport", DOCTOR_ERROR, "selftest");
    facts.transports[1].state = DOCTOR_TRANSPORT_FAILED;
    test__is(&facts, "transport", DOCTOR_ERROR, "selftest");
    facts.transports[1].state = DOCTOR_TRANSPORT_ABSENT; /* then the first one is the last */
    test__is(&facts, "transport", DOCTOR_OK, "");
    facts.transports[0].state = DOCTOR_TRANSPORT_MISSING;
    facts.seccomp_mode = 2;
    test__is(&facts, "transport", DOCTOR_ERROR, "seccomp");
}

/* One fact at its last good value and one below. */
#define TEST__EDGE(subject, member, good, bad, expected, fix) \
    do {                                                      \
        struct doctor_facts edge = test__good();              \
        edge.member = good;                                   \
        test__is(&edge, subject, DOCTOR_OK, "");              \
        edge.member = bad;                                    \
        test__is(&edge, subject, expected, fix);              \
    } while (0)

static void limits_of_the_process_are_compared_with_the_sessions(void **state)
{
    (void)state;
    TEST__EDGE("files", files_hard_max, 1064, 1063, DOCTOR_WARNING, "LimitNOFILE=1064");
    TEST__EDGE("files", files_hard_max, DOCTOR_UNLIMITED, 0, DOCTOR_WARNING, "LimitNOFILE");
    TEST__EDGE("system_files", system_files_max, 3064, 3063, DOCTOR_WARNING, "fs.file-max=6128");
    TEST__EDGE("threads", threads_max, 64, 63, DOCTOR_WARNING, "TasksMax");
    TEST__EDGE("memory", memory_available_bytes, 1 << 30, (1 << 30) - 1, DOCTOR_WARNING,
               "--memory");
    TEST__EDGE("memory", memory_max_bytes, 1 << 30, (1 << 30) - 1, DOCTOR_WARNING, "--memory");
    TEST__EDGE("processors", processors_quota_percent, 400, 399, DOCTOR_WARNING, "--workers 3");
    TEST__EDGE("processors", processors_quota_percent, 400, 50, DOCTOR_WARNING, "--workers 1");
}

static void locked_memory_matters_to_old_kernels_only(void **state)
{
    struct doctor_facts facts = test__good();

    (void)state;
    test__is(&facts, "locked_memory", DOCTOR_OK, "");
    facts.kernel = 510;
    test__is(&facts, "locked_memory", DOCTOR_WARNING, "LimitMEMLOCK");
    facts.locked_bytes_max = 8 << 20;
    test__is(&facts, "locked_memory", DOCTOR_OK, "");
}

static void limits_of_the_network_are_compared_with_the_settings(void **state)
{
    (void)state;
    TEST__EDGE("backlog", somaxconn, 4096, 4095, DOCTOR_WARNING, "net.core.somaxconn=4096");
    TEST__EDGE("backlog", syn_backlog_max, 1024, 1023, DOCTOR_WARNING, "tcp_max_syn_backlog");
    TEST__EDGE("buffers", rmem_max_bytes, 4 << 20, (4 << 20) - 1, DOCTOR_WARNING,
               "net.core.rmem_max=4194304");
    TEST__EDGE("buffers", wmem_max_bytes, 4 << 20, (4 << 20) - 1, DOCTOR_WARNING,
               "net.core.wmem_max=4194304");
    TEST__EDGE("conntrack", conntrack_max, 1010, 1009, DOCTOR_WARNING, "nf_conntrack_max=2020");
    TEST__EDGE("ports", ports_last, 49151, 49150, DOCTOR_WARNING, "ip_local_port_range");
    TEST__EDGE("batches", has_gro, 1, 0, DOCTOR_NOTE, "");
    TEST__EDGE("batches", has_gso, 1, 0, DOCTOR_NOTE, "");
    TEST__EDGE("ipv6", has_ipv6, 1, 0, DOCTOR_NOTE, "");
}

static void a_slow_or_wrong_clock_is_found(void **state)
{
    struct doctor_facts facts = test__good();

    (void)state;
    TEST__EDGE("clock", clock_is_synchronised, 1, 0, DOCTOR_NOTE, "");
    snprintf(facts.clock_source, sizeof facts.clock_source, "hpet");
    test__is(&facts, "clock", DOCTOR_WARNING, "clocksource");
    snprintf(facts.clock_source, sizeof facts.clock_source, "acpi_pm");
    test__is(&facts, "clock", DOCTOR_WARNING, "clocksource");
    snprintf(facts.clock_source, sizeof facts.clock_source, "kvm-clock");
    test__is(&facts, "clock", DOCTOR_OK, "");
}

static void a_build_without_a_broker_is_noted(void **state)
{
    (void)state;
    TEST__EDGE("cluster", has_cluster, 1, 0, DOCTOR_NOTE, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_system_has_no_finding),
        cmocka_unit_test(unknown_facts_have_no_finding),
        cmocka_unit_test(a_missing_transport_is_explained),
        cmocka_unit_test(the_last_transport_must_work),
        cmocka_unit_test(limits_of_the_process_are_compared_with_the_sessions),
        cmocka_unit_test(locked_memory_matters_to_old_kernels_only),
        cmocka_unit_test(limits_of_the_network_are_compared_with_the_settings),
        cmocka_unit_test(a_slow_or_wrong_clock_is_found),
        cmocka_unit_test(a_build_without_a_broker_is_noted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
