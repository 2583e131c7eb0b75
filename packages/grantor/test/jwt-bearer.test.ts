import type { RequestListener } from 'node:http'
import { beforeAll, describe, expect, test } from 'vitest'
import { type AssertionIssuer, type AuthorizationServerOptions, jwtBearer, type NewClient, resourceIndicators } from '../src/index.ts'
import { ELSEWHERE, type IssuerKey, makeAssertion, newIssuerKey } from './assertion-support.ts'
import { secureHosts } from './secure-hosts.ts'
import { expectTokenError, ISSUER, TestServer } from './support.ts'

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

let key: IssuerKey
beforeAll(async () => {
  key = await newIssuerKey()
})

/** Who is known elsewhere as a number is alice here; 8 is somebody who is locked. */
const issuer = (more: Partial<AssertionIssuer> = {}): AssertionIssuer => ({
  issuer: ELSEWHERE,
  jwks: { keys: [key.jwk] },
  clients: ['app'],
  subjectOf: async ({ sub }) => ({ '7': 'alice' })[sub],
  ...more
})

async function ready(more: Partial<AssertionIssuer> = {}, metadata: NewClient = {}, options: Partial<AuthorizationServerOptions> = {}) {
  const test = new TestServer({ extensions: [jwtBearer({ issuers: [issuer(more)] })], ...options })
  const client = await test.client({ grant_types: [JWT_BEARER, 'authorization_code'], ...metadata })
  const assert = (claims: object = {}, header: object = {}, by = key) => makeAssertion(by, test.now, claims, header)
  const ask = (assertion: string, params: Record<string, string> = {}, by: { client_id: string; client_secret?: string } = client) =>
    test.token(by, { grant_type: JWT_BEARER, assertion, ...params })
  return { test, client, assert, ask }
}

