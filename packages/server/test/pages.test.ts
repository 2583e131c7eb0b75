import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import AxeBuilder from '@axe-core/playwright'
import { CIBA_GRANT_TYPE, DEVICE_GRANT_TYPE } from 'grantor'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GrantorServer } from '../src/index.ts'
import { launchChromium } from './chromium.ts'
import { PASSWORD, startServer } from './support.ts'

const LOGO = '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><circle cx="32" cy="32" r="32" fill="teal"/></svg>'

const TILL_SECRET = 'a secret of the till, long enough'

let server: GrantorServer
let issuer: string
let browser: Browser
let callback: Server
let redirectUri: string
/** What the client received at its redirect URI. */
const received: { method: string; params: URLSearchParams }[] = []

beforeAll(async () => {
  ;({ server, issuer } = await startServer({ signUp: true, extensions: ['ciba', 'device_authorization'], ciba: { userLimit: 0 } }))
  callback = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { pathname, searchParams } = new URL(request.url ?? '/', redirectUri)
    const params = request.method === 'POST' ? new URLSearchParams(Buffer.concat(chunks).toString()) : searchParams
    if (pathname === '/logo.svg') return void response.setHeader('content-type', 'image/svg+xml').end(LOGO)
    if (pathname === '/callback') received.push({ method: request.method ?? '', params })
    response.setHeader('content-type', 'text/html').end('<title>client</title><h1>At the client</h1>')
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => callback.once('listening', resolve))
  redirectUri = `http://127.0.0.1:${(callback.address() as AddressInfo).port}/callback`
  await server.authorization.clients.create({
    client_id: 'app',
    client_name: 'Photo <b>Printer</b>',
    application_type: 'native',
    redirect_uris: ['http://127.0.0.1/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    scope: 'read write',
    logo_uri: new URL('/logo.svg', redirectUri).href,
    policy_uri: 'https://client.example.com/privacy',
    tos_uri: 'https://client.example.com/terms'
  })
  await server.authorization.clients.create({
    client_id: 'tv',
    client_name: 'TV <b>Box</b>',
    token_endpoint_auth_method: 'none',
    grant_types: [DEVICE_GRANT_TYPE],
    scope: 'openid read'
  })
  await server.authorization.clients.create({
    client_id: 'till',
    client_secret: TILL_SECRET,
    client_name: 'Till <b>3</b>',
    token_endpoint_auth_method: 'client_secret_post',
    grant_types: [CIBA_GRANT_TYPE],
    scope: 'openid read',
    backchannel_token_delivery_mode: 'poll',
    policy_uri: 'https://client.example.com/privacy'
  })
  browser = await launchChromium()
}, 120_000)

afterAll(async () => {
  await browser?.close()
  callback?.close()
  callback?.closeAllConnections()
  await server?.close()
})

function authorizeUrl(params: Record<string, string> = {}): string {
  const request = {
    client_id: 'app',
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'read write',
    state: 'xyz',
    code_challenge_method: 'S256'
  }
  return `${issuer}/authorize?${new URLSearchParams({ ...request, code_challenge: 'x'.repeat(43), ...params })}`
}

async function signIn(page: Page): Promise<void> {
  await page.fill('input[name=login]', 'alice')
  await page.fill('input[name=password]', PASSWORD)
  await page.click('#login-submit')
}

async function post(path: string, params: Record<string, string>) {
  return (await fetch(issuer + path, { method: 'POST', body: new URLSearchParams({ client_id: 'tv', ...params }) })).json()
}

