# SPDX-License-Identifier: MIT
"""WebSocket clients that other people wrote: python3-websockets, python3-wsproto and node's ws. Each sends text and binary
messages, fragments, pings and a close frame, asks for subprotocols, and sees a graceful shutdown."""
import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import unittest

sys.path.append("/usr/lib/python3/dist-packages")  # Debian's folder, for any python3
try:
    import websockets
except ImportError:
    websockets = None
try:
    import wsproto
    import wsproto.events as events
except ImportError:
    wsproto = None

from weir_process import DEADLINE_S, WeirTest, connect, main, pattern_bytes

NODE = shutil.which("node")
NODE_MODULES = "/usr/share/nodejs"
MESSAGES = ["", "hello", "Grüße, 世界", "x" * 125, "y" * 126, "z" * 70_000]


class PeersTest(WeirTest):
    def start_echo(self, keys=""):
        return self.start("--listen", "tcp://127.0.0.1:0?websocket=/play" + keys)

    def url(self, weir):
        return f"ws://127.0.0.1:{weir.tcp[1]}/play"


@unittest.skipUnless(websockets, "python3-websockets is not installed")
class Websockets(PeersTest):
    def run_client(self, weir, work, **options):
        async def run():
            async with websockets.connect(self.url(weir), open_timeout=DEADLINE_S, close_timeout=DEADLINE_S,
                                          max_size=None, **options) as client:
                await asyncio.wait_for(work(client), DEADLINE_S)
        asyncio.run(run())

    def test_messages(self):
        async def work(client):
            for message in [*MESSAGES, *(message.encode() for message in MESSAGES), pattern_bytes(300_000)]:
                await client.send(message)
                self.assertEqual(await client.recv(), message)
            await client.send(["several", " ", "fragments"])
            self.assertEqual(await client.recv(), "several fragments")
            await asyncio.wait_for(await client.ping(b"are you there"), DEADLINE_S)

        weir = self.start_echo()
        self.run_client(weir, work)
        self.run_client(weir, work, compression=None)
        self.assertEqual(weir.stop().summary["closed_peer_done"], 2)

    def test_subprotocol(self):
        async def work(client):
            self.assertEqual(client.subprotocol, "b")

        weir = self.start_echo("&subprotocols=b,c")
        self.run_client(weir, work, subprotocols=["a", "b"])
        weir.stop()

    def test_shutdown(self):
        async def work(client):
            weir.send_signal(signal.SIGINT)
            with self.assertRaises(websockets.ConnectionClosed) as caught:
                await client.recv()
            self.assertEqual((caught.exception.rcvd.code, caught.exception.rcvd.reason), (1001, "drain"))

        weir = self.start_echo()
        self.run_client(weir, work)
        self.assertEqual(weir.wait_end().code, 0)

    def test_wrong_path(self):
        weir = self.start_echo()

        async def run():
            with self.assertRaises(websockets.InvalidStatusCode) as caught:
                async with websockets.connect(self.url(weir) + "/other"):
                    pass
            self.assertEqual(caught.exception.status_code, 404)
        asyncio.run(run())
        weir.stop()


@unittest.skipUnless(wsproto, "python3-wsproto is not installed")
class Wsproto(PeersTest):
    def receive(self, peer, client):
        """Returns the next events."""
        while True:
            got = list(client.events())
            if got:
                return got
            data = peer.recv(65536)
            client.receive_data(data or None)

    def test_messages(self):
        weir = self.start_echo()
        with connect(weir.tcp) as peer:
            client = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
            peer.sendall(client.send(events.Request(host="127.0.0.1", target="/play")))
            self.assertIsInstance(self.receive(peer, client)[0], events.AcceptConnection)
            peer.sendall(client.send(events.Message("frag", message_finished=False)) +
                         client.send(events.Ping(b"x")) + client.send(events.Message("ments")))
            texts, pongs = "", 0
            while texts != "fragments" or pongs == 0:
                for event in self.receive(peer, client):
                    if isinstance(event, events.Pong):
                        pongs += 1
                    else:
                        texts += event.data
            peer.sendall(client.send(events.CloseConnection(code=1001, reason="done")))
            closed = self.receive(peer, client)[0]
            self.assertIsInstance(closed, events.CloseConnection)
            self.assertEqual(closed.code, 1001)
        self.assertEqual(weir.stop().summary["closed_peer_done"], 1)


WS_CLIENT = """
const WebSocket = require("ws");
const [url, messages] = [process.argv[1], JSON.parse(process.argv[2])];
const client = new WebSocket(url, ["a", "binary"]);
const got = [];
client.on("open", () => {
    for (const message of messages) { client.send(message); client.send(Buffer.from(message)); }
    client.send("frag", {fin: false});
    client.send("ments");
    client.ping("hello");
});
let pongs = 0;
client.on("pong", data => { pongs++; got.push(["pong", data.toString()]); finish(); });
client.on("message", (data, isBinary) => { got.push([isBinary ? "binary" : "text", data.toString()]); finish(); });
function finish() {
    if (got.length === 2 * messages.length + 2) client.close(4001, "done");
}
client.on("close", (code, reason) => {
    console.log(JSON.stringify({got, code, protocol: client.protocol, extensions: client.extensions}));
});
client.on("error", error => { console.error(error); process.exit(1); });
"""


@unittest.skipUnless(NODE and os.path.isdir(NODE_MODULES + "/ws"), "node-ws is not installed")
class NodeWs(PeersTest):
    def test_messages(self):
        weir = self.start_echo("&subprotocols=binary")
        done = subprocess.run([NODE, "-e", WS_CLIENT, self.url(weir), json.dumps(MESSAGES)], capture_output=True,
                              env={**os.environ, "NODE_PATH": NODE_MODULES}, text=True, timeout=2 * DEADLINE_S)
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout)
        wanted = [[kind, message] for message in MESSAGES for kind in ("text", "binary")] + [["text", "fragments"]]
        self.assertEqual([one for one in result["got"] if one[0] != "pong"], wanted)
        self.assertEqual([one for one in result["got"] if one[0] == "pong"], [["pong", "hello"]])
        self.assertEqual((result["code"], result["protocol"], result["extensions"]), (4001, "binary", ""))
        self.assertEqual(weir.stop().summary["closed_peer_done"], 1)


if __name__ == "__main__":
    main()