describe('the JWT bearer grant (RFC 7523 §2.1)', () => {
  test('a client gets a token for whom a trusted issuer names, once', async () => {
    const { test, client, assert, ask } = await ready()
    const assertion = await assert()
    const answer = await (await ask(assertion, { scope: 'read' })).json()
    expect(answer).toEqual({ access_token: expect.any(String), token_type: 'Bearer', expires_in: 3600, scope: 'read' })
    expect(await test.introspect(client, answer.access_token)).toMatchObject({ active: true, sub: 'alice', client_id: 'app' })
    await expectTokenError(await ask(assertion, { scope: 'read' }), 400, 'invalid_grant')
    expect(test.eventsOf('assertion.replayed')).toEqual([expect.objectContaining({ clientId: 'app', issuer: ELSEWHERE })])
    expect((await test.introspect(client, answer.access_token)).active).toBe(true)
    expect(JSON.stringify(test.events)).not.toContain(assertion.slice(-40))
  })

  test('JB-01 an assertion is good once of twenty at once, until it is out of date, and of each issuer', async () => {
    const { test, assert, ask } = await ready()
    const assertion = await assert({ jti: 'raced' })
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(assertion)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 19 }, () => 400)])
    test.now += 329
    await expectTokenError(await ask(assertion), 400, 'invalid_grant')
    expect(test.eventsOf('assertion.replayed')).toHaveLength(20)
  })

  test('an assertion that is refused is not spent', async () => {
    const { assert, ask } = await ready()
    const assertion = await assert()
    await expectTokenError(await ask(assertion, { scope: 'unknown' }), 400, 'invalid_scope')
    expect((await ask(assertion, { scope: 'read' })).status).toBe(200)
  })

  test.each([
    ['"The JWT MUST contain an "iss" (issuer) claim"', { iss: undefined }],
    ['the issuer is one that is trusted', { iss: 'https://evil.example.com' }],
    ['the issuer is compared as a string', { iss: `${ELSEWHERE}/` }],
    ['"The JWT MUST contain a "sub" (subject) claim"', { sub: undefined }],
    ['the subject is a text', { sub: '' }],
    ['the subject is a text that every store can hold', { sub: 'a\0' }],
    ['the jti is a text that every store can hold', { jti: '\ud800' }],
    ['so is every claim that a person may be looked up by', { email: 'a\0@example.com' }],
    ['the subject is known here', { sub: '9' }],
    ['the subject is not locked here', { sub: '8' }],
    ['"The JWT MUST contain an "aud" (audience) claim"', { aud: undefined }],
    ['"The authorization server MUST reject any JWT that does not contain its own identity as the intended audience"', { aud: ELSEWHERE }],
    ['an empty list of audiences names nobody', { aud: [] }],
    ['the token endpoint is no identity of this server', { aud: `${ISSUER}/token` }],
    ['an assertion for several could be sent on by one of them', { aud: [ISSUER, ELSEWHERE] }],
    ['"The JWT MUST contain an "exp" (expiration time) claim"', { exp: undefined }],
    ['"MUST reject any JWT with an expiration time that has passed"', { exp: 1_799_999_969 }],
    ['"may reject JWTs with an "exp" claim value that is unreasonably far in the future"', { exp: 1_800_003_632 }],
    ['"an "nbf" (not before) claim that identifies the time before which the token MUST NOT be accepted"', { nbf: 1_800_000_031 }],
    ['it was issued already', { iat: 1_800_000_031 }],
    ['it has a jti, by which its reuse is known', { jti: undefined }],
    ['the jti is a text', { jti: 7 }],
    ['it is for another client, as its issuer says', { client_id: 'other' }],
    ['a key that it is bound to would have to be proven', { cnf: { jkt: 'x' } }],
    ['rights that it names are not understood', { authorization_details: [] }],
    ['a security event is no assertion', { events: {} }],
    ['whoever acts for another would be lost', { act: { sub: 'x' } }],
    ['whoever may act would be forgotten', { may_act: { sub: 'x' } }]
  ])('JB-01 RFC 7523 §3: %s', async (_, claims) => {
    const { test, assert, ask } = await ready({ subjectOf: async ({ sub }) => ({ '7': 'alice' })[sub] })
    await expectTokenError(await ask(await assert(claims)), 400, 'invalid_grant')
    expect(test.eventsOf('token.issued')).toEqual([])
  })

  test.each([
    { aud: [ISSUER] },
    { exp: 1_799_999_971 },
    { exp: 1_800_003_600 },
    { nbf: 1_800_000_029 },
    { iat: undefined },
    { client_id: 'app' },
    { other: 'claims' }
  ])('RFC 7523 §3: an assertion with %j is taken', async (claims) => {
    const { assert, ask } = await ready()
    expect((await ask(await assert(claims))).status).toBe(200)
  })

  test.each(['JWT', 'jwt', 'authorization-grant+jwt', 'application/authorization-grant+jwt', undefined])('typ %s is taken', async (typ) => {
    const { assert, ask } = await ready()
    expect((await ask(await assert({}, { typ }))).status).toBe(200)
  })

  test.each([
    ...['at+jwt', 'application/at+jwt', 'logout+jwt', 'secevent+jwt', 'dpop+jwt', 'oauth-authz-req+jwt', 'token-introspection+jwt'],
    ...['client-authentication+jwt', '', 7]
  ])('RFC 8725 §3.11 a JWT of another kind, typ %s, is no assertion', async (typ) => {
    const { assert, ask } = await ready()
    await expectTokenError(await ask(await assert({}, { typ })), 400, 'invalid_grant')
  })

  test.each([
    ['as it should be', {}],
    ['for several', { aud: [ISSUER, ELSEWHERE] }],
    ['bound to a key', { cnf: { jkt: 'x' } }],
    ['with authorization_details', { authorization_details: [{ type: 'x' }] }],
    ['for another resource', { resource: 'https://other.example.com' }]
  ])('JB-02 an ID-JAG, %s, is refused: it is not understood here', async (_, claims) => {
    const { assert, ask } = await ready()
    for (const typ of ['oauth-id-jag+jwt', 'application/oauth-id-jag+jwt', 'OAUTH-ID-JAG+JWT'])
      await expectTokenError(await ask(await assert({ client_id: 'app', ...claims }, { typ })), 400, 'invalid_grant')
  })

  test('JB-01 another signature, another algorithm, none, and what is no JWT are refused', async () => {
    const { test, assert, ask } = await ready()
    const good = await assert()
    const [header = '', payload = '', signature = ''] = good.split('.')
    const none = `${Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url')}.${payload}.`
    const others = [
      await assert({}, {}, await newIssuerKey()),
      await assert({}, {}, await newIssuerKey('RS256')),
      await assert({}, { kid: 'other' }),
      `${header}.${Buffer.from(JSON.stringify({ iss: ELSEWHERE, sub: '7' })).toString('base64url')}.${signature}`,
      none,
      'rubbish',
      'a.b.c',
      `${good}.x.y`,
      'x'.repeat(20_000)
    ]
    for (const assertion of others) await expectTokenError(await ask(assertion), 400, 'invalid_grant')
    const only = await ready({ algorithms: ['PS256'] })
    await expectTokenError(await only.ask(await only.assert()), 400, 'invalid_grant')
    await expectTokenError(await test.token({ client_id: 'app', client_secret: 'x' }, { grant_type: JWT_BEARER }), 401, 'invalid_client')
    await expectTokenError(await ask(''), 400, 'invalid_request')
    await expectTokenError(await test.post('/token?assertion=x', { grant_type: JWT_BEARER }), 400, 'invalid_request')
  })

  test('what this server signs itself is no assertion', async () => {
    const { test, ask } = await ready({}, {}, { accessTokenFormat: 'jwt' })
    const machine = await test.client({ client_id: 'machine' })
    const { access_token } = await (await test.token(machine, { grant_type: 'client_credentials' })).json()
    await expectTokenError(await ask(access_token), 400, 'invalid_grant')
    expect(() => new TestServer({ extensions: [jwtBearer({ issuers: [issuer({ issuer: ISSUER })] })] })).toThrow(
      'no trusted issuer of itself'
    )
  })

  test('RFC 7523 §3: the token endpoint as the audience, for a client that was written for it', async () => {
    const { assert, ask } = await ready({}, { settings: { assertionAudience: 'token_endpoint' } })
    for (const aud of [`${ISSUER}/token`, ISSUER]) expect((await ask(await assert({ aud }))).status).toBe(200)
  })

  test('JB-01 the issuer’s word is good for the clients that its rule names, and for no more than its scope', async () => {
    const { test, assert, ask } = await ready({ scope: 'read other' })
    const other = await test.client({ client_id: 'other', grant_types: [JWT_BEARER] })
    await expectTokenError(await ask(await assert(), {}, other), 400, 'invalid_grant')
    await expectTokenError(await ask(await assert(), { scope: 'write' }), 400, 'invalid_scope')
    expect(await (await ask(await assert())).json()).toMatchObject({ scope: 'read' })
    const none = await test.client({ client_id: 'none', grant_types: ['client_credentials'] })
    await expectTokenError(await ask(await assert(), {}, none), 400, 'unauthorized_client')
  })

  test('RFC 7521 §4.1: a client that does not authenticate is identified, and gets what its rule gives', async () => {
    const { test, assert, ask } = await ready({ clients: ['spa'] })
    const spa = await test.publicClient({ grant_types: [JWT_BEARER] })
    expect((await ask(await assert(), {}, { client_id: spa.client_id })).status).toBe(200)
    await expectTokenError(await test.post('/token', { grant_type: JWT_BEARER, assertion: await assert() }), 401, 'invalid_client')
  })

  test('JB-01 a client that must ask for consent gets what the person allowed it before, and nothing else', async () => {
    const { test, client, assert, ask } = await ready({}, { require_consent: true })
    await expectTokenError(await ask(await assert(), { scope: 'read' }), 400, 'invalid_grant')
    await test.authorize({ scope: 'read' })
    const { id = '' } = test.prompts.at(-1) ?? {}
    const browser = { method: 'POST', url: '/', headers: new Headers({ cookie: cookies(test) }), body: async () => '' }
    await test.server.interactions.resolve(browser, id, { consent: { subject: 'alice', scope: ['read'] } })
    const { returnTo = '' } = test.prompts.at(-1) ?? {}
    const code = new URL((await test.fetch(returnTo)).headers.get('location') ?? '').searchParams.get('code') ?? ''
    await expectTokenError(await ask(await assert(), { scope: 'read write' }), 400, 'invalid_grant')
    expect((await ask(await assert(), { scope: 'read' })).status).toBe(200)
    expect((await test.redeem(client, code)).status).toBe(200)
    const { access_token } = await (await ask(await assert(), { scope: 'read' })).json()
    expect((await test.introspect(client, access_token)).active).toBe(true)
    await test.server.store.grants.revoke({ subject: 'alice' }, test.now)
    expect((await test.introspect(client, access_token)).active).toBe(false)
    await expectTokenError(await ask(await assert(), { scope: 'read' }), 400, 'invalid_grant')
  })

  test('RFC 8707 §2.1: of several authorizations it belongs to one for the resource; what was allowed at no such resource is refused', async () => {
    const [first, second, third] = ['https://a.example.com', 'https://b.example.com', 'https://c.example.com'] as const
    const resources = [first, second, third].map((identifier) => ({ identifier }))
    const extensions = [resourceIndicators(), jwtBearer({ issuers: [issuer()] })]
    const { test, client, assert, ask } = await ready({}, {}, { resources, extensions })
    for (const resource of [first, second]) {
      await test.code({ resource })
      test.now += 2
    }
    await test.server.clients.update('app', { require_consent: true })
    test.now += 2
    for (const resource of [first, second]) {
      const { access_token } = await (await ask(await assert(), { scope: 'read', resource })).json()
      expect(await test.introspect(client, access_token)).toMatchObject({ active: true, aud: resource })
    }
    await expectTokenError(await ask(await assert(), { scope: 'read', resource: third }), 400, 'invalid_target')
  })

  test('RFC 7523 §3: an assertion is not spent on a token that cannot be issued for the resource', async () => {
    const resources = [
      { identifier: 'https://a.example.com', scopes: ['read'] },
      { identifier: 'https://b.example.com', scopes: ['write'] }
    ]
    const { assert, ask } = await ready({}, {}, { resources, defaultResource: 'https://a.example.com' })
    const assertion = await assert()
    await expectTokenError(await ask(assertion, { scope: 'write' }), 400, 'invalid_scope')
    expect((await ask(assertion, { scope: 'read' })).status).toBe(200)
    await expectTokenError(await ask(assertion, { scope: 'read' }), 400, 'invalid_grant')
  })

  test('no refresh token comes with it unless the rule says so, and what nothing renews leaves no grant behind', async () => {
    const metadata = { grant_types: [JWT_BEARER, 'refresh_token'] }
    const { test, assert, ask } = await ready({}, metadata)
    expect(await (await ask(await assert())).json()).not.toHaveProperty('refresh_token')
    test.now += 3600
    expect(await test.server.store.grants.list({ subject: 'alice' }, test.now)).toEqual([])
    const renewed = await ready({ refreshToken: true }, metadata)
    const { refresh_token } = await (await renewed.ask(await renewed.assert())).json()
    const refreshed = await renewed.test.token(renewed.client, { grant_type: 'refresh_token', refresh_token })
    expect(refreshed.status).toBe(200)
  })

  test.each([
    [{}, 'issuers is a list'],
    [{ issuers: [], issuer: [] }, 'did you mean issuers'],
    [{ issuers: [7] }, 'issuer 1 is an object'],
    [{ issuers: [{ ...{ subjectOf: async () => 'x', clients: [] }, jwks: { keys: [] } }] }, 'issuer is a text'],
    [{ issuers: [{ issuer: ELSEWHERE, clients: [], jwks: { keys: [] } }] }, 'subjectOf is a function'],
    [{ issuers: [{ issuer: ELSEWHERE, subjectOf: async () => 'x', jwks: { keys: [] } }] }, 'clients is a list'],
    [{ issuers: [{ issuer: ELSEWHERE, clients: [], subjectOf: async () => 'x' }] }, 'has jwks or jwksUri'],
    [{ issuers: [{ issuer: ELSEWHERE, clients: [], subjectOf: async () => 'x', jwksUri: 'http://a.example.com' }] }, 'an https URL'],
    [
      { issuers: [{ issuer: ELSEWHERE, clients: [], subjectOf: async () => 'x', jwks: { keys: [{ kty: 'oct', k: 'x' }] } }] },
      'public keys only'
    ],
    [
      { issuers: [{ issuer: ELSEWHERE, clients: [], subjectOf: async () => 'x', jwks: { keys: [] }, algorithms: ['HS256'] }] },
      'algorithms'
    ],
    [
      { issuers: [{ issuer: ELSEWHERE, clients: [], subjectOf: async () => 'x', jwks: { keys: [] }, audience: 'x' }] },
      'there is no audience'
    ]
  ] as [object, string][])('%# options that cannot work are refused when the server is built', (options, message) => {
    expect(() => jwtBearer(options as never)).toThrow(message)
  })
})

