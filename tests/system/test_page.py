# SPDX-License-Identifier: MIT
"""The live page of the admin server in headless Chromium. WEIR_SCREENSHOTS names a folder that keeps pictures of the page."""
import contextlib
import os
import pathlib

from heavy_peers import heavy_peer
from weir_process import WeirTest, connect, expect_end, main, receive_exactly, scaled, wait_closed
from web_driver import Browser

PAGE = pathlib.Path(__file__).resolve().parent.parent.parent / "src/admin/page.html"
SCREENSHOTS = os.environ.get("WEIR_SCREENSHOTS")
BYTES_MAX = 60 * 1024

# Contrast as WCAG 2 defines it, of colours of the page's style sheet.
CONTRASTS = """
const light = name => {
    const hex = css(name).slice(1), parts = [0, 2, 4].map(i => parseInt(hex.slice(i, i + 2), 16) / 255);
    const [r, g, b] = parts.map(part => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
};
const pairs = [["--text", "--back"], ["--text", "--card"], ["--dim", "--back"], ["--dim", "--card"], ["--accent", "--card"],
    ["--warning", "--card"], ["--critical", "--critical-soft"], ["--warning", "--warning-soft"], ["--note", "--note-soft"],
    ["--text", "--critical-soft"], ["--text", "--warning-soft"], ["--text", "--note-soft"], ["--dim", "--critical-soft"],
    ["--dim", "--warning-soft"], ["--dim", "--note-soft"], ["--card", "--critical"]];
return pairs.map(([a, b]) => [a, b, Math.max(light(a), light(b)) / Math.min(light(a), light(b))]).filter(pair => pair[2] < 4.5);
"""


class PageFileTest(WeirTest):
    def test_one_small_file(self):
        """The page loads nothing from elsewhere, and sets text of others by textContent only."""
        text = PAGE.read_text()
        self.assertLess(len(text.encode()), BYTES_MAX)
        for word in ("http:", "https:", "//cdn", "@import", "url(", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write",
                     "eval(", " style=", "onclick="):
            self.assertNotIn(word, text)


