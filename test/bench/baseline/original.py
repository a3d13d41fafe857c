"""Feeds events to insert_event() of original.sql with asyncpg, as the original way does it.

    original.py HOST DATABASE RELAY BATCH STEP FILE      prints {"events": …, "seconds": …}

FILE has one event (JSON) a line. STEP (what is inside the clock): insert, parse, verify. One
executemany and one transaction for each batch.
"""
import asyncio
import ctypes
import ctypes.util
import hashlib
import json
import sys
import time

import asyncpg

INSERT = "SELECT insert_event($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
NOW = 1770000000
VERIFY_CONTEXT = 0x0101


class Verifier:
    """Ids by hashlib, signatures by libsecp256k1."""

    def __init__(self):
        self.library = ctypes.CDLL(ctypes.util.find_library("secp256k1"))
        self.library.secp256k1_context_create.restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(self.library.secp256k1_context_create(VERIFY_CONTEXT))
        self.key = ctypes.create_string_buffer(64)

    def check(self, event):
        canonical = json.dumps(
            [0, event["pubkey"], event["created_at"], event["kind"], event["tags"], event["content"]],
            separators=(",", ":"), ensure_ascii=False)
        digest = hashlib.sha256(canonical.encode()).digest()
        if digest.hex() != event["id"]:
            raise ValueError("wrong id")
        if not self.library.secp256k1_xonly_pubkey_parse(self.context, self.key, bytes.fromhex(event["pubkey"])):
            raise ValueError("no key")
        if not self.library.secp256k1_schnorrsig_verify(
                self.context, bytes.fromhex(event["sig"]), digest, ctypes.c_size_t(32), self.key):
            raise ValueError("wrong signature")


def arguments(event, relay):
    return (bytes.fromhex(event["id"]), bytes.fromhex(event["pubkey"]), event["created_at"], event["kind"],
            json.dumps(event["tags"]), event["content"], bytes.fromhex(event["sig"]), relay, "clearnet", NOW, NOW)


async def main():
    host, database, relay, batch, step, name = sys.argv[1:]
    if step not in ("insert", "parse", "verify"):
        sys.exit(f"no such step: {step}")
    batch = int(batch)
    connection = await asyncpg.connect(
        host=host, database=database, user="postgres", server_settings={"jit": "off"})
    verifier = Verifier()
    with open(name, encoding="utf-8") as file:
        lines = file.read().splitlines()
    batches = [lines[i:i + batch] for i in range(0, len(lines), batch)]

    def prepared(texts):
        events = [json.loads(text) for text in texts]
        if step == "verify":
            for event in events:
                verifier.check(event)
        return [arguments(event, relay) for event in events]

    if step == "insert":
        batches = [prepared(texts) for texts in batches]
    begin = time.monotonic()
    for item in batches:
        rows = item if step == "insert" else prepared(item)
        async with connection.transaction():
            await connection.executemany(INSERT, rows)
    seconds = time.monotonic() - begin
    await connection.close()
    print(json.dumps({"events": len(lines), "seconds": seconds}))


asyncio.run(main())
