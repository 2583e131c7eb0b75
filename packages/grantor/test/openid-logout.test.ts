import * as jose from 'jose'
import { describe, expect, test, vi } from 'vitest'
import {
  AuthorizationServer,
  type AuthorizationServerOptions,
  type BackChannelLogoutOptions,
  backChannelLogout,
  ConfigurationError,
  frontChannelLogout,
  type LoggedOut,
  type LogoutDelivery,
  type LogoutQuestion,
  MemoryStore,
  type NewClient,
  type OpenIdOptions,
  OutboundError,
  type OutboundRequest,
  type OutboundResponse,
  openid,
  rpInitiatedLogout
} from '../src/index.ts'
import { AUTHENTICATION, openIdServer, PAIRWISE_KEY, SCOPE, verifyIdToken } from './openid-support.ts'
import { basic, expectRedirectError, expectTokenError, ISSUER, query, REDIRECT_URI, START, TestServer } from './support.ts'

const AFTER = 'https://client.example.com/after'
const BACK = 'https://client.example.com/back-channel'
const FRONT = 'https://client.example.com/front-channel?tenant=1'

/** What the applications were sent, and how they answer. */
class Applications {
  readonly requests: (OutboundRequest & { token: string })[] = []
  answer: (request: OutboundRequest) => number | Promise<number> = () => 200

  readonly outbound = async (request: OutboundRequest): Promise<OutboundResponse> => {
    this.requests.push({ ...request, token: new URLSearchParams(request.body).get('logout_token') ?? '' })
    return { status: await this.answer(request), headers: new Headers(), contentType: 'text/plain', body: '' }
  }
}

const LOGOUT = () => [rpInitiatedLogout(), backChannelLogout(), frontChannelLogout()]

async function provider(client: NewClient = {}, options: Partial<AuthorizationServerOptions> = {}, openId: Partial<OpenIdOptions> = {}) {
  const applications = new Applications()
  const { test } = await openIdServer(openId, { extensions: LOGOUT(), outbound: applications.outbound, ...options })
  const app = await test.client({ client_id: 'rp', scope: SCOPE, post_logout_redirect_uris: [AFTER, `${AFTER}?a=b`], ...client })
  return { test, client: app, applications }
}

type Provider = Awaited<ReturnType<typeof provider>>

/** Signs in at the application: the token response. */
async function signIn({ test, client }: Pick<Provider, 'test' | 'client'>, params: Record<string, string> = {}) {
  const code = await test.code({ ...AUTHENTICATION, client_id: client.client_id, ...params })
  const response = await test.redeem(client, code)
  expect(response.status).toBe(200)
  return response.json()
}

const logout = (test: TestServer, params: Record<string, string | undefined>) => test.fetch(`/logout?${query(params)}`)

const decodeHtml = (text = '') => text.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code))

/** The hidden fields of a page. */
const fieldsIn = (page: string) =>
  Object.fromEntries(
    [...page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [name, decodeHtml(value)])
  )

/** A page of the catalogue's kind PAGE(400): no way on, and the session is what it was. */
async function expectRejected({ test, applications }: Provider, response: Response): Promise<string> {
  const page = await response.text()
  expect({ status: response.status, location: response.headers.get('location'), refresh: response.headers.get('refresh') }).toEqual({
    status: 400,
    location: null,
    refresh: null
  })
  expect(page).toContain('Sign-out request rejected')
  expect(test.session?.id).toBe('s1')
  expect(applications.requests).toEqual([])
  return page
}

async function expectConfirmation(test: TestServer, response: Response): Promise<Record<string, string>> {
  const page = await response.text()
  expect(response.status).toBe(200)
  expect(response.headers.get('location')).toBeNull()
  expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  expect(page).toContain('<button type="submit" id="logout-confirm">')
  expect(test.session?.id).toBe('s1')
  return fieldsIn(page)
}

async function expectSignedOut(test: TestServer, response: Response): Promise<string> {
  const page = await response.text()
  expect([response.status, response.headers.get('location')]).toEqual([200, null])
  expect(page).toContain('You are signed out')
  expect(test.session).toBeUndefined()
  return page
}

