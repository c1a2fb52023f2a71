# SPDX-License-Identifier: MIT
"""The NATS broker of a cluster alone, with the real nats-server: broker_driver does what a bridge does, and counts."""
import os
import queue
import subprocess
import threading
import time

import certificates
from nats_process import start_nats, start_nats_cluster
from weir_process import DEADLINE_S, SANITIZED, Settings, WeirTest, _before_exec, main, scaled

SUBJECT = "weir.test.g.6c6f626279"
MESSAGES = scaled(20000)


class Driver:
    """One broker_driver process: a node without a server."""

    def __init__(self, test, *servers, **settings):
        self.process = subprocess.Popen([os.path.join(Settings.build, "broker_driver")], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1,
                                        preexec_fn=lambda: _before_exec((), None))
        test.addCleanup(self._end)
        self._lines, self.seen = queue.Queue(), []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        words = [",".join(getattr(server, "url", server) for server in servers)]
        self.command("open", *words, *(f"{key}={value}" for key, value in settings.items()))
        self.opened = self.wait("opened", "refused")

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def _end(self):
        self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdin.close()
        self.process.stdout.close()

    def command(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")

    def wait(self, *words):
        """Returns the next line that begins with one of the words, also one that has been read before."""
        for i, line in enumerate(self.seen):
            if line.split()[0] in words:
                return self.seen.pop(i)
        deadline = time.monotonic() + DEADLINE_S
        while True:
            try:
                line = self._lines.get(timeout=deadline - time.monotonic())
            except (queue.Empty, ValueError):
                raise AssertionError(f"no line {words} in {DEADLINE_S} s; there were {self.seen}") from None
            if line is None:
                raise AssertionError(f"broker_driver ended with {self.process.wait()}; there were {self.seen}")
            if line.split()[0] in words:
                return line
            self.seen.append(line)

    def ask(self, command, *words, answer=None):
        self.command(command, *words)
        return self.wait(answer or command)

    def publish(self, count=MESSAGES, size=64, subject=SUBJECT):
        """Returns how many messages had each result."""
        answer = self.ask("publish", subject, count, size, answer="published")
        return {name: int(number) for name, number in (word.split("=") for word in answer.split()[1:])}

    def subscribe(self, subject=SUBJECT):
        return int(self.ask("subscribe", subject, answer="subscribed").split()[1])

    def received(self, subject=SUBJECT):
        """Returns count, first and last number, and how many are missing between them."""
        return tuple(map(int, self.ask("received", subject).split()[1:]))

    def wait_received(self, last, progress_s=DEADLINE_S):
        """Waits for the message with this number; returns received()."""
        deadline, before = time.monotonic() + progress_s, None
        while (now := self.received())[2] < last:
            if now != before:
                deadline, before = time.monotonic() + progress_s, now
            if time.monotonic() > deadline:
                raise AssertionError(f"message {last} did not arrive, only {now}")
            time.sleep(0.01)
        return now

    def take(self, word):
        """Returns the lines so far that begin with the word."""
        taken = [line for line in self.seen if line.split()[0] == word]
        self.seen = [line for line in self.seen if line not in taken]
        return taken

    def close(self):
        self.ask("close", answer="closed")
        self.process.stdin.close()
        if self.process.wait(DEADLINE_S) != 0:
            raise AssertionError(f"broker_driver ended with {self.process.returncode}")


class Broker(WeirTest):
    def pair(self, *servers, **settings):
        """Returns a sender and a receiver that are connected; the receiver has subscribed."""
        receiver = Driver(self, *servers, **settings)
        receiver.wait("connected")
        receiver.subscribe()
        sender = Driver(self, *servers, **settings)
        sender.wait("connected")
        self.meet(sender, receiver)
        return sender, receiver

    def meet(self, sender, receiver):
        """Publishes until a message arrives: the subscription has reached the server."""
        deadline = time.monotonic() + DEADLINE_S
        receiver.ask("reset")
        while receiver.received()[0] == 0:
            sender.publish(1)
            if time.monotonic() > deadline:
                raise AssertionError("nothing arrives")
            time.sleep(0.01)

    def assert_all_arrive(self, sender, receiver, count=MESSAGES, size=64):
        before = receiver.received()[2]
        self.assertEqual(sender.publish(count, size), {"OK": count})
        now = receiver.wait_received(before + count)
        self.assertEqual(now[3], 0, "messages are missing")

    def test_messages_arrive_in_order(self):
        sender, receiver = self.pair(start_nats(self))
        self.assert_all_arrive(sender, receiver)
        self.assert_all_arrive(sender, receiver, 100, 100000)
        self.assertNotIn("disordered", " ".join(receiver.seen))
        sender.close()
        receiver.close()

    def test_bursts_larger_than_the_buffer(self):
        """A wake of the socket's thread is never lost: otherwise the buffer stays full until the next ping."""
        sender, receiver = self.pair(start_nats(self))
        before, rounds = receiver.received()[2], scaled(60)
        for _ in range(rounds):
            self.assertEqual(sender.publish(20000, 64), {"OK": 20000})
        self.assertEqual(receiver.wait_received(before + 20000 * rounds)[3], 0)

    def test_own_messages_do_not_return(self):
        broker = start_nats(self)
        alone = Driver(self, broker)
        alone.wait("connected")
        alone.subscribe()
        alone.publish(100)
        other = Driver(self, broker)
        other.wait("connected")
        self.meet(other, alone)                 # arrives after the 100, if these had
        self.assertLess(alone.received()[0], 100)

    def test_unsubscribe(self):
        broker = start_nats(self)
        receiver, sender = Driver(self, broker), Driver(self, broker)
        receiver.wait("connected")
        first = receiver.subscribe("weir.test.g.61")
        receiver.subscribe()
        self.meet(sender, receiver)
        receiver.command("unsubscribe", first)
        receiver.ask("received", "weir.test.g.61")
        sender.publish(100, subject="weir.test.g.61")
        receiver.received()                     # SUBJECT is counted again
        self.meet(sender, receiver)

    def test_too_large(self):
        sender, receiver = self.pair(start_nats(self, config="max_payload: 10000"))
        self.assertEqual(sender.publish(3, 10001), {"TOO_LARGE": 3})
        self.assert_all_arrive(sender, receiver, 3, 10000)

    def test_server_stops_reading(self):
        """Nothing is written half: what publish() has accepted arrives when the server goes on, and nothing else is lost."""
        broker = start_nats(self)
        sender, receiver = self.pair(broker)
        before = receiver.received()[2]
        broker.pause()
        result = sender.publish(400, 60000)
        self.assertGreater(result.get("TIMED_OUT", 0), 0, result)
        self.assertEqual(sum(result.values()), 400, result)
        broker.resume()
        now = receiver.wait_received(before + result["OK"])
        self.assertEqual((now[2] - before, now[3]), (result["OK"], 0))
        self.assert_all_arrive(sender, receiver)
        self.assertNotIn("disconnected", " ".join(sender.seen + receiver.seen))

    def test_a_dead_server_is_noticed(self):
        """A server that reads and answers nothing: the connection ends by itself."""
        broker = start_nats(self)
        sender = Driver(self, broker)
        sender.wait("connected")
        broker.pause()
        self.assertIn("127.0.0.1", sender.wait("disconnected"))
        self.assertEqual(sender.publish(10), {"GONE": 10})
        broker.resume()
        sender.wait("connected")

    def test_server_restarts(self):
        broker = start_nats(self)
        sender, receiver = self.pair(broker)
        for end in (broker.kill, broker.stop):
            with self.subTest(end=end.__name__):
                self.assert_all_arrive(sender, receiver, 1000)
                end()
                for driver in (sender, receiver):
                    driver.wait("disconnected")
                self.assertEqual(sender.publish(100), {"GONE": 100})
                broker.start()
                for driver in (sender, receiver):
                    driver.wait("connected")
                self.meet(sender, receiver)
                self.assert_all_arrive(sender, receiver)

    def test_server_appears_later(self):
        broker = start_nats(self)
        broker.kill()
        driver = Driver(self, broker)
        self.assertIn("127.0.0.1", driver.wait("disconnected"))
        driver.subscribe()
        broker.start()
        driver.wait("connected")
        sender = Driver(self, broker)
        sender.wait("connected")
        self.meet(sender, driver)

    def test_second_server_of_two(self):
        first, second = start_nats_cluster(self, 2)
        sender, receiver = self.pair(first, second)
        self.assert_all_arrive(sender, receiver)
        first.kill()
        self.meet(sender, receiver)
        self.assert_all_arrive(sender, receiver)

    def test_wrong_password(self):
        """The broker is tried again for as long as its answer is an error: its operator can correct that."""
        config = "authorization {{ user: weir, password: {} }}"
        broker = start_nats(self, config=config.format("right"))
        driver = Driver(self, f"nats://weir:wrong@127.0.0.1:{broker.port}")
        self.assertIn("uthorization", driver.wait("disconnected"))
        self.assertNotIn("wrong", " ".join(driver.seen))
        broker.kill()
        broker.change_config(config.format("wrong"))
        broker.start()
        driver.wait("connected")

    def test_no_memory(self):
        """A message of which libnats could take the head only: the next ones are not read as its bytes."""
        if SANITIZED:
            self.skipTest("a sanitizer ends the process when it gets no memory")
        sender, receiver = self.pair(start_nats(self))
        for _ in range(3):
            receiver.ask("reset")
            sender.ask("starve", 1)
            result = sender.publish(1, 1000000)
            sender.ask("starve", 0)
            self.assertEqual(result, {"NO_MEMORY": 1})
            sender.publish(1000, 64)            # GONE: it connects again
            self.assertIn("memory", sender.wait("disconnected").lower())
            sender.wait("connected")
            self.meet(sender, receiver)
            self.assert_all_arrive(sender, receiver, 1000)  # the buffer stays small
            self.assertNotIn("disordered", " ".join(receiver.seen))

    def test_no_permission(self):
        """The cause is reported, and the node works when the permission is given."""
        config = """authorization {{ users: [{{ user: weir, password: right,
                    permissions: {{ publish: ["{}"], subscribe: ["{}"] }} }}] }}"""
        everything, other = "weir.test.>", "weir.other.>"
        for publish, subscribe, word in (everything, other, "Subscription"), (other, everything, "Publish"):
            with self.subTest(word=word):
                broker = start_nats(self, config=config.format(publish, subscribe))
                driver = Driver(self, f"nats://weir:right@127.0.0.1:{broker.port}")
                driver.wait("connected")
                driver.subscribe()
                driver.publish(10)
                why = driver.wait("disconnected")
                self.assertIn("allow this node's user to publish and subscribe to weir.NAME.>", why)
                self.assertIn(word, why)
                broker.kill()
                broker.change_config(config.format(everything, everything))
                broker.start()
                driver.wait("connected")
                self.assertEqual(driver.publish(10), {"OK": 10})

    def test_wrong_addresses(self):
        for servers in ("http://127.0.0.1:1", "nats://", "nats://:4222", "a,,b"):
            with self.subTest(servers=servers):
                self.assertIn("nats://HOST:PORT", Driver(self, servers).opened)

    def test_wrong_files(self):
        self.assertIn("credentials cannot be read", Driver(self, "nats://127.0.0.1:1", credentials="/no/such").opened)
        self.assertIn("certificates in PEM", Driver(self, "nats://127.0.0.1:1", ca="/no/such").opened)

    def test_many_subscriptions(self):
        broker = start_nats(self)
        sender, receiver = self.pair(broker)
        receiver.ask("many", 100000)
        with open(f"/proc/{receiver.process.pid}/status", encoding="utf-8") as status:
            threads = next(int(line.split()[1]) for line in status if line.startswith("Threads:"))
        self.assertLess(threads, 10)
        self.assert_all_arrive(sender, receiver, 1000)
        broker.kill()
        broker.start()
        for driver in (sender, receiver):
            driver.wait("disconnected")
            driver.wait("connected")
        self.meet(sender, receiver)
        self.assert_all_arrive(sender, receiver, 1000)

    def test_slow_consumer(self):
        """A callback that does not return: libnats drops, and every dropped message is reported."""
        sender, receiver = self.pair(start_nats(self))
        receiver.ask("reset")
        receiver.command("stop", 1)
        count = 65536 + 30000
        self.assertEqual(sender.publish(count, 64), {"OK": count})
        sender.close()                          # returns when the server has read everything
        deadline = time.monotonic() + DEADLINE_S
        receiver.command("stop", 0)
        receiver.wait("fast")
        dropped = got = 0
        while got + dropped < count:
            self.assertLess(time.monotonic(), deadline, (got, dropped))
            got = receiver.received()[0]
            dropped += sum(int(line.split()[1]) for line in receiver.take("dropped"))
        self.assertEqual(got + dropped, count)

    def test_tls(self):
        authority = certificates.Certificates()
        pair = authority.issue("broker", names=("localhost",))
        broker = start_nats(self, "--tls", "--tlscert", pair.certificate, "--tlskey", pair.key)
        url = f"tls://localhost:{broker.port}"
        sender, receiver = self.pair(url, ca=authority.ca)
        self.assert_all_arrive(sender, receiver)
        broker.pause()
        result = sender.publish(400, 60000)
        self.assertGreater(result.get("TIMED_OUT", 0), 0, result)
        broker.resume()
        self.meet(sender, receiver)
        self.assert_all_arrive(sender, receiver)
        distrusting = Driver(self, url)
        self.assertIn("certificate", distrusting.wait("disconnected"))


if __name__ == "__main__":
    main()