function cookies(test: TestServer): string {
  return [...test.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
}

describe('the keys of an issuer by reference', () => {
  const hosts = secureHosts()

  test('are fetched through the guard, kept, and fetched again for a name that is not known', async () => {
    const keys = [key.jwk]
    const answer: RequestListener = (_, response) => response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys }))
    const { host, origin, ca } = await hosts.open(answer)
    const given = { jwks: undefined as never, jwksUri: `${origin}/jwks` }
    const { test, assert, ask } = await ready(given, {}, { outbound: { allow: [origin], ca } })
    for (let i = 0; i < 3; i++) expect((await ask(await assert())).status).toBe(200)
    expect(host.requests).toHaveLength(1)
    const next = await newIssuerKey('ES256', 'next')
    keys.push(next.jwk)
    test.now += 5
    expect((await ask(await assert({}, {}, next))).status).toBe(200)
    expect(host.requests).toHaveLength(2)
    const blocked = await ready({ ...given, jwksUri: `${origin}/jwks` })
    await expectTokenError(await blocked.ask(await blocked.assert()), 400, 'invalid_grant')
    expect(blocked.test.eventsOf('outbound.refused')).toHaveLength(1)
  })
})

describe('the JWT bearer grant that is not passed', () => {
  test('is not there: unsupported, not advertised, and no client is registered for it', async () => {
    const test = new TestServer()
    const client = await test.client()
    await expectTokenError(await test.token(client, { grant_type: JWT_BEARER, assertion: 'x' }), 400, 'unsupported_grant_type')
    expect((await (await test.fetch('/.well-known/oauth-authorization-server')).json()).grant_types_supported).not.toContain(JWT_BEARER)
    await expect(test.client({ client_id: 'x', grant_types: [JWT_BEARER] })).rejects.toMatchObject({ error: 'invalid_client_metadata' })
  })
})
