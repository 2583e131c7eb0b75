import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { expectError } from './checks.ts'
import { CLAIMS, Person } from './person.ts'
import type { Outcome, RelyingParty } from './relying-party.ts'
import { REDIRECT_URI, Suite } from './suite.ts'

// The modules that the plans Basic, Implicit, Hybrid and Form Post share, each for every response type and both ways of answering.
const RESPONSE_TYPES = ['code', 'id_token', 'id_token token', 'code id_token', 'code token', 'code id_token token']
const VARIANTS = RESPONSE_TYPES.flatMap((type) => [
  { type, mode: undefined, plan: `${type} in ${type === 'code' ? 'the query' : 'the fragment'}` },
  { type, mode: 'form_post', plan: `${type} in a form` }
])
const SCOPES: Record<string, readonly (keyof typeof CLAIMS | 'updated_at')[]> = {
  profile: [
    ...(['name', 'family_name', 'given_name', 'middle_name', 'nickname', 'preferred_username', 'profile', 'picture', 'website'] as const),
    ...(['gender', 'birthdate', 'zoneinfo', 'locale', 'updated_at'] as const)
  ],
  email: ['email', 'email_verified'],
  address: ['address'],
  phone: ['phone_number', 'phone_number_verified']
}
const WITH_QUERY = `${REDIRECT_URI}?dummy1=lorem&dummy2=ipsum`

let suite: Suite
beforeAll(async () => {
  // Before the server takes its clock from there.
  vi.useFakeTimers({ toFake: ['Date'] })
  suite = await Suite.start()
})
afterAll(async () => {
  await suite.server.close()
  vi.useRealTimers()
})

/** Turns the clock of both sides. */
function pass(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1000)
}

/** PAGE: told to the person, not to the client. */
function expectErrorPage({ html, status, location }: Pick<Outcome, 'html' | 'status' | 'location'>): void {
  expect({ status, location }).toEqual({ status: 400, location: undefined })
  expect(html).toContain('Request rejected')
}

