// node compare.mjs EXPORTED CORPUS: compares events that the archive exported (COPY text, one JSON a line)
// with the originals: the id must be the hash of the exported event (NIP-01) and every field the same.
// Prints how many are the same; complains about the others on stderr.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const lines = file => readFileSync(file, 'utf8').split('\n').filter(line => line !== '');
const fields = event => JSON.stringify(['id', 'pubkey', 'created_at', 'kind', 'tags', 'content', 'sig'].map(name => event[name]));
const hash = ({ pubkey, created_at, kind, tags, content }) =>
    createHash('sha256').update(JSON.stringify([0, pubkey, created_at, kind, tags, content])).digest('hex');

const [, , exported, corpus] = process.argv;
const originals = new Map(lines(corpus).map(line => JSON.parse(line)).map(event => [event.id, fields(event)]));
let same = 0;
for (const line of lines(exported)) {
    const event = JSON.parse(line.replaceAll('\\\\', '\\'));
    if (hash(event) === event.id && originals.get(event.id) === fields(event)) same++;
    else console.error(`not the same: ${line.slice(0, 300)}`);
}
console.log(`${same} same`);
