/* SPDX-License-Identifier: MIT */
/* thread_local.h - storage of one thread. MSVC 2022 does not accept C11's _Thread_local in every
 * version; its own form works in all. */
#ifndef BASE_THREAD_LOCAL_H
#define BASE_THREAD_LOCAL_H

#if defined(_MSC_VER)
#define THREAD_LOCAL __declspec(thread)
#else
#define THREAD_LOCAL _Thread_local
#endif

/* For storage that is read on the data path: at a fixed place of each thread, so that reading it is
 * one instruction and no call. A shared library has room for a few bytes of it. */
#if defined(__ELF__)
#define THREAD_LOCAL_NEAR \
    THREAD_LOCAL __attribute__((visibility("hidden"), tls_model("initial-exec")))
#else
#define THREAD_LOCAL_NEAR THREAD_LOCAL
#endif

#endif
