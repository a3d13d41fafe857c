// node read.mjs URL: asks a relay for the events of monitors, verifies them with nostr-tools and reads them with the parser of
// applesauce. Prints an array: an object for each event, by kind and relay. Time-outs are left out: NIP-66 has two orders of their items, and applesauce
// reads the one that its example and most monitors do not write.

import { getMonitorChecks, getMonitorFrequency, getRelayDiscoveryNetworkType, getRelayDiscoveryRequirements, getRelayDiscoveryRTT,
    getRelayDiscoverySupportedNIPs, getRelayDiscoveryTopics, getRelayDiscoveryURL, isValidRelayDiscovery, isValidRelayMonitorAnnouncement }
    from 'applesauce-common/helpers/relay-discovery';
import { verifyEvent } from 'nostr-tools/pure';
import { WebSocket } from 'ws';

const whole = value => Number.isInteger(value) && value >= 0;

function read(event) {
    const found = { kind: event.kind, pubkey: event.pubkey, verified: verifyEvent(event) };
    if (event.kind === 10166)
        return { ...found, valid: isValidRelayMonitorAnnouncement(event), frequency: getMonitorFrequency(event), checks: getMonitorChecks(event) };
    if (event.kind === 30166)
        return { ...found, valid: isValidRelayDiscovery(event), url: getRelayDiscoveryURL(event), network: getRelayDiscoveryNetworkType(event) ?? null,
            open: whole(getRelayDiscoveryRTT(event, 'open')), read: whole(getRelayDiscoveryRTT(event, 'read')), write: whole(getRelayDiscoveryRTT(event, 'write')),
            nips: getRelayDiscoverySupportedNIPs(event), requirements: getRelayDiscoveryRequirements(event), topics: getRelayDiscoveryTopics(event) };
    return found;
}

const socket = new WebSocket(process.argv[2]);
const events = [];
socket.on('error', error => { throw error; });
socket.on('open', () => socket.send(JSON.stringify(['REQ', 'all', { kinds: [0, 10002, 10166, 30166, 30078] }])));
socket.on('message', data => {
    const [verb, , event] = JSON.parse(data);
    if (verb === 'EVENT') events.push(event);
    if (verb !== 'EOSE') return;
    socket.close();
    const sorted = events.sort((a, b) => a.kind - b.kind || JSON.stringify(a.tags).localeCompare(JSON.stringify(b.tags)));
    console.log(JSON.stringify(sorted.map(read)));
});
