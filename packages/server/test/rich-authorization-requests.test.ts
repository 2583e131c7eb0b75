import AxeBuilder from '@axe-core/playwright'
import { DEVICE_GRANT_TYPE } from 'grantor'
import { decodeJwt } from 'jose'
import * as oauth from 'oauth4webapi'
import * as oidc from 'openid-client'
import type { Browser as Chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GrantorServer } from '../src/index.ts'
import { Browser } from './browser.ts'
import { launchChromium } from './chromium.ts'
import { PASSWORD, startServer } from './support.ts'

const REDIRECT_URI = 'http://127.0.0.1:5557/callback'
const PAYMENT = { type: 'payment', amount: '12.50 EUR', account: { iban: 'DE02100100109307118603' }, creditor: 'Books & <b>Co</b>' }
const TYPES = {
  payment: {
    schema: {
      properties: {
        amount: { type: 'string', pattern: '^[0-9]{1,6}[.][0-9]{2} EUR$' },
        account: { type: 'object', properties: { iban: { type: 'string' } }, required: ['iban'], additionalProperties: false },
        creditor: { type: 'string', maxLength: 300 },
        reference: { type: 'string' }
      },
      required: ['amount', 'creditor']
    },
    title: 'Pay {amount}',
    lines: ['to {creditor}', 'at {account.iban}', 'for {reference}']
  },
  calendar: {
    schema: {
      properties: { actions: { type: 'array', items: { enum: ['read', 'write'] } }, days: { type: 'integer' } },
      required: ['actions']
    },
    remembered: true
  }
}

let server: GrantorServer
let issuer: string
let client: oidc.Configuration
let registration: { client_id: string; client_secret?: string }

beforeAll(async () => {
  const started = await startServer({
    extensions: ['rich_authorization_requests', 'pushed_authorization_requests', 'device_authorization'],
    richAuthorizationRequests: { types: TYPES },
    accessTokenFormat: 'jwt'
  })
  server = started.server
  issuer = started.issuer
  registration = await server.authorization.clients.create({
    application_type: 'native',
    redirect_uris: [REDIRECT_URI],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials', DEVICE_GRANT_TYPE],
    scope: 'read',
    authorization_details: [{ type: 'calendar', actions: ['read'] }]
  })
  const { client_id, client_secret } = registration
  const options: oidc.DiscoveryRequestOptions = { algorithm: 'oauth2', execute: [oidc.allowInsecureRequests] }
  client = await oidc.discovery(new URL(issuer), client_id, undefined, oidc.ClientSecretBasic(client_secret), options)
})
afterAll(() => server.close())

async function begin(details: readonly object[], params: Record<string, string> = {}) {
  const [pkceCodeVerifier, expectedState] = [oidc.randomPKCECodeVerifier(), oidc.randomState()]
  const request = {
    redirect_uri: REDIRECT_URI,
    state: expectedState,
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    authorization_details: JSON.stringify(details),
    ...params
  }
  const redeem = (callback: URL, parameters: Record<string, string> = {}) =>
    oidc.authorizationCodeGrant(client, callback, { pkceCodeVerifier, expectedState }, parameters)
  return { request, redeem }
}

async function signIn(url: URL): Promise<{ browser: Browser; consent: string }> {
  const browser = new Browser()
  await browser.open(url.href)
  return { browser, consent: await browser.submit({ login: 'alice', password: PASSWORD, decision: 'login' }) }
}

test('openid-client pushes a request for a payment, without scope; the person reads it, the token and introspection have it', async () => {
  expect(client.serverMetadata()['authorization_details_types_supported']).toEqual(['payment', 'calendar'])
  const { request, redeem } = await begin([PAYMENT])
  const { browser, consent } = await signIn(await oidc.buildAuthorizationUrlWithPAR(client, request))
  expect(consent).toContain('<h2>Pay 12.50 EUR</h2>')
  expect(consent).toContain('<li>to Books &amp; &lt;b&gt;Co&lt;/b&gt;</li><li>at DE02100100109307118603</li></ul>')
  expect(consent).not.toContain('It will')
  await browser.submit({ decision: 'allow' })
  const tokens = await redeem(new URL(browser.stoppedAt ?? ''))
  expect([tokens.scope, tokens.authorization_details]).toEqual([undefined, [PAYMENT]])
  expect(decodeJwt(tokens.access_token)['authorization_details']).toEqual([PAYMENT])
  expect((await oidc.tokenIntrospection(client, tokens.access_token)).authorization_details).toEqual([PAYMENT])
})

