# SPDX-License-Identifier: MIT
"""`weir frame guess` on byte streams of real protocols: three sizes, whole and cut. And on streams that no specification can
cut, which must not be recognised with confidence."""
import os
import random
import re
import subprocess

import protocol_streams
from weir_process import DEADLINE_S, SANITIZED, Settings, WeirTest, main

SIZES = {"3 messages": {"frames_count": 3}, "64 KiB": {"bytes_min": 1 << 16}, "1 MiB": {"bytes_min": (1 << 20) + 1000}}
EXPRESSIBLE = [name for name, one in protocol_streams.PROTOCOLS.items() if one.expressible]
OTHERS = [name for name, one in protocol_streams.PROTOCOLS.items() if not one.expressible]
SURE = 50  # per cent: no wrong guess may be first with more
# WEIR_GUESS_ALL=1 runs every protocol at every size and cut, which takes minutes.
ALL = os.environ.get("WEIR_GUESS_ALL") == "1"
LARGE_COUNT = len(EXPRESSIBLE) if ALL else 2 if SANITIZED else 8  # protocols with large captures
MEDIUM_COUNT = len(EXPRESSIBLE) if ALL else 4 if SANITIZED else 22
SMALL = EXPRESSIBLE[::4] if SANITIZED and not ALL else EXPRESSIBLE  # a guess is slow with sanitizers
SMALL_SHARE = 0.75 if SMALL is not EXPRESSIBLE else 0.9


class GuessTest(WeirTest):
    def frame(self, *arguments, given):
        return subprocess.run([*Settings.emulator, Settings.weir, "frame", *arguments], input=given, capture_output=True,
                              timeout=DEADLINE_S)

    def guess(self, data):
        """Returns (specification, confidence) of each guess."""
        result = self.frame("guess", given=data)
        self.assertIn(result.returncode, (0, 1), result.stderr)
        lines = result.stdout.decode().splitlines()
        found = [re.fullmatch(r"(\S+)  confidence (\d+) %", line) for line in lines]
        return [(match[1], int(match[2])) for match in found if match]

    def cuts_right(self, spec, stream):
        """Returns whether the specification cuts the stream, from its first whole message on, into its messages."""
        first = stream.boundaries[0]
        result = self.frame("decode", spec, given=stream.data[first:])
        offsets = [int(match) for match in re.findall(rb"^ *(\d+) +\d+  ", result.stdout, re.M)]
        whole = [begin - first for begin, end in zip(stream.boundaries, stream.boundaries[1:]) if end <= len(stream.data)]
        return offsets[:len(whole)] == whole and len(offsets) <= len(whole) + 1

    def check(self, size, names, cut, share):
        wrong = []
        for name in names:
            stream = cut(protocol_streams.stream(name, **SIZES[size]))
            guesses = self.guess(stream.data)
            if guesses and self.cuts_right(guesses[0][0], stream):
                continue
            wrong.append((name, guesses))
            if guesses:
                self.assertLessEqual(guesses[0][1], SURE, f"{name}, {size}: {guesses}")
        self.assertLessEqual(len(wrong), len(names) * (1 - share), wrong)

    def test_three_messages(self):
        self.check("3 messages", SMALL, lambda whole: whole, SMALL_SHARE)

    def test_three_messages_cut_at_the_end(self):
        self.check("3 messages", SMALL, protocol_streams.cut_end, SMALL_SHARE)

    def test_64_kib_cut_at_the_end(self):
        self.check("64 KiB", EXPRESSIBLE[:MEDIUM_COUNT], protocol_streams.cut_end, 0.9)

    def test_64_kib_cut_at_the_start(self):
        self.check("64 KiB", EXPRESSIBLE[-MEDIUM_COUNT:], protocol_streams.cut_start, 0.9)

    def test_1_mib_cut_at_the_end(self):
        chosen = EXPRESSIBLE if ALL else random.Random(1).sample(EXPRESSIBLE, LARGE_COUNT)
        self.check("1 MiB", chosen, protocol_streams.cut_end, 0.9 if ALL else 1 - 1 / LARGE_COUNT)

    def test_what_no_specification_cuts(self):
        for name in OTHERS:
            for size in ("3 messages", "64 KiB"):
                if SANITIZED and size == "64 KiB":
                    continue
                stream = protocol_streams.stream(name, **SIZES[size])
                guesses = self.guess(stream.data)
                if guesses and guesses[0][1] > SURE:  # a part of a protocol can be expressible
                    self.assertTrue(self.cuts_right(guesses[0][0], stream), f"{name}, {size}: {guesses}")

    def test_nothing_fits(self):
        result = self.frame("guess", given=random.Random(1).randbytes(5000))
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"no frame specification fits these 5000 bytes", result.stderr)
        self.assertIn(b"tried", result.stderr)

    def test_long_messages(self):
        """A message can be longer than the default of max=."""
        stream = b"".join(len(body).to_bytes(4, "big") + body for body in (
            b"first", bytes(1500000), b"lorem ipsum dolor sit amet " * 40000, random.Random(1).randbytes(300000), b"last"))
        (spec, _), *_ = self.guess(stream)
        self.assertEqual(spec, "u32be,max=2m")

    def test_evidence_is_printed(self):
        result = self.frame("guess", given=protocol_streams.stream("tls", frames_count=20).data)
        first, second = result.stdout.decode().splitlines()[:2]
        self.assertRegex(first, r"^tls-record  confidence \d+ %$")
        self.assertRegex(second, r"^    explains 100\.0 % of \d+ bytes: 20 frames of \d+ to \d+ bytes; the last one ends with the "
                                 r"capture; .*headers as in TLS; \d+ bits of evidence$")


if __name__ == "__main__":
    main()
