#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compiles every line that `weir frame explain` prints about Netty, tokio and Erlang, decodes the streams of cases.py with
the real libraries, and with the documented formula of libhv, and writes the results to vectors.txt. scripts/peers installs
what this needs. The unit test test_peers.c compares the results with weir and with the printed differences.

Peers read lines "INDEX SKIPS PIECE,PIECE" from stdin, and write one line for each: each message as m and hexadecimal
digits, then ok or error, separated by commas."""
import argparse
import pathlib
import random
import re
import subprocess
import tempfile

import cases
import libhv

HERE = pathlib.Path(__file__).resolve().parent
NETTY = [f"/usr/share/java/netty-{part}.jar" for part in ("all", "buffer", "codec", "common", "transport", "handler", "resolver")]
NETTY += ["/usr/share/java/jctools-core.jar", "/usr/share/java/jctools.jar"]
DEBIAN_CRATES = "/usr/share/cargo/registry"
PEERS = ("Netty", "tokio", "Erlang", "libhv")
CANNOT = "cannot be expressed: "
BYTEWISE_MAX = 200  # only streams up to this size are also cut into single bytes

CARGO_TOML = """[package]
name = "peer"
version = "0.1.0"
edition = "2018"

[[bin]]
name = "peer"
path = "peer.rs"

[dependencies]
tokio-util = { version = "0.7", default-features = false, features = ["codec"] }
bytes = "1"
"""
CARGO_CONFIG = f"""[source.crates-io]
replace-with = "debian"
[source.debian]
directory = "{DEBIAN_CRATES}"
"""


def run(*words, **options):
    result = subprocess.run([str(word) for word in words], text=True, capture_output=True, check=False, **options)
    if result.returncode != 0:
        raise SystemExit(f"{words[0]}: exit code {result.returncode}\n{result.stdout[-2000:]}\n{result.stderr[-2000:]}")
    return result.stdout


def printed_lines(weir, spec):
    """Returns {peer: line} of `weir frame explain`."""
    text = run(weir, "frame", "explain", spec).split("\nElsewhere")[1]
    return dict(re.findall(r"^   (Netty|tokio|Erlang|libhv) +(.*)$", text, re.M))


def expression(line):
    """Returns the line without its notes: the last parentheses, which contain words."""
    match = re.fullmatch(r"(.*?) \((?:the|a|it|UTF-8|lengths|padd|ignore|fragments|messages|older|lines).*\)", line)
    return match[1] if match else line


def feed(command, asked, cwd):
    """asked: [(index, skips, pieces)]. Returns the peer's output lines."""
    given = "".join(f"{index} {int(skips)} {','.join(piece.hex() for piece in pieces)}\n" for index, skips, pieces in asked)
    lines = run(*command, input=given, cwd=cwd).splitlines()
    if len(lines) != len(asked):
        raise SystemExit(f"{command[0]}: {len(lines)} results of {len(asked)} streams")
    return lines


def run_netty(expressions, asked, folder):
    text = "\n".join(f"        case {index}: return {one};" for index, one in enumerate(expressions))
    (folder / "Peer.java").write_text((HERE / "Peer.java").read_text("utf-8").replace("@CASES@", text), "utf-8")
    path = ":".join(jar for jar in NETTY if pathlib.Path(jar).exists())
    run("javac", "-nowarn", "-cp", path, "Peer.java", cwd=folder)
    return feed(["java", "-cp", f"{path}:.", "Peer"], asked, folder)


def run_tokio(expressions, asked, folder):
    text = "\n".join(f"            {index} => run({one}, words[2])," for index, one in enumerate(expressions))
    (folder / "peer.rs").write_text((HERE / "peer.rs").read_text("utf-8").replace("@CASES@", text), "utf-8")
    (folder / "Cargo.toml").write_text(CARGO_TOML, "utf-8")
    (folder / ".cargo").mkdir()
    (folder / ".cargo" / "config.toml").write_text(CARGO_CONFIG, "utf-8")
    run("cargo", "build", "--offline", "--quiet", cwd=folder)
    return feed([folder / "target" / "debug" / "peer"], asked, folder)


def run_erlang(expressions, asked, folder):
    text = ""
    for index, one in enumerate(expressions):
        options, _, length = one.partition(", and gen_tcp:recv(Socket, ")
        text += f"options({index}) -> {{[{options}], {length.rstrip(')') or 0}}};\n"
    (folder / "weir_peer.erl").write_text((HERE / "weir_peer.erl").read_text("utf-8").replace("@CASES@", text), "utf-8")
    run("erlc", "weir_peer.erl", cwd=folder)
    return feed(["erl", "-noshell", "-run", "weir_peer", "main"], asked, folder)


def run_libhv(expressions, asked, _folder):
    results = []
    for index, _, pieces in asked:
        messages, failed = libhv.decode(expressions[index], pieces)
        results.append(",".join([f"m{message.hex()}" for message in messages] + ["error" if failed else "ok"]))
    return results


RUNS = {"Netty": run_netty, "tokio": run_tokio, "Erlang": run_erlang, "libhv": run_libhv}


def ask(peer, specs, lines):
    """Returns the results of one peer: {(spec, index of the stream, cut): result}."""
    expressions, keys, asked = [], [], []
    for spec, streams in specs:
        line = lines[spec][peer]
        if line.startswith(CANNOT):
            continue
        expressions.append(expression(line))
        for number, (_, stream) in enumerate(streams):
            cuts = {"whole": [stream]}
            if len(stream) <= BYTEWISE_MAX:
                cuts["bytes"] = [stream[at:at + 1] for at in range(len(stream))]
            for cut, pieces in cuts.items():
                keys.append((spec, number, cut))
                asked.append((len(expressions) - 1, "oversize=skip" in spec, pieces))
    with tempfile.TemporaryDirectory() as folder:
        results = RUNS[peer](expressions, asked, pathlib.Path(folder))
    print(f"{peer}: {len(expressions)} lines, {len(asked)} streams")
    return dict(zip(keys, results))


def vectors_text(specs, lines, results):
    out = ["# Written by scripts/peers, and compared by tests/unit/test_peers.c. Do not edit.",
           "# spec SPEC; line PEER LINE; stream TAG CUT BYTES RESULT: decoded by the PEER of the last line"]
    for spec, streams in specs:
        out.append(f"spec {spec}")
        for peer in PEERS:
            out.append(f"line {peer} {lines[spec][peer]}")
            for number, (tag, stream) in enumerate(streams):
                for cut in ("whole", "bytes"):
                    result = results[peer].get((spec, number, cut))
                    if result:
                        out.append(f"stream {tag} {cut} {stream.hex()} {result}")
    return "\n".join(out) + "\n"


def random_specs(weir, seed):
    """Returns 300 random cases that weir accepts."""
    chance, found = random.Random(seed), {}
    while len(found) < 300:
        spec, streams = cases.random_case(chance)
        if subprocess.run([weir, "frame", "explain", spec], capture_output=True, check=False).returncode == 0:
            found[spec] = streams
    return list(found.items())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weir", required=True, type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "vectors.txt")
    parser.add_argument("--random", type=int, metavar="SEED", help="300 random headers instead of the known cases")
    settings = parser.parse_args()
    specs = list(cases.every()) if settings.random is None else random_specs(settings.weir, settings.random)
    lines = {spec: printed_lines(settings.weir.resolve(), spec) for spec, _ in specs}
    results = {peer: ask(peer, specs, lines) for peer in PEERS}
    settings.out.write_text(vectors_text(specs, lines, results), "utf-8")


if __name__ == "__main__":
    main()