describe('RP-initiated logout', () => {
  test('oidcc-rp-initiated-logout redirects to the exact URI with state alone, and prompt=none fails afterwards', async () => {
    const rp = await provider()
    const { id_token } = await signIn(rp)
    const response = await logout(rp.test, { id_token_hint: id_token, post_logout_redirect_uri: AFTER, state: 'a b&c' })
    expect([response.status, response.headers.get('location')]).toEqual([303, `${AFTER}?state=a+b%26c`])
    expect(response.headers.getSetCookie()).toEqual(['session=; Max-Age=0'])
    expectRedirectError(await rp.test.authorize({ ...AUTHENTICATION, client_id: 'rp', prompt: 'none' }), 'login_required')
  })

  test('oidcc-rp-initiated-logout-no-state redirects without one, and a registered query stays', async () => {
    const rp = await provider()
    const { id_token } = await signIn(rp)
    const first = await logout(rp.test, { id_token_hint: id_token, post_logout_redirect_uri: AFTER })
    expect(first.headers.get('location')).toBe(AFTER)
    const second = await logout(rp.test, { id_token_hint: id_token, post_logout_redirect_uri: `${AFTER}?a=b`, state: 's' })
    expect(second.headers.get('location')).toBe(`${AFTER}?a=b&state=s`)
  })

  test('oidcc-rp-initiated-logout-no-post-logout-redirect-uri shows that the person is signed out', async () => {
    const rp = await provider()
    const { id_token } = await signIn(rp)
    await expectSignedOut(rp.test, await logout(rp.test, { id_token_hint: id_token, state: 's' }))
  })

  test.each([
    ['oidcc-rp-initiated-logout-no-params', {}],
    ['oidcc-rp-initiated-logout-only-state', { state: 'xyz' }]
  ])('%s asks, and then shows that the person is signed out', async (_, params) => {
    const rp = await provider()
    await signIn(rp)
    const fields = await expectConfirmation(rp.test, await logout(rp.test, params))
    await expectSignedOut(rp.test, await rp.test.post('/logout', fields))
  })

  test.each([
    ['LO-01 oidcc-rp-initiated-logout-bad-post-logout-redirect-uri', `${AFTER}/other`],
    ['LO-01 oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri', `${AFTER}?foo=bar`],
    ['LO-01 a prefix', AFTER.slice(0, -1)],
    ['LO-01 another spelling', AFTER.replace('client', 'CLIENT')],
    ['LO-01 a redirect URI that is none for logout', REDIRECT_URI],
    ['LO-01 a script', 'javascript:alert(1)'],
    ['LO-01 another client’s', 'https://other.example/after']
  ])('%s: a page, no redirect', async (_, post_logout_redirect_uri) => {
    const rp = await provider()
    await rp.test.client({ client_id: 'other', scope: SCOPE, post_logout_redirect_uris: ['https://other.example/after'] })
    const { id_token } = await signIn(rp)
    const request = { id_token_hint: id_token, post_logout_redirect_uri, state: 'secret-state' }
    expect(await expectRejected(rp, await logout(rp.test, request))).not.toContain('secret-state')
    await expectRejected(rp, await rp.test.post('/logout', request))
    rp.test.session = undefined
    expect((await logout(rp.test, request)).status).toBe(400)
  })

  test('LO-01 oidcc-rp-initiated-logout-no-id-token-hint: post_logout_redirect_uri without a client is rejected', async () => {
    const rp = await provider()
    await expectRejected(rp, await logout(rp.test, { post_logout_redirect_uri: AFTER }))
  })

  test('client_id alone says who asks, but not that the person wants it', async () => {
    const rp = await provider()
    const params = { client_id: 'rp', post_logout_redirect_uri: AFTER, state: 's' }
    const fields = await expectConfirmation(rp.test, await logout(rp.test, params))
    const response = await rp.test.post('/logout', fields)
    expect(response.headers.get('location')).toBe(`${AFTER}?state=s`)
    expect(rp.test.session).toBeUndefined()
    expect((await logout(rp.test, { client_id: 'nobody' })).status).toBe(400)
  })

  test('LO-01 of a registration only what a redirect URI may be is accepted', async () => {
    const { test } = await provider()
    for (const uri of ['javascript:alert(1)', 'http://client.example.com/after', `${AFTER}#fragment`, 'https://*.example.com/', '', 1]) {
      const registration = test.client({ client_id: 'bad', post_logout_redirect_uris: [uri as string] })
      await expect(registration, String(uri)).rejects.toMatchObject({ error: 'invalid_client_metadata' })
    }
    const native = { client_id: 'native', application_type: 'native', post_logout_redirect_uris: ['com.example.app:/after'] } as const
    expect(await test.client(native)).toMatchObject({ post_logout_redirect_uris: ['com.example.app:/after'] })
  })

  test('LO-02 an expired hint serves', async () => {
    const rp = await provider()
    const { id_token } = await signIn(rp)
    rp.test.now += 8 * 3600
    expect((await logout(rp.test, { id_token_hint: id_token, post_logout_redirect_uri: AFTER })).headers.get('location')).toBe(AFTER)
    expect(rp.test.session).toBeUndefined()
  })

  test('LO-02 oidcc-rp-initiated-logout-modified-id-token-hint, -bad-id-token-hint: what is no ID token of this server is rejected', async () => {
    const rp = await provider({}, { defaultResource: ISSUER, accessTokenFormat: 'jwt' })
    const { id_token, access_token, refresh_token } = await signIn(rp)
    const [header = '', payload = '', signature = ''] = id_token.split('.')
    const encode = (value: object) => jose.base64url.encode(JSON.stringify(value))
    const claims = jose.decodeJwt(id_token)
    const { keys } = (await (await rp.test.fetch('/jwks')).json()) as { keys: jose.JWK[] }
    const rsa = keys.find(({ kty }) => kty === 'RSA') as jose.JWK
    const pem = await jose.exportSPKI((await jose.importJWK(rsa, 'RS256')) as CryptoKey)
    const foreign = await jose.generateKeyPair('RS256')
    const signed = (alg: string, key: CryptoKey | Uint8Array, changes: object = {}) =>
      new jose.SignJWT({ ...claims, ...changes }).setProtectedHeader({ alg, typ: 'JWT', kid: rsa.kid ?? '' }).sign(key)
    const hints = {
      none: `${encode({ alg: 'none', typ: 'JWT' })}.${payload}.`,
      'none with a signature': `${encode({ alg: 'none', typ: 'JWT' })}.${payload}.${signature}`,
      'HS256 with the public key': await signed('HS256', new TextEncoder().encode(pem)),
      'a foreign key': await signed('RS256', foreign.privateKey),
      'another issuer': await signed('RS256', foreign.privateKey, { iss: 'https://other.example' }),
      'changed claims': `${header}.${encode({ ...claims, sub: 'bob' })}.${signature}`,
      'a bad signature': `${header}.${payload}.${signature.slice(0, -4)}AAAA`,
      'an access token': access_token,
      'a refresh token': refresh_token,
      rubbish: 'rubbish'
    }
    for (const [what, id_token_hint] of Object.entries(hints)) {
      const response = await logout(rp.test, { id_token_hint, post_logout_redirect_uri: AFTER })
      expect(await expectRejected(rp, response), what).not.toContain('confirm')
    }
    expect(rp.test.eventsOf('request.refused')).toHaveLength(Object.keys(hints).length)
  })

  test('LO-02 the OP MUST verify that client_id matches the one used when issuing the ID Token', async () => {
    const rp = await provider()
    await rp.test.client({ client_id: 'other', scope: SCOPE, post_logout_redirect_uris: [AFTER] })
    const { id_token } = await signIn(rp)
    await expectRejected(rp, await logout(rp.test, { id_token_hint: id_token, client_id: 'other', post_logout_redirect_uri: AFTER }))
    await expectRejected(rp, await logout(rp.test, { id_token_hint: id_token, client_id: '*' }))
    expect((await logout(rp.test, { id_token_hint: id_token, client_id: 'rp' })).status).toBe(200)
  })

  test('LO-02 the hint of a client that was deleted or disabled is rejected', async () => {
    const rp = await provider()
    const { id_token } = await signIn(rp)
    await rp.test.server.clients.update('rp', { disabled: true })
    await expectRejected(rp, await logout(rp.test, { id_token_hint: id_token, post_logout_redirect_uri: AFTER }))
    await rp.test.server.clients.delete('rp')
    await expectRejected(rp, await logout(rp.test, { id_token_hint: id_token, post_logout_redirect_uri: AFTER }))
  })

  test('a parameter that is given twice is refused', async () => {
    const rp = await provider()
    const { id_token } = await signIn(rp)
    await expectRejected(rp, await rp.test.fetch(`/logout?${query({ id_token_hint: id_token })}&state=a&state=b`))
  })

  test.each([
    ['without a hint', () => ({})],
    ['with the hint of another session', (hints: { session: string }) => ({ id_token_hint: hints.session })],
    ['with the hint of another person', (hints: { person: string }) => ({ id_token_hint: hints.person })]
  ])('LO-03 %s the person is asked, and nothing ends before they say so by POST', async (_, params) => {
    const rp = await provider()
    rp.test.session = { id: 's0', subject: 'alice', authTime: START }
    const { id_token: session } = await signIn(rp)
    rp.test.session = { id: 's9', subject: 'bob', authTime: START }
    const { id_token: person } = await signIn(rp)
    rp.test.session = { id: 's1', subject: 'alice', authTime: START }
    const request = params({ session, person })
    const fields = await expectConfirmation(rp.test, await logout(rp.test, request))
    // A link that somebody else made, or a form of another page, confirms nothing.
    await expectConfirmation(rp.test, await logout(rp.test, fields))
    await expectConfirmation(rp.test, await rp.test.post('/logout', request))
    await expectConfirmation(rp.test, await rp.test.post('/logout', { ...request, confirmation: 'guessed' }))
    // Nor does it confirm another request than the one that the page was about.
    await expectConfirmation(rp.test, await rp.test.post('/logout', { ...fields, client_id: 'rp', state: 'other' }))
    await expectSignedOut(rp.test, await rp.test.post('/logout', fields))
  })

  test('LO-03 a confirmation of one session is none in another', async () => {
    const { test } = await provider()
    const fields = await expectConfirmation(test, await logout(test, {}))
    test.session = { id: 's2', subject: 'alice', authTime: START }
    const page = await (await test.post('/logout', fields)).text()
    expect(page).toContain('logout-confirm')
    expect(test.session.id).toBe('s2')
  })

  test('a hint without a sid is compared by the name that the client knows the person by', async () => {
    const rp = await provider({ subject_type: 'pairwise' }, {}, { pairwiseKey: PAIRWISE_KEY })
    const { id_token } = await signIn(rp)
    const { sid: _, ...claims } = jose.decodeJwt(id_token)
    const signer = await rp.test.server.keys.signer('RS256')
    const hintFor = async (changes: object) => {
      const data = [
        { alg: 'RS256', typ: 'JWT', kid: signer.kid },
        { ...claims, ...changes }
      ].map((part) => jose.base64url.encode(JSON.stringify(part)))
      return `${data.join('.')}.${await signer.sign(data.join('.'))}`
    }
    await expectConfirmation(rp.test, await logout(rp.test, { id_token_hint: await hintFor({ sub: 'alice' }) }))
    await expectSignedOut(rp.test, await logout(rp.test, { id_token_hint: await hintFor({}) }))
  })

  test('a session that the same person signed in to again is still the one of the hint', async () => {
    const rp = await provider()
    rp.test.session = { id: 's1', sid: 'browser', subject: 'alice', authTime: START }
    const { id_token } = await signIn(rp)
    expect(jose.decodeJwt(id_token).sid).toBe('browser')
    rp.test.session = { id: 's2', sid: 'browser', subject: 'alice', authTime: START + 5 }
    await expectSignedOut(rp.test, await logout(rp.test, { id_token_hint: id_token }))
    expect(rp.test.eventsOf('session.ended')).toMatchObject([{ sessionId: 'browser', subject: 'alice' }])
  })

  test('OPs MUST support the use of the HTTP GET and POST methods: a foreign form, which comes without the cookie, is sent round as a link', async () => {
    const rp = await provider()
    const { id_token } = await signIn(rp)
    const session = rp.test.session
    rp.test.session = undefined
    const params = { id_token_hint: id_token, post_logout_redirect_uri: AFTER, state: 's' }
    const response = await rp.test.post('/logout', { ...params, unknown: 'x' })
    expect([response.status, response.headers.get('location')]).toEqual([303, `${ISSUER}/logout?${query(params)}`])
    rp.test.session = session
    expect((await rp.test.post('/logout', params)).headers.get('location')).toBe(`${AFTER}?state=s`)
    expect(rp.test.session).toBeUndefined()
  })

  test('the integrator’s pages are shown, with what they need', async () => {
    const questions: LogoutQuestion[] = []
    const pages: LoggedOut[] = []
    const shown = { status: 200, headers: {}, body: 'own page' }
    const test: TestServer = new TestServer()
    const interactions = {
      session: async () => test.session,
      prompt: async () => shown,
      endSession: async () => {
        test.session = undefined
        return []
      },
      confirmLogout: async (question: LogoutQuestion) => {
        questions.push(question)
        return shown
      },
      loggedOut: async (page: LoggedOut) => {
        pages.push(page)
        return shown
      }
    }
    const rp = await provider({}, { interactions, clock: () => test.now * 1000 })
    const first = await logout(rp.test, { client_id: 'rp', logout_hint: 'alice@example.com', ui_locales: 'de fr' })
    expect(await first.text()).toBe('own page')
    expect(questions).toMatchObject([
      {
        session: { id: 's1' },
        client: { client_id: 'rp' },
        action: `${ISSUER}/logout`,
        logoutHint: 'alice@example.com',
        uiLocales: ['de', 'fr'],
        fields: { client_id: 'rp', logout_hint: 'alice@example.com', ui_locales: 'de fr', confirmation: expect.any(String) }
      }
    ])
    expect(await (await rp.test.post('/logout', questions[0]?.fields ?? {})).text()).toBe('own page')
    expect(pages).toMatchObject([{ client: { client_id: 'rp' }, frames: [], csp: '' }])
  })

  test('text of the request stays text on the pages', async () => {
    const { test } = await provider()
    const page = await (await logout(test, { client_id: 'rp', logout_hint: '"><script>alert(1)</script>' })).text()
    expect(page).not.toContain('<script')
    expect(fieldsIn(page).logout_hint).toBe('"><script>alert(1)</script>')
  })

  test('a server that cannot end sessions is not built', () => {
    const store = new MemoryStore()
    const interactions = { session: async () => undefined, prompt: async () => ({ status: 200, headers: {} }) }
    for (const given of [{ interactions }, {}])
      expect(() => new AuthorizationServer({ issuer: ISSUER, store, extensions: [rpInitiatedLogout()], ...given })).toThrow(
        ConfigurationError
      )
  })

  test('oidcc-rp-initiated-logout-discovery-endpoint-verification: what is served is advertised, and nothing else', async () => {
    const { test } = await provider()
    expect(await (await test.fetch('/.well-known/openid-configuration')).json()).toMatchObject({
      end_session_endpoint: `${ISSUER}/logout`,
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
      frontchannel_logout_supported: true,
      frontchannel_logout_session_supported: true
    })
    const { test: plain } = await openIdServer()
    const names = Object.keys(plain.server.metadata()).filter((name) => /logout|end_session/.test(name))
    expect(names).toEqual([])
    expect((await plain.fetch('/logout')).status).toBe(404)
    for (const member of ['post_logout_redirect_uris', 'backchannel_logout_uri', 'frontchannel_logout_uri'])
      expect(plain.server.clients.understands(member)).toBe(false)
  })
})

