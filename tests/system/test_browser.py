# SPDX-License-Identifier: MIT
"""Headless Chromium as a client: the page of examples/browser_chat with a telnet client, and WebSocket's messages, types and
close codes as JavaScript sees them. WEIR_SCREENSHOTS names a folder that keeps pictures of the page."""
import os
import pathlib
import signal
import tempfile

import certificates
from heavy_peers import heavy_peer
from weir_process import WeirTest, connect, main
from web_driver import Browser

PAGE = pathlib.Path(__file__).resolve().parent.parent.parent / "examples/browser_chat/index.html"
ENTER = "\ue007"
SCREENSHOTS = os.environ.get("WEIR_SCREENSHOTS")

COLLECT = """
window.got = [];
window.probe = new WebSocket(arguments[0], arguments[1] || []);
probe.binaryType = "arraybuffer";
probe.onopen = () => got.push("open " + probe.protocol + "," + probe.extensions);
probe.onmessage = event => got.push(typeof event.data === "string" ? event.data : new Uint8Array(event.data).join());
probe.onclose = event => got.push("close " + event.code + " " + event.reason + " " + event.wasClean);
"""


@heavy_peer("chromium", "chromedriver")
class BrowserTest(WeirTest):
    browser = None

    @classmethod
    def tearDownClass(cls):
        if cls.browser:
            cls.browser.close()

    def start_browser(self):
        """All tests share one browser: its start takes longer than a test."""
        if not BrowserTest.browser:
            BrowserTest.browser = Browser()
        return BrowserTest.browser

    def start_play(self, *arguments, keys=""):
        """A server whose own page may connect to it."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "empty.html")
        with open(path, "w") as file:
            file.write("<!DOCTYPE html><title>empty</title><link rel=icon href=data:,>")
        return self.start("--listen", "tcp://127.0.0.1:0?websocket=/play" + keys, "--websocket-page", path, *arguments)

    def start_chat(self):
        return self.start("--handler", "chat", "--codec", "line", "--tcp", "127.0.0.1:0", "--listen",
                          "tcp://127.0.0.1:0?websocket=/chat", "--websocket-page", str(PAGE))

    def keep_picture(self, browser, name):
        if SCREENSHOTS:
            browser.screenshot(os.path.join(SCREENSHOTS, name + ".png"))

    def open_chat(self, weir, browser):
        browser.open(f"http://127.0.0.1:{weir.address('tcp', 1)[1]}/chat")
        browser.wait("document.getElementById('status').textContent === 'Connected'")

    def wait_line(self, browser, text, kind=None):
        wanted = f"[...document.querySelectorAll('#log li')].some(line => line.textContent === {text!r}"
        browser.wait(wanted + (f" && line.className === {kind!r})" if kind is not None else ")"))

    def test_example(self):
        """A browser and a telnet client talk in one room."""
        weir = self.start_chat()
        browser = self.start_browser()
        self.open_chat(weir, browser)
        browser.type("#name", "ada")
        browser.click("#name-form button")
        self.wait_line(browser, "* you are now ada", "notice")
        with connect(weir.address("tcp", 0)) as plain:
            lines = plain.makefile("rb")
            self.assertIn(b"lobby", lines.readline())
            lines.readline()
            plain.sendall("/name bob\nhello <b>ada</b>, €\n/me waves\n".encode())
            lines.readline()
            self.wait_line(browser, "bob: hello <b>ada</b>, €", "")
            self.wait_line(browser, "~ bob waves", "action")
            browser.type("#say", "good morning" + ENTER)
            self.assertEqual(lines.readline(), b"ada: good morning\n")
            browser.type("#say", "sent by a click")
            browser.click("#say-form button")
            self.assertEqual(lines.readline(), b"ada: sent by a click\n")
            self.wait_line(browser, "you: good morning", "own")
            self.keep_picture(browser, "chat")
            self.assertEqual(browser.run("return document.querySelectorAll('#log b').length"), 0)
            browser.open("about:blank")
            self.assertEqual(lines.readline(), b"* ada left\n")
        self.assertEqual([line for line in browser.log() if line["level"] == "SEVERE"], [])
        weir.stop()

    def test_example_on_a_phone(self):
        """Nothing is wider than a narrow screen, and what can be tapped is large enough."""
        weir = self.start_chat()
        browser = self.start_browser()
        self.open_chat(weir, browser)
        for width in (320, 412):
            browser.run("document.documentElement.style.width = arguments[0] + 'px'", width)
            self.assertLessEqual(browser.run("return document.body.scrollWidth"), width)
            self.assertGreaterEqual(browser.run("return Math.min(...[...document.querySelectorAll('button, input')]"
                                                ".map(one => one.getBoundingClientRect().height))"), 44)
        self.keep_picture(browser, "phone")
        weir.stop()

    def test_example_reconnects(self):
        """The page says that the server has stopped, and why."""
        weir = self.start_chat()
        browser = self.start_browser()
        self.open_chat(weir, browser)
        weir.send_signal(signal.SIGINT)
        browser.wait("document.getElementById('status').textContent.startsWith('Disconnected')")
        self.assertTrue(browser.run("return document.getElementById('say').disabled"))
        self.keep_picture(browser, "disconnected")
        self.assertEqual(weir.wait_end().code, 0)

    def test_example_comes_back(self):
        """A page that comes back from the back/forward cache has one connection, also if it waited to try again."""
        weir = self.start_chat()
        browser = self.start_browser()
        self.open_chat(weir, browser)
        counts = browser.run("""
            const old = socket, waiting = new Set();
            let made = 0, timers = 0;
            window.WebSocket = class extends WebSocket { constructor(url) { super(url); made++; } };
            window.setTimeout = () => { waiting.add(++timers); return timers; };
            window.clearTimeout = id => waiting.delete(id);
            const counts = () => [made, waiting.size];
            old.onclose({wasClean: false});
            const atFirst = counts();
            dispatchEvent(new PageTransitionEvent("pagehide", {persisted: true}));
            old.onclose({wasClean: true});
            const hidden = counts();
            dispatchEvent(new PageTransitionEvent("pageshow", {persisted: true}));
            old.onclose({wasClean: true});
            return [atFirst, hidden, counts()];
        """)
        self.assertEqual(counts, [[0, 1], [0, 0], [1, 0]])
        browser.wait("document.getElementById('status').textContent === 'Connected'")
        weir.stop()

    def test_messages(self):
        weir = self.start_play(keys="&subprotocols=game")
        browser = self.start_browser()
        browser.open(f"http://127.0.0.1:{weir.tcp[1]}/play")
        browser.run(COLLECT, f"ws://127.0.0.1:{weir.tcp[1]}/play", ["other", "game"])
        browser.wait("got.length === 1")
        browser.run("""
            probe.send("Grüße");
            probe.send(new Uint8Array([0, 255, 128]));
            probe.send("");
            probe.send("x".repeat(100000));
        """)
        browser.wait("got.length === 5")
        self.assertEqual(browser.run("return got.slice(0, 4)"), ["open game,", "Grüße", "0,255,128", ""])
        self.assertEqual(browser.run("return got[4].length"), 100000)
        browser.run("probe.close(4321, 'done')")
        self.assertEqual(browser.wait("got[5]"), "close 4321  true")
        weir.stop()

    def test_wss(self):
        """The same over TLS, with the page and the example."""
        if not self.has_tls():
            self.skipTest("weir is built without TLS")
        pair = certificates.local()
        weir = self.start("--handler", "chat", "--listen", "tcp://127.0.0.1:0?websocket=/chat", "--websocket-page",
                          str(PAGE), "--tls-cert", pair.certificate, "--tls-key", pair.key)
        browser = self.start_browser()
        browser.open(f"https://localhost:{weir.tcp[1]}/chat")
        browser.wait("document.getElementById('status').textContent === 'Connected'")
        browser.type("#name", "eve" + ENTER)
        self.wait_line(browser, "* you are now eve", "notice")
        browser.open("about:blank")
        weir.stop()

    def test_close_codes(self):
        weir = self.start_play("--max-message", "10")
        browser = self.start_browser()
        browser.open(f"http://127.0.0.1:{weir.tcp[1]}/play")
        url = f"ws://127.0.0.1:{weir.tcp[1]}/play"
        browser.run(COLLECT, url)
        browser.wait("got.length === 1")
        browser.run("probe.send('12345678901')")
        self.assertEqual(browser.wait("got[1]"), "close 1009 protocol true")
        browser.run(COLLECT, url)
        browser.wait("got.length === 1")
        weir.send_signal(signal.SIGINT)
        self.assertEqual(browser.wait("got[1]"), "close 1001 drain true")
        self.assertEqual(weir.wait_end().code, 0)

    def test_other_origin(self):
        """A page of another site cannot connect."""
        weir = self.start("--listen", "tcp://127.0.0.1:0?websocket=/play")
        page = self.start_chat()
        browser = self.start_browser()
        self.open_chat(page, browser)
        browser.run(COLLECT, f"ws://127.0.0.1:{weir.tcp[1]}/play")
        self.assertEqual(browser.wait("got[0]"), "close 1006  false")
        self.assertEqual(weir.stop().summary["closed_upgrade"], 1)
        page.stop()


if __name__ == "__main__":
    main()
