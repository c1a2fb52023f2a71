/* SPDX-License-Identifier: MIT */
/* selftest_echo.h - a verified echo over one transport, on the loopback interface. */
#ifndef CLI_SELFTEST_ECHO_H
#define CLI_SELFTEST_ECHO_H

#include "os_questions.h"

/* Runs a server on this transport and compares what it sends back, over TCP and UDP, IPv4 and IPv6.
 * Prints the result, or why the transport is not available (OS_ANSWER_UNTRIED). */
enum os_answer selftest_echo(const char *transport);

#endif
