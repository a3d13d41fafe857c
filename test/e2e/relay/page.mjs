// page.mjs URL EVENT DIRECTORY: reads every page of the archive at URL in Chromium, as a visitor does, and puts pictures of them into DIRECTORY.
// EVENT is the id of an event with hostile text. Prints "name: right" for each check; fails if something is wrong.
import { readFile, readdir } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { Browser } from './browser.mjs'

const [base, event, directory] = process.argv.slice(2)
const RELAY = 'wss://relay1.example.com'
const PAGES = {
    overview: '#/', relays: '#/relays?status=any', relay: `#/relay?url=${RELAY}`, search: '#/search?t=coffee', event: `#/event?id=${event}`,
    statistics: '#/statistics', api: '#/api', unknown_relay: '#/relay?url=wss://nowhere.example.com', bad_filter: '#/search?authors=nobody', no_page: '#/nothing'
}
const WITHOUT_SCRIPT = { embed: `embed?url=${RELAY}`, table: 'api/v1/relays/table?format=html&limit=20' }

const browser = await Browser.start()
let failed = 0
function check(name, good, detail = '') {
    console.log(`${name}: ${good ? 'right' : `wrong ${JSON.stringify(detail)}`}`)
    if (!good) failed++
}
const settled = "document.querySelector('main h1') && !document.querySelector('main[aria-busy]')"
const open = async (address) => {
    await browser.send('Page.navigate', { url: 'about:blank' })
    await browser.send('Page.navigate', { url: `${base}/${address}` })
    await browser.until(`document.readyState === 'complete' && location.href !== 'about:blank' && (!document.getElementById('go') || (${settled}))`, address)
}
// Until the page that a click asked for is there.
const arrived = (hash) => browser.until(`location.hash.startsWith(${JSON.stringify(hash)}) && ${settled}`, hash)

// Texts whose contrast with what is behind them is less than AA demands (WCAG 2.2, 1.4.3).
const CONTRAST = `(() => {
    const luminance = (c) => { const [r, g, b] = c.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b }
    const parse = (text) => text.match(/[\\d.]+/g).map(Number)
    const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c.slice(0, 3) } return [255, 255, 255] }
    const found = new Set()
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (walker.nextNode()) {
        const e = walker.currentNode.parentElement
        if (!walker.currentNode.data.trim() || !e.checkVisibility() || e.closest('noscript, option, title')) continue
        const style = getComputedStyle(e)
        const ink = e instanceof SVGElement ? style.fill : style.color
        if (!/^rgb/.test(ink)) continue
        const [a, b] = [luminance(parse(ink)), luminance(behind(e))].sort((x, y) => y - x)
        const size = parseFloat(style.fontSize)
        const wanted = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5
        if ((a + 0.05) / (b + 0.05) < wanted) found.add(e.tagName + '.' + e.getAttribute('class') + ' ' + ((a + 0.05) / (b + 0.05)).toFixed(2) + ' ' + walker.currentNode.data.slice(0, 30))
    }
    return [...found]
})()`
// What a stranger's text must not become, and what has no name for a screen reader.
const HARMLESS = `[...document.querySelectorAll('main script, main iframe, main object, main embed, main style, main b, main [onload], main [onerror], main a[href^="javascript"]')].map((e) => e.outerHTML.slice(0, 100))
    .concat([...document.images].filter((i) => !i.src.startsWith(${JSON.stringify(base)})).map((i) => i.src), /[\\u202a-\\u202e\\u2066-\\u2069]/.test(document.body.innerText) ? ['a control of direction'] : [])`
const NAMELESS = `[...document.querySelectorAll('button, a, input, select, textarea, svg[role=img], img')].filter((e) => !(e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length || e.hasAttribute('alt') || e.type === 'hidden')).map((e) => e.outerHTML.slice(0, 100))`

for (const [name, address] of Object.entries({ ...PAGES, ...WITHOUT_SCRIPT })) {
    const wrong = []
    for (const [width, scheme] of [[1280, 'light'], [1280, 'dark'], [360, 'light']]) {
        await browser.look(width, scheme)
        if (scheme === 'light') await open(address)
        const at = `${width} ${scheme}`
        for (const [what, expression] of [['contrast', CONTRAST], ['not text', HARMLESS], ['nameless', NAMELESS]]) {
            const found = await browser.evaluate(expression)
            if (found.length) wrong.push([at, what, ...found.slice(0, 5)])
        }
        const wide = await browser.evaluate('document.documentElement.scrollWidth')
        if (wide > width) wrong.push([at, 'scrolls sideways', wide])
        if (name === 'relay' || name === 'event') if (!(await browser.evaluate(`document.body.innerText.includes('<script>')`))) wrong.push([at, 'the hostile text is not shown'])
        await browser.picture(`${directory}/${name}-${width}-${scheme}.png`)
    }
    check(`page ${name}`, wrong.length === 0, wrong)
}
// An answer that says no is also told on the console by the browser itself.
const expected = /status of 4\d\d .*(nowhere\.example\.com|authors=nobody|favicon\.ico)/
check('no fault on the console', browser.faults.every((f) => expected.test(f)), browser.faults)

