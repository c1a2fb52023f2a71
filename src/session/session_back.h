/* SPDX-License-Identifier: MIT */
/* session_back.h - messages that are sent back, with codecs whose sent frames differ from received
 * ones (encode_back in struct weir_codec). */
#ifndef SESSION_SESSION_BACK_H
#define SESSION_SESSION_BACK_H

#include "session_state.h"

/* Implements weir_session_send_back() with encode_back. The frame is copied. */
enum weir_code session_back_send(struct weir_session *session, const struct weir_message *message);

/* The row of a TCP session without filters, whose codec has encode_back. */
extern const struct session_ops session_back_ops;

#endif
