// node archive.mjs URL FILE: the client of nostr-tools asks the archive as a relay. FILE has the events that it holds, one a line, in the
// form in which it must show them. Prints a line for each check. After "listening" it waits for an event that is archived then.
import { readFileSync } from 'node:fs'
import WebSocket from 'ws'
import { AbstractRelay } from 'nostr-tools/abstract-relay'
import { matchFilter } from 'nostr-tools/filter'
import { verifyEvent } from 'nostr-tools/pure'
// The package does not export it.
import { NegentropyStorageVector, NegentropySync } from './node_modules/nostr-tools/lib/esm/nip77.js'

const [url, file] = process.argv.slice(2)
const lines = readFileSync(file, 'utf8').trim().split('\n')
const events = lines.map((line) => JSON.parse(line))
events.sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1))
const say = (name, right) => console.log(`${name}: ${right ? 'right' : 'wrong'}`)

// Each event is verified once: that is slow in JavaScript, and most are received many times.
const verified = new Map()
const verifyOnce = (event) => {
    const text = JSON.stringify(event)
    if (verified.get(event.id) !== text && verifyEvent(event)) verified.set(event.id, text)
    return verified.get(event.id) === text
}
const relay = new AbstractRelay(url, { verifyEvent: verifyOnce, websocketImplementation: WebSocket })
relay.baseEoseTimeout = 60000
relay.publishTimeout = 60000
await relay.connect()

// What it sends to its client, byte for byte.
const received = new Map()
const onmessage = relay._onmessage
relay._onmessage = (message) => {
    const event = /^\["EVENT","[^"]*",(\{.*\})\]$/.exec(message.data)
    if (event) received.set(JSON.parse(event[1]).id, event[1])
    onmessage.call(relay, message)
}
relay.ws.onmessage = relay._onmessage

const read = (filters) =>
    new Promise((resolve) => {
        const found = []
        const subscription = relay.subscribe(filters, {
            onevent: (event) => found.push(event.id),
            onclose: (reason) => resolve(reason),
            oneose: () => {
                subscription.onclose = undefined
                subscription.close()
                resolve(found)
            },
        })
    })

// Everything, in pages.
const all = new Set()
for (let until = events[0].created_at; ; ) {
    const page = await read([{ until, limit: 50 }])
    const before = all.size
    page.forEach((id) => all.add(id))
    if (all.size === before) break
    until = events.find((event) => event.id === page.at(-1)).created_at
}
say('all events come out', all.size === events.length)
say('byte for byte', lines.every((line) => received.get(JSON.parse(line).id) === line))

// Random filters, against the client's own matching. A fixed seed: xorshift.
let state = 88172645
const random = (n) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % n
}
const pick = (list) => list[random(list.length)]
const some = (list) => [...new Set(Array.from({ length: 1 + random(3) }, () => pick(list)))]
const values = (name) => [...events.flatMap((event) => event.tags.filter((tag) => tag[0] === name).map((tag) => tag[1])), '0'.repeat(64)]
const filter = () => {
    const made = {}
    if (random(6) === 0) made.ids = some(events.map((event) => event.id))
    if (random(3) === 0) made.authors = some(events.map((event) => event.pubkey))
    if (random(2) === 0) made.kinds = some([...events.map((event) => event.kind), 9])
    for (const name of ['t', 'e', 'p']) if (random(5) === 0) made[`#${name}`] = some(values(name))
    if (random(3) === 0) made.since = pick(events).created_at
    if (random(3) === 0) made.until = pick(events).created_at
    if (random(2) === 0) made.limit = 1 + random(20)
    return made
}
const expected = (filters) => {
    const found = new Set()
    for (const one of filters)
        events
            .filter((event) => matchFilter(one, event))
            .slice(0, one.limit ?? 500)
            .forEach((event) => found.add(event.id))
    return [...found].sort()
}
let wrong = 0
const questions = Number(process.env.BIGBROTR_FILTERS ?? 300)
for (let i = 0; i < questions; i++) {
    const filters = Array.from({ length: 1 + random(3) }, filter)
    const found = await read(filters)
    if (String([...new Set(found)].sort()) !== String(expected(filters))) {
        wrong++
        console.log(`${JSON.stringify(filters)}: ${found.length} events`)
    }
}
say(`${questions} random questions`, wrong === 0)
say('in order', String(await read([{ limit: 100 }])) === String(events.slice(0, 100).map((event) => event.id)))
say('counts', (await relay.count([{ kinds: [1] }], {})) === events.filter((event) => event.kind === 1).length)
say('a filter that cannot be read', /^invalid: /.test(await read([{ ids: ['x'] }])))
say('it is read-only', await relay.publish(events[0]).then(() => false, (error) => /read-only/.test(error)))

// Comparing sets: the client lacks every third event, and has one that the archive lacks.
const storage = new NegentropyStorageVector()
const foreign = 'f'.repeat(64)
storage.insert(events[0].created_at, foreign)
events.forEach((event, i) => i % 3 === 0 || storage.insert(event.created_at, event.id))
storage.seal()
const need = [], have = []
await new Promise((resolve) =>
    new NegentropySync(relay, storage, {}, { onneed: (id) => need.push(id), onhave: (id) => have.push(id), onclose: resolve }).start()
)
say('sets are compared', String(need.sort()) === String(events.filter((_, i) => i % 3 === 0).map((event) => event.id).sort()) && String(have) === foreign)

const information = await (await fetch(url.replace('ws://', 'http://'), { headers: { accept: 'application/nostr+json' } })).json()
say('its document', information.supported_nips.includes(77) && information.limitation.restricted_writes)

await new Promise((resolve) => {
    relay.subscribe([{ kinds: [1], since: 1800000000 }], {
        onevent: (event) => {
            say('a new event', event.content === 'new')
            resolve()
        },
        oneose: () => console.log('listening'),
    })
})
relay.close()
process.exit(0)
