import { createPublicKey, type JsonWebKey, verify as verifySignature } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import AxeBuilder from '@axe-core/playwright'
import * as oidc from 'openid-client'
import type { Browser as Chromium, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Listener } from '../../grantor/test/listener.ts'
import type { GrantorServer } from '../src/index.ts'
import { Browser } from './browser.ts'
import { createAuthority } from './certificates.ts'
import { launchChromium } from './chromium.ts'
import { PASSWORD, startServer, temporaryFolder } from './support.ts'

type Tokens = oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers

/** An application with TLS: what the browser and the server sent it. */
class Application {
  readonly frames: URL[] = []
  readonly logoutTokens: string[] = []
  readonly arrivals: URL[] = []
  status = 200
  #waiting: (() => void)[] = []

  readonly answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'https://localhost')
    if (url.pathname === '/back-channel') this.logoutTokens.push(new URLSearchParams(await text(request)).get('logout_token') ?? '')
    if (url.pathname === '/front-channel') this.frames.push(url)
    if (url.pathname === '/signed-out') this.arrivals.push(url)
    const status = url.pathname === '/back-channel' ? this.status : 200
    response
      .writeHead(status, { 'content-type': 'text/html', 'cache-control': 'no-store' })
      .end('<title>app</title><h1>The application</h1>')
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** Resolves when so many logout tokens came. */
  async told(count: number): Promise<readonly string[]> {
    while (this.logoutTokens.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    return this.logoutTokens
  }

  forget(): void {
    for (const list of [this.frames, this.logoutTokens, this.arrivals]) list.length = 0
  }
}

let server: GrantorServer
let issuer: string
let chromium: Chromium
let listener: Listener
let origin: string
let configuration: oidc.Configuration
const application = new Application()

beforeAll(async () => {
  const authority = await createAuthority()
  listener = await Listener.https(await authority.issue(['localhost']), application.answer)
  origin = `https://localhost:${listener.port}`
  const caFile = join(temporaryFolder(), 'authorities.pem')
  writeFileSync(caFile, authority.certificate)
  ;({ server, issuer } = await startServer({ outbound: { allow: [origin], caFile } }))
  const { client_secret } = await server.authorization.clients.create({
    client_id: 'app',
    client_name: 'Photo <b>Printer</b>',
    redirect_uris: [`${origin}/cb`],
    grant_types: ['authorization_code', 'refresh_token'],
    scope: 'openid profile offline_access',
    require_consent: false,
    post_logout_redirect_uris: [`${origin}/signed-out`],
    backchannel_logout_uri: `${origin}/back-channel`,
    frontchannel_logout_uri: `${origin}/front-channel`,
    frontchannel_logout_session_required: true
  })
  configuration = await oidc.discovery(new URL(issuer), 'app', client_secret, undefined, { execute: [oidc.allowInsecureRequests] })
  chromium = await launchChromium()
}, 120_000)
afterAll(async () => {
  await chromium?.close()
  await listener?.close()
  await server?.close()
})
beforeEach(() => {
  application.forget()
  application.status = 200
})

async function authorization(params: Record<string, string> = {}): Promise<{ url: string; redeem(callback: string): Promise<Tokens> }> {
  const verifier = oidc.randomPKCECodeVerifier()
  const url = oidc.buildAuthorizationUrl(configuration, {
    redirect_uri: `${origin}/cb`,
    scope: 'openid',
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...params
  })
  const redeem = (callback: string) =>
    oidc.authorizationCodeGrant(configuration, new URL(callback), { pkceCodeVerifier: verifier, idTokenExpected: true })
  return { url: url.href, redeem }
}

/** Signs in with forms alone: the tokens. */
async function signIn(browser: Browser, login = 'alice', params: Record<string, string> = {}) {
  const { url, redeem } = await authorization(params)
  const page = await browser.open(url)
  if (page.includes('Sign in')) await browser.submit({ login, password: PASSWORD, decision: 'login' })
  return redeem(browser.stoppedAt ?? '')
}

/** From the page that tells applications in frames of the session that ended, by its link. */
async function follow(browser: Browser, page: string): Promise<string> {
  expect(page).toContain(`<iframe src="${origin}/front-channel?iss=`)
  const [, onward = ''] = /id="switch-continue" href="([^"]+)"/.exec(page) ?? []
  return browser.open(onward)
}