describe('LO-04 after the logout', () => {
  test('CD-13 RT-12 the session, its codes, its refresh tokens and its opaque access tokens are dead', async () => {
    const rp = await provider()
    const { test, client } = rp
    const { id_token, access_token, refresh_token } = await signIn(rp)
    const code = await test.code({ ...AUTHENTICATION, client_id: 'rp' })
    await test.authorize({ ...AUTHENTICATION, client_id: 'rp', prompt: 'consent' })
    await logout(test, { id_token_hint: id_token })
    await expectTokenError(await test.redeem(client, code), 400, 'invalid_grant')
    await expectTokenError(await test.token(client, { grant_type: 'refresh_token', refresh_token }), 400, 'invalid_grant')
    expect(await test.introspect(client, access_token)).toEqual({ active: false })
    expect((await test.fetch('/userinfo', { headers: { authorization: `Bearer ${access_token}` } })).status).toBe(401)
    expect(test.eventsOf('grant.revoked')).toHaveLength(2)
    expect(test.eventsOf('grant.revoked')).toMatchObject([{ reason: 'logout' }, { reason: 'logout' }])
  })

  test('a consent that was waiting in another tab leads to a sign-in, not to a code', async () => {
    const rp = await provider()
    const { test } = rp
    const { id_token } = await signIn(rp)
    await test.authorize({ ...AUTHENTICATION, client_id: 'rp', prompt: 'consent' })
    const waiting = test.prompts.at(-1)
    await logout(test, { id_token_hint: id_token })
    const request = {
      method: 'GET',
      url: '/',
      headers: new Headers({ cookie: [...test.cookies].map((pair) => pair.join('=')).join('; ') })
    }
    const http = { ...request, body: async () => '' }
    await test.server.interactions.resolve(http, waiting?.id ?? '', { consent: { subject: 'alice', scope: ['openid'] } })
    const response = await test.fetch(waiting?.returnTo ?? '')
    expect([response.headers.get('location'), await response.text()]).toEqual([null, 'page login'])
  })

  test('RT-12 refresh tokens with offline_access SHOULD NOT be revoked; nor is what is no sign-in, nor another session’s', async () => {
    const rp = await provider()
    const { test, client } = rp
    const { id_token } = await signIn(rp)
    const surviving = [await signIn(rp, { scope: 'openid offline_access' }), await signIn(rp, { scope: 'read' })]
    test.session = { id: 's2', subject: 'alice', authTime: START }
    surviving.push(await signIn(rp))
    test.session = { id: 's1', subject: 'alice', authTime: START }
    await logout(test, { id_token_hint: id_token })
    for (const { access_token, refresh_token } of surviving) {
      expect(await test.introspect(client, access_token)).toMatchObject({ active: true })
      expect((await test.token(client, { grant_type: 'refresh_token', refresh_token })).status).toBe(200)
    }
  })

  test('consent is remembered, for as long as it would have been, and for no more than was allowed', async () => {
    const rp = await provider({ require_consent: true })
    const { test } = rp
    const consent = async (scope: string) => {
      const asked = await test.authorize({ ...AUTHENTICATION, client_id: 'rp', scope })
      expect(await asked.text()).toBe('page consent')
      const interaction = test.prompts.at(-1)
      const cookie = [...test.cookies].map((pair) => pair.join('=')).join('; ')
      const http = { method: 'GET', url: '/', headers: new Headers({ cookie }), body: async () => '' }
      await test.server.interactions.resolve(http, interaction?.id ?? '', { consent: { subject: 'alice', scope: scope.split(' ') } })
      expect((await test.fetch(interaction?.returnTo ?? '')).status).toBe(303)
    }
    await consent('openid email')
    for (let session = 2; session < 5; session++) {
      await test.server.endSession({ id: test.session?.id ?? '', subject: 'alice' })
      test.now += 1000
      test.session = { id: `s${session}`, subject: 'alice', authTime: test.now }
      await test.code({ ...AUTHENTICATION, client_id: 'rp', scope: 'openid email', prompt: 'none' })
      await test.code({ ...AUTHENTICATION, client_id: 'rp', scope: 'openid', prompt: 'none' })
    }
    // Three logouts, one memory.
    const alive = await test.server.store.grants.list({ clientId: 'rp', subject: 'alice' }, test.now)
    expect(alive.filter(({ sessionId }) => sessionId === undefined)).toMatchObject([{ scope: ['openid', 'email'], createdAt: START }])
    expectRedirectError(
      await test.authorize({ ...AUTHENTICATION, client_id: 'rp', scope: 'openid phone', prompt: 'none' }),
      'consent_required'
    )
    await test.server.endSession({ id: 's4', subject: 'alice' })
    test.now = START + 90 * 86_400
    test.session = { id: 's5', subject: 'alice', authTime: test.now }
    expectRedirectError(await test.authorize({ ...AUTHENTICATION, client_id: 'rp', scope: 'openid', prompt: 'none' }), 'consent_required')
  })

  test('LO-09 a person whom the operator signs out everywhere is signed out of every session', async () => {
    const rp = await provider({ backchannel_logout_uri: BACK })
    const { test } = rp
    const responses = [await signIn(rp), await signIn(rp, { scope: 'openid offline_access' })]
    for (const session of [
      { id: 's2', subject: 'alice', authTime: START },
      { id: 's3', subject: 'bob', authTime: START }
    ]) {
      test.session = session
      responses.push(await signIn(rp))
    }
    await test.server.endSessions('alice')
    await test.server.maintain()
    expect(rp.applications.requests.map(({ token }) => jose.decodeJwt(token).sid).sort()).toEqual(['s1', 's2'])
    const active = await Promise.all(responses.map(async ({ access_token }) => (await test.introspect(rp.client, access_token)).active))
    expect(active).toEqual([false, true, false, true])
  })

  test('LO-09 a session that the operator ends takes the same way, and says what the browser must load', async () => {
    const rp = await provider({ backchannel_logout_uri: BACK, frontchannel_logout_uri: FRONT })
    const { refresh_token } = await signIn(rp)
    expect(await rp.test.server.endSession({ id: 's1', subject: 'alice' })).toEqual([FRONT])
    await rp.test.server.maintain()
    expect(rp.applications.requests.map(({ url }) => url)).toEqual([BACK])
    await expectTokenError(await rp.test.token(rp.client, { grant_type: 'refresh_token', refresh_token }), 400, 'invalid_grant')
    expect(rp.test.eventsOf('session.ended')).toMatchObject([{ sessionId: 's1', subject: 'alice' }])
  })
})

