// One event: its content, the relays that delivered it, and its JSON.
import { Problem, get } from './api.js'
import { ago, clean, copy, el, facts, link, relayLink, said, sheet, shown, table, when } from './dom.js'
import { kindName } from './kinds.js'

const HEX = /^[0-9a-f]{64}$/

function tag(values) {
	const [name, value] = values
	const to = HEX.test(value) ? (name === 'e' || name === 'q' ? ['event', { id: value }] : name === 'p' ? ['search', { authors: value }] : undefined) : name === 't' ? ['search', { t: value }] : undefined
	return el('tr', {}, el('td', { class: 'mono' }, said(name, 40)), el('td', { class: 'mono' }, to ? link(...to, said(value, 200)) : said(value, 200)), el('td', { class: 'mono' }, said(values.slice(2).join(' '), 200)))
}

export async function show({ id, cursor }, signal, go) {
	if (!id) throw new Problem({ title: 'Which event?', detail: 'The address of this page names no event.', hint: 'Type its id, note1… or nevent1… above.' })
	const path = `/api/v1/events/${encodeURIComponent(id)}`
	let event
	try {
		event = await get(path, {}, signal)
	} catch (error) {
		if (error.status === 404) {
			error.hint = 'It was never seen, or its author has deleted it, or it has expired, or only its receiver may read it.'
			if (HEX.test(id)) return [el('h1', {}, 'Event'), el('div', { class: 'problem', role: 'alert' }, el('p', {}, el('strong', {}, 'This event is not in the archive')), el('p', {}, error.hint), el('p', {}, link('search', { authors: id }, 'Events of the author with this key')))]
		}
		throw error
	}
	const seen = await get(`${path}/relays`, { limit: 200, cursor }, signal)
	const json = JSON.stringify(event)
	return [
		el('h1', {}, `Event: ${kindName(event.kind)}`),
		el('p', { class: 'id soft' }, event.id),
		el('div', { class: 'sheets' },
			el('section', { class: 'sheet full' }, el('p', { class: 'text whole', tabindex: '0' }, event.content ? said(event.content, 8000) : el('span', { class: 'soft' }, 'It has no text.')),
				facts(['Author', link('search', { authors: event.pubkey }, el('span', { class: 'id' }, event.pubkey))], ['Created', el('span', {}, when(event.created_at), ' (', ago(event.created_at), '), as its author says')], ['Kind', link('search', { kinds: event.kind }, kindName(event.kind))])),
			sheet('Where it was seen', table({ caption: cursor ? 'Further relays that have delivered it' : seen.items.length === 1 ? 'One relay has delivered it' : `${seen.items.length}${seen.next ? ' and more' : ''} relays have delivered it`, rows: seen.items, empty: 'No relay has delivered it: it was imported.', columns: [
				{ name: 'Relay', kind: 'url', cell: (r) => relayLink(r.relay_url) }, { name: 'First seen there', kind: 'nowrap', cell: (r) => when(r.seen_at) }] }),
				seen.next && el('button', { type: 'button', onclick: () => go('event', { id, cursor: seen.next }) }, 'More relays')),
			event.tags.length ? sheet('Tags', el('div', { class: 'wide' }, el('table', {}, el('caption', {}, event.tags.length > 100 ? `The first 100 of ${event.tags.length}` : `${event.tags.length} in all`), el('tbody', {}, event.tags.slice(0, 100).map(tag))))) : null,
			el('section', { class: 'sheet full' }, el('h2', {}, 'As JSON'), el('pre', { dir: 'ltr' }, clean(shown(event), 100000)),
				el('p', { class: 'row' }, copy(json, 'Copy the JSON'), el('a', { href: path.slice(1) }, 'on its own'))))
	]
}