// Each question of a visitor who begins at the first page, in three clicks at most. Typing is no click, Enter is.
const read = (expression) => browser.evaluate(expression)
async function question(name, steps, answer) {
    await browser.look(1280, 'light')
    await open('#/')
    let clicks = 0
    for (const [what, ...given] of steps) {
        if (what === 'click') await browser.click(given[0])
        else if (what === 'enter') await browser.press('Enter')
        else if (what === 'choose') await browser.until(`document.querySelector(${JSON.stringify(given[0])})`).then(() => read(`(() => { const s = document.querySelector(${JSON.stringify(given[0])}); s.value = ${JSON.stringify(given[1])}; s.dispatchEvent(new Event('change', { bubbles: true })) })()`))
        else if (what === 'type') await browser.type(given[0])
        else await arrived(given[0])
        clicks += ['click', 'enter', 'choose'].includes(what) ? 1 : 0
    }
    const found = await browser.becomes(answer)
    check(`question ${name}`, found && clicks <= 3, { clicks, found })
}
const search = (text) => [['click', '#go input'], ['type', text], ['enter']]
const sheet = (title) => `[...document.querySelectorAll('.sheet')].find((s) => s.querySelector('h2')?.textContent === ${JSON.stringify(title)}).innerText`
await question('which relays are online in my country', [['click', 'nav a[href="#/relays"]'], ['at', '#/relays'], ['choose', 'select[name=country]', 'FI'], ['at', '#/relays?']],
    "document.querySelectorAll('tbody tr').length > 1 && [...document.querySelectorAll('tbody tr')].every((r) => /online|unstable/.test(r.innerText) && r.cells[6].innerText === 'FI')")
const relay = [...search(RELAY), ['at', '#/relay?']]
await question('is this relay up and since when', relay, "/^● ?online since \\d{4}-\\d\\d-\\d\\d|^online since \\d{4}/.test(document.querySelector('main .state').parentElement.innerText)")
await question('what does it claim that it does not do', relay, `/It claims NIPs 45, 77, which do not work/.test(${sheet('Claimed and observed')})`)
await question('how complete is its archive and why not more', relay, `/proven/.test(${sheet('How complete its archive is')}) && /a second reading has not confirmed it yet/.test(${sheet('How complete its archive is')})`)
await question('what was posted with this hashtag last week', [['click', 'nav a[href="#/search"]'], ['at', '#/search'], ['click', 'input[name=t]'], ['type', 'coffee'], ['click', "//button[text()='last week']"], ['at', '#/search?t=coffee']],
    "document.querySelectorAll('.event').length === 2 && document.body.innerText.includes('coffee of this week')")
await question('where was this event seen', [...search(event), ['at', '#/event?']], `/wss:\\/\\/relay1\\.example\\.com/.test(${sheet('Where it was seen')}) && /2 relays/.test(${sheet('Where it was seen')})`)

// What can be clicked, by hand and by keyboard.
await open('#/relays?status=any')
await browser.click("//th/button[text()='Relay']")
await arrived('#/relays?status=any&sort=url')
check('a column orders', await browser.becomes("document.querySelector('th[aria-sort=ascending]').innerText.startsWith('Relay') && document.querySelectorAll('th[aria-sort]').length === 1"))
const first = await read("document.querySelector('tbody a').innerText")
await browser.click("//button[text()='Next page']")
await browser.until(`document.querySelector('tbody a')?.innerText !== ${JSON.stringify(first)} && ${settled}`)
check('the next page', await browser.becomes(`document.querySelector('tbody a').innerText > ${JSON.stringify(first)}`))
await open('#/')
await browser.press('Tab')
check('the first key leads to the content', await browser.becomes("document.activeElement.className === 'skip' && document.activeElement.getBoundingClientRect().left >= 0"))
await open(`#/relay?url=${RELAY}`)
await browser.click("//summary[text()='As a table']")
check('a plot is also a table', await browser.becomes("[...document.querySelectorAll('details[open] td')].some((d) => / ms$/.test(d.innerText))"))
await open('#/api')
await browser.click("//summary[code='GET /api/v1/overview']")
await browser.until("document.querySelector('details[open] form')")
await browser.click('details[open] form button')
await browser.until("document.querySelector('details[open] form ~ div, details[open] [aria-live]').innerText.includes('event_count')")
check('the API can be tried', await browser.becomes("/^200, /m.test(document.querySelector('details[open] [aria-live]').innerText)"))

// A page that says what is wrong, whatever it is.
const says = (words) => read(`document.querySelector('[role=alert]')?.innerText.includes(${JSON.stringify(words)}) && document.querySelectorAll('main > *').length > 1`)
await open('#/relay?url=wss://nowhere.example.com')
check('an unknown relay is told', await says('has never heard of it'))
await open('#/search?authors=nobody')
check('a wrong filter is told, and can be mended', (await says('The request is wrong')) && (await read("document.querySelector('input[name=authors]').value === 'nobody'")))
await open('#/nothing')
check('a page that is not there is told', await says('is not a page here'))
await open('#/')
await browser.send('Network.setBlockedURLs', { urls: ['*/api/v1/*'] })
await browser.click('nav a[href="#/statistics"]')
await browser.until("document.querySelector('[role=alert]')")
check('a server that is gone is told', await says('The server does not answer'))
await browser.send('Network.setBlockedURLs', { urls: [] })

await browser.send('Emulation.setScriptExecutionDisabled', { value: true })
await browser.look(360, 'light')
await browser.send('Page.navigate', { url: `${base}/` })
await browser.until("document.querySelector('noscript form')")
await browser.picture(`${directory}/without-script.png`)
check('there are lists without scripts', await browser.becomes("document.querySelectorAll('noscript form').length >= 4 && document.querySelector('noscript form').checkVisibility()"))

// What Chromium draws its own fields with has the scheme data.
const elsewhere = browser.requests.filter((url) => !url.startsWith(`${base}/`) && !/^(about:blank$|data:)/.test(url))
check('nothing is asked of anybody else', elsewhere.length === 0, elsewhere)
const web = new URL('../../../src/net/serve/web/', import.meta.url)
const size = gzipSync(Buffer.concat(await Promise.all((await readdir(web)).map((name) => readFile(new URL(name, web)))))).length
check('the page is small', size <= 100 * 1024, size)
await browser.end()
process.exit(failed > 0 ? 1 : 0)
