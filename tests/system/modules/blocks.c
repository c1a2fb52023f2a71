/* SPDX-License-Identifier: MIT */
/* blocks.c - a module with a mistake: a message that is the path of a FIFO blocks the worker until
 * a program writes to it. Other messages are echoed. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <weir/weir.h>

#define BLOCKS__PATH_BYTES 200

static void blocks__on_message(struct weir_session *session, const struct weir_message *message)
{
    char path[BLOCKS__PATH_BYTES] = "", byte;

    if (message->length > 0 && message->length < sizeof path && message->bytes[0] == '/') {
        memcpy(path, message->bytes, message->length);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
            while (read(fd, &byte, 1) > 0) continue;
            close(fd);
        }
    }
    weir_session_send_back(session, message);
}

static const struct weir_handler blocks = {
    .size = sizeof(struct weir_handler),
    .name = "blocks",
    .summary = "blocks its worker",
    .on_message = blocks__on_message,
};

WEIR_MODULE(&blocks, NULL);
