/* SPDX-License-Identifier: MIT */
/* os_doctor.h - asks the system for the facts of `weir doctor`. One of os_doctor_linux.c and
 * os_doctor_windows.c is compiled. */
#ifndef CLI_OS_DOCTOR_H
#define CLI_OS_DOCTOR_H

#include "doctor_facts.h"

/* Fills in everything that the system says. Changes nothing, and needs no privileges. What the
 * caller set before, such as DOCTOR_UNKNOWN, stays where the system says nothing. */
void os_doctor_ask(struct doctor_facts *facts);

#endif
