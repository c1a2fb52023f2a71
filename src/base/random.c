/* SPDX-License-Identifier: MIT */
/* random.c - random bytes from the system. */
#include "random.h"

#if defined(_WIN32)
#include <windows.h>

#include <bcrypt.h>

bool random_fill(void *bytes, size_t length)
{
    return BCryptGenRandom(NULL, bytes, (ULONG)length, BCRYPT_USE_SYSTEM_PREFERRED_RNG) == 0;
}

#else
#include <sys/random.h>

bool random_fill(void *bytes, size_t length)
{
    return getrandom(bytes, length, 0) == (ssize_t)length; /* up to 256 bytes come whole */
}

#endif