describe('back-channel logout', () => {
  const pendingAt = (test: TestServer) => test.server.store.artifacts.list<LogoutDelivery>('logout_delivery', { limit: 1000 }, test.now)

  test.each([
    ['RS256', undefined],
    ['ES256', 'ES256']
  ])('LO-06 oidcc-backchannel-rp-initiated-logout: the logout token is exact, signed with %s', async (alg, registered) => {
    const metadata = { backchannel_logout_uri: BACK, backchannel_logout_session_required: true }
    const rp = await provider({ ...metadata, ...(registered && { id_token_signed_response_alg: registered }) })
    const { id_token } = await signIn(rp)
    await logout(rp.test, { id_token_hint: id_token })
    await rp.test.server.maintain()
    const [request, ...more] = rp.applications.requests
    expect(more).toEqual([])
    expect(request).toMatchObject({ url: BACK, method: 'POST', contentType: 'application/x-www-form-urlencoded' })
    expect([...new URLSearchParams(request?.body).keys()]).toEqual(['logout_token'])
    const { payload, protectedHeader } = await verifyIdToken(rp.test, request?.token ?? '', 'rp')
    expect(protectedHeader).toEqual({ alg, typ: 'logout+jwt', kid: expect.any(String) })
    expect(payload).toEqual({
      iss: ISSUER,
      sub: 'alice',
      aud: 'rp',
      iat: START,
      exp: START + 120,
      jti: expect.stringMatching(/^[\w-]{24}$/),
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      sid: jose.decodeJwt(id_token).sid
    })
    expect(rp.test.eventsOf('logout.delivered')).toMatchObject([{ clientId: 'rp', sessionId: 's1', attempts: 1 }])
    expect(await pendingAt(rp.test)).toEqual([])
  })

  test('LO-06 a logout token is no ID token, not even as a hint', async () => {
    const rp = await provider({ backchannel_logout_uri: BACK })
    const { id_token } = await signIn(rp)
    await logout(rp.test, { id_token_hint: id_token })
    await rp.test.server.maintain()
    expect((await logout(rp.test, { id_token_hint: rp.applications.requests[0]?.token })).status).toBe(400)
  })

  test('SI-02 a pairwise client is told the name that it knows', async () => {
    const rp = await provider({ backchannel_logout_uri: BACK, subject_type: 'pairwise' }, {}, { pairwiseKey: PAIRWISE_KEY })
    const { id_token } = await signIn(rp)
    await logout(rp.test, { id_token_hint: id_token })
    await rp.test.server.maintain()
    const { sub } = jose.decodeJwt(id_token)
    expect(sub).not.toBe('alice')
    expect(jose.decodeJwt(rp.applications.requests[0]?.token ?? '').sub).toBe(sub)
  })

  test('every client that the session signed in to is told once, whoever asked; no other is', async () => {
    const rp = await provider({ backchannel_logout_uri: BACK })
    const at = (name: string) => `https://${name}.example/logout`
    const register = (name: string) => rp.test.client({ client_id: name, scope: SCOPE, backchannel_logout_uri: at(name) })
    const [second, plain, elsewhere] = [await register('second'), await register('plain'), await register('elsewhere')]
    await register('never')
    const { id_token } = await signIn(rp)
    for (let i = 0; i < 3; i++) await signIn({ test: rp.test, client: second }, { scope: 'openid offline_access' })
    await signIn({ test: rp.test, client: plain }, { scope: 'read' })
    rp.test.session = { id: 's2', subject: 'alice', authTime: START }
    await signIn({ test: rp.test, client: elsewhere })
    rp.test.session = { id: 's1', subject: 'alice', authTime: START }
    await logout(rp.test, { id_token_hint: id_token })
    await rp.test.server.maintain()
    expect(rp.applications.requests.map(({ url }) => url).sort()).toEqual([BACK, at('second')].sort())
  })

  test('an application whose grant was revoked before is told too: somebody may still be signed in there', async () => {
    const rp = await provider({ backchannel_logout_uri: BACK, frontchannel_logout_uri: FRONT })
    const { test, client } = rp
    const { refresh_token } = await signIn(rp)
    const { client_id, client_secret = '' } = client
    expect((await test.post('/revoke', { token: refresh_token }, basic(client_id, client_secret))).status).toBe(200)
    await expectTokenError(await test.token(client, { grant_type: 'refresh_token', refresh_token }), 400, 'invalid_grant')
    expect(await test.server.endSession({ id: 's1', subject: 'alice' })).toEqual([FRONT])
    await test.server.maintain()
    expect(rp.applications.requests.map(({ url }) => url)).toEqual([BACK])
    // What the person, or the application itself, revoked is no memory of consent.
    expect(await test.server.store.grants.list({ subject: 'alice' }, test.now)).toEqual([])
  })

  test('LO-05 the answer does not wait for the applications, and sixteen are told at a time', async () => {
    const rp = await provider({ backchannel_logout_uri: BACK })
    const { id_token } = await signIn(rp)
    for (let i = 0; i < 40; i++) {
      const client = await rp.test.client({ client_id: `rp-${i}`, scope: SCOPE, backchannel_logout_uri: `${BACK}/${i}` })
      await signIn({ test: rp.test, client })
    }
    const hanging: (() => void)[] = []
    let running = 0
    let most = 0
    rp.applications.answer = async () => {
      most = Math.max(most, ++running)
      await new Promise<void>((resolve) => hanging.push(resolve))
      running--
      return 200
    }
    const response = await logout(rp.test, { id_token_hint: id_token, post_logout_redirect_uri: AFTER })
    expect(response.headers.get('location')).toBe(AFTER)
    expect(rp.test.eventsOf('logout.delivered')).toEqual([])
    const done = rp.test.server.maintain()
    while (rp.test.eventsOf('logout.delivered').length < 41) {
      hanging.shift()?.()
      await new Promise(setImmediate)
    }
    await done
    expect(most).toBe(16)
    expect(rp.applications.requests).toHaveLength(41)
  })

  test.each([
    ['500', () => 500, 'http_500'],
    ['a redirect', () => Promise.reject(new OutboundError('redirect')), 'redirect'],
    ['no answer in time', () => Promise.reject(new OutboundError('timeout')), 'timeout'],
    ['an address of the internal network', () => Promise.reject(new OutboundError('blocked_address')), 'blocked_address']
  ])('LO-05 after %s it is tried again with longer and longer waits, visibly, and then given up', async (_, answer, reason) => {
    const rp = await provider({ backchannel_logout_uri: BACK })
    const { test, applications } = rp
    applications.answer = answer
    const { id_token } = await signIn(rp)
    await logout(test, { id_token_hint: id_token })
    await test.server.maintain()
    for (const [index, wait] of [60, 300, 1800, 7200].entries()) {
      const due = test.now + wait
      expect(test.eventsOf('logout.failed').at(-1)).toMatchObject({
        clientId: 'rp',
        sessionId: 's1',
        attempts: index + 1,
        reason,
        retryAt: due
      })
      expect((await pendingAt(test)).map(({ value }) => value)).toEqual([
        { client_id: 'rp', subject: 'alice', sid: 's1', attempts: index + 1, dueAt: due, failure: reason }
      ])
      test.now = due - 1
      await test.server.maintain()
      expect(applications.requests).toHaveLength(index + 1)
      test.now = due
      await test.server.maintain()
      expect(applications.requests).toHaveLength(index + 2)
    }
    expect(test.eventsOf('logout.failed').at(-1)).toMatchObject({ attempts: 5, reason })
    expect(test.eventsOf('logout.failed').at(-1)).not.toHaveProperty('retryAt')
    expect(await pendingAt(test)).toEqual([])
    // Every attempt has a token of its own, that is fresh.
    const tokens = applications.requests.map(({ token }) => jose.decodeJwt(token))
    expect(new Set(tokens.map(({ jti }) => jti)).size).toBe(5)
    expect(tokens.map(({ iat }) => iat)).toEqual([0, 60, 360, 2160, 9360].map((offset) => START + offset))
  })

  test('LO-05 400 says that it will never work', async () => {
    const rp = await provider({ backchannel_logout_uri: BACK })
    rp.applications.answer = () => 400
    const { id_token } = await signIn(rp)
    await logout(rp.test, { id_token_hint: id_token })
    await rp.test.server.maintain()
    expect(rp.test.eventsOf('logout.failed')).toMatchObject([{ attempts: 1, reason: 'http_400' }])
    expect(await pendingAt(rp.test)).toEqual([])
  })

  test('OPs MUST also process 204 as a success', async () => {
    const rp = await provider({ backchannel_logout_uri: BACK })
    rp.applications.answer = () => 204
    await signIn(rp)
    await rp.test.server.endSession({ id: 's1', subject: 'alice' })
    await rp.test.server.maintain()
    expect(rp.test.eventsOf('logout.delivered')).toHaveLength(1)
  })

  test('what waits for a client that is gone, or has no such URL any more, is given up', async () => {
    const rp = await provider({ backchannel_logout_uri: BACK })
    rp.applications.answer = () => 500
    await signIn(rp)
    await rp.test.server.endSession({ id: 's1', subject: 'alice' })
    await rp.test.server.maintain()
    await rp.test.server.clients.update('rp', { backchannel_logout_uri: undefined } as object)
    rp.test.now += 60
    await rp.test.server.maintain()
    expect(rp.applications.requests).toHaveLength(1)
    expect(rp.test.eventsOf('logout.failed').at(-1)).toMatchObject({ attempts: 2, reason: 'not_registered' })
    expect(await pendingAt(rp.test)).toEqual([])
  })

  /** Two nodes of one provider: the same store and secret. */
  async function twoNodes(options?: BackChannelLogoutOptions) {
    const extensions = [rpInitiatedLogout(), backChannelLogout(options), frontChannelLogout()]
    const shared = { store: new MemoryStore(), secret: 'a root secret that two nodes have in common', extensions }
    const first = await provider({ backchannel_logout_uri: BACK }, shared)
    const applications = new Applications()
    const outbound = applications.outbound
    const second = new TestServer({ ...shared, outbound, extensions: [openid({ claims: async () => undefined }), ...extensions] })
    return { first, second, applications }
  }

  test('LO-08 two submits at once on two nodes: one is told, once', async () => {
    const { first, second, applications } = await twoNodes()
    const { id_token } = await signIn(first)
    const params = { id_token_hint: id_token, post_logout_redirect_uri: AFTER }
    const nodes = [first.test, second, first.test, second]
    const responses = await Promise.all(nodes.map((node) => logout(node, params)))
    expect(responses.map((response) => response.headers.get('location'))).toEqual([AFTER, AFTER, AFTER, AFTER])
    await Promise.all([first.test.server.maintain(), second.server.maintain()])
    expect([...first.applications.requests, ...applications.requests]).toHaveLength(1)
    // Nor is anybody told again when it is submitted later.
    second.session = { id: 's1', subject: 'alice', authTime: START }
    expect((await logout(second, params)).headers.get('location')).toBe(AFTER)
    await second.server.maintain()
    expect([...first.applications.requests, ...applications.requests]).toHaveLength(1)
  })

  test('LO-08 an application with offline_access, whose grant survives, is told once too', async () => {
    const { first, second, applications } = await twoNodes()
    await signIn(first, { scope: 'openid offline_access' })
    for (const node of [first.test, second, first.test]) await node.server.endSession({ id: 's1', subject: 'alice' })
    await Promise.all([first.test.server.maintain(), second.server.maintain()])
    expect([...first.applications.requests, ...applications.requests]).toHaveLength(1)
  })

  test('LO-05 a retry that two nodes find due is sent by one of them', async () => {
    const { first, second, applications } = await twoNodes()
    first.applications.answer = () => 503
    await signIn(first)
    await first.test.server.endSession({ id: 's1', subject: 'alice' })
    await first.test.server.maintain()
    first.test.now = second.now = START + 60
    await Promise.all([first.test, second, first.test, second].map(({ server }) => server.maintain()))
    expect([...first.applications.requests, ...applications.requests]).toHaveLength(2)
  })

  test('LO-05 what a node had in hand when it died is sent by the next, not before its time', async () => {
    const { first, second, applications } = await twoNodes()
    first.applications.answer = () => new Promise<number>(() => undefined)
    await signIn(first)
    await first.test.server.endSession({ id: 's1', subject: 'alice' })
    await second.server.maintain()
    expect(applications.requests).toEqual([])
    second.now = START + 60
    await second.server.maintain()
    expect(applications.requests).toHaveLength(1)
    expect(second.eventsOf('logout.delivered')).toMatchObject([{ attempts: 2 }])
  })

  test('LO-05 the outbox is looked through page by page, and not again while nothing can be due', async () => {
    const { first, second, applications } = await twoNodes()
    applications.answer = () => 503
    first.applications.answer = () => 503
    await signIn(first)
    for (let i = 0; i < 450; i++) {
      const grant = { id: `g${i}`, clientId: 'rp', subject: 'alice', scope: ['openid'], sessionId: `x${i}`, createdAt: START }
      await second.server.store.grants.insert(grant, [])
      await first.test.server.endSession({ id: `x${i}`, subject: 'alice' })
    }
    await first.test.server.maintain()
    const looks = vi.spyOn(second.server.store.artifacts, 'list')
    for (; second.now < START + 60; second.now += 5) await second.server.maintain()
    expect(looks.mock.calls.map(([, { after }]) => after === '')).toEqual([true, false, false, true, false, false])
    expect(applications.requests).toHaveLength(0)
    await second.server.maintain()
    expect(applications.requests).toHaveLength(450)
    // A clock that is turned back does not keep it from looking.
    looks.mockClear()
    second.now -= 3600
    await second.server.maintain()
    expect(looks).toHaveBeenCalled()
  })

  test('LO-05 a last attempt that a node died in is given up by another', async () => {
    const { first, second, applications } = await twoNodes({ retryAfter: [] })
    first.applications.answer = () => new Promise<number>(() => undefined)
    await signIn(first)
    await first.test.server.endSession({ id: 's1', subject: 'alice' })
    second.now = START + 30
    await second.server.maintain()
    expect(applications.requests).toEqual([])
    expect(second.eventsOf('logout.failed')).toMatchObject([{ attempts: 1, reason: 'interrupted' }])
    expect(await pendingAt(second)).toEqual([])
  })

  test('options that cannot work are refused', () => {
    expect(() => backChannelLogout({ retryAfter: [60, 1] })).toThrow(ConfigurationError)
    expect(() => backChannelLogout({ retryAfter: [Number.NaN] })).toThrow(ConfigurationError)
  })

  test.each(['http://client.example.com/out', `${BACK}#fragment`, 'javascript:alert(1)', 'https://user@client.example.com/', '/out', ''])(
    'backchannel_logout_uri %s is not accepted',
    async (backchannel_logout_uri) => {
      const { test } = await provider()
      const registration = test.client({ client_id: 'bad', backchannel_logout_uri })
      await expect(registration).rejects.toMatchObject({ error: 'invalid_client_metadata' })
    }
  )
})

