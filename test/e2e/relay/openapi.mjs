// openapi.mjs URL EVENT REQUEST: reads the description of the API at URL, validates it, and asks each operation that it describes; the answers
// must be as described. EVENT is the id of an event that is archived, REQUEST a signed request for a job (NIP-90). Prints a line for each operation; fails if something is wrong.
import { Validator } from '@seriousme/openapi-schema-validator'
import Ajv from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

const [base, event, request] = process.argv.slice(2)
const description = await (await fetch(`${base}/openapi.json`)).json()
const { valid, errors } = await new Validator().validate(structuredClone(description))
if (!valid) {
    console.log(JSON.stringify(errors))
    process.exit(1)
}
const ajv = addFormats(new Ajv({ strict: false }))
ajv.addSchema(description, 'description')

const samples = { id: event, url: 'wss://one.example.com', pubkey: '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798', nip: 1, since: 1600000000, until: 1700000000,
    relayUrl: 'wss://one.example.com', namespace: 'nip32.geo', value: 'DE', lat: 52.52, lon: 13.4, 'sw.lat': 50, 'sw.lon': 10, 'ne.lat': 60, 'ne.lon': 20 }
const body_for = (path) => path === '/api/v1/dvm' ? request : !path.startsWith('/v2/') ? '{"kinds":[1]}' : path.endsWith('/compare') ? '{"relayUrls":["wss://one.example.com"]}' : '{}'
const encoded = (text) => text.replaceAll('~', '~0').replaceAll('/', '~1')
let failed = 0
// A job is there when it was posted.
for (const [path, operations] of Object.entries(description.paths).sort(([a], [b]) => (a < b ? -1 : 1)))
    for (const [method, operation] of Object.entries(operations)) {
        const needed = operation.parameters.filter((p) => p.required)
        let target = path
        const query = new URLSearchParams()
        for (const { name, in: place } of needed)
            if (place === 'path') target = target.replace(`{${name}}`, path.startsWith('/api/v1/dvm/') ? JSON.parse(request).id : samples[name])
            else query.set(name, samples[name])
        // A stream has no end: its head must do.
        const stream = operation.responses[200]?.content['text/event-stream']
        const options = method === 'post' ? { method: 'POST', body: body_for(path) } : stream ? { method: 'HEAD' } : {}
        const answer = await fetch(`${base}${target}?${query}`, options)
        const type = answer.headers.get('content-type').split(';')[0]
        // What is described without an answer is not served.
        let good = (operation.responses[200] ? [200, 404, 503] : operation.responses[202] ? [202] : [501]).includes(answer.status)
        if (type.endsWith('json')) {
            const place = answer.ok
                ? `paths/${encoded(path)}/${method}/responses/${answer.status}/content/${encoded(type)}/schema`
                : `${operation.responses.default.$ref.slice(2)}/content/${encoded(type)}/schema`
            const validate = ajv.compile({ $ref: `description#/${place}` })
            good = validate(await answer.json()) && good
            if (validate.errors) console.log(JSON.stringify(validate.errors))
        }
        console.log(`${operation.operationId} ${answer.status} ${type} ${good ? 'right' : 'wrong'}`)
        failed += good ? 0 : 1
    }
process.exit(failed > 0 ? 1 : 0)
