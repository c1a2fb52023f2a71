# SPDX-License-Identifier: MIT
"""Controls headless Chromium by chromedriver, with the WebDriver protocol (W3C).

    with Browser() as browser:
        browser.open("http://127.0.0.1:7080/chat")
        browser.wait("document.readyState === 'complete'")
        browser.type("#say", "hello\\n")
        browser.click("button")
        browser.screenshot("page.png")
"""
import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from weir_process import DEADLINE_S, POLL_S

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the name of an element's id in the protocol


class Browser:
    """One browser with an empty profile. `arguments` are added to Chromium's."""

    def __init__(self, *arguments, width=1000, height=700):
        self._folder = tempfile.TemporaryDirectory(prefix="weir_browser_", ignore_cleanup_errors=True)
        self._driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        env={**os.environ, "HOME": self._folder.name}, text=True)
        self._session = None
        try:
            self._url = f"http://127.0.0.1:{self._read_port()}"
            options = {"binary": shutil.which("chromium"),
                       "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                                "--no-first-run", "--disable-features=LocalNetworkAccessChecks", "--disable-background-networking", "--disable-component-update",
                                f"--user-data-dir={self._folder.name}/profile", f"--window-size={width},{height}",
                                *arguments]}
            created = self._call("POST", "/session", {"capabilities": {"alwaysMatch": {
                "browserName": "chrome", "acceptInsecureCerts": True, "goog:chromeOptions": options}}})
            self._session = created["sessionId"]
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def _read_port(self):
        for line in self._driver.stdout:
            if "started successfully on port" in line:
                return int(line.rstrip(".\n").rsplit(" ", 1)[1])
        raise AssertionError(f"chromedriver ended with {self._driver.wait()}")

    def _call(self, method, path, body=None):
        path = path if path == "/session" else f"/session/{self._session}{path}"
        data = json.dumps(body if body is not None else {}).encode() if method == "POST" else None
        call = urllib.request.Request(self._url + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(call, timeout=2 * DEADLINE_S) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.read().decode()[:500]}") from None

    def close(self):
        if self._session:
            self._call("DELETE", "")
        self._driver.terminate()
        self._driver.wait(DEADLINE_S)
        self._driver.stdout.close()
        self._folder.cleanup()

    def open(self, url):
        self._call("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        """Runs the body of a JavaScript function; returns what it returns."""
        return self._call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, expression):
        """Waits until the JavaScript expression is true; returns its value."""
        deadline = time.monotonic() + DEADLINE_S
        while not (value := self.run(f"return {expression};")):
            if time.monotonic() > deadline:
                raise AssertionError(f"never true: {expression}\n{self.run('return document.body.innerText;')}")
            time.sleep(POLL_S)
        return value

    def _find(self, selector):
        return self._call("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def type(self, selector, text):
        """Types like a user; "\\ue007" is Enter."""
        self._call("POST", f"/element/{self._find(selector)}/value", {"text": text})

    def click(self, selector):
        self._call("POST", f"/element/{self._find(selector)}/click")

    def control(self, command, **parameters):
        """Sends a command of the DevTools protocol: emulated screens, colour schemes, and the like."""
        return self._call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def show_as(self, width, height, scheme="light", is_phone=False):
        """Shows the page as on a screen of this size, with this colour scheme."""
        self.control("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=is_phone)
        self.control("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self._call("GET", "/screenshot")))

    def log(self):
        """Returns what the page wrote to its console, and what failed in it."""
        return self._call("POST", "/se/log", {"type": "browser"})
