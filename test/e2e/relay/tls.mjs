// TLS in front of a relay, by the TLS of Node: what comes in goes on to a port in clear.
//
//   node tls.mjs PORT CERTIFICATE KEY [CERTIFICATE KEY …]
//
// One line on stdout has the port of each certificate, in their order. Ends on SIGTERM or SIGINT.

import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createServer } from 'node:tls';

const HOST = '127.0.0.1';
const [relay, ...files] = process.argv.slice(2);
const ports = [];
for (let i = 0; i < files.length; i += 2) {
    const server = createServer({ cert: readFileSync(files[i]), key: readFileSync(files[i + 1]) }, client => {
        const inner = connect(Number(relay), HOST);
        client.pipe(inner).pipe(client);
        client.on('error', () => inner.destroy());
        inner.on('error', () => client.destroy());
    });
    server.on('tlsClientError', () => {});
    await new Promise(resolve => server.listen(0, HOST, resolve));
    ports.push(server.address().port);
}
console.log(JSON.stringify(ports));
