// Plots as SVG. Each plot has a text that describes it, and a table with its values.
import { day, duration, el, percent, short, svg, table } from './dom.js'

const HEIGHT = 190
const LEFT = 46
const RIGHT = 8
const TOP = 8
const BOTTOM = 22

// Steps of an axis of whole numbers: 1, 2 or 5 times a power of ten.
function ticks(most, wanted = 4) {
	const raw = Math.max(most / wanted, 1)
	const power = 10 ** Math.floor(Math.log10(raw))
	const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= raw)
	const all = []
	for (let at = 0; at < most + step * 0.999; at += step) all.push(at)
	return all
}

// An element that is drawn again when its width changes.
function responsive(draw) {
	const box = el('div', { class: 'plot' })
	let width = 0
	new ResizeObserver(([entry]) => {
		const now = Math.round(entry.contentRect.width)
		if (now === width || now === 0) return
		width = now
		box.replaceChildren(draw(width))
	}).observe(box)
	return box
}

// series: [{ name, values: [y or null, …], low, high }, …]; times: [Unix seconds, …]; columns: draw columns.
export function plot({ label, times, series, format = short, named = day, columns = false, height = HEIGHT, floor = 0 }) {
	const known = series.flatMap((s) => [...s.values, ...(s.high ?? [])]).filter((y) => y !== null && y !== undefined)
	if (!times.length || !known.length) return el('p', { class: 'empty' }, 'Nothing was measured yet.')
	const marks = ticks(known.reduce((a, b) => Math.max(a, b), floor))
	const top = marks.at(-1)
	const reading = el('p', { class: 'reading' })
	const say = (i) =>
		reading.replaceChildren(i === undefined ? '' : `${named(times[i])}: ${series.map((s) => {
			const spread = s.low && s.low[i] !== null ? ` (${format(s.low[i])}–${format(s.high[i])})` : ''
			return `${series.length > 1 ? `${s.name} ` : ''}${s.values[i] === null ? 'nothing' : format(s.values[i])}${spread}`
		}).join(', ')}`)

	const draw = (width) => {
		const inner = width - LEFT - RIGHT
		const slot = inner / times.length
		const span = Math.max(times.at(-1) - times[0], 1)
		const x = (i) => LEFT + (columns ? slot * (i + 0.5) : times.length === 1 ? inner / 2 : ((times[i] - times[0]) / span) * inner)
		const y = (value) => TOP + (1 - value / top) * (height - TOP - BOTTOM)
		const cursor = svg('line', { class: 'cursor', y1: TOP, y2: height - BOTTOM, visibility: 'hidden' })
		// A line is broken where values are missing; a value between two gaps becomes a dot.
		const runs = (values) => {
			const all = []
			values.forEach((v, i) => (v === null || v === undefined ? all.push([]) : (all.at(-1) ?? all[all.push([]) - 1]).push(i)))
			return all.filter((run) => run.length)
		}
		const path = (run, at) => run.map((i, n) => `${n ? 'L' : 'M'}${x(i).toFixed(1)} ${y(at[i]).toFixed(1)}`).join('')
		const shapes = series.map((s, n) => {
			if (columns) return times.map((_, i) => svg('rect', { class: 'column', x: x(i) - Math.max(slot * 0.42, 0.5), width: Math.max(slot * 0.84, 1), y: y(s.values[i] ?? 0), height: Math.max(height - BOTTOM - y(s.values[i] ?? 0), 0) }))
			const bands = s.low && runs(s.low).filter((run) => run.length > 1).map((run) => svg('path', { class: 'band', d: `${path(run, s.high)}${path([...run].reverse(), s.low).replace('M', 'L')}Z` }))
			return [bands, runs(s.values).map((run) => run.length > 1
				? svg('path', { class: n ? 'two' : 'one', d: path(run, s.values) })
				: svg('circle', { class: n ? 'dot two' : 'dot', r: 2.5, cx: x(run[0]), cy: y(s.values[run[0]]) }))]
		})
		const count = Math.max(2, Math.min(6, Math.floor(inner / 110)))
		const labels = [...new Set(Array.from({ length: Math.min(count, times.length) }, (_, n) => Math.round((n * (times.length - 1)) / Math.max(Math.min(count, times.length) - 1, 1))))]
		const picture = svg('svg', { viewBox: `0 0 ${width} ${height}`, height, role: 'img', 'aria-label': label },
			marks.map((mark) => [svg('line', { class: 'grid', x1: LEFT, x2: width - RIGHT, y1: y(mark), y2: y(mark) }), svg('text', { x: LEFT - 6, y: y(mark) + 4, 'text-anchor': 'end' }, format(mark))]),
			shapes, cursor,
			labels.map((i, n) => svg('text', { x: x(i), y: height - 6, 'text-anchor': times.length === 1 ? 'middle' : n === 0 ? 'start' : n === labels.length - 1 ? 'end' : 'middle' }, named(times[i]))))
		picture.addEventListener('pointermove', (event) => {
			const at = event.clientX - picture.getBoundingClientRect().left
			let i = 0
			for (let k = 1; k < times.length; k++) if (Math.abs(x(k) - at) < Math.abs(x(i) - at)) i = k
			cursor.setAttribute('x1', x(i))
			cursor.setAttribute('x2', x(i))
			cursor.setAttribute('visibility', 'visible')
			say(i)
		})
		picture.addEventListener('pointerleave', () => {
			cursor.setAttribute('visibility', 'hidden')
			say()
		})
		return picture
	}
	const values = () => table({
		caption: label,
		columns: [{ name: 'Time', cell: (i) => named(times[i]) }, ...series.map((s) => ({ name: s.name, number: true, cell: (i) => (s.values[i] === null ? '–' : format(s.values[i])) })),
			...series.filter((s) => s.low).map((s) => ({ name: `${s.name}, quartiles`, number: true, cell: (i) => (s.low[i] === null ? '–' : `${format(s.low[i])}–${format(s.high[i])}`) }))],
		rows: times.map((_, i) => i).reverse()
	})
	return [series.length > 1 && el('p', { class: 'legend' }, series.map((s) => el('span', {}, s.name))), responsive(draw), reading, later('As a table', values)]
}

