// Chromium without a screen, driven by its protocol (CDP) over a WebSocket: one browser, one page.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import WebSocket from 'ws'

export class Browser {
    faults = [] // errors of the console, exceptions, dialogs
    requests = [] // URLs
    #waiting = new Map()
    #number = 0

    static async start() {
        const browser = new Browser()
        browser.profile = await mkdtemp(join(tmpdir(), 'chromium-'))
        browser.process = spawn('chromium', ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-extensions', '--disable-background-networking',
            '--disable-component-update', '--disable-sync', '--hide-scrollbars', '--remote-debugging-port=0', `--user-data-dir=${browser.profile}`, 'about:blank'], { stdio: ['ignore', 'ignore', 'pipe'] })
        // A test that breaks off leaves no browser and no profile behind.
        process.once('exit', () => {
            browser.process.kill('SIGKILL')
            try {
                rmSync(browser.profile, { recursive: true, force: true, maxRetries: 5 })
            } catch {
                // A folder that stays is no fault of what was tested.
            }
        })
        let said = ''
        const address = await new Promise((resolve, reject) => {
            browser.process.stderr.on('data', (text) => {
                said += text
                const found = /DevTools listening on (ws:\S+)/.exec(said)
                if (found) resolve(found[1])
            })
            browser.process.on('error', reject)
            browser.process.on('exit', () => reject(new Error(`chromium ended: ${said}`)))
        })
        browser.socket = new WebSocket(address, { maxPayload: 1 << 28 })
        await once(browser.socket, 'open')
        browser.socket.on('message', (text) => browser.#take(JSON.parse(text)))
        const { sessionId } = await browser.send('Target.attachToTarget', { targetId: await browser.#firstPage(), flatten: true })
        browser.session = sessionId
        for (const domain of ['Page', 'Runtime', 'Network', 'Log']) await browser.send(`${domain}.enable`)
        return browser
    }

    // The browser takes connections before it has opened its page.
    async #firstPage() {
        for (let i = 0; i < 600; i++) {
            const page = (await this.send('Target.getTargets')).targetInfos.find((target) => target.type === 'page')
            if (page) return page.targetId
            await new Promise((resolve) => setTimeout(resolve, 50))
        }
        throw new Error('chromium opens no page')
    }

    #take({ id, result, error, method, params }) {
        if (id) {
            const { resolve, reject } = this.#waiting.get(id)
            this.#waiting.delete(id)
            return error ? reject(new Error(error.message)) : resolve(result)
        }
        if (method === 'Network.requestWillBeSent') this.requests.push(params.request.url)
        else if (method === 'Runtime.exceptionThrown') this.faults.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text)
        else if (method === 'Runtime.consoleAPICalled' && ['error', 'warning', 'assert'].includes(params.type)) this.faults.push(params.args.map((a) => a.value ?? a.description).join(' '))
        else if (method === 'Log.entryAdded' && params.entry.level === 'error') this.faults.push(`${params.entry.text} ${params.entry.url ?? ''}`)
        else if (method === 'Page.javascriptDialogOpening') {
            this.faults.push(`dialog: ${params.message}`)
            this.send('Page.handleJavaScriptDialog', { accept: false })
        }
    }

    send(method, params = {}) {
        const id = ++this.#number
        this.socket.send(JSON.stringify({ id, method, params, sessionId: this.session }))
        return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
    }

    // The value of an expression in the page; of a promise, what it becomes.
    async evaluate(expression) {
        const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })
        if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
        return result.value
    }

    // Until an expression in the page is true.
    async until(expression, what = expression) {
        for (let i = 0; i < 600; i++) {
            if (await this.evaluate(expression).catch(() => false)) return
            await new Promise((resolve) => setTimeout(resolve, 50))
        }
        throw new Error(`never: ${what}; the page says: ${await this.evaluate('document.body.innerText.slice(0, 500)')}`)
    }

    // Whether an expression becomes true.
    async becomes(expression) {
        return this.until(`(${expression}) === true`).then(() => true, () => false)
    }

    // The address changes before the page does: what is clicked may not be there yet.
    async click(selector) {
        const element = selector.startsWith('//') ? `document.evaluate(${JSON.stringify(selector)}, document, null, 9).singleNodeValue` : `document.querySelector(${JSON.stringify(selector)})`
        await this.until(`${element} !== null`, `a ${selector} to click`)
        const at = await this.evaluate(`(() => { const e = ${element}; e.scrollIntoView({ block: 'center' }); const r = e.getBoundingClientRect(); return { x: r.x + r.width / 2, y: r.y + Math.min(r.height / 2, 12) } })()`)
        for (const type of ['mousePressed', 'mouseReleased']) await this.send('Input.dispatchMouseEvent', { type, ...at, button: 'left', clickCount: 1 })
    }

    async type(text) {
        await this.send('Input.insertText', { text })
    }

    async press(key) {
        const keys = { Enter: { key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13, text: '\r' }, Tab: { key: 'Tab', code: 'Tab', windowsVirtualKeyCode: 9 } }
        await this.send('Input.dispatchKeyEvent', { type: 'keyDown', ...keys[key] })
        await this.send('Input.dispatchKeyEvent', { type: 'keyUp', ...keys[key] })
    }

    async look(width, scheme) {
        await this.send('Emulation.setDeviceMetricsOverride', { width, height: width < 500 ? 760 : 900, deviceScaleFactor: 1, mobile: width < 500 })
        await this.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }, { name: 'prefers-reduced-motion', value: 'reduce' }] })
    }

    async picture(file) {
        const { cssContentSize } = await this.send('Page.getLayoutMetrics')
        const { data } = await this.send('Page.captureScreenshot', { captureBeyondViewport: true, clip: { x: 0, y: 0, width: cssContentSize.width, height: Math.min(cssContentSize.height, 4000), scale: 1 } })
        await writeFile(file, Buffer.from(data, 'base64'))
    }

    async end() {
        this.process.removeAllListeners('exit')
        const gone = once(this.process, 'exit')
        this.session = undefined
        await this.send('Browser.close').catch(() => {})
        await gone
        // Processes of the browser may still write into it. What is left is removed at the exit.
        await rm(this.profile, { recursive: true, force: true, maxRetries: 20 }).catch(() => {})
    }
}
