// node clients.mjs URL FILE: NDK and the client of rust-nostr ask the archive as a relay. FILE has the events that it holds, one a line.
// Prints a line for each check. When both have printed "… listens" they wait for an event that is archived then.
import { readFileSync } from 'node:fs'
import WebSocket from 'ws'

globalThis.WebSocket = WebSocket
const { default: NDK } = await import('@nostr-dev-kit/ndk')
const { Client, Duration, Filter, Kind, Timestamp, loadWasmAsync } = await import('@rust-nostr/nostr-sdk')

const [url, file] = process.argv.slice(2)
const events = readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line))
const say = (name, right) => console.log(`${name}: ${right ? 'right' : 'wrong'}`)
const fields = ({ id, pubkey, created_at, kind, tags, content, sig }) => JSON.stringify([id, pubkey, created_at, kind, tags, content, sig])
const same = (found, wanted) => String(found.map(fields).sort()) === String(wanted.map(fields).sort())
const notes = events.filter((event) => event.kind === 1)

const ndk = new NDK({ explicitRelayUrls: [url], enableOutboxModel: false })
await ndk.connect(10000)
const fetched = [...(await ndk.fetchEvents({ kinds: [1], limit: 1000 }))]
say('ndk: events', same(fetched.map((event) => event.rawEvent()), notes))
const some = events.slice(0, 3).map((event) => event.id)
say('ndk: by ids', same([...(await ndk.fetchEvents({ ids: some }))].map((event) => event.rawEvent()), events.slice(0, 3)))
say('ndk: count', (await ndk.count({ kinds: [1] })).count === notes.length)

await loadWasmAsync()
const client = new Client()
await client.addRelay(url)
await client.connect()
const patience = () => Duration.fromSecs(20)
const read = async (filter) => (await client.fetchEvents(filter, patience())).toVec().map((event) => JSON.parse(event.asJson()))
say('rust-nostr: events', same(await read(new Filter().kinds([new Kind(1)]).limit(1000)), notes))
say('rust-nostr: a tag', same(await read(new Filter().hashtags(['t1']).limit(1000)), events.filter((event) => event.tags.some(([name, value]) => name === 't' && value === 't1'))))
say('rust-nostr: count', (await (await client.relay(url)).countEvents(new Filter().kind(new Kind(1)), patience())) === BigInt(notes.length))

const newToNdk = new Promise((resolve) => {
    const subscription = ndk.subscribe({ kinds: [1], since: 1900000000 }, { closeOnEose: false })
    subscription.on('event', (event) => resolve(event.content))
    subscription.on('eose', () => console.log('ndk listens'))
})
const newToRust = new Promise((resolve) => {
    client.handleNotifications({
        handleEvent: async (_relay, _subscription, event) => {
            if (event.createdAt.asSecs() >= 1900000000) resolve(event.content)
            return false
        },
        handleMsg: async (_relay, message) => {
            if (message.asJson().startsWith('["EOSE"')) console.log('rust-nostr listens')
            return false
        },
    })
})
await client.subscribe(new Filter().kind(new Kind(1)).since(Timestamp.fromSecs(1900000000)))
say('ndk: a new event', (await newToNdk) === 'newer')
say('rust-nostr: a new event', (await newToRust) === 'newer')
process.exit(0)
