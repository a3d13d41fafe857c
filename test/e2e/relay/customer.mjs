// node customer.mjs PROVIDER RELAY [OTHER]: a customer of nostr-tools asks the provider (a public key) for jobs (NIP-90) at a relay, in
// clear, encrypted by NIP-44 and by NIP-04. Prints a line of JSON for each check. The answer of the last job goes to OTHER, too.
//      customer.mjs PROVIDER RELAY --priced: asks for a job, prints "unpaid ID" when a price is asked for it, and whether it is answered; asks
// for another, and pays for it by a zap, whose receipt the secret key of 32 bytes 5 signs.
//      customer.mjs PROVIDER RELAY --posted URL: posts jobs to the API at URL, in clear and encrypted.
//      customer.mjs PROVIDER RELAY --many COUNT: asks for so many jobs, prints "asked", and after a line on standard input whether each was
// answered once.
import WebSocket from 'ws'
import { AbstractRelay } from 'nostr-tools/abstract-relay'
import { finalizeEvent, getPublicKey, verifyEvent } from 'nostr-tools/pure'
import * as nip04 from 'nostr-tools/nip04'
import * as nip44 from 'nostr-tools/nip44'
import { bech32 } from '@scure/base'

const [provider, url, option, count] = process.argv.slice(2)
const secret = new Uint8Array(32).fill(7)
const us = getPublicKey(secret)
const relay = new AbstractRelay(url, { verifyEvent, websocketImplementation: WebSocket })
relay.publishTimeout = 60000
await relay.connect()
const now = () => Math.floor(Date.now() / 1000)
const sign = (kind, tags, content = '') => finalizeEvent({ kind, tags, content, created_at: now() }, secret)
const say = (name, right, seen) => console.log(JSON.stringify({ name, right: Boolean(right), ...(right ? {} : { seen }) }))

// The answers to us, by the request that their first tag e names.
const answers = new Map()
let waiting = []
const wake = () => {
    waiting = waiting.filter(({ request, status, resolve }) => {
        const found = (answers.get(request) ?? []).find((event) => event.kind !== 7000 || status === event.tags.find((tag) => tag[0] === 'status')?.[1] || (status && event.tags.some((tag) => tag[0] === 'encrypted')))
        if (found) resolve(found)
        return !found
    })
}
relay.subscribe([{ '#p': [us], authors: [provider], since: now() - 10 }], {
    onevent: (event) => {
        const request = event.tags.find((tag) => tag[0] === 'e')[1]
        answers.set(request, [...(answers.get(request) ?? []), event])
        wake()
    },
})
const answer = (request, status) =>
    new Promise((resolve) => {
        waiting.push({ request: request.id, status, resolve })
        wake()
    })
const ask = async (request, status) => {
    const answered = answer(request, status)
    await relay.publish(request)
    return answered
}

if (option === '--many') {
    const requests = Array.from({ length: Number(count) }, (_, n) => sign(5400, [['p', provider], ['i', `{"kinds":[1],"until":${2000000000 + n}}`]]))
    for (const request of requests) await relay.publish(request)
    console.log('asked')
    await new Promise((resolve) => process.stdin.once('data', resolve))
    // The last answers may still be on their way. The relay sends each answer before it tells the provider that it has it, so all of
    // them come before the end of this question.
    await new Promise((resolve) => relay.subscribe([{ ids: ['0'.repeat(64)] }], { oneose: resolve, eoseTimeout: 60000 }))
    const results = requests.map((request) => (answers.get(request.id) ?? []).filter((event) => event.kind === 6400).length)
    say('each is answered once', results.every((n) => n === 1), results)
    process.exit(0)
}