@heavy_peer("chromium", "chromedriver")
class PageTest(WeirTest):
    browser = None

    @classmethod
    def tearDownClass(cls):
        if PageTest.browser:
            PageTest.browser.close()
            PageTest.browser = None

    def setUp(self):
        self.peers = self.enterContext(contextlib.ExitStack())

    def open_page(self, *arguments):
        """A server, and its page in the one browser of all tests."""
        weir = self.start("--tcp", "127.0.0.1:0", "--admin", "127.0.0.1:0", *arguments)
        if not PageTest.browser:
            PageTest.browser = Browser()
        PageTest.browser.open("about:blank")
        PageTest.browser.log()  # of the test before, whose server has ended
        PageTest.browser.show_as(1280, 1000)
        PageTest.browser.open(f"http://{weir.admin}/")
        PageTest.browser.wait("document.getElementById('status').textContent === 'Serving'")
        return weir, PageTest.browser

    def open_sessions(self, weir, count):
        peers = [self.peers.enter_context(connect(weir.tcp)) for _ in range(count)]
        for peer in peers:
            peer.sendall(b"hello")
        for peer in peers:
            receive_exactly(peer, 5)
        return peers

    def keep_picture(self, browser, name):
        if SCREENSHOTS:
            browser.screenshot(os.path.join(SCREENSHOTS, name + ".png"))

    def wait_range(self, browser, text):
        browser.wait(f"document.getElementById('range').textContent === {text!r}")

    def test_many_sessions(self):
        """The table is paged, sorted and filtered by the server."""
        weir, browser = self.open_page("--max-sessions", "20000")
        count = scaled(10000)
        peers = self.open_sessions(weir, count)
        self.wait_range(browser, f"1 to 25 of {count:,} sessions")
        browser.click("#next")
        self.wait_range(browser, f"26 to 50 of {count:,} sessions")
        browser.click("#back")
        self.wait_range(browser, f"1 to 25 of {count:,} sessions")
        peers[7].sendall(b"x" * 5000)
        receive_exactly(peers[7], 5000)
        first = "document.querySelector('tbody tr td').textContent"
        most = "{}:{}".format(*peers[7].getsockname())
        browser.run("[...document.querySelectorAll('th button')].find(one => one.textContent === 'Received').click()")
        browser.wait(f"{first} === {most!r}")
        self.assertEqual(browser.run("return [...document.querySelectorAll('th[aria-sort]')].map(one => one.textContent)"), ["Received"])
        self.assertEqual(browser.run("return document.querySelectorAll('#table tbody tr').length"), 25)
        one = "{}:{}".format(*peers[count // 2].getsockname())
        browser.type("#filter", one)
        self.wait_range(browser, "1 to 1 of 1 sessions")
        self.assertEqual(browser.run(f"return {first}"), one)
        browser.type("#filter", "nothing")
        browser.wait("document.getElementById('none').textContent === 'No session matches the filter.'")
        self.assertEqual(browser.log(), [])
        weir.stop()

    def test_kick(self):
        """A session is closed only after a confirmation."""
        weir, browser = self.open_page()
        other, peer = self.open_sessions(weir, 2)
        name = "{}:{}".format(*peer.getsockname())
        row = f"[...document.querySelectorAll('#table tbody tr')].find(row => row.firstChild.textContent === {name!r})"
        browser.wait(row)
        browser.run(f"{row}.querySelector('button').click()")
        browser.wait("!document.getElementById('kick').disabled")
        self.assertEqual(browser.run("return document.getElementById('details-title').textContent"), name)
        browser.click("#kick")
        self.assertIn(name, browser.run("return document.getElementById('confirm-text').textContent"))
        self.assertEqual(browser.run("return document.activeElement.id"), "keep")
        browser.click("#keep")
        peer.sendall(b"still")
        self.assertEqual(receive_exactly(peer, 5), b"still")
        browser.click("#kick")
        browser.click("#confirmed")
        wait_closed(peer)
        browser.wait("!document.querySelector('dialog[open]')")
        self.wait_range(browser, "1 to 1 of 1 sessions")
        other.sendall(b"here")
        self.assertEqual(receive_exactly(other, 4), b"here")
        self.assertEqual(browser.log(), [])
        weir.stop()

    def test_findings_and_figures(self):
        """Findings, rates, plots and lists show what happens."""
        weir, browser = self.open_page("--first-byte-timeout", "100ms")
        browser.wait("!document.getElementById('calm').hidden")
        for peer in [self.peers.enter_context(connect(weir.tcp)) for _ in range(20)]:
            expect_end(peer)
        self.open_sessions(weir, 10)
        texts = "[...document.querySelectorAll('#findings .text')].map(one => one.textContent)"
        browser.wait(f"{texts}.includes('Nearly all closes are first-byte timeouts.')")
        browser.wait(f"{texts}.includes('All sessions belong to one address, 127.0.0.1.')")
        self.assertIn("--first-byte-timeout", browser.run("return document.getElementById('findings').textContent"))
        browser.wait("document.getElementById('lists').textContent.includes('first byte')")
        browser.wait("samples.some(one => one.open === 10)")
        self.assertEqual(browser.run("return document.querySelectorAll('canvas').length"), 6)
        browser.run("document.querySelector('canvas').focus()")
        browser.run("document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowLeft'}))")
        self.assertRegex(browser.run("return document.getElementById('announcer').textContent"), "^Throughput, .*received .*/s, sent ")
        self.assertEqual(browser.log(), [])
        self.keep_picture(browser, "page_light")
        weir.stop()

    def test_hostile_text(self):
        """Text of peers is text: no markup in it takes effect."""
        weir, browser = self.open_page()
        self.open_sessions(weir, 1)
        self.wait_range(browser, "1 to 1 of 1 sessions")
        evil = "<img src=x onerror=\"document.title='evil'\"><b>"
        browser.run("""
            const evil = arguments[0], one = {id: "1", peer: evil, state: evil, handler: evil, pause: evil};
            document.getElementById("live").checked = false;
            show_sessions({sessions: [one], total: 1, next: null});
            show_findings([{id: evil, severity: evil, text: evil, evidence: evil, advice: evil, setting: evil, session: evil}]);
            groups.show([[evil, "1", "1", "1"]]);
            closes.show([[evil, 1, "1", "1"]]);
        """, evil)
        self.assertEqual(browser.run("return document.querySelectorAll('img, #findings b, table b').length"), 0)
        self.assertEqual(browser.run("return document.querySelector('#table tbody td').textContent"), evil)
        self.assertEqual(browser.run("return document.querySelector('#findings .text').textContent"), evil)
        self.assertNotEqual(browser.run("return document.title"), "evil")
        weir.stop()

    def test_a_server_that_goes_away(self):
        """The page says so, and goes on when a server is back."""
        weir, browser = self.open_page()
        self.assertTrue(browser.run("return document.getElementById('away').hidden"))
        weir.stop()
        browser.wait("!document.getElementById('away').hidden")
        self.assertRegex(browser.run("return document.getElementById('away').textContent"), r"^The admin server has not answered for \d+ s\.")
        self.assertEqual(browser.run("return document.getElementById('status').textContent"), "No answer")
        self.keep_picture(browser, "page_away")
        again = self.start("--tcp", "127.0.0.1:0", "--admin", weir.admin)
        browser.wait("document.getElementById('away').hidden")
        browser.wait("document.getElementById('status').textContent === 'Serving'")
        again.stop()

    def test_looks(self):
        """Both colour schemes are readable; nothing is wider than a phone, and what can be tapped there is large enough."""
        weir, browser = self.open_page()
        self.open_sessions(weir, 12)
        self.wait_range(browser, "1 to 12 of 12 sessions")
        browser.wait("!document.getElementById('calm').hidden || document.querySelector('#findings li')")
        for scheme in ("light", "dark"):
            browser.show_as(1280, 1000, scheme)
            self.assertEqual(browser.run(CONTRASTS), [])
            self.keep_picture(browser, "page_" + scheme)
            browser.show_as(360, 740, scheme, is_phone=True)
            self.assertEqual(browser.run("return document.documentElement.scrollWidth"), 360)
            self.assertGreaterEqual(browser.run("return Math.min(...[...document.querySelectorAll('button, input[type=search]')]"
                                                ".filter(one => one.offsetParent).map(one => one.getBoundingClientRect().height))"), 44)
            self.keep_picture(browser, "page_phone_" + scheme)
        self.assertEqual(browser.log(), [])
        weir.stop()


if __name__ == "__main__":
    main()
