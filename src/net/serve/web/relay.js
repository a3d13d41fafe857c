// One relay: availability, speed, document, results of checks, and coverage of its events.
import { Problem, get, items } from './api.js'
import { ago, clean, copy, day, duration, el, facts, link, milliseconds, number, percent, said, sheet, shown, stack, stamp, state, table, when } from './dom.js'
import { later, plot, stretches, uptimeBar } from './plot.js'

const EVIDENCE = { reconciled: 'proven', confirmed: 'proven', paged: 'read' } // other evidence: not read, or read in part
const WORDS = { reconciled: 'compared', confirmed: 'read twice', paged: 'read once', partial: 'seen in part', unread: 'not read' }
const KEY = [['proven', 'proven: read twice, or compared'], ['read', 'read once, or with doubts'], ['none', 'not read, or in part']]

function latencySheet(latencies, latency) {
	const spread = (name) => ({ values: latencies.map((b) => b[`${name}_median`]), low: latencies.map((b) => b[`${name}_low`]), high: latencies.map((b) => b[`${name}_high`]) })
	return sheet('How fast it answers',
		facts(['Opens', latency && latency.open_median !== null && `${milliseconds(latency.open_median)}, half of the visits within ${milliseconds(latency.open_spread)}`],
			['Answers a question', latency && latency.read_median !== null && `${milliseconds(latency.read_median)}, half within ${milliseconds(latency.read_spread)}`],
			['Visits without an answer', latency && latency.visit_count > 0 && `${percent(latency.loss)} of ${number(latency.visit_count)} in 7 days`]),
		plot({ label: 'Milliseconds to open and to answer, median and quartiles', times: latencies.map((b) => b.began), format: milliseconds, named: (at) => stamp(at).slice(5, 16),
			series: [{ name: 'Opens', ...spread('open') }, { name: 'Answers', ...spread('read') }] }))
}

function claims(document, nips, status) {
	const claimed = nips.filter((n) => n.claimed)
	const lies = claimed.filter((n) => n.observed === false).map((n) => n.nip)
	const those = (isClaimed, observed) => nips.filter((n) => n.claimed === isClaimed && n.observed === observed).map((n) => n.nip).sort((a, b) => a - b).join(', ')
	const text = !claimed.length ? 'It claims no NIPs, or the monitor has not visited it.'
		: lies.length ? `It claims ${lies.length === 1 ? `NIP ${lies[0]}, which does` : `NIPs ${lies.join(', ')}, which do`} not work.`
		: claimed.some((n) => n.observed !== null) ? 'What it claims and was tried works.' : 'None of what it claims was tried yet.'
	const limit = document?.limitation
	const words = (value) => (value === true ? 'yes' : value === false ? 'no' : value === undefined || value === null ? undefined : said(typeof value === 'object' ? JSON.stringify(value) : value, 200))
	return sheet('Claimed and observed',
		el('p', {}, el('strong', {}, text)),
		facts(['Claimed, works', those(true, true) && el('span', { class: 'state yes' }, those(true, true))], ['Claimed, does not work', those(true, false) && el('span', { class: 'state no' }, those(true, false))],
			['Works, not claimed', those(false, true)], ['Claimed, not tried', those(true, null)]),
		el('h3', {}, 'What it says of itself (NIP-11)'),
		facts(['Name', document?.name && said(document.name, 100)], ['Description', document?.description && said(document.description, 300)],
			['Software', status.software && el('span', {}, said(status.software, 120), ' ', said(status.version ?? '', 60))], ['Contact', document?.contact && said(document.contact, 200)],
			['Operator', document?.pubkey && (/^[0-9a-f]{64}$/.test(document.pubkey) ? link('search', { authors: document.pubkey }, el('span', { class: 'id' }, document.pubkey)) : said(document.pubkey, 100))],
			['Countries', Array.isArray(document?.relay_countries) && document.relay_countries.length ? said(document.relay_countries.slice(0, 20).join(' '), 100) : undefined],
			['Payment demanded', words(limit?.payment_required)], ['Sign-in demanded', words(limit?.auth_required)], ['Most events of an answer', words(limit?.max_limit)], ['Longest message', words(limit?.max_message_length)]),
		document ? later('The whole document (NIP-11)', () => el('pre', { dir: 'ltr' }, clean(shown(document), 20000))) : null)
}

