// Plots over time, and relays grouped by what their documents say.
import { items } from './api.js'
import { address, clean, el, number, program, said, shares, sheet, stack } from './dom.js'
import { kindName } from './kinds.js'
import { everyDay, plot } from './plot.js'

const SPANS = { 30: '30 days', 90: '90 days', 365: 'a year', 3000: 'all' }

// Groups days to weeks or months if there are more than the plot can show.
function grouped(days, most = 400) {
	const size = Math.max(1, Math.ceil(days.length / most))
	const groups = []
	for (let i = 0; i < days.length; i += size) groups.push({ day: days[i].day, event_count: days.slice(i, i + size).reduce((sum, d) => sum + d.event_count, 0) })
	return [groups, size]
}

export async function show({ span = '90' }, signal, go) {
	const [days, kinds, groups, up] = await Promise.all([items('/api/v1/statistics/days', { limit: 10000 }, signal), items('/api/v1/statistics/kinds', { limit: 10000 }, signal),
		items('/api/v1/statistics/groups', {}, signal), items('/api/v1/statistics/availability', {}, signal)])
	const every = everyDay(days, Number(span) || 90)
	const [drawn, size] = grouped(every)
	const future = days.filter((d) => d.day > every.at(-1).day).reduce((sum, d) => sum + d.event_count, 0)
	const of = (aspect, most) => groups.filter((g) => g.aspect === aspect).slice(0, most)
	const group = (title, aspect, parameter, most = 15, name = (g) => said(g.value, 60)) => {
		const rows = of(aspect, most)
		return rows.length ? sheet(title, shares({ caption: 'Relays known, and those that answer', rows, value: (g) => g.relay_count, note: (g) => `${number(g.online_count)} up`,
			name: (g) => (parameter ? el('a', { href: address('relays', { [parameter]: g.value, status: aspect === 'status' ? g.value : 'any' }) }, name(g)) : name(g)) })) : null
	}
	kinds.sort((a, b) => b.event_count - a.event_count)
	return [
		el('h1', {}, 'Statistics'),
		el('ul', { class: 'pills', 'aria-label': 'Time shown' }, Object.entries(SPANS).map(([value, words]) => el('li', {}, el('button', { type: 'button', 'aria-pressed': String(value === span), onclick: () => go('statistics', { span: value }) }, words)))),
		el('div', { class: 'sheets' }, el('section', { class: 'sheet full' }, el('h2', {}, size > 1 ? `Events, ${size} days a column` : 'Events by day'),
			plot({ label: 'Events archived, by the day of their created_at (UTC)', times: drawn.map((d) => d.day), columns: true, height: 230, series: [{ name: 'Events', values: drawn.map((d) => d.event_count) }] }),
			future > 0 && el('p', { class: 'note' }, `${number(future)} events say that they are of the future.`))),
		el('div', { class: 'sheets' },
			stack(sheet('Relays that answer', plot({ label: 'Relays observed, and those without an outage at the end of the day (UTC)', times: up.map((d) => d.day),
				series: [{ name: 'Answering', values: up.map((d) => d.up_count) }, { name: 'Observed', values: up.map((d) => d.observed_count) }] })),
			sheet('Kinds of events', shares({ caption: `The first ${Math.min(kinds.length, 15)} of ${number(kinds.length)} kinds`, rows: kinds.slice(0, 15), value: (k) => k.event_count, name: (k) => el('a', { href: address('search', { kinds: k.kind }) }, kindName(k.kind)) })),
			group('NIPs that relays claim', 'nip', 'nip', 25, (g) => `NIP ${clean(g.value, 6)}`)),
			stack(group('Status of relays', 'status', 'status'), group('Networks', 'network', 'network'),
			group('Software', 'software', 'software', 15, (g) => said(program(g.value), 60)),
			group('Countries that relays name', 'country', 'country', 25), group('Payment', 'payment')))
	]
}
