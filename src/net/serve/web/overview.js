// The state of the archive: live counters, new events, totals.
import { get, items } from './api.js'
import { address, ago, decimal, duration, el, eventLink, link, number, percent, program, said, shares, sheet, stack } from './dom.js'
import { kindName } from './kinds.js'
import { everyDay, plot } from './plot.js'

const EVERY = 10000 // ms between two readings of the counters

function counters(signal) {
	const value = () => el('dd', {})
	const cells = Object.fromEntries(['online', 'events', 'rate', 'read', 'proven', 'visit'].map((name) => [name, [value(), value()]]))
	const put = (name, text, words) => {
		cells[name][0].replaceChildren(text)
		cells[name][1].replaceChildren(words)
	}
	let last
	const fill = (o) => {
		put('online', number(o.online_count), `of ${number(o.relay_count)} known; ${number(o.unstable_count)} unstable`)
		put('events', number(o.event_count), `seen ${number(o.sighting_count)} times at relays`)
		const seconds = last && (new Date(o.measured_at) - new Date(last.measured_at)) / 1000
		const fresh = seconds > 0 ? (o.event_count - last.event_count) / seconds : undefined
		put('rate', `${decimal(o.sightings_per_second)}/s`, fresh === undefined ? 'sightings, now' : `sightings, now; ${decimal(Math.max(fresh, 0))} new events/s`)
		put('read', percent(o.read_fraction), `of the history of relays that were reached${o.fractions_counted_at ? '' : ' (the refresher has not counted it)'}; ${number(o.live_count)} live`)
		put('proven', percent(o.proven_fraction), 'of it: read twice, or compared')
		put('visit', o.last_visit ? `${duration((new Date(o.measured_at) - new Date(o.last_visit)) / 1000)} ago` : 'never', `${number(o.visited_count)} relays visited`)
		last = o
	}
	const follow = async () => {
		if (signal.aborted) return
		if (!document.hidden) await get('/api/v1/overview', {}, signal).then(fill, () => put('rate', '–', 'the server does not answer'))
		if (!signal.aborted) setTimeout(follow, EVERY)
	}
	const card = (name, words) => el('div', { class: 'card' }, el('dt', {}, words), cells[name])
	return {
		fill,
		start: () => setTimeout(follow, EVERY),
		node: el('dl', { class: 'cards', 'aria-label': 'The archive now' }, card('online', 'Relays online'), card('events', 'Events archived'), card('rate', 'Arriving'),
			card('read', 'Read'), card('proven', 'Proven complete'), card('visit', 'Last look at a relay'))
	}
}

export async function show(parameters, signal) {
	const [overview, days, kinds, groups, up, events] = await Promise.all([
		get('/api/v1/overview', {}, signal), items('/api/v1/statistics/days', { limit: 1000 }, signal), items('/api/v1/statistics/kinds', { limit: 10000 }, signal),
		items('/api/v1/statistics/groups', {}, signal), items('/api/v1/statistics/availability', {}, signal), items('/api/v1/events', { kinds: '1', limit: 6 }, signal)])
	const live = counters(signal)
	live.fill(overview)
	live.start()
	const every = everyDay(days, 90)
	const of = (aspect, most) => groups.filter((g) => g.aspect === aspect).slice(0, most)
	const top = (title, aspect, parameter, most = 8) => {
		const rows = of(aspect, most)
		return rows.length ? sheet(title, shares({
			caption: 'Relays that answer', rows, value: (g) => g.online_count,
			name: (g) => el('a', { href: address('relays', { [parameter]: g.value, status: 'up' }) }, said(aspect === 'software' ? program(g.value) : g.value, 60))
		})) : null
	}
	return [
		el('h1', {}, 'The Nostr network, archived and observed'),
		el('p', { class: 'lead' }, 'Events of many relays with proof of what is complete, and how well each relay works. ', link('relays', { status: 'up' }, 'Which relays are up?')),
		live.node,
		el('div', { class: 'sheets' },
			stack(sheet('Events by day', plot({ label: 'Events archived, by the day of their created_at (UTC)', times: every.map((d) => d.day), columns: true, series: [{ name: 'Events', values: every.map((d) => d.event_count) }] })),
				sheet('Kinds of events', shares({ caption: 'Events archived', rows: kinds.sort((a, b) => b.event_count - a.event_count).slice(0, 8), value: (k) => k.event_count,
					name: (k) => el('a', { href: address('search', { kinds: k.kind }) }, kindName(k.kind)) })),
				top('Networks', 'network', 'network')),
			stack(sheet('Relays that answer', plot({ label: 'Relays observed, and those without an outage at the end of the day (UTC)', times: up.map((d) => d.day),
				series: [{ name: 'Answering', values: up.map((d) => d.up_count) }, { name: 'Observed', values: up.map((d) => d.observed_count) }] })),
				top('Software', 'software', 'software'), top('Countries, as relays say', 'country', 'country')),
			el('section', { class: 'sheet full' }, el('h2', {}, 'Newest notes'), events.length ? events.map((e) =>
			el('article', { class: 'event' }, el('p', { class: 'head' }, ago(e.created_at), eventLink(e.id)), el('p', { class: 'text' }, said(e.content, 280)))) : el('p', { class: 'empty' }, 'No notes are archived yet.')))
	]
}