// A range with a doubt is never called proven.
const kindOf = (part) => (!EVIDENCE[part.evidence] ? 'none' : part.doubts?.length ? 'read' : EVIDENCE[part.evidence])
const why = (part) => part.reason ?? (part.evidence === 'paged' ? 'a second reading has not confirmed it yet' : '')

function coverageSheet(parts, sync, events) {
	const whole = (...children) => el('section', { class: 'sheet full' }, el('h2', {}, 'How complete its archive is'), ...children)
	if (!parts.length || !sync) return whole(el('p', { class: 'empty' }, 'Nothing was read of it.'))
	const total = parts.reduce((sum, p) => sum + p.seconds, 0)
	const sum = (kind) => parts.filter((p) => kindOf(p) === kind).reduce((seconds, p) => seconds + p.seconds, 0) / total
	const missing = parts.filter((p) => kindOf(p) !== 'proven')
	const words = `${percent(sum('proven'))} of the time from ${stamp(parts[0].lower)} is proven, ${percent(sum('read'))} read, ${percent(sum('none'))} missing`
	return whole(
		el('p', {}, el('strong', {}, `${words}.`), ` ${number(events)} of its events are archived.`),
		stretches(parts.map((p) => ({ share: p.seconds / total, kind: kindOf(p), words: `${stamp(p.lower)} – ${stamp(p.upper)}: ${WORDS[p.evidence] ?? p.evidence}${why(p) ? `: ${why(p)}` : ''}` })), words),
		el('p', { class: 'ends' }, el('span', {}, day(parts[0].lower)), el('span', {}, 'now')),
		el('ul', { class: 'key' }, KEY.map(([kind, text]) => el('li', {}, el('i', { class: kind }), text))),
		el('h3', {}, 'Why not more'),
		facts(['Now', `${sync.phase}${sync.waiting_for ? `, waits for ${sync.waiting_for}` : ''}`], ['Last error', sync.last_error && el('span', {}, said(sync.last_error, 60), sync.last_detail && [': ', said(sync.last_detail, 300)])],
			['Doubts', sync.doubts?.length ? said(sync.doubts.join(', '), 300) : undefined], ['Read from', sync.read_from && when(sync.read_from)], ['Read until', sync.read_until && when(sync.read_until)]),
		table({ caption: missing.length > 40 ? `What is not proven: the newest 40 of ${number(missing.length)} times` : 'What is not proven, newest first', rows: missing.slice(-40).reverse(), empty: 'All of it is proven.', fold: true, columns: [
			{ name: 'From', label: 'from', kind: 'nowrap', cell: (p) => stamp(p.lower) }, { name: 'Until', label: 'until', kind: 'nowrap', cell: (p) => stamp(p.upper) }, { name: 'Length', label: 'for', number: true, cell: (p) => duration(p.seconds) },
			{ name: 'Evidence', cell: (p) => WORDS[p.evidence] ?? clean(p.evidence, 20) }, { name: 'Why', cell: (p) => said(why(p), 300) }] }))
}

