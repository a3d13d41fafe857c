// Searches events with a filter (NIP-01) that the visitor fills in, and with words (NIP-50).
import { get, target } from './api.js'
import { ago, clean, copy, el, eventLink, link, number, problem, said } from './dom.js'
import { commonKinds, kindName } from './kinds.js'

const SIZE = 30
const SPANS = [['last day', 1], ['last week', 7], ['last month', 30], ['last year', 365]]
const list = (text) => (text ?? '').split(/[\s,]+/).filter(Boolean)
const seconds = (text) => (text ? (/^\d{1,12}$/.test(text) ? Number(text) : Math.floor(Date.parse(`${text}Z`) / 1000)) : undefined)
const field = (text) => {
	const at = seconds(text)
	return at === undefined || Number.isNaN(at) ? '' : new Date(at * 1000).toISOString().slice(0, 16)
}

// Translates the page's parameters to those of the API: t, e, p, d and so on are one-letter tags.
function question(given) {
	const tags = {}
	for (const name of Object.keys(given))
		if (/^[a-zA-Z]$/.test(name)) tags[name] = name === 'd' ? [given[name]] : list(given[name]).map((v) => (name === 't' ? v.replace(/^#/, '') : v))
	return { ids: list(given.ids).join(',') || undefined, authors: list(given.authors).join(',') || undefined, kinds: list(given.kinds).join(',') || undefined, since: seconds(given.since), until: seconds(given.until), search: given.search || undefined,
		tags: Object.keys(tags).length ? JSON.stringify(tags) : undefined }
}
function filter(q) {
	const all = { ids: q.ids?.split(','), authors: q.authors?.split(','), kinds: q.kinds?.split(',').map(Number), since: q.since, until: q.until, search: q.search }
	for (const [name, values] of Object.entries(q.tags ? JSON.parse(q.tags) : {})) all[`#${name}`] = values
	return Object.fromEntries(Object.entries(all).filter(([, v]) => v !== undefined))
}

export const card = (event) => el('article', { class: 'event' },
	el('p', { class: 'head' }, ago(event.created_at), el('span', {}, kindName(event.kind)), el('span', {}, 'by ', link('search', { authors: event.pubkey }, el('span', { class: 'id' }, clean(event.pubkey, 12)))), eventLink(event.id)),
	el('p', { class: 'text' }, event.content ? said(event.content, 600) : el('span', { class: 'soft' }, 'no text')),
	el('p', { class: 'head' }, event.tags.filter((t) => t[0] === 't' && t[1]).slice(0, 12).map((t) => link('search', { t: t[1] }, '#', said(t[1], 40)))))

export async function show(given, signal, go) {
	const { cursor, ...rest } = given
	const q = question(rest)
	const asked = Object.values(q).some((v) => v !== undefined)
	const chosen = Object.keys(rest).find((name) => /^[a-zA-Z]$/.test(name) && name !== 't')
	const text = (words, name, more) => el('label', { class: 'wider' }, words, el('input', { name, value: rest[name] ?? '', spellcheck: 'false', autocomplete: 'off', ...more }))
	const letter = el('select', { 'aria-label': 'Name of the tag' }, ['e', 'p', 'a', 'd', 'r', 'k', 'q', 'i', 'g', 'l', 'L'].map((l) => el('option', { selected: l === chosen }, l)))
	const values = el('input', { 'aria-label': 'Values of the tag', value: chosen ? rest[chosen] : '', placeholder: 'values', spellcheck: 'false' })
	const form = el('form', { onsubmit: (event) => {
		event.preventDefault()
		const all = Object.fromEntries(new FormData(form))
		if (values.value.trim()) all[letter.value] = values.value.trim()
		go('search', all)
	} },
		el('div', { class: 'filters' },
			text('Words', 'search', { type: 'search', placeholder: 'in the text' }), text('Hashtag', 't', { placeholder: 'nostr' }),
			text('Kinds', 'kinds', { list: 'kinds', placeholder: '1, 30023', inputmode: 'numeric' }), el('datalist', { id: 'kinds' }, commonKinds().map(([kind, name]) => el('option', { value: kind }, name)))),
		el('div', { class: 'filters' }, text('Authors', 'authors', { placeholder: 'npub1… or hex' }), text('Events', 'ids', { placeholder: 'note1… or hex' }),
			el('label', {}, 'Tag', el('span', { class: 'row' }, letter, values))),
		el('div', { class: 'filters' },
			el('label', {}, 'From (UTC)', el('input', { type: 'datetime-local', name: 'since', value: field(rest.since) })), el('label', {}, 'Until (UTC)', el('input', { type: 'datetime-local', name: 'until', value: field(rest.until) })),
			el('ul', { class: 'pills', 'aria-label': 'Time' }, SPANS.map(([words, days]) => el('li', {}, el('button', { type: 'button', onclick: () => {
				form.elements.since.value = new Date(Date.now() - days * 86400000).toISOString().slice(0, 16)
				form.elements.until.value = ''
				form.requestSubmit()
			} }, words)))),
			el('button', { class: 'main' }, 'Search')))
	const page = [el('h1', {}, 'Search events'), form]
	if (!asked) return [...page, el('p', { class: 'note' }, 'Fill in one of the fields. What authors have deleted, what has expired and what only its receiver may read is not shown.')]

	const counted = el('span', { role: 'status' })
	const count = el('button', { type: 'button', onclick: async () => {
		count.disabled = true
		counted.textContent = 'counting …'
		try {
			const { count: events, mode } = await get('/api/v1/count', q, signal)
			counted.textContent = `${mode === 'planned' ? 'about ' : ''}${number(events)} events match`
		} catch (error) {
			counted.replaceChildren(problem(error))
			count.disabled = false
		}
	} }, 'Count all')
	const json = JSON.stringify(filter(q))
	let found
	try {
		found = await get('/api/v1/events', { ...q, limit: SIZE, cursor }, signal)
	} catch (error) {
		if (error.name === 'AbortError') throw error
		return [...page, problem(error)] // shows the form too, so that the visitor can correct it
	}
	return [...page,
		el('p', { class: 'row note' }, el('code', {}, clean(json, 600)), copy(json, 'Copy the filter'), el('a', { href: target('/api/v1/events', q) }, 'as JSON'), count, counted),
		el('section', { class: 'sheet' }, el('h2', {}, q.search ? 'Best matches' : cursor ? 'Older events' : 'Newest events'),
			found.items.length ? found.items.map(card) : el('p', { class: 'empty' }, 'No archived event matches. Ask for less: fewer words, a longer time.'),
			el('p', { class: 'row' }, cursor && el('button', { type: 'button', onclick: () => go('search', rest) }, 'Newest'), found.next && el('button', { type: 'button', class: 'main', onclick: () => go('search', { ...rest, cursor: found.next }) }, 'Older')))]
}
