/* SPDX-License-Identifier: MIT */
/* frame_wireshark_lua.c - the parts of a dissector that do not depend on the values of a frame
 * specification, as Lua 5.2, which Wireshark contains. Each kind has one function measure(). It
 * looks at the `left` bytes of `tvb` from `at` on, and returns one of these tables:
 *
 *      {missing = N}     N more bytes are needed, and then the frame is whole and valid
 *      {missing = ONE_MORE}     the next segment is needed: what follows can be malformed
 *      {bad = TEXT}      nothing after this can be decoded
 *      {bytes = N, header = N, first = N, length = N}   a frame, and its message from `first` on
 *      {bytes = N, skipped = true}                      a frame that weir skips
 *
 * Wireshark dissects bytes after the N in a second call for the same packet. A malformed frame must
 * therefore be found in a call that has all bytes of its packet, so that none of them follows it.
 *
 * Numbers are doubles. They are exact below 2^53, and a greater length is above every limit. */
#include "frame_wireshark_lua.h"

const char frame_wireshark_lua_raw[] =
    "local function measure(tvb, at, left)\n"
    "    return {bytes = left, header = 0, first = 0, length = left}\n"
    "end\n";

const char frame_wireshark_lua_fixed[] =
    "local function measure(tvb, at, left)\n"
    "    if left < SIZE then return {missing = SIZE - left} end\n"
    "    return {bytes = SIZE, header = 0, first = 0, length = SIZE}\n"
    "end\n";

/* Needs MAX, SKIPS. */
const char frame_wireshark_lua_sized[] =
    "local function sized(left, bytes, header, strip, trailer)\n"
    "    local length = bytes - strip - trailer\n"
    "    if length > MAX and not SKIPS then\n"
    "        return {bad = string.format('a message of %.0f bytes exceeds %.0f', length, MAX)}\n"
    "    end\n"
    "    if length > MAX and bytes > LARGEST_SKIPPED then\n"
    "        return {bad = string.format('a message of %.0f bytes is too long to skip', length)}\n"
    "    end\n"
    "    -- A trailer can be wrong.\n"
    "    if bytes > left then return {missing = trailer > 0 and ONE_MORE or bytes - left} end\n"
    "    if length > MAX then return {bytes = bytes, skipped = true} end\n"
    "    return {bytes = bytes, header = header, first = strip, length = length}\n"
    "end\n"
    "\n";

/* Needs MAGIC. */
const char frame_wireshark_lua_magic[] =
    "local function has_magic(tvb, at, left)\n"
    "    local compared = math.min(left, #MAGIC)\n"
    "    return compared == 0 or tvb:raw(at, compared) == MAGIC:sub(1, compared)\n"
    "end\n"
    "\n";

/* Needs MAGIC, OFFSET, WIDTH, LITTLE, CONSTANT, HEADER, STRIP. */
const char frame_wireshark_lua_length[] =
    "local function measure(tvb, at, left)\n"
    "    if not has_magic(tvb, at, left) then\n"
    "        return {bad = 'a frame does not begin with its magic bytes'}\n"
    "    end\n"
    "    if left < OFFSET + WIDTH then return {missing = ONE_MORE} end\n"
    "    local value, field = 0, tvb:raw(at + OFFSET, WIDTH)\n"
    "    if LITTLE then field = field:reverse() end\n"
    "    for i = 1, WIDTH do value = value * 256 + field:byte(i) end\n"
    "    if value + CONSTANT < HEADER then\n"
    "        return {bad = string.format('length %.0f would make a frame of %.0f bytes, shorter '\n"
    "                                    .. 'than its header of %d', value, value + CONSTANT,\n"
    "                                    HEADER)}\n"
    "    end\n"
    "    local frame = sized(left, value + CONSTANT, HEADER, STRIP, 0)\n"
    "    frame.field_at, frame.field_bytes = OFFSET, WIDTH\n"
    "    return frame\n"
    "end\n";

