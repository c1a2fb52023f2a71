/* SPDX-License-Identifier: MIT */
/* frame_wireshark_lua.h - the fixed parts of the dissectors that frame_wireshark.c writes. */
#ifndef CLI_FRAME_WIRESHARK_LUA_H
#define CLI_FRAME_WIRESHARK_LUA_H

extern const char frame_wireshark_lua_raw[];
extern const char frame_wireshark_lua_fixed[];
extern const char frame_wireshark_lua_sized[];
extern const char frame_wireshark_lua_magic[];
extern const char frame_wireshark_lua_length[];
extern const char frame_wireshark_lua_varint[];
extern const char frame_wireshark_lua_netstring[];
extern const char frame_wireshark_lua_line[];
extern const char frame_wireshark_lua_sunrpc[];
extern const char frame_wireshark_lua_fields[];
extern const char frame_wireshark_lua_show[];
extern const char frame_wireshark_lua_loop[];

#endif
