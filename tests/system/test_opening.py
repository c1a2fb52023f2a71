# SPDX-License-Identifier: MIT
"""The server in the opening comment of weir.h is correct: exactly that text compiles as C17 and as C++17, and it
serves; and both headers compile as strict C++."""
import subprocess
import tempfile

from program import TREE, Program, compile_program, fences, header_text
from weir_process import WeirTest, connect, expect_end, main, receive_exactly


class Opening(WeirTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def assert_greets(self, command, *arguments):
        with Program(command, *arguments) as server:
            with connect(server.address) as peer:
                peer.sendall(b"Ada\r\nGra")
                self.assertEqual(receive_exactly(peer, 12), b"Hello, Ada!\n")
                peer.sendall(b"ce\n\n" + b"x" * 492 + b"\n" + b"x" * 493 + b"\n")
                wanted = b"Hello, Grace!\nHello, !\nHello, " + b"x" * 492 + b"!\n"
                self.assertEqual(receive_exactly(peer, len(wanted)), wanted)
                expect_end(peer)  # the last greeting is longer than the maximum of a line
            self.assertEqual(server.end(), (0, "", ""))

    def test_the_readme_shows_the_same_program(self):
        self.assertEqual([text for _, text in fences(TREE / "README.md", "c")], [header_text("weir.h")])

    def test_it_is_short(self):
        self.assertLessEqual(len([line for line in header_text("weir.h").splitlines() if line.strip()]), 40)

    def test_as_c_and_as_cpp(self):
        for language in ("c", "c++"):
            with self.subTest(language=language):
                self.assert_greets(compile_program(header_text("weir.h"), language, self.folder), "127.0.0.1:0")

    def test_it_prints_errors(self):
        program = compile_program(header_text("weir.h"), "c", self.folder)
        ended = subprocess.run([program, "nowhere"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                               check=False)
        self.assertEqual((ended.returncode, ended.stdout), (1, ""))
        self.assertRegex(ended.stderr, r"\Acannot listen on nowhere: the port is missing; .+\n\Z")

    def test_the_example_of_frame_h(self):
        text = ("#include <stdio.h>\n#include <weir/frame.h>\n" + header_text("frame.h") +
                'int main(void)\n{\n    static const uint8_t bytes[] = "\\0\\0\\0\\2hi\\0\\0\\0\\3you";\n'
                "    return print_messages(bytes, sizeof bytes - 1);\n}\n")
        for language in ("c", "c++"):
            with self.subTest(language=language):
                program = compile_program(text, language, self.folder)
                ended = subprocess.run([program], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
                self.assertEqual((ended.stdout, ended.stderr), ("hi\nyou\n", ""))

    def test_each_header_alone_in_cpp(self):
        for header in ("weir", "frame", "address", "error", "version", "bridge", "cluster"):
            with self.subTest(header=header):
                compile_program(f"#include <weir/{header}.h>\nint main()\n{{\n    return 0;\n}}\n", "c++", self.folder)


if __name__ == "__main__":
    main()
