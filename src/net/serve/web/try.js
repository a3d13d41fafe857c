// All routes, from the server's OpenAPI description; the visitor can try each one.
import { get, target } from './api.js'
import { clean, copy, el, problem, said } from './dom.js'
import { later } from './plot.js'

const SHOWN = 20000 // characters shown of an answer
const LISTEN = 10000 // ms for which an endless answer is read

// The text of an answer. Of a stream (server-sent events), what arrives within LISTEN.
async function read(answer) {
	if (!answer.headers.get('content-type')?.startsWith('text/event-stream')) return answer.text()
	const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
	const end = setTimeout(() => reader.cancel(), LISTEN)
	let text = ''
	for (let part = await reader.read(); !part.done && text.length < SHOWN; part = await reader.read()) text += part.value
	clearTimeout(end)
	reader.cancel()
	return text
}

function trial(method, path, operation) {
	const parameters = operation.parameters.filter((p) => p.name !== 'cursor')
	const output = el('div', { 'aria-live': 'polite' })
	const form = el('form', { onsubmit: async (event) => {
		event.preventDefault()
		const values = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ''))
		const { body, ...named } = values
		let url = path
		for (const p of parameters)
			if (p.in === 'path') {
				url = url.replace(`{${p.name}}`, encodeURIComponent(named[p.name] ?? ''))
				delete named[p.name]
			}
		const relative = target(url, named)
		const whole = new URL(relative, document.baseURI).href
		output.replaceChildren(el('p', { class: 'soft' }, 'Asking …'))
		const began = performance.now()
		try {
			const answer = await fetch(relative, method === 'POST' ? { method, body: body ?? '', headers: { 'Content-Type': 'application/json' } } : {})
			const text = await read(answer)
			const type = answer.headers.get('content-type') ?? ''
			let pretty = text
			if (/json/.test(type)) try { pretty = JSON.stringify(JSON.parse(text), null, 2) } catch {} // cut JSON is shown as it came
			const curl = method === 'POST' ? `curl '${whole}' --data '${(body ?? '').replaceAll("'", "'\\''")}'` : `curl '${whole.replaceAll("'", '%27')}'`
			output.replaceChildren(el('pre', {}, clean(curl, 2000)), copy(curl, 'Copy'),
				el('p', { class: 'note' }, `${answer.status}, ${text.length} characters of ${clean(type, 80)} in ${Math.round(performance.now() - began)} ms${pretty.length > SHOWN ? '; the first of them:' : ':'}`), el('pre', { dir: 'ltr' }, clean(pretty, SHOWN)))
		} catch (error) {
			output.replaceChildren(problem({ title: 'There is no whole answer', message: `The connection to the server ended: ${error.message}.`, hint: 'Try again in a minute.' }))
		}
	} },
		el('div', { class: 'filters' }, parameters.map((p) => el('label', { title: p.description }, `${p.name}${p.required ? ' *' : ''}`, el('input', { name: p.name, required: p.required, placeholder: clean(p.schema?.default ?? p.schema?.type ?? 'JSON', 20), 'aria-description': p.description }))),
			operation.requestBody && el('label', { class: 'wider' }, 'body', el('textarea', { name: 'body', rows: 2 }, '{"kinds": [1], "limit": 3}')), el('button', { class: 'main' }, 'Send')), output)
	return [el('ul', { class: 'note' }, parameters.map((p) => el('li', {}, el('code', {}, p.name), p.description ? `: ${clean(p.description, 300)}` : ''))), form]
}

export async function show(parameters, signal) {
	const description = await get('/openapi.json', {}, signal)
	const groups = new Map()
	for (const [path, operations] of Object.entries(description.paths))
		for (const [method, operation] of Object.entries(operations)) {
			const group = /^\/api\/v1\/([a-z]+)/.exec(path)?.[1] ?? (/^\/(v1|badge)\//.exec(path)?.[1] ?? 'the server')
			groups.set(group, [...(groups.get(group) ?? []), [method.toUpperCase(), path, operation]])
		}
	const names = { v1: 'lists, as nostr.watch had them', badge: 'badges' }
	const base = document.baseURI.replace(/#.*$/, '')
	const row = ([method, path, operation]) => {
		const details = later('', () => el('div', {}, trial(method, path, operation)))
		details.className = 'operation'
		details.firstChild.replaceChildren(el('code', {}, `${method} ${path}`), el('span', { class: 'soft' }, clean(operation.summary, 300)))
		return details
	}
	return [
		el('h1', {}, 'The API'),
		el('p', { class: 'lead' }, 'Everything on these pages can be asked by a program, and more. ', el('a', { href: 'openapi.json' }, 'openapi.json'), ' describes it.'),
		el('p', {}, 'As a Nostr relay (read-only): ', el('code', {}, base.replace(/^http/, 'ws'))),
		description.info.description ? el('p', { class: 'note' }, said(description.info.description, 1000)) : null,
		[...groups].sort(([a], [b]) => a.localeCompare(b)).map(([name, operations]) => el('section', { class: 'sheet' }, el('h2', {}, names[name] ?? name), operations.map(row)))
	]
}