/* Needs MAGIC, OFFSET, COUNTS_HEADER, ADJUST, STRIPS, PADDED. */
const char frame_wireshark_lua_varint[] =
    "-- Returns the number and how many bytes it has; nil: more are needed; false: it is invalid.\n"
    "local function varint(tvb, at, left)\n"
    "    local value, bytes = 0, tvb:raw(at, math.min(left, 10))\n"
    "    for i = 1, #bytes do\n"
    "        local byte = bytes:byte(i)\n"
    "        if i == 10 and byte > 1 then return false end\n"
    "        value = value + (byte % 128) * 128 ^ (i - 1)\n"
    "        if byte < 128 then\n"
    "            if byte == 0 and i > 1 and not PADDED then return false end\n"
    "            return value, i\n"
    "        end\n"
    "    end\n"
    "    return nil\n"
    "end\n"
    "\n"
    "local function measure(tvb, at, left)\n"
    "    if not has_magic(tvb, at, left) then\n"
    "        return {bad = 'a frame does not begin with its magic bytes'}\n"
    "    end\n"
    "    if left <= OFFSET then return {missing = ONE_MORE} end\n"
    "    local value, width = varint(tvb, at + OFFSET, left - OFFSET)\n"
    "    if value == nil then return {missing = ONE_MORE} end\n"
    "    if value == false then return {bad = 'the varint is too long'} end\n"
    "    local header = OFFSET + width\n"
    "    local bytes = value + ADJUST\n"
    "    if not COUNTS_HEADER then bytes = bytes + header end\n"
    "    if bytes < header then return {bad = 'a frame is shorter than its header'} end\n"
    "    local frame = sized(left, bytes, header, STRIPS and header or 0, 0)\n"
    "    frame.field_at, frame.field_bytes, frame.value = OFFSET, width, value\n"
    "    return frame\n"
    "end\n";

const char frame_wireshark_lua_netstring[] =
    "local function measure(tvb, at, left)\n"
    "    local text = tvb:raw(at, math.min(left, 20))\n"
    "    local digits = text:match('^%d*')\n"
    "    if #digits > 19 or (#digits > 1 and digits:sub(1, 1) == '0') then\n"
    "        return {bad = 'the length of a netstring is too long or begins with a needless 0'}\n"
    "    end\n"
    "    if #digits == #text then return {missing = ONE_MORE} end\n"
    "    if #digits == 0 or text:sub(#digits + 1, #digits + 1) ~= ':' then\n"
    "        return {bad = 'a netstring must begin with digits and a colon'}\n"
    "    end\n"
    "    local value, header = tonumber(digits), #digits + 1\n"
    "    local frame = sized(left, value + header + 1, header, header, 1)\n"
    "    if frame.length and tvb:raw(at + frame.bytes - 1, 1) ~= ',' then\n"
    "        return {bad = 'no comma ends a netstring'}\n"
    "    end\n"
    "    frame.field_at, frame.field_bytes, frame.value = 0, #digits, value\n"
    "    return frame\n"
    "end\n";

/* Needs MAX, SKIPS, DELIMITER, TAKES_RETURN. */
const char frame_wireshark_lua_line[] =
    "-- A last line can lack its delimiter, so the rest of a stream that ends is a line, too.\n"
    "local function last_line(tvb, at, left)\n"
    "    if left > MAX then\n"
    "        if SKIPS then return {bytes = left, skipped = true} end\n"
    "        return {bad = string.format('a line is longer than %.0f bytes', MAX)}\n"
    "    end\n"
    "    return {bytes = left, header = 0, first = 0, length = left}\n"
    "end\n"
    "\n"
    "local function measure(tvb, at, left, ends)\n"
    "    local text = tvb:raw(at, left)\n"
    "    local from = text:find(DELIMITER, 1, true)\n"
    "    local longest = MAX + #DELIMITER + (TAKES_RETURN and 1 or 0)\n"
    "    if not from and left >= (SKIPS and LARGEST_SKIPPED or longest) then\n"
    "        return {bad = string.format('a line is longer than %.0f bytes', MAX)}\n"
    "    end\n"
    "    if not from and ends then return last_line(tvb, at, left) end\n"
    "    if not from then return {missing = ONE_MORE} end\n"
    "    local length = from - 1\n"
    "    if TAKES_RETURN and length > 0 and text:byte(length) == 13 then length = length - 1 end\n"
    "    local bytes = from - 1 + #DELIMITER\n"
    "    if length <= MAX then\n"
    "        return {bytes = bytes, header = 0, first = 0, length = length}\n"
    "    end\n"
    "    if SKIPS then return {bytes = bytes, skipped = true} end\n"
    "    return {bad = string.format('a line is longer than %.0f bytes', MAX)}\n"
    "end\n";