const isAlive = async ({ refresh_token = '' }: oidc.TokenEndpointResponse) =>
  oidc.refreshTokenGrant(configuration, refresh_token).then(
    () => true,
    (error: oidc.ResponseBodyError) => (error.error === 'invalid_grant' ? false : Promise.reject(error))
  )

/** The claims of a logout token that a published key signed. */
async function verify(token: string): Promise<Record<string, unknown>> {
  const [header = '', payload = '', signature = ''] = token.split('.')
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
  const { kid, alg, typ } = read(header)
  expect([alg, typ]).toEqual(['RS256', 'logout+jwt'])
  const { keys } = (await (await fetch(`${issuer}/jwks`)).json()) as { keys: (JsonWebKey & { kid: string })[] }
  const key = createPublicKey({ key: keys.find((one) => one.kid === kid) as JsonWebKey, format: 'jwk' })
  expect(verifySignature('sha256', Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url'))).toBe(true)
  expect(read(payload)).toMatchObject({ iss: issuer, aud: 'app' })
  return read(payload)
}

async function inspect(page: Page, name: string): Promise<void> {
  if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png`, fullPage: true })
  const { violations } = await new AxeBuilder({ page }).options({ iframes: false }).analyze()
  expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([])
}

describe('a sign-out in Chromium', () => {
  const open = async (javaScriptEnabled: boolean) => {
    const context = await chromium.newContext({ ignoreHTTPSErrors: true, javaScriptEnabled })
    const page = await context.newPage()
    const { url, redeem } = await authorization()
    await page.goto(url)
    await page.fill('input[name=login]', 'alice')
    await page.fill('input[name=password]', PASSWORD)
    await page.click('#login-submit')
    return { context, page, tokens: await redeem(page.url()) }
  }
  const after = () => ({ post_logout_redirect_uri: `${origin}/signed-out`, state: 'a b' })
  const endSession = (params: Record<string, string>) => oidc.buildEndSessionUrl(configuration, params).href

  test.each([true, false])(
    'by the application tells it in a frame and by the server, and leads back to it; scripts on: %s',
    { timeout: 60_000 },
    async (scripts) => {
      const { context, page, tokens } = await open(scripts)
      const sid = String(tokens.claims()?.sid)
      await page.goto(endSession({ ...after(), id_token_hint: tokens.id_token ?? '' }))
      await page.waitForURL(`${origin}/signed-out?state=a+b`)
      expect(application.frames.map(({ searchParams }) => [...searchParams])).toEqual([
        [
          ['iss', issuer],
          ['sid', sid]
        ]
      ])
      const told = await verify((await application.told(1))[0] ?? '')
      expect([told.sid, told.sub]).toEqual([sid, tokens.claims()?.sub])
      expect(await isAlive(tokens)).toBe(false)
      await page.goto((await authorization({ prompt: 'none' })).url)
      expect(new URL(page.url()).searchParams.get('error')).toBe('login_required')
      await context.close()
    }
  )

  test.each([
    ['light', 1280],
    ['light', 360],
    ['dark', 1280],
    ['dark', 360]
  ] as const)('without a hint asks first, accessibly in %s at %i px', { timeout: 60_000 }, async (colorScheme, width) => {
    const { context, page, tokens } = await open(true)
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize({ width, height: 800 })
    await page.goto(endSession({}))
    expect(await page.textContent('main')).toContain('Photo <b>Printer</b> asks for it.')
    expect(await page.textContent('main')).toContain('You are signed in as alice')
    await inspect(page, `logout-confirm-${colorScheme}-${width}`)
    expect(await isAlive(tokens)).toBe(true)
    await page.click('#logout-confirm')
    expect(await page.textContent('h1')).toBe('You are signed out')
    await inspect(page, `logout-done-${colorScheme}-${width}`)
    expect(await isAlive(tokens)).toBe(false)
    await page.goto(`${issuer}/logout?${new URLSearchParams({ post_logout_redirect_uri: 'https://evil.example/' })}`)
    expect(await page.textContent('h1')).toBe('Sign-out request rejected')
    await inspect(page, `logout-rejected-${colorScheme}-${width}`)
    await context.close()
  })

  test('by a form of the application, which comes without the cookie, works as by a link', { timeout: 60_000 }, async () => {
    const { context, page, tokens } = await open(true)
    await page.goto(`${origin}/`)
    const fields = { action: `${issuer}/logout`, id_token_hint: tokens.id_token ?? '' }
    await page.evaluate(({ action, id_token_hint }) => {
      const form = Object.assign(document.createElement('form'), { method: 'post', action })
      form.append(Object.assign(document.createElement('input'), { name: 'id_token_hint', value: id_token_hint }))
      document.body.append(form)
      form.submit()
    }, fields)
    await page.waitForSelector('h1:text-is("You are signed out")')
    expect(await isAlive(tokens)).toBe(false)
    await context.close()
  })
})

describe('a session', () => {
  test('that is signed out at the home page ends as any other, frames too', async () => {
    const browser = new Browser()
    const tokens = await signIn(browser)
    await browser.open(`${issuer}/sign-out`)
    const page = await browser.submit({}, '/sign-out')
    expect(page).toContain('You are signed out')
    expect(page).toContain(`<iframe src="${origin}/front-channel?iss=`)
    expect(browser.getCookie('grantor-session')).toBeUndefined()
    await application.told(1)
    expect(await isAlive(tokens)).toBe(false)
  })

  test('that the same person signs in to again goes on for applications, and ends for all of them', async () => {
    const browser = new Browser()
    const before = await signIn(browser)
    const after = await signIn(browser, 'alice', { prompt: 'login' })
    expect(after.claims()?.sid).toBe(before.claims()?.sid)
    expect([await isAlive(before), await isAlive(after)]).toEqual([true, true])
    await browser.open(oidc.buildEndSessionUrl(configuration, { id_token_hint: before.id_token ?? '' }).href)
    expect([await isAlive(before), await isAlive(after)]).toEqual([false, false])
    expect((await verify((await application.told(1))[0] ?? '')).sid).toBe(after.claims()?.sid)
  })

  test('ends when another person signs in at the browser, frames too', async () => {
    await server.users.create({ login: 'bob', password: PASSWORD })
    const browser = new Browser()
    const alice = await signIn(browser)
    const { url, redeem } = await authorization({ prompt: 'login' })
    await browser.open(url)
    await follow(browser, await browser.submit({ login: 'bob', password: PASSWORD, decision: 'login' }))
    const bob = await redeem(browser.stoppedAt ?? '')
    expect(bob.claims()?.sid).not.toBe(alice.claims()?.sid)
    expect([await isAlive(alice), await isAlive(bob)]).toEqual([false, true])
    expect((await verify((await application.told(1))[0] ?? '')).sid).toBe(alice.claims()?.sid)
  })

  test('ends by "Not you?" in the midst of a request, frames too, and the request goes on', async () => {
    const browser = new Browser()
    const alice = await signIn(browser)
    const { url, redeem } = await authorization({ prompt: 'consent' })
    await browser.open(url)
    const page = await follow(browser, await browser.submit({ decision: 'switch' }))
    expect(page).toContain('id="login-submit"')
    expect(await isAlive(alice)).toBe(false)
    expect((await verify((await application.told(1))[0] ?? '')).sid).toBe(alice.claims()?.sid)
    await browser.submit({ login: 'alice', password: PASSWORD, decision: 'login' })
    await browser.submit({ decision: 'allow' })
    expect((await redeem(browser.stoppedAt ?? '')).claims()?.sid).not.toBe(alice.claims()?.sid)
  })

  test('LO-09 ends at every application when the person is disabled or gets another password', async () => {
    const user = await server.users.create({ login: 'carol', password: PASSWORD })
    const sessions = [await signIn(new Browser(), 'carol'), await signIn(new Browser(), 'carol', { scope: 'openid offline_access' })]
    await server.users.setPassword(user?.subject ?? '', `${PASSWORD} 2`)
    const told = await Promise.all((await application.told(2)).map(verify))
    expect(told.map(({ sid }) => sid).sort()).toEqual(sessions.map((tokens) => tokens.claims()?.sid).sort())
    expect(await Promise.all(sessions.map(isAlive))).toEqual([false, false])
  })
})
