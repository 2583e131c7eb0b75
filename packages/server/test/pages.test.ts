import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import AxeBuilder from '@axe-core/playwright'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GrantorServer } from '../src/index.ts'
import { launchChromium } from './chromium.ts'
import { PASSWORD, startServer } from './support.ts'

let server: GrantorServer
let issuer: string
let browser: Browser
let callback: Server
let redirectUri: string
/** What the client received at its redirect URI. */
const received: { method: string; params: URLSearchParams }[] = []

beforeAll(async () => {
  ;({ server, issuer } = await startServer())
  callback = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { pathname, searchParams } = new URL(request.url ?? '/', redirectUri)
    const params = request.method === 'POST' ? new URLSearchParams(Buffer.concat(chunks).toString()) : searchParams
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
    policy_uri: 'https://client.example.com/privacy',
    tos_uri: 'https://client.example.com/terms'
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
    await page.goto(issuer)
    await inspect('home')
    await page.click('button')
    expect(await page.$('form')).toBe(null)
    await context.close()
  })
})
