# SPDX-License-Identifier: MIT
"""The .zip that cpack makes for Windows: its contents, and that the unpacked program runs."""
import os
import shutil
import subprocess
import tempfile
import zipfile

from weir_process import DEADLINE_S, Settings, WeirTest, echo_once, main


class Zip(WeirTest):
    def test_unpack_and_run(self):
        build = os.path.dirname(Settings.weir)
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        subprocess.run(["cpack", "--config", os.path.join(build, "CPackConfig.cmake"), "-B", folder], cwd=build,
                       check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=DEADLINE_S)
        (archive,) = (name for name in os.listdir(folder) if name.endswith(".zip"))
        with zipfile.ZipFile(os.path.join(folder, archive)) as packed:
            packed.extractall(folder)
            names = packed.namelist()
        top = archive.removesuffix(".zip")
        self.assertRegex(top, r"\Aweir-\d+\.\d+\.\d+-windows-x86_64\Z")
        # A program that contains OpenSSL or libyaml comes with their licences.
        licences = {f"{top}/LICENSE-OpenSSL.txt", f"{top}/LICENSE-libyaml.txt"} & set(names)
        self.assertEqual(f"{top}/LICENSE-OpenSSL.txt" in licences, self.has_tls())
        self.assertEqual(set(names) - licences, {f"{top}/{name}" for name in ("LICENSE.txt", "README.txt", "weir.exe", "weir.ps1")})
        with open(os.path.join(folder, top, "README.txt"), newline="") as readme:
            text = readme.read()
        self.assertEqual(text.count("\n"), text.count("\r\n"))
        self.assertNotIn("@", text)
        built, Settings.weir = Settings.weir, os.path.join(folder, top, "weir.exe")
        self.addCleanup(setattr, Settings, "weir", built)
        weir = self.start("--tcp", "127.0.0.1:0")
        echo_once(weir.tcp)
        weir.stop()


if __name__ == "__main__":
    main()
