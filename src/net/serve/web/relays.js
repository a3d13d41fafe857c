// The table of relays, with filters, sorting and pages.
import { get, items, target } from './api.js'
import { ago, clean, el, milliseconds, number, percent, program, relayLink, said, state, table } from './dom.js'

const SIZE = 50
const SAFE = { status: 'up', sort: '-events' }

export async function show(given, signal, go) {
	const wanted = { ...SAFE, ...given }
	if (wanted.status === 'any') delete wanted.status
	const { cursor, ...question } = wanted
	const [page, groups] = await Promise.all([
		get('/api/v1/relays/table', { ...wanted, limit: SIZE }, signal), items('/api/v1/statistics/groups', {}, signal)])
	const ask = (changes) => go('relays', { ...given, cursor: '', ...changes })

	const values = (aspect) => groups.filter((g) => g.aspect === aspect)
	const choice = (words, name, options, all = 'any') => el('label', {}, words,
		el('select', { name }, el('option', { value: '' }, all), options.map(([value, text]) => el('option', { value, selected: String(wanted[name] ?? '') === String(value) }, clean(text ?? value, 60)))))
	const statuses = [['up', 'up'], ['down', 'down'], ...values('status').map((g) => [g.value, `${g.value} (${number(g.relay_count)})`])]
	const numbers = (list) => list.map((g) => [g.value, `${g.value} (${number(g.online_count)})`])
	const form = el('form', { class: 'filters', onsubmit: (event) => {
		event.preventDefault()
		const chosen = Object.fromEntries(new FormData(form))
		go('relays', { ...chosen, status: chosen.status || 'any', sort: given.sort })
	}, onchange: (event) => event.target.matches('select') && form.requestSubmit() },
		el('label', { class: 'wider' }, 'URL or name', el('input', { name: 'part', type: 'search', value: wanted.part ?? '', placeholder: 'any' })),
		choice('Status', 'status', statuses),
		choice('Network', 'network', numbers(values('network'))),
		choice('Country', 'country', numbers(values('country')).sort()),
		choice('NIP', 'nip', numbers(values('nip')).sort((a, b) => a[0] - b[0])),
		el('label', { class: 'small' }, 'Software', el('input', { name: 'software', type: 'search', value: wanted.software ?? '', placeholder: 'any', list: 'softwares' })),
		el('datalist', { id: 'softwares' }, values('software').slice(0, 40).map((g) => el('option', { value: program(g.value) }))),
		choice('Payment', 'paid', [['false', 'not demanded'], ['true', 'demanded']]),
		el('button', { class: 'main' }, 'Filter'))

	const first = !cursor
	return [
		el('h1', {}, 'Relays'),
		form,
		el('section', { class: 'sheet' },
			table({
				caption: `${first ? 'The first' : 'The next'} ${page.items.length}${page.next ? '' : ', and there are no more'}. Country, software and payment are what a relay says of itself.`,
				fold: true, rows: page.items, sorted: wanted.sort, onsort: (sort) => ask({ sort: sort.replace('-url', 'url') }),
				empty: 'No relay is like that. Leave out a filter, or choose status "any".',
				columns: [
					{ name: 'Relay', sort: 'url', kind: 'url', cell: (r) => [relayLink(r.relay_url), r.name && el('span', { class: 'under' }, said(r.name, 80))] },
					{ name: 'Status', sort: 'status', cell: (r) => [state(r.status), r.reason_in_words && !['online'].includes(r.status) && el('span', { class: 'under' }, r.reason_in_words)] },
					{ name: 'Since', label: 'since', sort: '-since', kind: 'nowrap', cell: (r) => ago(r.status_since) },
					{ name: '30 days', label: 'up', number: true, sort: '-uptime', cell: (r) => percent(r.uptime_30d) },
					{ name: 'Opens in', label: 'opens in', number: true, sort: 'latency', cell: (r) => milliseconds(r.rtt_open) },
					{ name: 'Events', label: 'events', number: true, sort: '-events', cell: (r) => number(r.sighting_count) },
					{ name: 'Country', cell: (r) => (r.countries ?? []).slice(0, 6).join(' ') },
					{ name: 'Software', kind: 'nowrap', cell: (r) => said(program(r.software), 30) },
					{ name: 'Paid', cell: (r) => (r.paid ? 'paid' : '') }
				]
			}),
			el('p', { class: 'row' },
				!first && el('button', { type: 'button', onclick: () => ask({}) }, 'First page'),
				page.next && el('button', { type: 'button', class: 'main', onclick: () => ask({ cursor: page.next }) }, 'Next page'),
				el('a', { href: target('/api/v1/relays/table', { ...question, limit: 1000, format: 'csv' }), class: 'note' }, 'this list as CSV'),
				el('a', { href: target('/api/v1/relays/table', { ...question, limit: 1000 }), class: 'note' }, 'as JSON')))
	]
}
