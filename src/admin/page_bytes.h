/* SPDX-License-Identifier: MIT */
/* page_bytes.h - the page at "/": page.html as an array, which CMake generates (cmake/page.cmake).
 */
#ifndef ADMIN_PAGE_BYTES_H
#define ADMIN_PAGE_BYTES_H

#include <stddef.h>

extern const unsigned char page_bytes[];
extern const size_t page_bytes_length;

/* Content-Security-Policy for its scripts and styles, which are inline: "script-src 'sha256-...';
 * style-src 'sha256-...'". A script that is not in the file does not run. */
extern const char page_csp[];

#endif