describe.each(VARIANTS)('$plan', ({ type, mode }) => {
  const hasIdToken = type.includes('id_token')
  const hasUserinfo = type !== 'id_token'
  const asked = { response_type: type, ...(mode !== undefined && { response_mode: mode }) }
  let client: RelyingParty
  let second: RelyingParty
  beforeAll(async () => {
    const metadata = {
      response_types: [type],
      grant_types: [...(type.includes('code') ? ['authorization_code'] : []), ...(type === 'code' ? [] : ['implicit'])]
    }
    client = await suite.register(metadata)
    second = await suite.register({ ...metadata, redirect_uris: [WITH_QUERY] })
  })
  afterAll(() => suite.cleanUp())

  // Signed in before, where the module is not about signing in.
  const visitor = new Person()
  const signIn = (values: Record<string, string | undefined> = {}, options: Parameters<RelyingParty['signIn']>[1] = {}) =>
    client.signIn({ ...asked, ...values }, { person: visitor, ...options })

  test('oidcc-server', async () => {
    const { outcome } = await signIn({}, { person: new Person() })
    expect(outcome.shown).toEqual(['sign-in', 'consent'])
    // The answer to a second client keeps the query that it registered.
    const { outcome: other } = await second.signIn(asked, { person: visitor })
    expect(other.location).toContain('?dummy1=lorem&dummy2=ipsum')
  })

  test('oidcc-response-type-missing', async () => {
    const sent = client.request({ ...asked, response_type: undefined })
    const outcome = client.arrived(sent, await new Person().open(client.urlOf(sent)))
    expect(outcome.params).toMatchObject({ error: 'invalid_request' })
  })

  test('oidcc-idtoken-signature', async () => {
    // RelyingParty.signIn verifies RS256, which is the default.
    expect((await signIn()).claims.iss).toBe(suite.issuer)
  })

  test('oidcc-idtoken-unsigned', async () => {
    expect(suite.metadata['id_token_signing_alg_values_supported']).not.toContain('none')
    const response = await suite.requestRegistration({ redirect_uris: [REDIRECT_URI], id_token_signed_response_alg: 'none' })
    expect([response.status, (await response.json()).error]).toEqual([400, 'invalid_client_metadata'])
  })

  if (hasUserinfo)
    test('oidcc-userinfo-get', async () => {
      const { claims, accessToken } = await signIn()
      const response = await client.userinfo(accessToken)
      expect(response.headers.get('content-type')).toMatch(/^application\/json(;|$)/)
      expect((await response.json()).sub).toBe(claims.sub)
    })

  if (hasUserinfo)
    test('oidcc-userinfo-post-header', async () => {
      const { claims, accessToken } = await signIn()
      expect((await (await client.userinfo(accessToken, { method: 'POST' })).json()).sub).toBe(claims.sub)
    })

  if (hasUserinfo)
    test('oidcc-userinfo-post-body', async () => {
      const { claims, accessToken = '' } = await signIn()
      const body = new URLSearchParams({ access_token: accessToken })
      expect((await (await fetch(suite.url('userinfo_endpoint'), { method: 'POST', body })).json()).sub).toBe(claims.sub)
    })

  if (!hasIdToken)
    test('oidcc-ensure-request-without-nonce-succeeds-for-code-flow', async () => {
      const { claims } = await signIn({ nonce: undefined })
      expect(claims).not.toHaveProperty('nonce')
      expect((await signIn({ nonce: 'n'.repeat(64) })).claims['nonce']).toBe('n'.repeat(64))
    })

  if (hasIdToken)
    test('oidcc-ensure-request-without-nonce-fails', async () => {
      const { params } = await client.authorize(new Person(), { ...asked, nonce: undefined })
      expect(params).toMatchObject({ error: 'invalid_request' })
    })

  test.each([...Object.keys(SCOPES), 'all'])('oidcc-scope-%s', async (name) => {
    const scopes = name === 'all' ? Object.keys(SCOPES) : [name]
    const wanted = scopes.flatMap((scope) => SCOPES[scope] ?? [])
    expect(suite.metadata['scopes_supported']).toEqual(expect.arrayContaining(scopes))
    const { claims, accessToken } = await signIn({ scope: ['openid', ...scopes].join(' ') }, { requested: hasUserinfo ? [] : wanted })
    const told = hasUserinfo ? await (await client.userinfo(accessToken)).json() : claims
    const expected = Object.fromEntries(wanted.map((claim) => [claim, claim === 'updated_at' ? expect.any(Number) : CLAIMS[claim]]))
    expect(told).toMatchObject(expected)
    if (hasUserinfo) expect(Object.keys(told).sort()).toEqual([...wanted, 'sub'].sort())
  })

  test('oidcc-alternate-happy-flow', async () => {
    const sent = client.request({ ...asked, scope: 'email profile openid' })
    const reversed = Object.fromEntries(Object.entries(sent).reverse())
    const outcome = client.arrived(reversed, await visitor.open(client.urlOf(reversed)))
    expect(outcome.params).not.toHaveProperty('error')
    // Every order of the words is the same type (Multiple Response Type Encoding Practices §5).
    expect((await client.authorize(visitor, { ...asked, response_type: type.split(' ').reverse().join(' ') })).params).not.toHaveProperty(
      'error'
    )
  })

  test.each([
    ['display-page', { display: 'page' }],
    ['display-popup', { display: 'popup' }],
    ['ui-locales', { ui_locales: 'se en' }],
    ['claims-locales', { claims_locales: 'se' }],
    ['login-hint', { login_hint: 'buffy@suite.example.com' }],
    ['ensure-request-with-unknown-parameter-succeeds', { extra: 'foobar' }],
    ['ensure-request-with-acr-values-succeeds', { acr_values: '1 2' }]
  ])('oidcc-%s', async (_, values) => {
    const { claims } = await signIn(values)
    expect(claims['acr']).toBe('urn:grantor:acr:password')
  })

  test('oidcc-prompt-login', async () => {
    const person = new Person()
    const { claims: first } = await signIn({}, { person })
    pass(2)
    const { claims, outcome } = await signIn({ prompt: 'login' }, { person })
    expect(outcome.shown).toEqual(['sign-in'])
    expect(claims.sub).toBe(first.sub)
    expect(Number(claims['auth_time'])).toBeGreaterThan(Number(first['auth_time']))
  })

  test('oidcc-prompt-none-not-logged-in', async () => {
    const { params, shown } = await client.authorize(new Person(), { ...asked, prompt: 'none' })
    expect([params['error'], shown]).toEqual(['login_required', []])
  })

  test('oidcc-prompt-none-logged-in', async () => {
    const person = new Person()
    const { claims: first } = await signIn({}, { person })
    pass(2)
    const { claims, outcome } = await signIn({ prompt: 'none' }, { person })
    expect(outcome.shown).toEqual([])
    expect([claims.sub, claims['auth_time']]).toEqual([first.sub, first['auth_time']])
  })

  test('oidcc-id-token-hint', async () => {
    const person = new Person()
    const { claims: first, tokens, outcome: before } = await signIn({}, { person })
    const hint = before.params['id_token'] ?? tokens['id_token']
    const { claims, outcome } = await signIn({ prompt: 'none', id_token_hint: hint }, { person })
    expect(outcome.shown).toEqual([])
    expect([claims.sub, claims['auth_time']]).toEqual([first.sub, first['auth_time']])
  })

  test('oidcc-max-age-1', async () => {
    const person = new Person()
    const { claims: first } = await signIn({}, { person })
    pass(3)
    const { claims, outcome } = await signIn({ max_age: '1' }, { person })
    expect(outcome.shown).toEqual(['sign-in'])
    expect(Number(claims['auth_time'])).toBeGreaterThan(Number(first['auth_time']))
    expect(Number(claims['auth_time'])).toBeGreaterThanOrEqual(Math.floor(Date.now() / 1000) - 2)
  })

  test('oidcc-max-age-10000', async () => {
    const person = new Person()
    const { claims: first } = await signIn({ max_age: '15000' }, { person })
    pass(2)
    const { claims, outcome } = await signIn({ max_age: '10000' }, { person })
    expect(outcome.shown).toEqual([])
    expect(first['auth_time']).toEqual(expect.any(Number))
    expect(claims['auth_time']).toBe(first['auth_time'])
  })

  test('oidcc-ensure-registered-redirect-uri', async () => {
    for (const redirect_uri of ['https://suite.example.com/other', `${REDIRECT_URI}/..`, REDIRECT_URI.toUpperCase(), `${REDIRECT_URI}#f`])
      expectErrorPage(await new Person().open(client.urlOf(client.request({ ...asked, redirect_uri }))))
  })

  test('oidcc-ensure-redirect-uri-in-authorization-request', async () => {
    expectErrorPage(await new Person().open(client.urlOf(client.request({ ...asked, redirect_uri: undefined }))))
  })

  test('oidcc-redirect-uri-query-added', async () => {
    expectErrorPage(await new Person().open(client.urlOf(client.request({ ...asked, redirect_uri: `${REDIRECT_URI}?foo=bar` }))))
  })

  test('oidcc-redirect-uri-query-mismatch', async () => {
    for (const query of ['', '?dummy1=lorem', '?dummy2=ipsum&dummy1=lorem', '?dummy1=lorem&dummy2=ipsum&a=b', '?foo=bar'])
      expectErrorPage(await new Person().open(second.urlOf(second.request({ ...asked, redirect_uri: `${REDIRECT_URI}${query}` }))))
  })

  test('oidcc-ensure-post-request-succeeds', async () => {
    const sent = client.request(asked)
    const person = new Person()
    // Another site's form: cookies with SameSite=Lax do not come with it, so the browser has none here.
    const journey = await person.open(suite.url('authorization_endpoint'), { method: 'POST', body: new URLSearchParams(sent) })
    expect(journey.shown[0]).toBe('sign-in')
    expect(client.arrived(sent, journey).params).not.toHaveProperty('error')
  })

  test.each([
    ['oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported', { state: 'inside' }],
    ['oidcc-ensure-request-object-with-redirect-uri', { redirect_uri: REDIRECT_URI }]
  ])('%s', async (name, inside) => {
    expect(suite.metadata['request_object_signing_alg_values_supported']).not.toContain('none')
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claims = { client_id: client.registration.client_id, ...asked, scope: 'openid', ...inside }
    const request = `${part({ alg: 'none' })}.${part(claims)}.`
    const isMisled = name.includes('redirect-uri')
    const sent = client.request({ ...asked, request, ...(isMisled && { redirect_uri: 'https://suite.example.com/wrong' }) })
    const journey = await new Person().open(client.urlOf(sent))
    if (isMisled) expectErrorPage(journey)
    else expect(client.arrived(sent, journey).params).toMatchObject({ error: 'invalid_request_object' })
  })

  test('oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported', async () => {
    const sent = client.request({ ...asked, request_uri: 'https://suite.example.com/requests/unsigned.jwt#1' })
    expectError(client.arrived(sent, await new Person().open(client.urlOf(sent))).params)
  })

  test('oidcc-claims-essential', async () => {
    const where = hasUserinfo ? 'userinfo' : 'id_token'
    const claims = JSON.stringify({ [where]: { name: { essential: true } } })
    const { claims: said, accessToken } = await signIn({ claims }, { requested: hasUserinfo ? [] : ['name'] })
    expect(hasUserinfo ? (await (await client.userinfo(accessToken)).json()).name : said['name']).toBe(CLAIMS.name)
  })

  test('user rejects: access_denied, where the tokens would be', async () => {
    const sent = client.request(asked)
    const person = new Person()
    await person.look(client.urlOf(sent))
    const journey = await person.goOn(await person.browser.submit({ decision: 'deny' }))
    expect(client.arrived(sent, journey).params).toMatchObject({ error: 'access_denied' })
  })
})
