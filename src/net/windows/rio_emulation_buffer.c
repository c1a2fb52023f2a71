/* SPDX-License-Identifier: MIT */
/* rio_emulation_buffer.c - the emulation's registrations. A registration references memory that the
 * caller owns, until it is deregistered. */
#include "rio_emulation_buffer.h"

#include "check.h"
#include "memory.h"
#include "win_error.h"

#define EMULATED_BUFFER__MAGIC 0x52494f42u

struct emulated_buffer {
    uint32_t magic;
    uint32_t length;
    uint8_t *bytes;
};

const struct win_system *emulated_system;

bool emulated_fail(int os_error)
{
    emulated_system->set_last_error(os_error);
    return false;
}

rio_buffer_id RIO_CALL emulated_register(void *bytes, uint32_t length)
{
    struct emulated_buffer *buffer = NULL;

    if (!bytes)
        emulated_fail(WIN_EFAULT);
    else if (length == 0)
        emulated_fail(WIN_EINVAL);
    else if ((buffer = memory_alloc(sizeof *buffer)) == NULL)
        emulated_fail(WIN_ENOBUFS);
    if (!buffer) return RIO_NO_BUFFER;
    *buffer = (struct emulated_buffer){EMULATED_BUFFER__MAGIC, length, bytes};
    return (rio_buffer_id)(void *)buffer;
}

void RIO_CALL emulated_deregister(rio_buffer_id id)
{
    struct emulated_buffer *buffer = (struct emulated_buffer *)(void *)id;

    if (id == RIO_NO_BUFFER) return;
    weir_check(buffer->magic == EMULATED_BUFFER__MAGIC);
    buffer->magic = 0;
    memory_free(buffer);
}

uint8_t *emulated_slice(const struct rio_piece *piece)
{
    const struct emulated_buffer *buffer = (const struct emulated_buffer *)(void *)piece->id;

    if (piece->id == RIO_NO_BUFFER || buffer->magic != EMULATED_BUFFER__MAGIC) {
        emulated_fail(WIN_EFAULT);
        return NULL;
    }
    if ((uint64_t)piece->offset + piece->length > buffer->length) {
        emulated_fail(WIN_EINVAL);
        return NULL;
    }
    return buffer->bytes + piece->offset;
}