/* Needs MAX, SKIPS, FRAGMENTS. A record of several fragments has `parts`. */
const char frame_wireshark_lua_sunrpc[] =
    "local function measure(tvb, at, left)\n"
    "    local used, length, count, parts, skips = 0, 0, 0, {}, false\n"
    "    while true do\n"
    "        if left - used < 4 then return {missing = ONE_MORE} end\n"
    "        local mark = tvb(at + used, 4):uint()\n"
    "        local is_last, bytes = mark >= 2 ^ 31, mark % 2 ^ 31\n"
    "        count = count + 1\n"
    "        length = length + bytes\n"
    "        if not skips and count > FRAGMENTS then\n"
    "            return {bad = string.format('a record has more than %d fragments', FRAGMENTS)}\n"
    "        end\n"
    "        skips = skips or length > MAX\n"
    "        if skips and (not SKIPS or length > LARGEST_SKIPPED) then\n"
    "            return {bad = string.format('a record of %.0f bytes, or more, exceeds %.0f',\n"
    "                                        length, MAX)}\n"
    "        end\n"
    "        if left - used < 4 + bytes then return {missing = 4 + bytes - (left - used)} end\n"
    "        if bytes > 0 then parts[#parts + 1] = {used + 4, bytes} end\n"
    "        used = used + 4 + bytes\n"
    "        if is_last and skips then return {bytes = used, skipped = true} end\n"
    "        if is_last then\n"
    "            return {bytes = used, header = 4, first = used - length, length = length,\n"
    "                    parts = #parts > 1 and parts or nil}\n"
    "        end\n"
    "    end\n"
    "end\n";

/* Needs NAME, TITLE, TRANSPORT, PORT. */
const char frame_wireshark_lua_fields[] =
    "local proto = Proto(NAME, TITLE)\n"
    "local field_length = ProtoField.uint64(NAME .. '.length', 'Length field')\n"
    "local field_header = ProtoField.bytes(NAME .. '.header', 'Header')\n"
    "local field_message = ProtoField.bytes(NAME .. '.message', 'Message')\n"
    "local field_message_length = ProtoField.uint64(NAME .. '.message_length',\n"
    "                                               'Bytes of the message')\n"
    "local field_skipped = ProtoField.uint64(NAME .. '.skipped', 'Bytes of a skipped frame')\n"
    "local field_magic = ProtoField.bytes(NAME .. '.magic', 'Magic bytes')\n"
    "proto.fields = {field_length, field_header, field_message, field_message_length,\n"
    "                field_skipped, field_magic}\n"
    "local expert_bad = ProtoExpert.new(NAME .. '.malformed', 'Malformed frame',\n"
    "                                   expert.group.MALFORMED, expert.severity.ERROR)\n"
    "local expert_after = ProtoExpert.new(NAME .. '.after', 'Bytes after a malformed frame',\n"
    "                                     expert.group.SEQUENCE, expert.severity.WARN)\n"
    "local expert_cut = ProtoExpert.new(NAME .. '.cut', 'A frame that is not whole here',\n"
    "                                   expert.group.UNDECODED, expert.severity.NOTE)\n"
    "proto.experts = {expert_bad, expert_after, expert_cut}\n"
    "\n";

