/* SPDX-License-Identifier: MIT */
/* bench_room.h - mode broadcast of `weir bench`: the members of a room, one of which speaks. */
#ifndef CLI_BENCH_ROOM_H
#define CLI_BENCH_ROOM_H

#include "bench_state.h"

#define BENCH_ROOM_HEAD_BYTES 20u /* of the text of a message, before its pattern */

extern const struct bench_driver bench_room_driver;

#endif
