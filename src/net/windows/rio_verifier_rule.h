/* SPDX-License-Identifier: MIT */
/* rio_verifier_rule.h - declares how the verifier reports a broken rule of Registered I/O. The
 * texts are string literals. */
#ifndef NET_WINDOWS_RIO_VERIFIER_RULE_H
#define NET_WINDOWS_RIO_VERIFIER_RULE_H

/* Prints the rule's number (docs/design/rio-rules.md, VV1 to VV19) and the violation, and ends the
 * process. Any thread. */
_Noreturn void verified_breach(int rule, const char *what);

#define verified_must(condition, rule, what) ((condition) ? (void)0 : verified_breach(rule, what))

#endif