test('"the AS MUST present the merged set of requirements"; openid-client refreshes for less, and a person who allowed to read a calendar is not asked again', async () => {
  const calendar = { type: 'calendar', actions: ['read', 'write'], days: 7 }
  const { request, redeem } = await begin([PAYMENT, calendar], { scope: 'read' })
  const { browser, consent } = await signIn(oidc.buildAuthorizationUrl(client, request))
  expect(consent).toContain('<h2>calendar</h2><ul><li>actions: [&quot;read&quot;,&quot;write&quot;]</li><li>days: 7</li></ul>')
  expect(consent).toContain('use <code>read</code>')
  await browser.submit({ decision: 'allow' })
  const { refresh_token = '', scope } = await redeem(new URL(browser.stoppedAt ?? ''))
  expect(scope).toBe('read')
  const less = await oidc.refreshTokenGrant(client, refresh_token, { authorization_details: JSON.stringify([calendar]) })
  expect(less.authorization_details).toEqual([calendar])
  const more = JSON.stringify([{ ...PAYMENT, amount: '99.00 EUR' }])
  await expect(oidc.refreshTokenGrant(client, less.refresh_token ?? '', { authorization_details: more })).rejects.toMatchObject({
    error: 'invalid_authorization_details'
  })
  const again = await begin([calendar])
  await browser.open(oidc.buildAuthorizationUrl(client, again.request).href)
  expect((await again.redeem(new URL(browser.stoppedAt ?? ''))).authorization_details).toEqual([calendar])
})

test('openid-client connects a device for a payment, which the page of the device shows', async () => {
  const codes = await oidc.initiateDeviceAuthorization(client, { authorization_details: JSON.stringify([PAYMENT]) })
  const browser = new Browser()
  await browser.open(codes.verification_uri_complete ?? '')
  await browser.submit({ user_code: codes.user_code })
  const page = await browser.submit({ login: 'alice', password: PASSWORD, decision: 'login' })
  expect(page).toContain('<h2>Pay 12.50 EUR</h2><ul><li>to Books &amp; &lt;b&gt;Co&lt;/b&gt;</li>')
  await browser.submit({ decision: 'approve' }, `${issuer}/device`)
  const { device_code } = codes
  expect((await oidc.genericGrantRequest(client, DEVICE_GRANT_TYPE, { device_code })).authorization_details).toEqual([PAYMENT])
})

test('RS-05 by JSON Schema: unknown fields, wrong values and unknown types are refused, whoever pushes them', async () => {
  for (const wrong of [
    { ...PAYMENT, tip: '1.00 EUR' },
    { ...PAYMENT, account: { iban: 'DE', bic: 'X' } },
    { ...PAYMENT, amount: '12.5' },
    { type: 'payment', amount: '1.00 EUR' },
    { type: 'calendar', actions: ['delete'] },
    { type: 'transfer' }
  ]) {
    const { request } = await begin([wrong])
    await expect(oidc.buildAuthorizationUrlWithPAR(client, request)).rejects.toMatchObject({ error: 'invalid_authorization_details' })
  }
})

test('oauth4webapi gets for itself what is registered for the client, and no more', async () => {
  const options = { [oauth.allowInsecureRequests]: true }
  const url = new URL(issuer)
  const as = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, { ...options, algorithm: 'oauth2' }))
  const { client_id, client_secret = '' } = registration
  const ask = async (details: readonly object[]) => {
    const parameters = { authorization_details: JSON.stringify(details) }
    const response = await oauth.clientCredentialsGrantRequest(
      as,
      { client_id },
      oauth.ClientSecretPost(client_secret),
      parameters,
      options
    )
    return oauth.processClientCredentialsResponse(as, { client_id }, response)
  }
  const own = [{ type: 'calendar', actions: ['read'] }]
  expect((await ask(own)).authorization_details).toEqual(own)
  await expect(ask([PAYMENT])).rejects.toMatchObject({ error: 'invalid_authorization_details' })
})

describe('the consent page in Chromium', () => {
  let chromium: Chromium
  beforeAll(async () => {
    chromium = await launchChromium()
  }, 120_000)
  afterAll(() => chromium?.close())

  test('RS-05 shows details rendered and escaped, to everybody and on a small screen, and leads on', { timeout: 60_000 }, async () => {
    const creditor = `<img src=x onerror=alert(1)> ${'Books'.repeat(30)} \u202eevil\nto somebody else`
    const { request, redeem } = await begin([{ ...PAYMENT, creditor, reference: 'order 7' }])
    const context = await chromium.newContext({ colorScheme: 'dark', viewport: { width: 360, height: 800 } })
    const page = await context.newPage()
    await page.goto((await oidc.buildAuthorizationUrlWithPAR(client, request)).href)
    await page.fill('input[name=login]', 'alice')
    await page.fill('input[name=password]', PASSWORD)
    await page.click('#login-submit')
    expect(await page.textContent('h2')).toBe('Pay 12.50 EUR')
    expect(await page.$$eval('section li', (lines) => lines.map(({ textContent }) => textContent))).toEqual([
      `to <img src=x onerror=alert(1)> ${'Books'.repeat(30)}  evil to somebody else`,
      'at DE02100100109307118603',
      'for order 7'
    ])
    expect(await page.$$('section img')).toEqual([])
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
    const { violations } = await new AxeBuilder({ page }).analyze()
    expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([])
    if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/consent-details.png`, fullPage: true })
    const callback = page.waitForRequest((sent) => sent.url().startsWith(REDIRECT_URI))
    await page.click('#consent-allow').catch(() => undefined)
    expect((await redeem(new URL((await callback).url()))).authorization_details).toMatchObject([{ creditor }])
    await context.close()
  })
})
