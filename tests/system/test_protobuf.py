# SPDX-License-Identifier: MIT
"""Protobuf's own varints, by Debian's python3-protobuf: weir reads frames written by its encoder, and it reads frames
written by weir. Skipped if the package is not installed."""
import os
import subprocess
import sys

os.environ["PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"] = "python"
sys.path.append("/usr/lib/python3/dist-packages")  # Debian's folder, for any python3
try:
    from google.protobuf.internal.decoder import _DecodeVarint
    from google.protobuf.internal.encoder import _VarintBytes
except ImportError:
    _VarintBytes = None

from weir_process import (DEADLINE_S, SKIPPED, Feeder, Settings, WeirTest, connect, expect_end, main, pattern_bytes,
                          receive_exactly)

SIZES = (0, 1, 5, 127, 128, 129, 300, 16383, 16384, 70000, 300000)


def delimited(messages):
    return b"".join(_VarintBytes(len(message)) + message for message in messages)


class ProtobufTest(WeirTest):
    def test_delimited_messages_come_back(self):
        messages = [pattern_bytes(size, size + 1) for size in SIZES]
        stream = delimited(messages)
        weir = self.start("--tcp", "127.0.0.1:0", "--codec", "varint", "--handler", "echo")
        with connect(weir.tcp) as peer:
            feeder = Feeder(peer, [stream[at:at + 7001] for at in range(0, len(stream), 7001)])
            back = receive_exactly(peer, len(stream))
            expect_end(peer)
            feeder.wait()
        at = 0
        for message in messages:
            length, at = _DecodeVarint(back, at)
            self.assertEqual(back[at:at + length], message)
            at += length
        self.assertEqual(at, len(back))

    def test_protobuf_reads_frames_of_weir(self):
        texts = [b"x" * size for size in SIZES]
        result = subprocess.run([*Settings.emulator, Settings.weir, "frame", "encode", "varint"],
                                input=b"".join(text + b"\n" for text in texts), capture_output=True,
                                timeout=DEADLINE_S)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout, delimited(texts))


if __name__ == "__main__":
    if _VarintBytes is None:
        print("skipped: there is no google.protobuf here (package python3-protobuf)", file=sys.stderr)
        sys.exit(SKIPPED)
    main()