function embedSheet(url) {
	const base = location.href.replace(/#.*$/, '').replace(/[^/]*$/, '')
	const q = encodeURIComponent(url)
	const html = `<a href="${base}#/relay?url=${q}"><img src="${base}badge/status.svg?url=${q}" alt="status of ${url}"></a>\n<img src="${base}badge/uptime.svg?url=${q}" alt="uptime of ${url}">\n<iframe src="${base}embed?url=${q}" title="status of ${url}" width="420" height="190" loading="lazy"></iframe>`
	return sheet('For your own page',
		el('p', { class: 'row' }, el('img', { src: `badge/status.svg?url=${q}`, alt: 'badge with the status', height: 20 }), el('img', { src: `badge/uptime.svg?url=${q}`, alt: 'badge with the uptime', height: 20 }),
			el('a', { href: `embed?url=${q}`, class: 'note' }, 'small page')),
		el('pre', {}, html), copy(html, 'Copy the HTML'))
}

export async function show({ url }, signal) {
	if (!url) throw new Problem({ title: 'Which relay?', detail: 'The address of this page names no relay.', hint: 'Type its URL above, or choose one from the list of relays.' })
	const now = Math.floor(Date.now() / 1000)
	const ask = (path, more = {}) => items(path, { url, ...more }, signal)
	let relay
	try {
		relay = await get('/api/v1/relays/one', { url }, signal)
	} catch (error) {
		if (error.status !== 404) throw error
		return [el('h1', {}, 'A relay that is not known'), el('div', { class: 'problem', role: 'alert' }, el('p', {}, el('strong', { class: 'mono' }, said(url, 200))),
			el('p', {}, 'This archive has never heard of it: no list and no event has named it. Its URL may be misspelt.'), el('p', {}, link('relays', { part: url.replace(/^wss?:\/\//, '').split(/[/:]/)[0], status: 'any' }, 'Relays with a name like this')))]
	}
	const { status, uptime, latency, sync, document, facts: measured } = relay
	const visited = status.last_visit !== null
	const young = uptime && now - new Date(uptime.observed_since) / 1000 < 3 * 86400
	const [days, latencies, nips, coverage, story, changes] = await Promise.all([
		ask('/api/v1/relays/days'), ask('/api/v1/relays/latencies', young ? { since: now - 3 * 86400, step: 900 } : {}), ask('/api/v1/relays/nips'),
		ask('/api/v1/relays/coverage'), ask('/api/v1/relays/explain'), ask('/api/v1/relays/changes', { limit: 15 })])
	const failed = story.findIndex((line) => line.startsWith('The last visit that failed'))
	const end = failed < 0 ? 0 : story.findIndex((line, i) => i > failed && !line.startsWith('  '))
	const lines = failed < 0 ? [] : story.slice(failed, end < 0 ? undefined : end)
	return [
		el('h1', { class: 'mono' }, said(status.relay_url, 300)),
		document?.name ? el('p', { class: 'lead' }, said(document.name, 100)) : null,
		el('p', {}, state(status.status, 'big'), ' ', status.status_since && ['since ', when(status.status_since), ' (', ago(status.status_since), ')'], status.reason_in_words && `: ${status.reason_in_words}`),
		el('dl', { class: 'cards' }, [['24 hours', uptime?.uptime_24h], ['7 days', uptime?.uptime_7d], ['30 days', uptime?.uptime_30d], ['90 days', uptime?.uptime_90d]].map(([name, share]) =>
			el('div', { class: 'card' }, el('dt', {}, `Up, ${name}`), el('dd', {}, percent(share)))),
			el('div', { class: 'card' }, el('dt', {}, 'Opens in'), el('dd', {}, milliseconds(status.rtt_open))),
			el('div', { class: 'card' }, el('dt', {}, 'Events archived'), el('dd', {}, number(relay.sighting_count)))),
		el('div', { class: 'sheets' },
			el('section', { class: 'sheet full' }, el('h2', {}, 'The last 90 days'), uptimeBar(days, uptime?.uptime_90d),
				el('p', { class: 'note' }, uptime ? ['Observed since ', day(uptime.observed_since), `; ${number(uptime.outage_count)} outages in 90 days`, uptime.last_outage && ['; the last began ', ago(uptime.last_outage)], '.'] : 'It was never observed.')),
			coverageSheet(coverage, sync, relay.sighting_count),
			stack(latencySheet(latencies, latency), sheet('Last visits',
				facts(['Last visit', visited ? when(status.last_visit) : 'never'], ['Last answer', ago(status.last_answer)], ['Last failure', ago(status.last_failure)], ['Next visit', status.next_visit ? when(status.next_visit) : undefined]),
				lines.length ? [el('h3', {}, 'The last visit that failed'), el('pre', {}, lines.map((line) => clean(line, 400)).join('\n'))] : el('p', { class: 'soft' }, visited ? 'No visit has failed as far as records go.' : 'The monitor has not visited it.'),
				later('All that the monitor tells', () => el('pre', {}, story.map((line) => clean(line, 400)).join('\n'))),
				measured ? later('What was measured (NIP-66)', () => el('pre', {}, clean(shown(measured), 20000))) : null)),
			stack(claims(document, nips, status),
			sheet('Changes', table({ caption: 'Newest first', rows: changes, empty: 'Nothing has changed since it is observed.', columns: [
				{ name: 'When', kind: 'nowrap', cell: (c) => ago(c.changed_at) }, { name: 'What', cell: (c) => ({ status: 'status', nip11: 'document', nip66: 'measured' })[c.aspect] ?? clean(c.aspect, 20) }, { name: 'How', cell: (c) => said(c.change, 300) }] })),
			embedSheet(status.relay_url)))
	]
}
