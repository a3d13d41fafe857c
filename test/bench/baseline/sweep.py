"""Visits relays as the original way does it: 30 tasks, each of which takes one relay after the other
and goes through the steps one after the other, each with the whole time-out: document, WebSocket,
question.

    sweep.py AUTHORITY TIMEOUT FILE

FILE has one URL a line. Prints {"relays": …, "tasks": 30, "relay_seconds": …, "answered": …}:
relay_seconds is the sum of the times of all visits.
"""
import asyncio
import base64
import json
import os
import ssl
import sys
import time
from urllib.parse import urlsplit

TASKS = 30
MOST = 1 << 20


class Visitor:
    def __init__(self, authority, timeout):
        self.context = ssl.create_default_context(cafile=authority)
        self.timeout = timeout

    async def connect(self, url):
        parts = urlsplit(url)
        context = self.context if parts.scheme == "wss" else None
        return await asyncio.open_connection(parts.hostname, parts.port, ssl=context)

    async def document(self, url):
        reader, writer = await self.connect(url)
        try:
            writer.write(f"GET / HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\n"
                         "Accept: application/nostr+json\r\nConnection: close\r\n\r\n".encode())
            answer = await reader.read(MOST)
            return json.loads(answer.split(b"\r\n\r\n", 1)[1])
        finally:
            writer.close()

    async def open(self, url):
        reader, writer = await self.connect(url)
        try:
            key = base64.b64encode(os.urandom(16)).decode()
            writer.write(f"GET / HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nUpgrade: websocket\r\n"
                         f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                         "Sec-WebSocket-Version: 13\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 101"):
                raise ValueError("no WebSocket")
            return reader, writer
        except BaseException:
            writer.close()
            raise

    async def ask(self, reader, writer):
        """True if an EOSE or EVENT comes."""
        text = b'["REQ","read",{"kinds":[1],"limit":1}]'
        writer.write(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)
        while True:
            size = (await reader.readexactly(2))[1]
            if size == 126:
                size = int.from_bytes(await reader.readexactly(2), "big")
            message = await reader.readexactly(size)
            if message.startswith((b'["EOSE"', b'["EVENT"')):
                return True

    async def step(self, awaitable):
        """The result; None if the step failed or took too long."""
        try:
            return await asyncio.wait_for(awaitable, self.timeout)
        except (OSError, ValueError, IndexError, EOFError, asyncio.TimeoutError, asyncio.LimitOverrunError):
            return None

    async def visit(self, url):
        await self.step(self.document(url))
        opened = await self.step(self.open(url))
        if not opened:
            return False
        answered = await self.step(self.ask(*opened))
        opened[1].close()
        return bool(answered)


async def main():
    authority, timeout, name = sys.argv[1:]
    with open(name, encoding="utf-8") as file:
        urls = file.read().splitlines()
    visitor = Visitor(authority, float(timeout))
    left, seconds, answered = list(urls), 0, 0

    async def task():
        nonlocal seconds, answered
        while left:
            begin = time.monotonic()
            answered += await visitor.visit(left.pop())
            seconds += time.monotonic() - begin

    await asyncio.gather(*(task() for _ in range(TASKS)))
    print(json.dumps({"relays": len(urls), "tasks": TASKS, "relay_seconds": seconds, "answered": answered}))


asyncio.run(main())
