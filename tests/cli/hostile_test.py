#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile models and inputs as the installed program meets them: cases I27, I31 and N8 of tests/formats/README.md.

    hostile_test.py TANDEM [--full]     --full: N8 with its 100,000 pictures instead of 5,000
"""
import ast
import json
import os
import pathlib
import pty
import re
import struct
import subprocess
import sys
import tempfile
import unicodedata
import unittest
import zlib

TANDEM = sys.argv[1]
FULL = "--full" in sys.argv

# A terminal's colours and title, a line of its own, text turned round, a way out of the folder, and a web page.
NASTY = "../../\x1b[31m\x1b]0;owned\x07\nPASSED forged\r\x9b2J<img src=x onerror=alert(1)>\u202egnp.exe\u2066\x7f\t\"\\"


def tandem(*arguments):
    return subprocess.run([TANDEM, *map(str, arguments)], capture_output=True, text=True, errors="surrogateescape",
                          timeout=300)


# --- ONNX files by hand: the field numbers are those of onnx.proto ---------------------------------------------------

def varint(value):
    out = b""
    while value > 0x7F:
        out += bytes([0x80 | value & 0x7F])
        value >>= 7
    return out + bytes([value])


def number(field, value):
    return varint(field << 3) + varint(value)


def message(field, content):
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def value_info(field, name, dims, element=1):
    shape = b"".join(message(1, message(2, d) if isinstance(d, str) else number(1, d)) for d in dims)
    return message(field, message(1, name) + message(2, message(1, number(1, element) + message(2, shape))))


def node(op, inputs, outputs, name, domain=""):
    return message(1, b"".join(message(1, i) for i in inputs) + b"".join(message(2, o) for o in outputs) +
                   message(3, name) + message(4, op) + message(7, domain))


def model(graph, doc=""):
    return (number(1, 8) + message(2, NASTY) + message(6, doc) + message(7, message(2, NASTY) + graph) +
            message(8, message(1, "") + number(2, 17)))


def nasty_model(open_size):
    """Three layers, everything named badly, with ten megabytes of documentation."""
    first = [NASTY + "batch"] if open_size else [1]
    return model(value_info(11, NASTY + "x", first + [4]) + value_info(12, NASTY + "y", first + [4]) +
                 value_info(12, (NASTY + "y").replace("/", "\\"), first + [4]) +
                 node("Relu", [NASTY + "x"], [NASTY + "a"], NASTY + "/one") +
                 node("Neg", [NASTY + "a"], [NASTY + "y"], NASTY + "/two") +
                 node("Abs", [NASTY + "a"], [(NASTY + "y").replace("/", "\\")], NASTY + "/three"),
                 NASTY + "d" * (10 << 20))


def acting(text):
    """The characters of `text` that act on a terminal; a line feed of our own is none."""
    kinds = ("Cc", "Zl", "Zp")
    marks = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    return {hex(ord(c)) for c in text if c != "\n" and (unicodedata.category(c) in kinds or c in marks)}


class NastyNames(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = pathlib.Path(scratch.name, "outer")
        self.folder = self.root / "inner"
        self.folder.mkdir(parents=True)
        self.model = self.folder / "a\x1b[31m\u202e\nb.onnx"
        self.model.write_bytes(nasty_model(open_size=False))
        self.open = self.folder / "open.onnx"
        self.open.write_bytes(nasty_model(open_size=True))
        self.devices = [d["id"] for d in json.loads(tandem("devices", "--json").stdout)["devices"]]

    def commands(self):
        yield "inspect", self.model
        yield "inspect", self.open
        yield "verify", "--against-device", f"CPU:0,{self.devices[-1]}", self.model
        yield "verify", "--against-device", "CPU:0,CPU:0", self.model, "--rtol", "0", "--atol", "0", "--top", "0"
        yield "profile", self.model, "--device", "CPU:0", "--repeat", "1"
        yield "run", self.model, "--replica", "CPU:0", "--duration", "0.05", "--warmup", "0"
        yield "predict", self.model, "--input", "random"
        yield "--isolated", "inspect", self.model

    def test_nothing_in_a_table_acts_on_the_terminal(self):
        for command in self.commands():
            done = tandem(*command)
            self.assertEqual(done.returncode, 0, f"{command}: {done.stderr}")
            self.assertEqual(acting(done.stdout + done.stderr), set(), command)
            self.assertFalse(any(line.startswith("PASSED forged") for line in done.stdout.splitlines()), command)
            self.assertLess(len(done.stdout), 100_000, command)
            json.loads(tandem(*command, "--json").stdout)

    def test_names_stay_whole_in_json(self):
        shown = json.loads(tandem("inspect", self.model, "--json").stdout)
        self.assertEqual([n["op"] for n in shown["nodes"]], ["Relu", "Neg", "Abs"])
        self.assertTrue(all("\x1b[31m" in n["name"] and "<img" in n["name"] for n in shown["nodes"]))

    def test_neither_json_nor_progress_acts_on_a_terminal(self):
        for command in (("inspect", self.model, "--json"), ("verify", "--against-device", "CPU:0,CPU:0", self.model)):
            primary, secondary = pty.openpty()
            with subprocess.Popen([TANDEM, *map(str, command)], stdout=secondary, stderr=secondary) as process:
                os.close(secondary)
                text = b""
                try:
                    while part := os.read(primary, 1 << 16):
                        text += part
                except OSError:
                    pass  # how Linux says that nobody writes any more
            os.close(primary)
            self.assertEqual(process.returncode, 0, text[-500:])
            # Our own: the end of a line, and the progress line that is written over.
            shown = text.decode().replace("\r\x1b[K", "").replace("\r\n", "\n")
            self.assertEqual(acting(shown), set(), command)

    def test_errors_stay_on_their_lines(self):
        broken = self.folder / "broken.onnx"
        broken.write_bytes(model(value_info(11, "x", [1]) + value_info(12, "y", [1]) +
                                 node("Add", ["x", NASTY], ["y"], NASTY) + node("Add", ["y", NASTY + "2"], ["z"], NASTY)))
        unknown = self.folder / "unknown.onnx"
        unknown.write_bytes(model(value_info(11, "x", [1]) + value_info(12, "y", [1]) +
                                  node("Op" + NASTY, ["x"], ["y"], "n", "com." + NASTY)))
        for command in (("inspect", broken), ("run", unknown, "--replica", "CPU:0"), ("inspect", unknown),
                        ("predict", self.model, "--input", self.folder / ("no" + NASTY.replace("/", "")))):
            done = tandem(*command)
            self.assertEqual(done.returncode, 0 if command == ("inspect", unknown) else 3, done.stderr)
            self.assertEqual(acting(done.stdout + done.stderr), set(), command)
            self.assertFalse(re.search("^PASSED forged", done.stdout + done.stderr, re.MULTILINE), done.stderr)

    def test_results_stay_in_their_folder(self):
        before = sorted(self.root.rglob("*"))
        target = self.root / "results"
        done = tandem("predict", self.model, "--input", "random", "--output", target, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        files = json.loads(done.stdout)["predictions"][0]["output_files"]
        self.assertEqual(len(set(files)), 2, files)
        written = sorted(set(self.root.rglob("*")) - set(before) - {target})
        self.assertEqual(written, sorted(map(pathlib.Path, files)))
        self.assertTrue(all(file.parent == target and acting(file.name) == set() for file in written), written)

    def test_a_trace_is_json(self):
        trace = self.root / "trace.json"
        done = tandem("run", self.model, "--replica", "CPU:0", "--duration", "0.05", "--warmup", "0", "--trace", trace)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(json.loads(trace.read_text())["traceEvents"])

    def targets(self):
        told = tandem("export", self.model, "--to", "nothing", "-o", self.root / "none").stderr
        return told.strip().rpartition("choose one of ")[2].split(", ")

    def test_every_export_is_clean_and_stays_in_its_folder(self):
        self.assertIn("onnxruntime", self.targets())
        for target in self.targets():
            folder = self.root / f"to-{target}"
            before = set(self.root.rglob("*"))
            done = tandem("export", self.model, "--to", target, "-o", folder)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(acting(done.stdout + done.stderr), set(), target)
            written = set(self.root.rglob("*")) - before - {folder}
            self.assertTrue(written, target)
            for file in written:
                self.assertTrue(file.is_relative_to(folder), file)
                self.assertEqual(acting(file.name), set(), file)
                self.check(file)

    def check(self, file):
        if file.suffix == ".json":
            json.loads(file.read_text(encoding="utf-8"))
        elif file.suffix == ".py":
            ast.parse(file.read_text(encoding="utf-8"))
        if file.suffix in (".txt", ".py", ".json", ".md", ".pbtxt", ".xml"):
            self.assertEqual(acting(file.read_text(encoding="utf-8").replace("\t", "")), set(), file)

    def test_the_exported_loader_prints_and_stores_names_cleanly(self):
        folder = self.root / "loader"
        tandem("export", self.model, "--to", "onnxruntime", "-o", folder)
        tree = ast.parse((folder / "run_onnxruntime.py").read_text())
        wanted = [part for part in tree.body if isinstance(part, ast.FunctionDef) and part.name in ("plain", "file_name")]
        names = {}
        exec(compile(ast.Module(wanted, []), "loader", "exec"), names)  # the rest needs ONNX Runtime
        self.assertEqual(acting(names["plain"](NASTY)), set())
        self.assertRegex(names["file_name"](NASTY), r"^[^./\\][^/\\]*$")
        self.assertNotEqual(names["file_name"]("file"), "file")  # numpy.savez has an argument of that name


class LargeData(unittest.TestCase):
    def test_a_slice_of_sixteen_sparse_gigabytes_is_read_alone(self):
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            elements, offset, at = 1 << 30, 12 << 30, 987_654_321  # 4 GiB of numbers, behind 12 GiB of others
            with open(folder / "large.bin", "wb") as data:
                data.truncate(16 << 30)
                data.seek(offset + 4 * at)
                data.write(struct.pack("<f", 42.5))
            entries = {"location": "large.bin", "offset": str(offset)}
            weight = (number(1, elements) + number(2, 1) + message(8, "w") + number(14, 1) +
                      b"".join(message(13, message(1, k) + message(2, v)) for k, v in entries.items()))
            (folder / "m.onnx").write_bytes(model(
                value_info(11, "at", [2], element=7) + value_info(12, "y", [2]) + message(5, weight) +
                node("Gather", ["w", "at"], ["y"], "slice")))
            header = "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }".ljust(117) + "\n"
            (folder / "at.npy").write_bytes(b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header.encode() +
                                            struct.pack("<2q", at, 5))
            process = subprocess.Popen([TANDEM, "predict", folder / "m.onnx", "--device", "CPU:0", "--input",
                                        folder / "at.npy", "--output", folder / "out"], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE)
            problem = process.stderr.read().decode()
            process.stderr.close()
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(process.returncode, 0, problem)
            result = (folder / "out" / "0_y.npy").read_bytes()
            self.assertEqual(struct.unpack("<2f", result[-8:]), (42.5, 0.0))
            # A quarter of what reading the weight would take: room for a program under a sanitizer.
            self.assertLess(used.ru_maxrss * 1024, 1 << 30)


def png(value):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(bytes([0, value]))) + chunk(b"IEND", b""))


class ManyPictures(unittest.TestCase):
    COUNT = 100_000 if FULL else 5_000

    def test_one_unreadable_picture_among_many_is_the_one_failure(self):
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch, "pictures")
            folder.mkdir()
            originals = [pathlib.Path(scratch, f"{i}.png") for i in range(8)]  # a file has 65,000 names at most
            for i, file in enumerate(originals):
                file.write_bytes(png(32 * i))
            for i in range(self.COUNT):
                if i != self.COUNT // 2:
                    os.link(originals[i % 8], folder / f"{i:06}.png")
            unreadable = f"{self.COUNT // 2:06}.png"
            os.mkfifo(folder / unreadable)  # the superuser may read everything else
            done = tandem("predict", "sample:mnist", "--input", folder, "--top", "1")
            self.assertEqual(done.returncode, 1, done.stderr[-500:])
            failed = [line for line in done.stdout.splitlines() if "FAILED" in line]
            self.assertEqual(len(failed), 1, failed[:3])
            self.assertIn(unreadable, failed[0])
            answers = [line for line in done.stdout.splitlines() if re.match(r"\d{6}\.png  \(", line)]
            self.assertEqual(len(answers), self.COUNT - 1)
            self.assertTrue(answers[-1].startswith(f"{self.COUNT - 1:06}.png"), answers[-1])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + (["ManyPictures"] if FULL else []), verbosity=2)
