// node private-message.mjs SECRET: reads a gift wrap (NIP-59) from its input, opens it with that secret key in hex, and prints the message
// and whether all signatures are right.

import { readFileSync } from 'node:fs';
import { verifyEvent } from 'nostr-tools/pure';
import { decrypt, getConversationKey } from 'nostr-tools/nip44';

const secret = Uint8Array.from(Buffer.from(process.argv[2], 'hex'));
const open = (event) => JSON.parse(decrypt(event.content, getConversationKey(secret, event.pubkey)));
const wrap = JSON.parse(readFileSync(0));
const seal = open(wrap);
console.log(JSON.stringify({ message: open(seal), seal, verified: verifyEvent(wrap) && verifyEvent(seal) }));