const char frame_wireshark_lua_show[] =
    "-- Shows one frame that is whole.\n"
    "local function show(tvb, at, frame, tree)\n"
    "    local item = tree:add(proto, tvb(at, frame.bytes))\n"
    "    if frame.skipped then\n"
    "        item:add(field_skipped, tvb(at, frame.bytes), UInt64(frame.bytes))\n"
    "        return\n"
    "    end\n"
    "    if #MAGIC > 0 then item:add(field_magic, tvb(at, #MAGIC)) end\n"
    "    if frame.header > 0 then item:add(field_header, tvb(at, frame.header)) end\n"
    "    if frame.value and frame.value < 2 ^ 31 then\n"
    "        item:add(field_length, tvb(at + frame.field_at, frame.field_bytes),\n"
    "                 UInt64(frame.value))\n"
    "    elseif frame.field_at and not frame.value then\n"
    "        local range = tvb(at + frame.field_at, frame.field_bytes)\n"
    "        item[LITTLE and 'add_le' or 'add'](item, field_length, range)\n"
    "    end\n"
    "    item:add(field_message_length, tvb(at, frame.bytes), UInt64(frame.length))\n"
    "    if frame.length == 0 then return end\n"
    "    if not frame.parts then\n"
    "        item:add(field_message, tvb(at + frame.first, frame.length))\n"
    "        return\n"
    "    end\n"
    "    local joined = ByteArray.new()\n"
    "    for _, part in ipairs(frame.parts) do\n"
    "        joined:append(tvb(at + part[1], part[2]):bytes())\n"
    "    end\n"
    "    item:add(field_message, joined:tvb('Joined fragments'):range())\n"
    "end\n"
    "\n";

const char frame_wireshark_lua_loop[] =
    "local stream_of = Field.new('tcp.stream')\n"
    "local fin_of = Field.new('tcp.flags.fin')\n"
    "local broken = {} -- the packet with the malformed frame of each stream and direction\n"
    "\n"
    "function proto.init() broken = {} end\n"
    "\n"
    "local function key_of(pinfo)\n"
    "    local stream = stream_of()\n"
    "    return stream and string.format('%d %d', stream.value, pinfo.src_port)\n"
    "end\n"
    "\n"
    "-- Asks for the bytes that are missing. An absurd length never comes here: sized() rejects\n"
    "-- it, because Wireshark would wait for its bytes and show neither the frame nor the error.\n"
    "local function ask(tvb, pinfo, at, frame, tree)\n"
    "    if pinfo.can_desegment > 0 and tvb:len() == tvb:reported_len() then\n"
    "        pinfo.desegment_offset = at\n"
    "        pinfo.desegment_len = frame.missing\n"
    "        return\n"
    "    end\n"
    "    local item = tree:add(proto, tvb(at))\n"
    "    item:add_proto_expert_info(expert_cut)\n"
    "end\n"
    "\n"
    "function proto.dissector(tvb, pinfo, tree)\n"
    "    local at, total, count, key = 0, tvb:len(), 0, key_of(pinfo)\n"
    "    local fin = fin_of()\n"
    "    local ends = fin and fin.value\n"
    "    pinfo.cols.protocol = NAME\n"
    "    if key and broken[key] and broken[key] < pinfo.number then\n"
    "        tree:add(proto, tvb()):add_proto_expert_info(expert_after)\n"
    "        return total\n"
    "    end\n"
    "    while at < total do\n"
    "        local frame = measure(tvb, at, total - at, ends)\n"
    "        if frame.missing then\n"
    "            ask(tvb, pinfo, at, frame, tree)\n"
    "            break\n"
    "        end\n"
    "        if frame.bad then\n"
    "            if key then broken[key] = pinfo.number end\n"
    "            tree:add(proto, tvb(at)):add_proto_expert_info(expert_bad, frame.bad)\n"
    "            break\n"
    "        end\n"
    "        show(tvb, at, frame, tree)\n"
    "        at = at + frame.bytes\n"
    "        count = count + 1\n"
    "    end\n"
    "    pinfo.cols.info = string.format('%s: %d frames', TITLE, count)\n"
    "    return total\n"
    "end\n"
    "\n"
    "local ports = DissectorTable.get(TRANSPORT .. '.port')\n"
    "if PORT > 0 then ports:add(PORT, proto) end\n"
    "ports:add_for_decode_as(proto)\n";
