// Requests to this server's API. Every failure becomes a Problem, which says what to do.

export class Problem extends Error {
	constructor({ title, detail, hint, status, code }) {
		super(detail)
		Object.assign(this, { title, hint, status, code })
	}
}

const WORDS = {
	400: 'The request is wrong',
	401: 'A key is needed',
	403: 'This is not allowed',
	404: 'There is nothing of that name',
	429: 'Too many requests',
	503: 'The server is not ready',
	504: 'The answer takes too long'
}

export function target(path, parameters = {}) {
	const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== '' && value !== undefined && value !== null))
	return path.replace(/^\//, '') + (query.size ? `?${query}` : '')
}

// Returns the answer as JSON. `signal` cancels the request when the visitor leaves the page.
export async function get(path, parameters, signal) {
	let answer
	try {
		answer = await fetch(target(path, parameters), { signal, headers: { Accept: 'application/json' } })
	} catch (error) {
		if (error.name === 'AbortError') throw error
		throw new Problem({ title: 'The server does not answer', detail: 'It is stopped, or there is no connection to it.', hint: 'Try again in a minute.' })
	}
	if (!answer.ok) {
		const told = await answer.json().catch(() => ({}))
		const seconds = Number(answer.headers.get('retry-after'))
		throw new Problem({
			title: WORDS[answer.status] ?? `The server failed (${answer.status})`,
			detail: told.detail ?? 'The server gave no reason.',
			hint: [told.hint, seconds > 0 && `Try again in ${seconds} seconds.`].filter(Boolean).join(' '),
			status: answer.status,
			code: told.code
		})
	}
	try {
		return await answer.json()
	} catch (error) {
		if (error.name === 'AbortError') throw error
		throw new Problem({ title: 'The answer was cut off', detail: 'The server ended it before it was whole.', hint: 'Load the page again.' })
	}
}

// The items of a list.
export const items = async (path, parameters, signal) => (await get(path, parameters, signal)).items
