/* SPDX-License-Identifier: MIT */
/* doctor.h - `weir doctor`: says what in this system limits a server, and how to change it. */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

/* Runs the command with the arguments after its name. Returns the exit code. */
int doctor_main(int count, char **arguments);

#endif
