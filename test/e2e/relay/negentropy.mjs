// node negentropy.mjs SERVER: the NIP-77 client of nostr-tools reconciles with our server's side, a program that
// answers line by line. Prints one line for each case: its name, round trips, and whether the difference is right.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
// The package does not export it.
import { Negentropy, NegentropyStorageVector } from './node_modules/nostr-tools/lib/esm/nip77.js';

const hash = text => createHash('sha256').update(text).digest('hex');

// Records 0 to count - 1; those of which `client` or `server` say so are only with the other side.
const cases = [
    { name: 'equal', count: 1000, span: 5000, client: () => true, server: () => true },
    { name: 'both empty', count: 10, span: 10, client: () => false, server: () => false },
    { name: 'client empty', count: 3000, span: 5000, client: () => false, server: () => true },
    { name: 'server empty', count: 3000, span: 5000, client: () => true, server: () => false },
    { name: 'new at the end', count: 5000, span: 5000, client: i => i < 4900, server: () => true },
    { name: 'scattered', count: 5000, span: 100000, client: i => i % 50 !== 0, server: i => i % 77 !== 0 },
    { name: 'nothing in common', count: 4000, span: 100, client: i => i % 2 === 0, server: i => i % 2 !== 0 },
    { name: 'one second', count: 2000, span: 1, client: i => i % 9 !== 0, server: i => i % 11 !== 0 },
];
const limits = [[60000, 0], [4096, 0], [60000, 4096], [4096, 4096]];

async function run({ name, count, span, client, server }, clientLimit, serverLimit) {
    const storage = new NegentropyStorageVector();
    const child = spawn(process.argv[2], [String(serverLimit)], { stdio: ['pipe', 'pipe', 'inherit'] });
    const replies = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const expected = { have: [], need: [] };
    for (let i = 0; i < count; i++) {
        const id = hash(`${name} ${i}`);
        const time = 1700000000 + i % span;
        if (client(i)) storage.insert(time, id);
        if (server(i)) child.stdin.write(`${time} ${id}\n`);
        if (client(i) && !server(i)) expected.have.push(id);
        if (server(i) && !client(i)) expected.need.push(id);
    }
    storage.seal();
    child.stdin.write('\n');
    const found = { have: new Set(), need: new Set() };
    const side = new Negentropy(storage, clientLimit);
    let trips = 0;
    for (let message = side.initiate(); message !== null; trips++) {
        child.stdin.write(`${message}\n`);
        const reply = (await replies.next()).value;
        message = side.reconcile(reply, id => found.have.add(id), id => found.need.add(id));
    }
    child.stdin.end();
    const same = (set, list) => set.size === list.length && list.every(id => set.has(id));
    return `${name} ${clientLimit} ${serverLimit}: ${trips > 0 && same(found.have, expected.have) && same(found.need, expected.need) ? 'right' : 'wrong'}`;
}

for (const one of cases)
    for (const [clientLimit, serverLimit] of limits)
        console.log(await run(one, clientLimit, serverLimit));