// A details element whose content is created when it is opened.
export function later(summary, make) {
	const details = el('details', {}, el('summary', {}, summary))
	details.addEventListener('toggle', () => details.childElementCount === 1 && details.append(make()), { once: true })
	return details
}

// One entry for each of the last days until today, also for days without events. Authors may write any time, so future days are left out.
export function everyDay(days, most) {
	const known = new Map(days.map((d) => [d.day, d.event_count]))
	const today = Math.floor(Date.now() / 86400000) * 86400
	const oldest = Math.max(Math.min(...days.map((d) => d.day).filter((d) => d > 1577836800), today), today - (most - 1) * 86400) // Nostr began in 2020
	return Array.from({ length: (today - oldest) / 86400 + 1 }, (_, i) => oldest + i * 86400).map((day) => ({ day, event_count: known.get(day) ?? 0 }))
}

// ---- the bar of 90 days

export const kindOfDay = (d) => (!d.observed_seconds ? 'none' : !d.down_seconds ? 'up' : d.down_seconds < d.observed_seconds / 2 ? 'partly' : 'down')
const wordsOfDay = (d) => (!d.observed_seconds ? 'not observed' : !d.down_seconds ? 'up' : `${percent(1 - d.down_seconds / d.observed_seconds)} up, down for ${duration(d.down_seconds)}`)

export function uptimeBar(days, share) {
	const troubled = days.filter((d) => d.down_seconds)
	return [
		svg('svg', { class: 'bar', viewBox: `0 0 ${days.length * 4 - 1} 34`, preserveAspectRatio: 'none', role: 'img',
			'aria-label': `Uptime of the last 90 days: ${percent(share)}; ${troubled.length} days with an outage, ${days.filter((d) => !d.observed_seconds).length} days not observed` },
			days.map((d, i) => svg('rect', { class: kindOfDay(d), x: i * 4, width: 3, height: 34 }, svg('title', {}, `${day(d.day)}: ${wordsOfDay(d)}`)))),
		el('p', { class: 'ends' }, el('span', {}, day(days[0].day)), el('span', {}, 'today')),
		el('ul', { class: 'key' }, [['up', 'up'], ['partly', 'down for less than half'], ['down', 'down for longer'], ['none', 'not observed']].map(([name, words]) => el('li', {}, el('i', { class: name }), words))),
		troubled.length ? later(`Days with an outage (${troubled.length})`, () => table({ caption: 'Days with an outage (UTC)', rows: troubled.reverse(),
			columns: [{ name: 'Day', cell: (d) => day(d.day) }, { name: 'Up', number: true, cell: (d) => percent(1 - d.down_seconds / d.observed_seconds) }, { name: 'Down for', number: true, cell: (d) => duration(d.down_seconds) }] })) : null
	]
}

// ---- stretches of time, one beside the other

// parts: [{ share, kind, words }, …], oldest first. Every part is visible, even a very small one.
export function stretches(parts, label) {
	const width = 1000
	const wide = parts.map((p) => Math.max(p.share * width, 2))
	const scale = width / wide.reduce((a, b) => a + b, 0)
	let at = 0
	return svg('svg', { class: 'bar', viewBox: `0 0 ${width} 34`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label },
		parts.map((p, i) => {
			const x = at
			at += wide[i] * scale
			return svg('rect', { class: p.kind, x, width: wide[i] * scale, height: 34 }, svg('title', {}, p.words))
		}))
}