async function snapshot(page: Page, name: string): Promise<void> {
  if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png`, fullPage: true })
}

describe('the pages in Chromium', () => {
  test.each([
    ['query', true],
    ['query', false],
    ['form_post', true],
    ['form_post', false]
  ] as const)('lead through sign-in and consent to the client by %s, scripts on: %s', async (responseMode, javaScriptEnabled) => {
    const context = await browser.newContext({ javaScriptEnabled })
    const page = await context.newPage()
    received.length = 0
    await page.goto(authorizeUrl({ response_mode: responseMode, prompt: 'consent' }))
    expect(await page.title()).toBe('Sign in')
    await signIn(page)
    expect(await page.textContent('h1')).toBe('Photo <b>Printer</b> wants access to your account')
    await page.click('#consent-allow')
    if (responseMode === 'form_post' && !javaScriptEnabled) await page.click('button[type=submit]')
    await page.waitForURL(`${redirectUri}**`)
    expect(received.at(-1)?.method).toBe(responseMode === 'query' ? 'GET' : 'POST')
    expect(Object.fromEntries(received.at(-1)?.params ?? [])).toEqual({ code: expect.stringMatching(/^gac_/), state: 'xyz', iss: issuer })
    await context.close()
  })

  test('remember consent: the second time nobody is asked', async () => {
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.goto(authorizeUrl())
    await signIn(page)
    if (!page.url().startsWith(redirectUri)) await page.click('#consent-allow')
    await page.waitForURL(`${redirectUri}**`)
    received.length = 0
    await page.goto(authorizeUrl({ scope: 'read' }))
    expect(page.url()).toContain(redirectUri)
    expect(received).toHaveLength(1)
    await context.close()
  })

  test('let the person deny, be somebody else, and sign in again when asked', async () => {
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.goto(authorizeUrl({ prompt: 'consent' }))
    await signIn(page)
    await page.click('button[value=switch]')
    expect(await page.title()).toBe('Sign in')
    await signIn(page)
    await page.click('#consent-deny')
    await page.waitForURL(`${redirectUri}**`)
    expect(received.at(-1)?.params.get('error')).toBe('access_denied')
    await page.goto(authorizeUrl({ prompt: 'select_account' }))
    await page.click('#account-continue')
    await page.waitForURL(`${redirectUri}**`)
    await context.close()
  })

  test('redirect from the authorization endpoint to a page of its own, and show errors there', async () => {
    const redirect = await fetch(authorizeUrl(), { redirect: 'manual' })
    expect(redirect.status).toBe(303)
    expect(redirect.headers.get('location')).toMatch(/^\/interaction\/[\w-]{24}$/)
    const context = await browser.newContext()
    const page = await context.newPage()
    for (const params of [{ client_id: 'nobody' }, { redirect_uri: 'https://evil.example/' }]) {
      const response = await page.goto(authorizeUrl(params))
      expect(response?.status()).toBe(400)
      expect(new URL(page.url()).pathname).toBe('/authorize')
      expect(response?.headers()['content-type']).toBe('text/html; charset=utf-8')
      expect(await page.textContent('h1')).toBe('Request rejected')
    }
    await context.close()
  })

  test('oidcc-registration-logo-uri, -policy-uri, -tos-uri: show what the client says of itself, on every page of its request', async () => {
    const context = await browser.newContext()
    const page = await context.newPage()
    const about = async (heading: RegExp) => {
      expect(await page.textContent('h1')).toMatch(heading)
      expect(await page.getAttribute('text=Privacy policy', 'href')).toBe('https://client.example.com/privacy')
      expect(await page.getAttribute('text=Terms of service', 'href')).toBe('https://client.example.com/terms')
      expect(await page.$eval('img', (image) => (image as HTMLImageElement).naturalWidth)).toBe(64)
    }
    await page.goto(authorizeUrl({ prompt: 'consent' }))
    await about(/^Sign in$/)
    await page.click('a:text-is("Create an account")')
    await about(/^Create an account$/)
    await page.click('a:text-is("Sign in")')
    await signIn(page)
    await about(/wants access/)
    await page.goto(authorizeUrl({ prompt: 'select_account' }))
    await about(/^Choose an account$/)
    await context.close()
  })

  test('oidcc-login-hint: fill in the name of the hint, which stays a text field that can be changed', async () => {
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.goto(authorizeUrl({ login_hint: 'buffy@localhost"><b>' }))
    expect(await page.inputValue('input[type=text][name=login]')).toBe('buffy@localhost"><b>')
    expect(await page.isEditable('input[name=login]')).toBe(true)
    expect(await page.isEditable('input[type=password][name=password]')).toBe(true)
    expect(await page.$$eval('button#login-submit[type=submit]', (buttons) => buttons.length)).toBe(1)
    await signIn(page)
    expect(await page.title()).not.toBe('Sign in')
    await context.close()
  })

  test('let who is signed in already allow or deny without another sign-in', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false })
    const page = await context.newPage()
    await page.goto(authorizeUrl({ prompt: 'consent' }))
    await signIn(page)
    for (const [decision, answer] of [
      ['deny', 'error'],
      ['allow', 'code']
    ] as const) {
      received.length = 0
      await page.goto(authorizeUrl({ prompt: 'consent' }))
      expect(await page.$$eval('button[name=decision][type=submit]', (buttons) => buttons.map((button) => button.id))).toEqual([
        '',
        'consent-allow',
        'consent-deny'
      ])
      expect(await page.getAttribute(`#consent-${decision}`, 'value')).toBe(decision)
      await page.click(`#consent-${decision}`)
      await page.waitForURL(`${redirectUri}**`)
      expect(received.at(-1)?.params.has(answer)).toBe(true)
    }
    await context.close()
  })

  test.each([true, false])('let a person create an account and go on to the client, scripts on: %s', async (javaScriptEnabled) => {
    const context = await browser.newContext({ javaScriptEnabled })
    const page = await context.newPage()
    const login = `newcomer-${javaScriptEnabled}`
    await page.goto(authorizeUrl({ login_hint: login }))
    await page.click('a:text-is("Create an account")')
    expect(await page.inputValue('input[name=login]')).toBe(login)
    await page.fill('input[name=name]', 'Zoë <i>New</i>')
    await page.fill('input[name=login]', 'ALICE')
    await page.fill('input[name=email]', 'zoe@example.com')
    await page.fill('input[name=password]', PASSWORD)
    await page.click('#signup-submit')
    expect(await page.textContent('[role=alert]')).toContain('There is no account yet.')
    expect(await page.textContent('#login-help')).toContain('Somebody has this name already.')
    expect(await page.$$eval('input', (inputs) => inputs.slice(1).map(({ value }) => value))).toEqual([
      'Zoë <i>New</i>',
      'ALICE',
      'zoe@example.com',
      ''
    ])
    await page.fill('input[name=login]', login)
    await page.fill('input[name=password]', PASSWORD)
    await page.click('#signup-submit')
    expect(await page.textContent('form')).toContain('You are signed in as Zoë <i>New</i>.')
    await page.click('#consent-allow')
    await page.waitForURL(`${redirectUri}**`)
    expect((await server.users.findByLogin(login))?.claims).toMatchObject({
      name: 'Zoë <i>New</i>',
      email: 'zoe@example.com',
      email_verified: false
    })
    await context.close()
  })

  test.each([
    ['approve', true],
    ['deny', false]
  ] as const)('connect a device by the code that is typed: %s, scripts on: %s', async (decision, javaScriptEnabled) => {
    const context = await browser.newContext({ javaScriptEnabled })
    const page = await context.newPage()
    const { user_code, device_code } = await post('/device_authorization', { scope: 'openid read' })
    const poll = () => post('/token', { grant_type: DEVICE_GRANT_TYPE, device_code })
    await page.goto(issuer)
    await page.click('a:text-is("Connect a device")')
    await page.fill('input[name=user_code]', user_code.toLowerCase().replace('-', ' '))
    await page.click('#device-continue')
    expect(await page.textContent('p')).toBe('to continue to TV <b>Box</b>')
    await signIn(page)
    expect(await page.textContent('h1')).toBe('Connect TV <b>Box</b> to your account?')
    expect(await page.textContent('#user-code')).toBe(user_code)
    expect(await page.textContent('main')).toContain('Only continue if you started this on a device in front of you.')
    expect(await page.textContent('table')).toMatch(/Address(127\.0\.0\.1|::1)Softwarenode/)
    expect(await page.textContent('ul')).toBe('Know who you areuse read')
    const looks = await page.$$eval('button[name=decision]', (buttons) =>
      buttons.map((button) => ({ ...button.getBoundingClientRect().toJSON(), x: 0, left: 0, right: 0, class: button.className }))
    )
    expect(looks).toEqual([looks[0], looks[0]])
    expect(await poll()).toMatchObject({ error: 'authorization_pending' })
    await page.click(`#device-${decision}`)
    expect(await page.textContent('h1')).toBe(decision === 'approve' ? 'TV <b>Box</b> is connected' : 'TV <b>Box</b> was refused')
    expect(await poll()).toMatchObject(decision === 'approve' ? { id_token: expect.any(String) } : { error: 'access_denied' })
    await context.close()
  })

  test.each([
    ['approve', true],
    ['deny', false]
  ] as const)('show what a client asks elsewhere: %s, scripts on: %s', async (decision, javaScriptEnabled) => {
    const context = await browser.newContext({ javaScriptEnabled })
    const page = await context.newPage()
    const till = { client_id: 'till', client_secret: TILL_SECRET }
    const asked = { ...till, scope: 'openid read', login_hint: 'alice', binding_message: 'Till 3: 12.50 & "tip"' }
    const { auth_req_id } = await post('/bc-authorize', asked)
    const poll = () => post('/token', { ...till, grant_type: CIBA_GRANT_TYPE, auth_req_id })
    await page.goto(issuer)
    await page.click('a:text-is("Requests for you")')
    await signIn(page)
    expect(await page.textContent('h1')).toBe('Requests for you')
    expect(await page.textContent('h2')).toBe('Till <b>3</b> asks for you')
    expect(await page.textContent('.message')).toBe('Till 3: 12.50 & "tip"')
    expect(await page.textContent('main')).toContain('Allow only what you started yourself')
    expect(await page.textContent('ul')).toBe('Know who you areuse read')
    const looks = await page.$$eval('button[name=decision]', (buttons) =>
      buttons.map((button) => ({ ...button.getBoundingClientRect().toJSON(), x: 0, left: 0, right: 0, class: button.className }))
    )
    expect(looks).toEqual([looks[0], looks[0]])
    expect(await poll()).toMatchObject({ error: 'authorization_pending' })
    await page.click(`button[value=${decision}]`)
    expect(await page.textContent('h1')).toBe(`You ${decision === 'approve' ? 'allowed' : 'denied'} what Till <b>3</b> asked`)
    expect(await poll()).toMatchObject(decision === 'approve' ? { id_token: expect.any(String) } : { error: 'access_denied' })
    await page.click('a:text-is("See whether there is more")')
    expect(await page.textContent('main')).toContain('Nobody asks anything of you.')
    await context.close()
  })

  test('SE-02 an interaction belongs to the browser that began it', async () => {
    const [first, second] = [await browser.newContext(), await browser.newContext()]
    const page = await first.newPage()
    await page.goto(authorizeUrl())
    const stranger = await second.newPage()
    const response = await stranger.goto(page.url())
    expect(response?.status()).toBe(400)
    expect(await stranger.textContent('h1')).toBe('Request rejected')
    await first.close()
    await second.close()
  })

  test.each([
    ['light', 1280],
    ['light', 360],
    ['dark', 1280],
    ['dark', 360]
  ] as const)('have no accessibility violation in %s at %i px', { timeout: 60_000 }, async (colorScheme, width) => {
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 800 } })
    const page = await context.newPage()
    const inspect = async (name: string) => {
      await snapshot(page, `${name}-${colorScheme}-${width}`)
      const { violations } = await new AxeBuilder({ page }).analyze()
      expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([])
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
    }
    await page.goto(`${issuer}/authorize?client_id=nobody`)
    await inspect('error')
    await page.goto(authorizeUrl({ prompt: 'consent' }))
    await inspect('login')
    await page.fill('input[name=login]', 'alice')
    await page.fill('input[name=password]', 'wrong')
    await page.click('#login-submit')
    await inspect('login-failed')
    await signIn(page)
    await inspect('consent')
    await page.goto(authorizeUrl({ prompt: 'select_account' }))
    await inspect('account')
    await page.goto(`${issuer}/device?user_code=wdjb`)
    await inspect('device-code')
    await page.goto((await post('/device_authorization', { scope: 'openid read' })).verification_uri_complete)
    await inspect('device')
    await page.goto(`${issuer}/requests`)
    await inspect('no-requests')
    const asked = { client_id: 'till', client_secret: TILL_SECRET, scope: 'openid read', login_hint: 'alice', requested_expiry: '60' }
    for (const binding_message of ['Till 3: 12.50', 'x'.repeat(100)]) await post('/bc-authorize', { ...asked, binding_message })
    await page.goto(`${issuer}/requests`)
    await inspect('requests')
    await page.goto(issuer)
    await inspect('home')
    await page.click('a:text-is("Sign out")')
    await inspect('sign-out')
    await page.click('#logout-confirm')
    expect(await page.textContent('h1')).toBe('You are signed out')
    await inspect('signed-out')
    await page.goto(`${issuer}/requests`)
    await inspect('requests-sign-in')
    await page.goto(authorizeUrl())
    await page.click('a:text-is("Create an account")')
    await inspect('sign-up')
    for (const [name, value] of Object.entries({ name: 'Zoë', login: 'alice', email: 'nothing', password: 'short' }))
      await page.fill(`input[name=${name}]`, value)
    await page.click('#signup-submit')
    await inspect('sign-up-failed')
    await context.close()
  })
})
