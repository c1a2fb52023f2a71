/* SPDX-License-Identifier: MIT */
/* request_codec.h - the codec "admin": splits the bytes of an HTTP client into requests. */
#ifndef ADMIN_REQUEST_CODEC_H
#define ADMIN_REQUEST_CODEC_H

#include <weir/weir.h>

#define REQUEST_CODEC_HEAD_BYTES_MAX 8192u /* of one head, with the request line */
#define REQUEST_CODEC_LINES_MAX 64u        /* header lines of one head */

/* Each message is a struct request (request.h). A head that cannot be served, such as one that is
 * too long, is a message, too: its `status` says why. After it all further bytes are discarded.
 * What is sent gets no framing. */
extern const struct weir_codec request_codec;

#endif
