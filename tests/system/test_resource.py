# SPDX-License-Identifier: MIT
"""The resources of weir.exe and libweir.dll for Windows: the program's manifest, and the version of both."""
import os
import re
import struct
import xml.etree.ElementTree

from program import cached
from weir_process import Settings, WeirTest, main

RT_VERSION, RT_MANIFEST = 16, 24
SETTINGS = "{http://schemas.microsoft.com/SMI/%s/WindowsSettings}%s"


class Image:
    """A PE file; `resources` is a dict of (type, name, language): bytes."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = file.read()
        header, = struct.unpack_from("<I", self.bytes, 0x3c)
        assert self.bytes[header:header + 4] == b"PE\0\0"
        sections, optional_size = struct.unpack_from("<H12xH", self.bytes, header + 6)
        optional = header + 24
        magic, = struct.unpack_from("<H", self.bytes, optional)
        directories = optional + (112 if magic == 0x20b else 96)
        address, = struct.unpack_from("<I", self.bytes, directories + 2 * 8)  # the third is of resources
        table = optional + optional_size
        self.sections = [struct.unpack_from("<8xIIII", self.bytes, table + 40 * i) for i in range(sections)]
        self.root = self.offset(address)
        self.resources = dict(self.leaves(self.root, ()))

    def offset(self, address):
        for size, virtual, raw_size, raw in self.sections:
            if virtual <= address < virtual + max(size, raw_size):
                return address - virtual + raw
        raise AssertionError(f"no section contains the address {address:#x}")

    def leaves(self, table, path):
        named, numbered = struct.unpack_from("<HH", self.bytes, table + 12)
        for i in range(named + numbered):
            name, target = struct.unpack_from("<II", self.bytes, table + 16 + 8 * i)
            if target & 1 << 31:
                yield from self.leaves(self.root + (target & ~(1 << 31)), (*path, name))
            else:
                address, size = struct.unpack_from("<II", self.bytes, self.root + target)
                begin = self.offset(address)
                yield (*path, name), self.bytes[begin:begin + size]

    def only(self, kind):
        found = {path: data for path, data in self.resources.items() if path[0] == kind}
        assert len(found) == 1, f"{len(found)} resources of type {kind}"
        return found.popitem()


def strings(version):
    """Returns the texts of a version resource by their keys: each is a key and a text in UTF-16, at multiples of four
    bytes, after three numbers."""
    words = re.findall(r"([A-Z][A-Za-z]{4,})\0+([\x20-\x7e]+)\0", version.decode("utf-16-le"))
    return dict(words)


class Resources(WeirTest):
    def check_version(self, file, kind):
        _, data = Image(os.path.join(Settings.build, file)).only(RT_VERSION)
        at = data.index(struct.pack("<I", 0xfeef04bd))  # the signature of VS_FIXEDFILEINFO
        file_high, file_low, product_high, product_low = struct.unpack_from("<8xIIII", data, at)
        self.assertEqual(struct.unpack_from("<36xI", data, at)[0], kind)
        version = cached("CMAKE_PROJECT_VERSION")
        self.assertRegex(version, r"\A\d+\.\d+\.\d+\Z")
        numbers = [int(number) for number in version.split(".")] + [0]
        for high, low in ((file_high, file_low), (product_high, product_low)):
            self.assertEqual([high >> 16, high & 0xffff, low >> 16, low & 0xffff], numbers)
        found = strings(data)
        for key, text in (("FileVersion", version), ("ProductVersion", version), ("ProductName", "weir"),
                          ("OriginalFilename", file)):
            self.assertEqual(found[key], text)
        self.assertRegex(found["FileDescription"], "server")
        self.assertEqual(self.run_weir("--version").stdout, f"weir {version}\n")

    def test_version_of_the_program(self):
        self.check_version("weir.exe", 1)

    def test_version_of_the_library(self):
        self.check_version("libweir.dll", 2)

    def test_manifest_of_the_program(self):
        path, data = Image(Settings.weir).only(RT_MANIFEST)
        self.assertEqual(path[1], 1)  # CREATEPROCESS_MANIFEST_RESOURCE_ID
        root = xml.etree.ElementTree.fromstring(data)
        self.assertEqual(root.tag, "{urn:schemas-microsoft-com:asm.v1}assembly")
        for year, name, text in ((2019, "activeCodePage", "UTF-8"), (2016, "longPathAware", "true")):
            self.assertEqual([one.text for one in root.iter(SETTINGS % (year, name))], [text])

    def test_the_library_leaves_the_manifest_to_its_program(self):
        image = Image(os.path.join(Settings.build, "libweir.dll"))
        self.assertEqual([path for path in image.resources if path[0] == RT_MANIFEST], [])


if __name__ == "__main__":
    main()