if (option === '--priced') {
    const request = sign(5400, [['p', provider]])
    const status = await ask(request, 'payment-required')
    say('a price', status.tags.find((one) => one[0] === 'amount')?.[1] === '5000', status)
    console.log(`unpaid ${request.id}`)
    const result = await answer(request, 'none')
    say('a paid job', result.kind === 6400 && result.content === '3', result)
    const other = sign(5400, [['p', provider], ['i', '{"kinds":[0]}']])
    const price = await ask(other, 'payment-required')
    const zapped = sign(9734, [['p', provider], ['e', price.id], ['amount', '5000'], ['relays', url]])
    const invoice = bech32.encode('lnbc50n', [0, 1, 2, 3], false)
    await relay.publish(finalizeEvent({ kind: 9735, tags: [['p', provider], ['e', price.id], ['bolt11', invoice], ['description', JSON.stringify(zapped)]], content: '', created_at: now() }, new Uint8Array(32).fill(5)))
    say('a job that is paid by a zap', (await answer(other, 'none')).content === '0', other)
    process.exit(0)
}

// By HTTP: the answer is fetched where Location says.
if (option === '--posted') {
    const post = async (request) => {
        const taken = await fetch(`${count}/api/v1/dvm`, { method: 'POST', body: JSON.stringify(request) })
        if (taken.status !== 202) return { status: taken.status, body: await taken.text() }
        for (;;) {
            const { events } = await (await fetch(new URL(taken.headers.get('location'), count))).json()
            if (events.length > 0) return events[0]
            await new Promise((resolve) => setTimeout(resolve, 200))
        }
    }
    const key = nip44.getConversationKey(secret, provider)
    const clear = await post(sign(5400, [['p', provider], ['i', '{"kinds":[1]}']]))
    say('a posted job', clear.kind === 6400 && clear.content === '3' && verifyEvent(clear), clear)
    const sealed = await post(sign(5400, [['p', provider], ['encrypted']], nip44.encrypt('[["i","{\\"kinds\\":[1]}","text"]]', key)))
    say('encrypted by NIP-44', verifyEvent(sealed) && nip44.decrypt(sealed.content, key) === '3' && !sealed.tags.some((one) => one[0] === 'i'), sealed)
    const older = await post(sign(5400, [['p', provider], ['encrypted']], await nip04.encrypt(secret, provider, '[["i","{\\"kinds\\":[1]}","text"]]')))
    say('encrypted by NIP-04', verifyEvent(older) && (await nip04.decrypt(secret, provider, older.content)) === '3', older)
    const request = sign(5400, [['p', provider], ['i', '{"kinds":[2]}']])
    const heard = answer(request)
    const posted = await post(request)
    say('relays get the answer, too', (await heard).id === posted.id, posted)
    process.exit(0)
}

const tag = (event, name) => event.tags.find((one) => one[0] === name)

