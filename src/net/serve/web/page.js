// Chooses the page by the part of the URL after "#". Each page is a module whose function
// show(parameters, signal, go) returns the nodes of the page.
import { address, el, problem } from './dom.js'

const PAGES = {
	__proto__: null, // the URL must not reach members of Object
	'': ['Overview', './overview.js'],
	relays: ['Relays', './relays.js'],
	relay: ['Relay', './relay.js', 'relays'],
	search: ['Search', './search.js'],
	event: ['Event', './event.js', 'search'],
	statistics: ['Statistics', './statistics.js'],
	api: ['API', './try.js']
}
const main = document.getElementById('main')
let current = new AbortController()
let first = true

const go = (page, parameters) => {
	location.hash = address(page, parameters)
}

async function show() {
	current.abort()
	const controller = (current = new AbortController())
	const [path, query] = location.hash.replace(/^#\/?/, '').split(/\?(.*)/s)
	const [title, module, parent] = PAGES[path] ?? []
	for (const a of document.querySelectorAll('nav a'))
		if (a.getAttribute('href') === `#/${parent ?? path}`) a.setAttribute('aria-current', 'page')
		else a.removeAttribute('aria-current')
	main.setAttribute('aria-busy', 'true')
	const late = setTimeout(() => main.replaceChildren(el('p', { class: 'soft', role: 'status' }, 'Loading…')), 400)
	let nodes
	try {
		if (!module) throw Object.assign(new Error(`"${path}" is not a page here.`), { title: 'There is no such page', hint: 'Choose one above.' })
		document.title = `${title} – bigbrotr`
		nodes = await (await import(module)).show(Object.fromEntries(new URLSearchParams(query)), controller.signal, go)
	} catch (error) {
		if (controller.signal.aborted) return clearTimeout(late)
		if (!error.title) console.error(error)
		nodes = [el('h1', {}, title ?? 'bigbrotr'), problem(error)]
	}
	clearTimeout(late)
	if (controller.signal.aborted) return
	main.replaceChildren(...[nodes].flat(9).filter(Boolean))
	main.removeAttribute('aria-busy')
	const name = main.querySelector('h1')?.textContent
	if (name) document.title = `${name} – bigbrotr`
	if (!first) {
		scrollTo(0, 0)
		main.focus({ preventScroll: true })
	}
	first = false
}

// Finds the page for a text that the visitor typed.
function find(text) {
	if (/^wss?:\/\//i.test(text) || /^[^\s@#]+\.[^\s@#]{2,}$/.test(text)) return go('relay', { url: text })
	if (/^(nostr:)?(note|nevent|naddr)1/.test(text) || /^[0-9a-f]{64}$/i.test(text)) return go('event', { id: text })
	if (/^(nostr:)?(npub|nprofile)1/.test(text)) return go('search', { authors: text.replace(/^nostr:/, '') })
	if (/^#\S+$/.test(text)) return go('search', { t: text.slice(1) })
	return go('search', { search: text })
}

document.getElementById('go').addEventListener('submit', (event) => {
	event.preventDefault()
	const text = new FormData(event.target).get('wanted').trim()
	if (text) find(text)
})
document.querySelector('.skip').addEventListener('click', (event) => {
	event.preventDefault()
	main.focus()
})
addEventListener('hashchange', show)
show()