describe('front-channel logout', () => {
  test('LO-07 oidcc-frontchannel-rp-initiated-logout: a frame with iss and sid for who requires it, then on to the client', async () => {
    const rp = await provider({ frontchannel_logout_uri: FRONT, frontchannel_logout_session_required: true })
    const simple = await rp.test.client({
      client_id: 'simple',
      scope: SCOPE,
      redirect_uris: [REDIRECT_URI, 'https://simple.example/cb'],
      frontchannel_logout_uri: 'https://simple.example/out'
    })
    const { id_token } = await signIn(rp)
    await signIn({ test: rp.test, client: simple })
    const response = await logout(rp.test, { id_token_hint: id_token, post_logout_redirect_uri: AFTER, state: '<s>' })
    const page = await expectSignedOut(rp.test, response)
    const frames = [...page.matchAll(/<iframe src="([^"]*)"/g)].map(([, src]) => decodeHtml(src))
    const sid = String(jose.decodeJwt(id_token).sid)
    expect(frames.sort()).toEqual([`${FRONT}&${query({ iss: ISSUER, sid })}`, 'https://simple.example/out'])
    const csp = response.headers.get('content-security-policy') ?? ''
    expect(/frame-src ([^;]*)/.exec(csp)?.[1]?.split(' ').sort()).toEqual(['https://client.example.com', 'https://simple.example'])
    expect(response.headers.get('refresh')).toBe(`2; url=${AFTER}?state=%3Cs%3E`)
    expect(decodeHtml(/id="logout-continue" href="([^"]*)"/.exec(page)?.[1])).toBe(`${AFTER}?state=%3Cs%3E`)
    expect(page).not.toContain('<script')
  })

  test('without a URI to go to the page stays', async () => {
    const rp = await provider({ frontchannel_logout_uri: FRONT })
    const { id_token } = await signIn(rp)
    const response = await logout(rp.test, { id_token_hint: id_token })
    expect(response.headers.get('refresh')).toBeNull()
    expect(await expectSignedOut(rp.test, response)).toContain('<iframe')
  })

  test.each([
    ['javascript:alert(1)', 'a script'],
    ['http://client.example.com/out', 'not https'],
    ['https://client.example.com:8443/out', 'another port'],
    ['https://evil.example/out', 'another host'],
    ['https://client.example.com.evil.example/out', 'a host that begins alike'],
    ['https://client.example.com/out#fragment', 'a fragment']
  ])('LO-07 the domain, port and scheme of this URL MUST be the same as that of a registered redirect URI: %s, %s', async (uri) => {
    const { test } = await provider()
    const registration = test.client({ client_id: 'bad', frontchannel_logout_uri: uri })
    await expect(registration).rejects.toMatchObject({ error: 'invalid_client_metadata' })
  })
})