// Who it is and what it does.
{
    const events = await new Promise((resolve) => {
        const found = []
        const subscription = relay.subscribe([{ authors: [provider], kinds: [0, 10002, 11998, 31990] }], {
            onevent: (event) => {
                found.push(event)
                if (new Set(found.map((one) => one.kind)).size === 4) resolve(found)
            },
        })
    })
    const of = (kind) => events.find((event) => event.kind === kind)
    const about = JSON.parse(of(31990).content)
    say('an announcement', about.name === 'bigbrotr' && about.encryptionSupported === true && of(31990).tags.filter((one) => one[0] === 'k').map((one) => one[1]).join() === '5300,5302,5303,5400,5411', of(31990))
    say('a heartbeat of the same name', tag(of(11998), 'd')[1] === tag(of(31990), 'd')[1] && Number(tag(of(11998), 'expiration')[1]) > now(), of(11998))
    say('where it is', tag(of(10002), 'r')[1] === url && JSON.parse(of(0).content).name === 'bigbrotr', of(10002))
}
// A count, in clear.
{
    const request = sign(5400, [['p', provider], ['i', '{"kinds":[1]}', 'text'], ['output', 'text/plain']])
    const result = await ask(request)
    say('a count', result.kind === 6400 && result.content === '3', result)
    say('the result names the request', tag(result, 'e')[1] === request.id && JSON.parse(tag(result, 'request')[1]).sig === request.sig && result.tags.filter((one) => one[0] === 'p').length === 1, result)
    say('its inputs are repeated', JSON.stringify(tag(result, 'i')) === JSON.stringify(request.tags[1]), result)
}
// Open jobs are done, those of others not.
{
    const open = sign(5400, [['i', '{"kinds":[2]}']])
    const foreign = sign(5400, [['p', us], ['i', '{"kinds":[3]}']])
    await relay.publish(foreign)
    const result = await ask(open)
    say('a job for anybody', result.content === '0', result)
    say('a job for somebody else', !answers.has(foreign.id), answers.get(foreign.id))
}
// Questions to the API.
{
    const result = await ask(sign(5411, [['p', provider], ['param', 'route', 'events'], ['param', 'kinds', '1'], ['param', 'limit', '2']]))
    const page = JSON.parse(result.content)
    say('events', result.kind === 6411 && page.items.length === 2 && page.items.every((event) => verifyEvent(event)), result)
    const next = JSON.parse((await ask(sign(5411, [['p', provider], ['param', 'route', 'events'], ['param', 'kinds', '1'], ['param', 'limit', '2'], ['param', 'cursor', page.next]]))).content)
    say('the next page', next.items.length === 1 && !page.items.some((event) => event.id === next.items[0].id), next)
}
// What goes wrong is told.
{
    const failed = await ask(sign(5411, [['p', provider], ['param', 'route', 'nothing']]), 'error')
    say('an error', failed.kind === 7000 && tag(failed, 'status')[1] === 'error' && /no such route/.test(tag(failed, 'status')[2]), failed)
}
// Encrypted, both ways: the inputs are not to be seen in the answer.
const key = nip44.getConversationKey(secret, provider)
for (const [name, encrypt, decrypt] of [
    ['NIP-44', (text) => nip44.encrypt(text, key), (text) => nip44.decrypt(text, key)],
    ['NIP-04', (text) => nip04.encrypt(secret, provider, text), (text) => nip04.decrypt(secret, provider, text)],
]) {
    const request = sign(5400, [['p', provider], ['encrypted']], await encrypt('[["i","{\\"kinds\\":[1]}","text"]]'))
    const result = await ask(request)
    say(name, result.kind === 6400 && (await decrypt(result.content)) === '3' && tag(result, 'encrypted') && !tag(result, 'i'), result)
    const failed = await ask(sign(5400, [['p', provider], ['encrypted']], await encrypt('[["i","x","url"]]')), 'error')
    const status = JSON.parse(await decrypt(failed.content))[0]
    say(`an error in ${name}`, failed.kind === 7000 && status[1] === 'error' && /not read/.test(status[2]) && !tag(failed, 'status'), failed)
}
{
    const failed = await ask(sign(5400, [['p', provider], ['encrypted']], nip44.encrypt('[]', nip44.getConversationKey(new Uint8Array(32).fill(9), provider))), 'error')
    say('encrypted for somebody else', failed.kind === 7000, failed)
}
// Alive.
{
    const pong = await ask(sign(7007, [['p', provider]]), 'pong')
    say('a ping', tag(pong, 'status')[1] === 'pong', pong)
}
// The answer goes where the customer wants it.
{
    const other = new AbstractRelay(option, { verifyEvent, websocketImplementation: WebSocket })
    await other.connect()
    const request = sign(5400, [['p', provider], ['relays', option, 'ws://nowhere.invalid'], ['i', '{"kinds":[0]}']])
    const there = new Promise((resolve) => other.subscribe([{ '#e': [request.id], kinds: [6400] }], { onevent: resolve }))
    await relay.publish(request)
    say('the relay of the customer', (await there).content === '0', await there)
}
process.exit(0)
