/* SPDX-License-Identifier: MIT */
/* frame_elsewhere.c - prints the equivalent settings of Netty, tokio-util, Erlang and libhv. Each
 * computes the length of a frame in its own way. In weir, frame = length + constant:
 *
 *      Netty   frame = length + lengthAdjustment + lengthFieldOffset + lengthFieldLength
 *      tokio   frame = length + length_adjustment + num_skip
 *      libhv   frame = length + length_adjustment + body_offset
 */
#include "frame_elsewhere.h"

#include "frame_explain.h"

void frame_elsewhere(struct text_builder *builder, const struct weir_frame *frame)
{
    static const struct {
        const char *name;
        void (*say)(struct frame_elsewhere *line);
    } others[] = {
        {"Netty", frame_elsewhere_netty},
        {"tokio", frame_elsewhere_tokio},
        {"Erlang", frame_elsewhere_erlang},
        {"libhv", frame_elsewhere_libhv},
    };
    struct weir_frame_info info;

    weir_frame_describe(frame, &info);
    text_builder_add(builder,
                     "\nElsewhere (each difference is named; close the connection on an error):\n");
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct frame_elsewhere line = {builder, &info, 0};
        text_builder_add(builder, "   %-7s ", others[i].name);
        others[i].say(&line);
        text_builder_add(builder, "%s\n", line.notes_count > 0 ? ")" : "");
    }
}
