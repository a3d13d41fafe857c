// Creates elements with texts of strangers. No function parses HTML: a text is always a text node.

const SVG = 'http://www.w3.org/2000/svg'

function fill(node, attributes, children) {
	for (const [name, value] of Object.entries(attributes ?? {})) {
		if (value === undefined || value === null || value === false) continue
		if (name.startsWith('on')) node.addEventListener(name.slice(2), value)
		else node.setAttribute(name, value === true ? '' : value)
	}
	node.append(...children.flat(9).filter((child) => child !== undefined && child !== null && child !== false))
	return node
}
export const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children)
export const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children)

// Control characters for the direction of text, and characters without a visible form.
const INVISIBLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g

// A text of a stranger without invisible characters, cut to `most` characters.
export function clean(text, most = 200) {
	const cut = [...String(text ?? '').slice(0, 4 * most).replace(INVISIBLE, '')]
	return cut.length > most ? `${cut.slice(0, most).join('')}…` : cut.join('')
}
// The cleaned text as an element with its own direction of writing.
export const said = (text, most) => el('bdi', { class: 'said', dir: 'auto' }, clean(text, most))

// JSON in which invisible characters are written as escapes, so that all of it is visible.
export const shown = (value) =>
	JSON.stringify(value, null, 2).replace(INVISIBLE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

// ---- numbers and times

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const fraction = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
export const number = (value) => (value === null || value === undefined ? '–' : whole.format(value))
export const decimal = (value) => (value === null || value === undefined ? '–' : fraction.format(value))
export const short = (value) => compact.format(value)
// Percentages are never rounded up: only a share of 1 is shown as 100 %.
export function percent(share) {
	if (share === null || share === undefined) return '–'
	if (share >= 1) return '100 %'
	const digits = share > 0.99 ? 100 : 10
	return `${Math.floor(share * 100 * digits) / digits} %`
}
export const milliseconds = (value) => (value === null || value === undefined ? '–' : `${whole.format(value)} ms`)
export function duration(seconds) {
	if (seconds < 120) return `${Math.round(seconds)} s`
	if (seconds < 7200) return `${Math.round(seconds / 60)} min`
	if (seconds < 172800) return `${Math.round(seconds / 3600)} h`
	return `${Math.round(seconds / 86400)} days`
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const UNITS = [['year', 31557600], ['month', 2629800], ['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]]
// Times are Unix seconds or RFC 3339 texts. A time outside of the calendar stays a number.
export function date(value) {
	const at = new Date(typeof value === 'number' ? value * 1000 : value)
	return Number.isNaN(at.getTime()) ? undefined : at
}
export function stamp(value) {
	const at = date(value)
	return at ? `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC` : String(value)
}
export const day = (value) => date(value)?.toISOString().slice(0, 10) ?? String(value)
export function ago(value) {
	if (value === null || value === undefined) return el('span', { class: 'soft' }, 'never')
	const at = date(value)
	if (!at) return el('span', {}, String(value))
	const seconds = (at.getTime() - Date.now()) / 1000
	const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS.at(-1)
	return el('time', { datetime: at.toISOString(), title: stamp(value) }, relative.format(Math.trunc(seconds / size), unit))
}
export const when = (value) =>
	value === null || value === undefined ? el('span', { class: 'soft' }, 'never')
	: el('time', { datetime: date(value)?.toISOString() }, stamp(value))

// ---- parts of pages

export const link = (page, parameters, ...children) => el('a', { href: address(page, parameters) }, ...children)
export function address(page, parameters = {}) {
	const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== '' && value !== undefined && value !== null))
	return `#/${page}${query.size ? `?${query}` : ''}`
}
export const relayLink = (url) => link('relay', { url }, said(url, 120))
export const eventLink = (id) => el('a', { href: address('event', { id }), class: 'id' }, `${clean(id, 12)}`)
export const state = (word, extra = '') => el('span', { class: `state ${clean(word, 20)} ${extra}` }, clean(word, 20))
// Relays name their software by the URL of its sources; only the last part is shown.
export const program = (text) => clean(text, 200).replace(/^.*\/([^/]+?)(\.git)?\/?$/, '$1')
export const sheet = (title, ...children) => el('section', { class: 'sheet' }, title && el('h2', {}, title), ...children)
export const facts = (...pairs) => el('dl', { class: 'facts' },
	pairs.filter(([, value]) => value !== undefined && value !== null && value !== false && value !== '').map(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]))

// columns: { name, cell(row), number, sort }; a column with `sort` has a button that calls onsort(sort).
export function table({ caption, columns, rows, sorted, onsort, fold, empty = 'There is nothing.' }) {
	if (!rows.length) return el('p', { class: 'empty' }, empty)
	const head = (column) => {
		const active = sorted && column.sort && sorted.replace('-', '') === column.sort.replace('-', '')
		return el('th', { scope: 'col', class: column.number && 'number', 'aria-sort': active && (sorted.startsWith('-') ? 'descending' : 'ascending') },
			column.sort ? el('button', { type: 'button', onclick: () => onsort(active ? (sorted.startsWith('-') ? sorted.slice(1) : `-${sorted}`) : column.sort) }, column.name) : column.name)
	}
	const cell = (row) => (column) => el('td', { class: [column.number && 'number', column.kind].filter(Boolean).join(' ') || undefined, 'data-name': fold && column.label }, column.cell(row))
	return el('div', { class: 'wide', tabindex: '0', role: 'region', 'aria-label': caption }, el('table', { class: fold && 'fold' }, el('caption', {}, caption),
		el('thead', {}, el('tr', {}, columns.map(head))), el('tbody', {}, rows.map((row) => el('tr', {}, columns.map(cell(row)))))))
}

// A block that stands beside other blocks if there is room.
export const stack = (...children) => el('div', { class: 'stack' }, children)

// A list of values with their shares of the largest one.
export function shares({ caption, rows, name, value, note }) {
	const most = Math.max(1, ...rows.map(value))
	const of = (row) => svg('svg', { class: 'share', 'aria-hidden': 'true' }, svg('rect', { class: 'of', width: '100%', height: '100%' }), svg('rect', { width: `${(100 * value(row)) / most}%`, height: '100%' }))
	return el('div', { class: 'wide' }, el('table', { class: 'shares' }, el('caption', {}, caption), el('tbody', {}, rows.map((row) =>
		el('tr', {}, el('td', {}, name(row)), el('td', {}, of(row)), el('td', { class: 'number' }, number(value(row))), note && el('td', { class: 'number' }, note(row)))))))
}

export function problem(error) {
	return el('div', { class: 'problem', role: 'alert' },
		el('p', {}, el('strong', {}, clean(error.title ?? 'This page has a fault', 200))),
		el('p', {}, said(error.message, 600)), error.hint && el('p', {}, said(error.hint, 600)))
}

// A button that puts a text into the clipboard.
export function copy(text, words = 'Copy') {
	const button = el('button', { type: 'button', onclick: async () => {
		try {
			await navigator.clipboard.writeText(text)
			button.textContent = 'Copied'
		} catch {
			button.textContent = 'Not allowed by the browser: mark the text and copy it'
		}
	} }, words)
	return button
}
