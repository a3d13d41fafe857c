// Runs independent relay software (@nostr-relay) on loopback. The protocol is that software's work:
// parsing, id and signature checks, REQ, subscriptions; here is only what ties it to a socket.
//
//   node relay.mjs [--port N] [--load FILE.jsonl[.gz]] [--refused FILE] [--max-limit N] [--hostname NAME]
//
// With --hostname the relay asks who reads (NIP-42), and shows direct messages to their author and reader only.
// Events of --load are sent to the relay over WebSocket like any client's. Those it does not
// keep are written to --refused, a line for each: {"id":…,"reason":…,"event":"the line as it was"}.
// When all is loaded, one line on stdout says where the relay is:
// {"url":…,"port":…,"pid":…,"events":…,"refused":…}. Ends on SIGTERM or SIGINT.

import { createReadStream, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { createGunzip } from 'node:zlib';
import { createOutgoingNoticeMessage, LogLevel } from '@nostr-relay/common';
import { NostrRelay } from '@nostr-relay/core';
import { Validator } from '@nostr-relay/validator';
import { WebSocket, WebSocketServer } from 'ws';
import { MemoryRepository } from './memory-repository.mjs';

const HOST = '127.0.0.1';

function serve(port, repository, hostname) {
    const relay = new NostrRelay(repository, { hostname, logLevel: LogLevel.ERROR, filterResultCacheTtl: 0 });
    const validator = new Validator({ maxTagValueLength: 64 << 10, maxContentLength: 1 << 20 });
    const server = new WebSocketServer({ host: HOST, port, perMessageDeflate: true });

    server.on('connection', (client, request) => {
        relay.handleConnection(client, request.socket.remoteAddress);
        client.on('message', async data => {
            try {
                await relay.handleMessage(client, await validator.validateIncomingMessage(data));
            } catch (error) {
                client.send(JSON.stringify(createOutgoingNoticeMessage(error.message)));
            }
        });
        client.on('close', () => relay.handleDisconnect(client));
        client.on('error', error => console.error(`connection: ${error.message}`));
    });
    return new Promise((resolve, reject) => {
        server.once('error', reject);
        server.once('listening', () => resolve(server));
    });
}

function lines(file) {
    const input = createReadStream(file);
    return createInterface({ input: file.endsWith('.gz') ? input.pipe(createGunzip()) : input });
}

function idOf(line) {
    try {
        return JSON.parse(line).id ?? null;
    } catch {
        return null;
    }
}

// Why the answer to an EVENT message means that the relay does not hold the event, or nothing.
function refusal(verb, [subject, accepted, message], repository) {
    if (verb === 'NOTICE') return subject;
    if (!accepted) return message;
    return repository.has(subject) ? undefined : 'accepted, but not kept';
}

// Sends each line as an EVENT message and waits for the answer before the next one: a NOTICE does
// not say which event it is about.
async function load(url, file, repository) {
    const client = new WebSocket(url);
    await new Promise((resolve, reject) => {
        client.once('open', resolve);
        client.once('error', reject);
    });
    const refused = [];
    for await (const line of lines(file)) {
        if (line.trim() === '') continue;
        const answer = new Promise((resolve, reject) => {
            client.on('message', data => {
                const message = JSON.parse(data);
                if (message[0] !== 'AUTH') resolve(message);
            });
            client.once('close', code => reject(new Error(`the relay closed the connection (${code})`)));
        });
        client.send(`["EVENT",${line}]`);
        const [verb, ...rest] = await answer;
        client.removeAllListeners('close').removeAllListeners('message');
        const reason = refusal(verb, rest, repository);
        if (reason) refused.push({ id: idOf(line), reason, event: line });
    }
    client.close();
    return refused;
}

const { values: options } = parseArgs({
    options: {
        port: { type: 'string', default: '0' },
        load: { type: 'string' },
        refused: { type: 'string' },
        'max-limit': { type: 'string', default: '1000' },
        hostname: { type: 'string' },
    },
});

const repository = new MemoryRepository(Number(options['max-limit']));
const server = await serve(Number(options.port), repository, options.hostname);
const { port } = server.address();
const url = `ws://${HOST}:${port}`;
const refused = options.load ? await load(url, options.load, repository) : [];
if (options.refused) {
    writeFileSync(options.refused, refused.map(entry => JSON.stringify(entry) + '\n').join(''));
}
console.log(JSON.stringify({ url, port, pid: process.pid, events: repository.size, refused: refused.length }));

for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => process.exit(0));
