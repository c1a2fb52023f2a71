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

#endif
