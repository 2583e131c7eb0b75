import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { UserManager, UserManagerSettings } from 'oidc-client-ts'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Listener } from '../../grantor/test/listener.ts'
import { PostgresServer } from '../../sql/test/postgres.ts'
import type { GrantorServer } from '../src/index.ts'
import { launchChromium } from './chromium.ts'
import { PASSWORD, startServer } from './support.ts'

const LIBRARY = readFileSync(
  createRequire(import.meta.url)
    .resolve('oidc-client-ts')
    .replace('umd', 'browser')
)

/** What the application's page offers to the test. */
declare global {
  interface Window {
    manager: UserManager
    outcome: Promise<unknown>
    oidc: { UserManager: new (settings: UserManagerSettings) => UserManager }
  }
}

let chromium: Browser
let app: Listener
let postgres: PostgresServer
beforeAll(async () => {
  // A single-page application: the same page at every address, and the library as it comes from npm.
  app = await Listener.http((request, response) => {
    if (request.url === '/oidc-client-ts.js') return response.writeHead(200, { 'content-type': 'text/javascript' }).end(LIBRARY)
    return response
      .writeHead(200, { 'content-type': 'text/html' })
      .end('<!doctype html><title>app</title><script src="/oidc-client-ts.js"></script>')
  })
  // Before Chromium, which moves temporary files to a folder that is nobody else's.
  postgres = await PostgresServer.start()
  chromium = await launchChromium()
}, 120_000)
afterAll(async () => {
  await chromium?.close()
  await app?.close()
  await postgres?.stop()
})

describe.each([
  ['SQLite', async () => 'grantor.db'],
  ['PostgreSQL', () => postgres.createDatabase()]
])('oidc-client-ts in Chromium against the running server on %s', (_, createDatabase) => {
  let server: GrantorServer
  let settings: UserManagerSettings
  let page: Page

  beforeAll(async () => {
    const { issuer, ...started } = await startServer({ database: await createDatabase() })
    server = started.server
    const alice = await server.users.findByLogin('alice')
    await server.users.updateClaims(alice?.subject ?? '', { name: 'Alice Adams' })
    const { client_id } = await server.authorization.clients.create({
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      redirect_uris: [`${app.origin}/callback`],
      post_logout_redirect_uris: [`${app.origin}/signed-out`],
      grant_types: ['authorization_code', 'refresh_token'],
      scope: 'openid profile offline_access',
      require_consent: false
    })
    settings = {
      authority: issuer,
      client_id,
      redirect_uri: `${app.origin}/callback`,
      post_logout_redirect_uri: `${app.origin}/signed-out`,
      scope: 'openid profile offline_access',
      loadUserInfo: true,
      automaticSilentRenew: false
    }
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    const context = await chromium.newContext()
    page = await context.newPage()
    return () => context.close()
  })

  /** The application begins, as it does at every address. */
  async function start(): Promise<void> {
    await page.waitForFunction(() => 'oidc' in window)
    await page.evaluate((all) => {
      window.manager = new window.oidc.UserManager(all)
    }, settings)
  }

  async function signIn() {
    await page.goto(`${app.origin}/`)
    await start()
    await page.evaluate(() => void window.manager.signinRedirect({ url_state: 'where I was' }))
    await page.waitForSelector('#login-submit')
    await page.fill('input[name=login]', 'alice')
    await page.fill('input[name=password]', PASSWORD)
    await page.click('#login-submit')
    await page.waitForURL(`${app.origin}/callback?**`)
    await start()
    return page.evaluate(async () => {
      const user = await window.manager.signinRedirectCallback()
      const { profile, refresh_token, access_token, url_state } = user
      return { profile, refresh_token, access_token, url_state }
    })
  }

  test('code with PKCE: the ID token and userinfo, read across origins', async () => {
    const user = await signIn()
    expect(user).toMatchObject({
      access_token: expect.stringMatching(/^gat_/),
      refresh_token: expect.any(String),
      url_state: 'where I was',
      profile: { iss: settings.authority, aud: settings.client_id, sub: expect.any(String), name: 'Alice Adams' }
    })
  })

  test('AP-27 sign-in and sign-out by a popup, whose opener is told', async () => {
    await page.goto(`${app.origin}/`)
    await start()
    /** Opens the popup, and lets the application's page in it speak to its opener. */
    const inPopup = async (
      begin: () => void,
      act: (popup: Page) => Promise<unknown>,
      callback: 'signinPopupCallback' | 'signoutPopupCallback'
    ) => {
      const [popup] = await Promise.all([page.waitForEvent('popup'), page.evaluate(begin)])
      await act(popup)
      await popup.waitForURL(`${app.origin}/**`)
      await popup.waitForFunction(() => 'oidc' in window)
      expect(await popup.evaluate(() => window.opener !== null)).toBe(true)
      await popup.evaluate(([all, name]) => void new window.oidc.UserManager(all)[name](), [settings, callback] as const)
    }
    await inPopup(
      () => {
        window.outcome = window.manager.signinPopup().then(({ profile }) => profile.name)
      },
      async (popup) => {
        await popup.fill('input[name=login]', 'alice')
        await popup.fill('input[name=password]', PASSWORD)
        await popup.click('#login-submit')
      },
      'signinPopupCallback'
    )
    expect(await page.evaluate(() => window.outcome)).toBe('Alice Adams')
    await inPopup(
      () => {
        const { metadataService, settings } = window.manager
        const popup = window.open(undefined, '_blank', 'popup')
        // Without a hint, so that a page asks.
        void metadataService.getEndSessionEndpoint().then((url) => {
          const query = new URLSearchParams({
            client_id: settings.client_id,
            post_logout_redirect_uri: settings.post_logout_redirect_uri ?? ''
          })
          popup?.location.replace(`${url}?${query}`)
        })
      },
      (popup) => popup.click('#logout-confirm'),
      'signoutPopupCallback'
    )
  })

  test('silent renew by refresh token, more than once', async () => {
    let before = await signIn()
    for (let round = 0; round < 2; round++) {
      const renewed = await page.evaluate(async () => {
        const user = await window.manager.signinSilent()
        return { access_token: user?.access_token, refresh_token: user?.refresh_token, profile: user?.profile }
      })
      expect(renewed.access_token).toMatch(/^gat_/)
      expect(renewed.access_token).not.toBe(before.access_token)
      expect(renewed.refresh_token).not.toBe(before.refresh_token)
      expect(renewed.profile?.sub).toBe(before.profile.sub)
      before = { ...before, ...renewed } as typeof before
    }
  })

  test('logout: the browser comes back signed out, and a sign-in asks again', async () => {
    await signIn()
    await page.evaluate(() => void window.manager.signoutRedirect({ state: 'bye' }))
    await page.waitForURL(`${app.origin}/signed-out?**`)
    await start()
    const response = await page.evaluate(async () => (await window.manager.signoutCallback())?.userState)
    expect(response).toBe('bye')
    await page.evaluate(() => void window.manager.signinRedirect())
    await page.waitForSelector('#login-submit')
  })

  test('revocation, across origins', async () => {
    const { access_token } = await signIn()
    await page.evaluate(() => window.manager.revokeTokens())
    const status = await page.evaluate(
      async ([url, token]) => (await fetch(`${url}/userinfo`, { headers: { authorization: `Bearer ${token}` } })).status,
      [settings.authority, access_token] as const
    )
    expect(status).toBe(401)
  })
})
