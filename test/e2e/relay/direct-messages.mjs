// node direct-messages.mjs PUBKEY COUNT: signed events of kind 4 for that reader, one a line, and as many for another one.

import { finalizeEvent, generateSecretKey, getPublicKey } from 'nostr-tools/pure';

const [, , reader, count] = process.argv;
const author = generateSecretKey();
const readers = [reader, getPublicKey(generateSecretKey())];
for (let i = 0; i < Number(count); i++) {
    for (const pubkey of readers) {
        const template = { kind: 4, created_at: 1700000000 + i, tags: [['p', pubkey]], content: `message ${i}` };
        console.log(JSON.stringify(finalizeEvent(template, author)));
    }
}
