import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import * as openidClient from 'openid-client'
import { describe, expect, test } from 'vitest'
import {
  AccessDeniedError,
  type AuthorizationServerOptions,
  backChannelLogout,
  clientSecretJwt,
  type DynamicRegistrationOptions,
  dynamicRegistration,
  type Extension,
  frontChannelLogout,
  InitialAccessTokens,
  implicit,
  MemoryStore,
  nodeListener,
  passwordGrant,
  requestObjects,
  rpInitiatedLogout
} from '../src/index.ts'
import { Listener } from './listener.ts'
import { openIdServer } from './openid-support.ts'
import { basic, expectRedirectError, expectTokenError, ISSUER, REDIRECT_URI, TestServer, VERIFIER } from './support.ts'

const DAY = 86_400
const ENDPOINT = `${ISSUER}/register`
const OPEN: DynamicRegistrationOptions = { access: 'open', allow: { scopes: ['read', 'write'] } }

function open(options: DynamicRegistrationOptions = {}, { extensions = [], ...server }: Partial<AuthorizationServerOptions> = {}) {
  return new TestServer({ ...server, extensions: [dynamicRegistration({ ...OPEN, ...options }), ...extensions] })
}

interface Registered {
  client_id: string
  client_secret?: string
  registration_access_token: string
  registration_client_uri: string
  [member: string]: unknown
}

function send(test: TestServer, method: string, url: string, body?: unknown, token?: string): Promise<Response> {
  return test.fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    ...(body !== undefined && method !== 'GET' && { body: typeof body === 'string' ? body : JSON.stringify(body) })
  })
}

const post = (test: TestServer, metadata: unknown = {}, token?: string) =>
  send(test, 'POST', '/register', metadata === undefined ? undefined : withRedirect(metadata), token)

function withRedirect(metadata: unknown): unknown {
  return metadata !== null && typeof metadata === 'object' && !Array.isArray(metadata)
    ? { redirect_uris: [REDIRECT_URI], ...metadata }
    : metadata
}

async function register(test: TestServer, metadata: object = {}, token?: string): Promise<Registered> {
  const response = await post(test, metadata, token)
  const body = await response.json()
  expect({ status: response.status, body }).toMatchObject({ status: 201 })
  return body
}

const manage = (test: TestServer, method: string, client: Registered, body?: unknown, token = client.registration_access_token) =>
  send(test, method, client.registration_client_uri, body, token)

async function expectRefusal(response: Response, status: number, error: string): Promise<void> {
  await expectTokenError(response, status, error)
}

/** What a client sends to replace its metadata: what it was told, without what it must not send (RFC 7592 §2.2). */
function updateOf({
  registration_access_token: _token,
  registration_client_uri: _uri,
  client_secret_expires_at: _expires,
  client_id_issued_at: _issued,
  client_secret: _secret,
  ...metadata
}: Registered): Record<string, unknown> {
  return metadata
}

const metadataOf = async (test: TestServer) => (await test.fetch('/.well-known/oauth-authorization-server')).json()

describe('registration (RFC 7591 §3)', () => {
  test('RG-01: not passed, not there: 404, and absent from the metadata', async () => {
    const test = new TestServer()
    expect((await post(test)).status).toBe(404)
    expect(await metadataOf(test)).not.toHaveProperty('registration_endpoint')
    expect(await metadataOf(open())).toMatchObject({ registration_endpoint: ENDPOINT })
  })

  test('"the authorization server assigns this client a unique client identifier" and answers with all that is registered', async () => {
    const test = open()
    const response = await post(test, { client_name: 'Photos', 'client_name#ja': '写真', scope: 'read', contacts: ['a@example.com'] })
    expect([response.status, response.headers.get('content-type'), response.headers.get('cache-control')]).toEqual([
      201,
      'application/json',
      'no-store'
    ])
    const client = await response.json()
    expect(client).toEqual({
      client_id: expect.stringMatching(/^[\w-]{24}$/),
      client_secret: expect.stringMatching(/^[\w-]{43}$/),
      client_secret_expires_at: 0,
      client_id_issued_at: test.now,
      registration_access_token: expect.stringMatching(/^gra_[\w-]{73}$/),
      registration_client_uri: `${ENDPOINT}?client_id=${client.client_id}`,
      client_name: 'Photos',
      'client_name#ja': '写真',
      contacts: ['a@example.com'],
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      application_type: 'web',
      scope: 'read'
    })
    expect((await register(test)).client_id).not.toBe(client.client_id)
  })

  test('a public client gets no secret', async () => {
    const client = await register(open(), { token_endpoint_auth_method: 'none' })
    expect(client).not.toHaveProperty('client_secret')
    expect(client).not.toHaveProperty('client_secret_expires_at')
  })

  test('"The authorization server MUST ignore any client metadata sent by the client that it does not understand"', async () => {
    const client = await register(open(), { unknown_member: { deep: [1] }, constructor: 'x', 'client_name#__proto__': 'y', tos_uri: null })
    for (const name of ['unknown_member', 'constructor', 'client_name#__proto__', 'tos_uri'])
      expect(Object.hasOwn(client, name)).toBe(false)
  })

  test('what a registered client gets works: code, token, refresh; the method it was registered for is enforced', async () => {
    const test = open()
    const client = await register(test, { grant_types: ['authorization_code', 'refresh_token'], scope: 'read' })
    const found = await test.server.clients.find(client.client_id)
    await test.server.clients.update(client.client_id, { require_consent: false })
    expect(found).toMatchObject({ verified: false })
    const tokens = await (await test.redeem(client, await test.code({ client_id: client.client_id }))).json()
    expect(tokens).toMatchObject({ token_type: 'Bearer', scope: 'read', refresh_token: expect.any(String) })
    const { client_id, client_secret = '' } = client
    await expectTokenError(
      await test.post('/token', { grant_type: 'refresh_token', refresh_token: tokens.refresh_token, client_id, client_secret }),
      401,
      'invalid_client'
    )
    expect((await test.token(client, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token })).status).toBe(200)
  })

  test('the policy of the operator has the last word: it may replace and refuse', async () => {
    const test = open({
      settings: { accessTokenLifetime: 60, requirePkce: false },
      policy: async (metadata, { headers }) => {
        if (headers.get('x-evil')) throw new AccessDeniedError('not you')
        return metadata.client_name === 'Known' ? { ...metadata, scope: 'admin', require_consent: false } : undefined
      }
    })
    const known = await register(test, { client_name: 'Known' })
    expect(known).toMatchObject({ scope: 'admin' })
    for (const name of ['require_consent', 'settings', 'verified']) expect(known).not.toHaveProperty(name)
    expect(await test.server.clients.find(known.client_id)).toMatchObject({
      require_consent: false,
      settings: { accessTokenLifetime: 60, requirePkce: false }
    })
    expect(await register(test, { client_name: 'Other' })).toMatchObject({ scope: 'read write' })
    const headers = { 'content-type': 'application/json', 'x-evil': '1' }
    const refused = await test.fetch('/register', { method: 'POST', headers, body: JSON.stringify({ redirect_uris: [REDIRECT_URI] }) })
    await expectRefusal(refused, 403, 'access_denied')
  })

  test('a browser on any origin may register, and no cookie counts', async () => {
    const test = open()
    const origin = 'https://inspector.example'
    const asked = { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization, content-type' }
    const preflight = await test.fetch('/register', { method: 'OPTIONS', headers: asked })
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, '*'])
    expect(preflight.headers.get('access-control-allow-methods')).toBe('POST, GET, PUT, DELETE')
    const headers = { origin, 'content-type': 'application/json' }
    const answer = await test.fetch('/register', { method: 'POST', headers, body: JSON.stringify({ redirect_uris: [REDIRECT_URI] }) })
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
  })

  test('events tell who registered, without a secret', async () => {
    const test = open()
    const { client_id, client_secret, registration_access_token } = await register(test, { client_name: 'Photos' })
    expect(test.eventsOf('client.registered')).toMatchObject([{ clientId: client_id, access: 'open', name: 'Photos' }])
    for (const secret of [client_secret, registration_access_token]) expect(JSON.stringify(test.events)).not.toContain(secret)
  })

  test('behind a body parser of Express, JSON is JSON', async () => {
    const test = open()
    const answer = await new Promise<{ status: number; body: string }>((resolve) => {
      let status = 0
      const response = { writeHead: (code: number) => (status = code), end: (body = '') => resolve({ status, body }) }
      const request = Object.assign(
        { method: 'POST', url: '/register', headers: { 'content-type': 'application/json' }, socket: {}, readableEnded: true },
        { on: () => {}, off: () => {}, resume: () => {}, body: { redirect_uris: [REDIRECT_URI], client_name: 'Parsed' } }
      )
      nodeListener(test.server)(request, response)
    })
    expect([answer.status, JSON.parse(answer.body).client_name]).toEqual([201, 'Parsed'])
  })
})

describe('the initial access token (RFC 7591 §1.2)', () => {
  const closed = () => {
    const test = open({ access: 'initial-access-token' })
    return { test, tokens: new InitialAccessTokens(test.server) }
  }

  test('it is what the function asks for by default', async () => {
    const test = new TestServer({ extensions: [dynamicRegistration()] })
    await expectRefusal(await post(test), 401, 'invalid_token')
  })

  test('RG-01: none, a wrong one, a used-up, an expired, a revoked one: 401 invalid_token, and nothing is registered', async () => {
    const { test, tokens } = closed()
    const none = await post(test)
    // RFC 6750 §3: a request without a token is answered with a challenge, and without an error code in it.
    expect(none.headers.get('www-authenticate')).toMatch(/^Bearer(?!.*error)/)
    await expectRefusal(none, 401, 'invalid_token')
    const [used, expired, revoked] = [await tokens.create(), await tokens.create({ lifetime: 60 }), await tokens.create({ uses: 5 })]
    await register(test, {}, used.token)
    expect(await tokens.revoke(revoked.id)).toBe(true)
    expect(await tokens.revoke(revoked.id)).toBe(false)
    test.now += 60
    const forged = `${used.token.slice(0, -1)}${used.token.endsWith('A') ? 'B' : 'A'}`
    for (const token of [used.token, expired.token, revoked.token, forged, 'x', 'gia_']) {
      const refused = await post(test, {}, token)
      expect(refused.headers.get('www-authenticate')).toContain('Bearer error="invalid_token"')
      await expectRefusal(refused, 401, 'invalid_token')
    }
    expect(await test.server.store.clients.list({ limit: 10 })).toHaveLength(1)
    expect(test.eventsOf('initial_access_token.created')).toHaveLength(3)
    expect(test.eventsOf('initial_access_token.revoked')).toMatchObject([{ tokenId: revoked.id }])
    expect(JSON.stringify(test.events)).not.toContain(used.token)
  })

  test('a token of another kind is none; in the URL it is refused (RFC 6750 §2.3)', async () => {
    const { test, tokens } = closed()
    const { token } = await tokens.create()
    const client = await register(test, {}, token)
    await expectRefusal(await post(test, {}, client.registration_access_token), 401, 'invalid_token')
    const next = await tokens.create()
    const inUrl = await send(test, 'POST', `/register?access_token=${next.token}`, { redirect_uris: [REDIRECT_URI] })
    await expectRefusal(inUrl, 400, 'invalid_request')
  })

  test('wrong metadata costs no use', async () => {
    const { test, tokens } = closed()
    const { token } = await tokens.create()
    await expectRefusal(await post(test, { redirect_uris: ['http://evil.example'] }, token), 400, 'invalid_redirect_uri')
    await register(test, {}, token)
  })

  test('RG-01: of twenty who use a token for three at once, three register', async () => {
    const { test, tokens } = closed()
    const { token } = await tokens.create({ uses: 3 })
    const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await post(test, {}, token)).status))
    expect(statuses.filter((status) => status === 201)).toHaveLength(3)
    expect(statuses.filter((status) => status === 401)).toHaveLength(17)
    expect(await test.server.store.clients.list({ limit: 100 })).toHaveLength(3)
  })

  test('it may allow more than anybody else may have, for the life of its clients', async () => {
    const { test, tokens } = closed()
    const machine = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [], scope: 'jobs' }
    await expectRefusal(await post(test, machine, (await tokens.create()).token), 400, 'invalid_client_metadata')
    const { token } = await tokens.create({ allow: { grantTypes: ['client_credentials'], scopes: ['jobs'] } })
    const client = await register(test, machine, token)
    expect((await test.token(client, { grant_type: 'client_credentials' })).status).toBe(200)
    const updated = await manage(test, 'PUT', client, { ...updateOf(client), client_name: 'Machine' })
    expect(await updated.json()).toMatchObject({ client_name: 'Machine', grant_types: ['client_credentials'], scope: 'jobs' })
  })

  test('open registration takes one too, and refuses a bad one', async () => {
    const test = open()
    const { token, id } = await new InitialAccessTokens(test.server).create({ allow: { scopes: ['admin'] } })
    expect(await register(test, {}, token)).toMatchObject({ scope: 'admin' })
    expect(test.eventsOf('client.registered')).toMatchObject([{ tokenId: id }])
    await expectRefusal(await post(test, {}, token), 401, 'invalid_token')
  })

  test('one that cannot work is not made', async () => {
    const { tokens } = closed()
    await expect(tokens.create({ uses: 0 })).rejects.toThrow('whole number of uses')
    await expect(tokens.create({ uses: Number.NaN })).rejects.toThrow('whole number of uses')
    // Two to the 53rd power of seconds is after the last day that a store can name.
    for (const lifetime of [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53 - 1, '60' as unknown as number])
      await expect(tokens.create({ lifetime })).rejects.toThrow('above 0')
    await expect(tokens.create({ allow: { scope: ['x'] } as object })).rejects.toThrow('did you mean scopes?')
  })
})

describe('what a client may say of itself (RFC 7591 §2)', () => {
  const server = open()
  const refused = async (metadata: unknown, error = 'invalid_client_metadata') => expectRefusal(await post(server, metadata), 400, error)

  const URL_MEMBERS = ['client_uri', 'logo_uri', 'tos_uri', 'policy_uri', 'jwks_uri', 'client_uri#ja', 'tos_uri#fr']
  const BAD_URLS = [
    'javascript:alert(1)',
    'JavaScript:alert(1)',
    ' https://a.example',
    '\u0001https://a.example',
    'data:text/html,x',
    'vbscript:x',
    '/relative',
    'http://localhost/x',
    `https://a.example/${'x'.repeat(4096)}`,
    'https://user:pass@a.example/',
    'https://a.example\\@evil.example'
  ]
  test.each(URL_MEMBERS)('RG-02: %s is an https URL and nothing else', async (name) => {
    for (const url of BAD_URLS) await refused({ [name]: url })
  })

  test('RG-02: so are the URLs that extensions understand', async () => {
    const { test } = await openIdServer({}, { extensions: [dynamicRegistration(OPEN)] })
    for (const name of ['initiate_login_uri', 'sector_identifier_uri'])
      for (const url of BAD_URLS) await expectRefusal(await post(test, { [name]: url }), 400, 'invalid_client_metadata')
  })

  test('RG-02: so are those of a sign-out, among them the lists; http on this computer is for applications that run there', async () => {
    const extensions = [dynamicRegistration(OPEN), rpInitiatedLogout(), backChannelLogout(), frontChannelLogout()]
    const { test } = await openIdServer({}, { extensions })
    const fine = 'https://client.example.com/out'
    for (const name of ['backchannel_logout_uri', 'frontchannel_logout_uri']) {
      for (const url of [...BAD_URLS, `${fine}#x`]) await expectRefusal(await post(test, { [name]: url }), 400, 'invalid_client_metadata')
      await register(test, { [name]: fine })
    }
    for (const url of BAD_URLS.filter((one) => !one.startsWith('http://localhost')))
      await expectRefusal(await post(test, { post_logout_redirect_uris: [fine, url] }), 400, 'invalid_client_metadata')
    await register(test, { post_logout_redirect_uris: [fine, 'http://localhost/x'] })
  })

  test('SS-01: what a stranger registers leads nowhere within: sector_identifier_uri, jwks_uri, request_uris, backchannel_logout_uri', async () => {
    const inside = await Listener.http((_request, response) => response.end('[]'))
    const extensions = [
      dynamicRegistration({ access: 'open' }),
      requestObjects({ byReference: true }),
      rpInitiatedLogout(),
      backChannelLogout()
    ]
    const { test } = await openIdServer({}, { extensions })
    const uri = `https://127.0.0.1:${inside.port}/`
    const refusals = () => test.eventsOf('outbound.refused').length
    await expectRefusal(await post(test, { sector_identifier_uri: uri }), 400, 'invalid_client_metadata')
    expect(refusals()).toBe(1)
    const client = await register(test, {
      jwks_uri: uri,
      token_endpoint_auth_method: 'private_key_jwt',
      request_uris: [uri],
      backchannel_logout_uri: uri
    })
    const { client_id } = client
    const { privateKey } = await generateKeyPair('ES256')
    const assertion = new SignJWT({ iss: client_id, sub: client_id, aud: ISSUER, jti: 'j', exp: test.now + 60 })
    const client_assertion = await assertion.setProtectedHeader({ alg: 'ES256' }).sign(privateKey)
    const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    await expectTokenError(
      await test.post('/token', { grant_type: 'refresh_token', refresh_token: 'x', client_assertion_type, client_assertion }),
      401,
      'invalid_client'
    )
    expect(refusals()).toBe(2)
    expectRedirectError(await test.authorize({ client_id, request_uri: uri }), 'invalid_request_uri')
    expect(refusals()).toBe(3)
    await test.server.clients.update(client_id, { require_consent: false })
    await test.code({ client_id, scope: 'openid' })
    await test.server.endSession({ id: 's1', subject: 'alice' })
    await test.server.maintain()
    expect(refusals()).toBeGreaterThan(3)
    expect(new Set(test.eventsOf('outbound.refused').map((event) => JSON.stringify({ ...event, time: 0 }))).size).toBe(1)
    expect(inside.connections).toBe(0)
    await inside.close()
  })

  test.each([
    ['a control character', 'a\nb'],
    ['a direction override', 'moc.\u202eelgoog'],
    ['a zero-width character', 'Goo\u200bgle'],
    ['a zero-width joiner', 'Goo\u200dgle'],
    ['a private-use character', '\uf8ff'],
    ['a filler that nobody sees', 'Google\u3164'],
    ['half a character', '\ud83d'],
    ['blank', '   '],
    ['empty', ''],
    ['65 graphemes', 'é'.repeat(65)],
    ['10 KiB', 'x'.repeat(10_240)],
    ['one grapheme of 10 KiB', `e${'\u0301'.repeat(10_240)}`],
    ['a number', 7],
    ['an object', {}]
  ])('RG-03: a client_name with %s is refused', async (_, name) => {
    await refused({ client_name: name })
    await refused({ 'client_name#ar': name })
  })

  test('RG-03: any other name is shown, and the client is marked as verified by nobody', async () => {
    for (const client_name of ['<img src=x onerror=alert(1)>', 'Google', 'Verified ✓', '🇩🇪', 'I ❤️ it', 'é'.repeat(64)]) {
      const client = await register(server, { client_name, verified: true })
      expect(client).toMatchObject({ client_name })
      expect(await server.server.clients.find(client.client_id)).toMatchObject({ verified: false })
    }
  })

  test('RG-04: what is the operator’s to say is ignored', async () => {
    const client = await register(server, {
      client_id: 'app',
      client_secret: 'chosen',
      client_id_issued_at: 1,
      client_secret_expires_at: 1,
      registration_access_token: 'chosen',
      registration_client_uri: 'https://evil.example',
      settings: { requirePkce: false, accessTokenLifetime: 1e9 },
      require_consent: false,
      skip_consent: true,
      trusted: true,
      first_party: true,
      verified: true,
      disabled: true,
      require_pkce: false,
      code_challenge_method: 'plain',
      allowed_origins: ['https://evil.example'],
      secrets: [{ hash: 'x', createdAt: 1 }]
    })
    expect(client.client_id).not.toBe('app')
    expect([client.client_secret, client.registration_access_token]).not.toContain('chosen')
    const stored = (await server.server.clients.find(client.client_id)) as object
    expect(Object.keys(stored).sort()).toEqual([
      'application_type',
      'client_id',
      'client_id_issued_at',
      'grant_types',
      'redirect_uris',
      'response_types',
      'scope',
      'secrets',
      'token_endpoint_auth_method',
      'verified'
    ])
    expect(stored).toMatchObject({ verified: false, client_id_issued_at: server.now })
  })

  test('RG-04: the scope is cut to what is allowed; by default to that of OpenID Connect where it is served, else to nothing', async () => {
    expect(await register(server, { scope: 'admin read' })).toMatchObject({ scope: 'read' })
    expect(await register(server, {})).toMatchObject({ scope: 'read write' })
    // "The authorization server MUST return all registered metadata" (§3.2.1): also that it is nothing, and said again it stays nothing.
    const none = await register(server, { scope: 'admin' })
    expect(none).toMatchObject({ scope: '' })
    expect(await (await manage(server, 'PUT', none, updateOf(none))).json()).toMatchObject({ scope: '' })
    await refused({ scope: 'a"b' })
    await refused({ scope: ['read'] })
    const bare = new TestServer({ extensions: [dynamicRegistration({ access: 'open' })] })
    expect(await register(bare, { scope: 'openid read' })).toMatchObject({ scope: '' })
    const { test } = await openIdServer({}, { extensions: [dynamicRegistration({ access: 'open' })] })
    expect(await register(test, { scope: 'openid email groups read' })).toMatchObject({ scope: 'openid email' })
  })

  test('CM-07: no client is registered under an address, where a metadata document would speak for it', async () => {
    const address = 'https://client.example.com/metadata.json'
    expect((await register(server, { client_id: address })).client_id).not.toContain('https:')
    await expect(server.client({ client_id: address })).rejects.toMatchObject({ error: 'invalid_client_metadata' })
  })

  test('RG-04: no grant type without a person, unless the operator says so', async () => {
    const exchange: Extension = (context) => ({
      grantTypes: passwordGrant({ authenticate: async () => undefined })(context, undefined).grantTypes ?? []
    })
    const test = open({}, { extensions: [exchange, implicit] })
    for (const grantType of ['client_credentials', 'password', 'urn:ietf:params:oauth:grant-type:token-exchange', 'implicit'])
      await expectRefusal(await post(test, { grant_types: [grantType] }), 400, 'invalid_client_metadata')
    const asked = {
      grant_types: ['authorization_code', 'client_credentials', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code']
    }
    expect(await register(test, asked)).toMatchObject({ grant_types: ['authorization_code', 'refresh_token'] })
    const generous = open(
      { allow: { grantTypes: ['authorization_code', 'implicit'], responseTypes: ['token'] } },
      { extensions: [implicit] }
    )
    const both = { grant_types: ['authorization_code', 'implicit'], response_types: ['code', 'token'] }
    expect(await register(generous, both)).toMatchObject({ response_types: ['token'] })
    // The usual `code` is not allowed there, and so not given to who does not ask either.
    await expectRefusal(await post(generous), 400, 'invalid_client_metadata')
  })

  test('RG-04: only the authentication methods that are allowed and served', async () => {
    const test = open({ allow: { authMethods: ['none'] } })
    await expectRefusal(await post(test, {}), 400, 'invalid_client_metadata')
    await expectRefusal(await post(test, { token_endpoint_auth_method: 'client_secret_post' }), 400, 'invalid_client_metadata')
    expect(await register(test, { token_endpoint_auth_method: 'none' })).toMatchObject({ token_endpoint_auth_method: 'none' })
    await refused({ token_endpoint_auth_method: 'tls_client_auth' })
    await refused({ id_token_signed_response_alg: 'none', token_endpoint_auth_method: {} })
  })

  test('RG-04: id_token_signed_response_alg none is refused where it is understood', async () => {
    const { test } = await openIdServer({}, { extensions: [dynamicRegistration(OPEN)] })
    await expectRefusal(await post(test, { id_token_signed_response_alg: 'none' }), 400, 'invalid_client_metadata')
  })

  test.each([
    ['null in it', [null]],
    ['an empty object', {}],
    ['an empty string', ''],
    ['a list in it', [[]]],
    ['an empty entry', ['']],
    ['a number', 1],
    ['a number in it', [1]],
    ['an object in it', [{ uri: REDIRECT_URI }]],
    ['one string', REDIRECT_URI],
    ['21 of them', Array.from({ length: 21 }, (_, index) => `${REDIRECT_URI}/${index}`)],
    ['none', []],
    ['over 2 KiB', [`${REDIRECT_URI}/${'x'.repeat(2048)}`]],
    ['a fragment', [`${REDIRECT_URI}#x`]],
    ['javascript:', ['javascript:alert(1)']],
    ['user information', ['https://a@b.example/cb']],
    ['a wildcard', ['https://*.example.com/cb']]
  ])('RG-05: redirect_uris with %s', async (_, redirect_uris) => {
    await refused({ redirect_uris }, 'invalid_redirect_uri')
  })

  test('RG-05: a body that is no object, no JSON, no JSON type, or too large', async () => {
    for (const body of ['[]', '""', '7', 'null']) await refused(body)
    await refused('{', 'invalid_request')
    await refused('\ufeff{}', 'invalid_request')
    await expectRefusal(await server.post('/register', { redirect_uris: REDIRECT_URI }), 400, 'invalid_request')
    await expectRefusal(await post(server, JSON.stringify({ x: 'x'.repeat(65_536) })), 413, 'invalid_request')
    await refused({ client_name: 'x', contacts: [{}] })
    await refused({ grant_types: 'authorization_code' })
    await refused({ grant_types: [{}] })
    await refused({ software_id: 7 })
  })

  test('IN-05 IN-07 hostile JSON is refused, or as if it were not there, and reaches no prototype', async () => {
    const metadata = `"redirect_uris":["${REDIRECT_URI}"]`
    for (const [text, error] of [
      [`{${metadata},"client_name":"\\ud800"}`, 'invalid_client_metadata'],
      [`{${metadata},"client_name":"a\\u0000b"}`, 'invalid_client_metadata'],
      [`{${metadata},"software_id":1e309}`, 'invalid_client_metadata'],
      [`{"redirect_uris":["${REDIRECT_URI}\\u0000"]}`, 'invalid_client_metadata'],
      [`{${metadata},"jwks":${'{"keys":'.repeat(5000)}1${'}'.repeat(5000)}}`, 'invalid_client_metadata'],
      [`{${metadata},"contacts":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, 'invalid_client_metadata'],
      ['{}', 'invalid_redirect_uri'],
      ['1', 'invalid_client_metadata'],
      ['"x"', 'invalid_client_metadata'],
      ['{"redirect_uris":["https://c.example/cb"]', 'invalid_request'],
      ['NaN', 'invalid_request'],
      ['', 'invalid_request']
    ] as const)
      await expectRefusal(await send(server, 'POST', '/register', text), 400, error)
    const odd = `"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}},"prototype":1,"toString":1,"x":${'['.repeat(10_000)}${']'.repeat(10_000)}`
    const response = await send(server, 'POST', '/register', `{${odd},${metadata}}`)
    expect(response.status).toBe(201)
    const registered = await response.json()
    for (const name of ['__proto__', 'constructor', 'prototype', 'toString', 'x', 'isAdmin'])
      expect(Object.hasOwn(registered, name)).toBe(false)
    expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined()
  })

  test('RG-05: what no database can hold, or nothing can read again, is refused, and no fault of the server', async () => {
    const { publicKey } = await generateKeyPair('ES256', { extractable: true })
    const jwk = await exportJWK(publicKey)
    for (const text of ['\0', '\ud83d', 'a\udc00']) {
      await refused({ software_id: text })
      await refused({ contacts: [text] })
      await refused({ jwks: { keys: [{ ...jwk, kid: text }] } })
      await refused({ jwks: { keys: [jwk], [text]: 1 } })
    }
    const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`
    const body = (member: string) => `{"redirect_uris":["${REDIRECT_URI}"],${member}}`
    for (const levels of [100, 3000, 30_000]) await refused(body(`"jwks":{"keys":[],"x":${nested(levels)}}`))
    // What is not understood is ignored, however deep it is.
    expect((await post(server, body(`"unknown":${nested(30_000)},"other":"\\u0000"`))).status).toBe(201)
  })

  test('a member has one language tag, and what has another is not understood (RFC 7591 §2.2)', async () => {
    const client = await register(server, {
      'client_name#ja#x': 'a',
      'client_name#': 'b',
      'client_name#zh-Hant-TW': 'c',
      'scope#ja': 'read'
    })
    expect(Object.keys(client).filter((name) => name.includes('#'))).toEqual(['client_name#zh-Hant-TW'])
  })

  test('token_endpoint_auth_signing_alg: "The value none MUST NOT be used", and it is one that the method has', async () => {
    const jwks = { keys: [await exportJWK((await generateKeyPair('ES256', { extractable: true })).publicKey)] }
    const signing = { token_endpoint_auth_method: 'private_key_jwt', jwks }
    for (const alg of ['none', 'None', '', 'HS256', 'RS1', 7]) {
      await refused({ token_endpoint_auth_signing_alg: alg })
      await refused({ ...signing, token_endpoint_auth_signing_alg: alg })
    }
    await register(server, { ...signing, token_endpoint_auth_signing_alg: 'ES256' })
    await register(server, { token_endpoint_auth_signing_alg: 'RS256' })
    const both = open({}, { extensions: [clientSecretJwt] })
    const shared = { token_endpoint_auth_method: 'client_secret_jwt' }
    await register(both, { ...shared, token_endpoint_auth_signing_alg: 'HS512' })
    await expectRefusal(await post(both, { ...shared, token_endpoint_auth_signing_alg: 'ES256' }), 400, 'invalid_client_metadata')
  })

  test('the words of a response type may come in any order (RFC 6749 §3.1.1)', async () => {
    const allow = { grantTypes: ['authorization_code', 'implicit'], responseTypes: ['id_token code'] }
    const { test } = await openIdServer(
      { responseTypes: ['code id_token'] },
      { extensions: [dynamicRegistration({ access: 'open', allow })] }
    )
    const hybrid = { grant_types: ['authorization_code', 'implicit'], response_types: ['id_token code'] }
    const client = await register(test, hybrid)
    expect(client).toMatchObject(hybrid)
    await test.server.clients.update(client.client_id, { require_consent: false })
    const response = await test.authorize({ client_id: client.client_id, response_type: 'code id_token', scope: 'openid', nonce: 'n' })
    expect(response.headers.get('location')).toMatch(/#(?=.*code=)(?=.*id_token=)/)
  })

  test.each([
    ['web', 'http://app.example.com/cb'],
    ['web', 'http://127.0.0.1/cb'],
    ['web', 'https://localhost/cb'],
    ['web', 'https://LOCALHOST:8443/cb'],
    ['web', 'com.example.app:/cb'],
    ['native', 'http://app.example.com/cb'],
    ['native', 'HTTPS://app.example.com/cb'],
    [undefined, 'http://app.example.com/cb'],
    [undefined, 'javascript:alert(1)']
  ])('RG-06: application_type %s with %s', async (application_type, uri) => {
    await refused({ application_type, redirect_uris: [uri] }, 'invalid_redirect_uri')
  })

  test('RG-06: application_type native has loopback and its own scheme; who does not say is what its redirect URIs are', async () => {
    const native = ['http://127.0.0.1/cb', 'http://localhost:7777/cb', 'com.example.app:/cb']
    expect(await register(server, { application_type: 'native', redirect_uris: native })).toMatchObject({ application_type: 'native' })
    expect(await register(server, { redirect_uris: native })).toMatchObject({ application_type: 'native' })
    expect(await register(server, { redirect_uris: [REDIRECT_URI, 'http://127.0.0.1/cb'] })).toMatchObject({ application_type: 'native' })
    expect(await register(server, {})).toMatchObject({ application_type: 'web' })
    await refused({ application_type: 'desktop' })
  })

  // RFC 8252 §7: "authorization servers MUST offer at least the three redirect URI options": a scheme of its own, a claimed https URI, loopback.
  test('RG-06: a native application may claim an https URI; what it is told of itself it may say again', async () => {
    const uris = ['https://vscode.dev/redirect', 'http://127.0.0.1/', 'http://127.0.0.1:33418/']
    const told = await register(server, { redirect_uris: uris, token_endpoint_auth_method: 'none', application_type: 'native' })
    expect(told).toMatchObject({ application_type: 'native', redirect_uris: uris })
    const silent = await register(server, { redirect_uris: uris, token_endpoint_auth_method: 'none' })
    expect(silent).toMatchObject({ application_type: 'native' })
    expect((await manage(server, 'PUT', silent, updateOf(silent))).status).toBe(200)
    expect(await register(server, { application_type: 'native' })).toMatchObject({ redirect_uris: [REDIRECT_URI] })
    // "they MUST NOT use localhost as the hostname" (OpenID Connect Registration §2): so this one is no web client.
    const local = await register(server, { redirect_uris: ['https://localhost:8443/cb'] })
    expect(local).toMatchObject({ application_type: 'native' })
    expect((await manage(server, 'PUT', local, updateOf(local))).status).toBe(200)
  })

  test('RG-06: "a client cannot register itself into an inconsistent state"; keys are public, and in one place', async () => {
    await refused({ grant_types: ['refresh_token'], response_types: ['code'] })
    await refused({ response_types: ['id_token'] })
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
    const [jwk, secret] = [await exportJWK(publicKey), await exportJWK(privateKey)]
    const method = { token_endpoint_auth_method: 'private_key_jwt' }
    await refused({ ...method, jwks: { keys: [secret] } })
    await refused({ ...method, jwks: { keys: [{ kty: 'oct', k: 'AAAA' }] } })
    await refused({ ...method, jwks: { keys: [jwk] }, jwks_uri: 'https://client.example.com/jwks' })
    await refused(method)
    expect(await register(server, { ...method, jwks: { keys: [jwk] } })).toMatchObject({ jwks: { keys: [jwk] } })
  })
})

describe('software statements (RFC 7591 §2.3)', async () => {
  const trusted = await generateKeyPair('ES256')
  const jwks = { keys: [{ ...(await exportJWK(trusted.publicKey)), alg: 'ES256' }] }
  const issuer = 'https://publisher.example'
  const options = { softwareStatements: [{ issuer, jwks }] }
  const statement = (claims: Record<string, unknown>, { key = trusted.privateKey, iss = issuer }: { key?: CryptoKey; iss?: string } = {}) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'ES256' }).setIssuer(iss).sign(key)

  test('"the values in the software statement MUST take precedence", and it "MUST be returned unmodified"', async () => {
    const test = open({ ...options, requireSoftwareStatement: true })
    const software_statement = await statement({ client_name: 'Genuine', redirect_uris: [REDIRECT_URI], software_id: 'x', settings: {} })
    const client = await register(test, { software_statement, client_name: 'Forged', redirect_uris: ['https://evil.example/cb'] })
    expect(client).toMatchObject({ software_statement, client_name: 'Genuine', redirect_uris: [REDIRECT_URI], software_id: 'x' })
    expect(await (await manage(test, 'GET', client)).json()).toMatchObject({ software_statement })
    expect(await test.server.clients.find(client.client_id)).not.toHaveProperty('settings')
    const renamed = await manage(test, 'PUT', client, { ...updateOf(client), client_name: 'Forged' })
    expect(await renamed.json()).toMatchObject({ client_name: 'Genuine' })
  })

  test('RG-08: bad signature, unknown issuer, alg none, HS256, expired, no JWT: invalid_software_statement, never ignored', async () => {
    const test = open(options)
    const other = await generateKeyPair('ES256')
    const hs256 = new SignJWT({}).setProtectedHeader({ alg: 'HS256' }).setIssuer(issuer)
    const good = await statement({ client_name: 'x' })
    const bad = [
      await statement({}, { key: other.privateKey }),
      await statement({}, { iss: 'https://evil.example' }),
      new UnsecuredJWT({}).setIssuer(issuer).encode(),
      await hs256.sign(new TextEncoder().encode(JSON.stringify(jwks.keys[0]))),
      await statement({ exp: test.now - 3600 }),
      await statement({ nbf: test.now + 3600 }),
      `${good.slice(0, -4)}AAAA`,
      'x',
      '',
      7,
      'x'.repeat(20_000)
    ]
    for (const software_statement of bad) await expectRefusal(await post(test, { software_statement }), 400, 'invalid_software_statement')
    await expectRefusal(await post(open(), { software_statement: good }), 400, 'invalid_software_statement')
    expect(await register(test, {})).not.toHaveProperty('software_statement')
  })

  test('what is vouched for in one language is not said otherwise in another; a claim that is null says nothing', async () => {
    const test = open(options)
    const software_statement = await statement({ client_name: 'Genuine', tos_uri: null, 'policy_uri#de': 'https://client.example.com/de' })
    const own = { 'client_name#ja': '偽物', tos_uri: 'https://client.example.com/tos', 'tos_uri#ja': 'https://client.example.com/ja' }
    const client = await register(test, { software_statement, ...own, policy_uri: 'https://client.example.com/own' })
    expect(client).toMatchObject({
      client_name: 'Genuine',
      'policy_uri#de': 'https://client.example.com/de',
      policy_uri: 'https://client.example.com/own',
      tos_uri: 'https://client.example.com/tos',
      'tos_uri#ja': 'https://client.example.com/ja'
    })
    expect(client).not.toHaveProperty('client_name#ja')
  })

  test.each([
    ['EdDSA', 'Ed25519'],
    ['Ed25519', 'EdDSA']
  ])('RFC 9864 §2.2: an issuer trusted with %s may say %s, the same algorithm under its other name', async (configured, named) => {
    const { publicKey, privateKey } = await generateKeyPair('Ed25519', { extractable: true })
    const keys = [{ ...(await exportJWK(publicKey)), alg: configured } as JsonWebKey]
    const test = open({ softwareStatements: [{ issuer, jwks: { keys }, algorithms: [configured] }] })
    for (const alg of [configured, named]) {
      const software_statement = await new SignJWT({}).setProtectedHeader({ alg }).setIssuer(issuer).sign(privateKey)
      expect(await register(test, { software_statement })).toMatchObject({ software_statement })
    }
  })

  test('RG-08: one that is required and missing, and one for another server', async () => {
    const test = open({ ...options, requireSoftwareStatement: true })
    await expectRefusal(await post(test), 400, 'invalid_software_statement')
    const elsewhere = await statement({ aud: 'https://other.example' })
    await expectRefusal(await post(test, { software_statement: elsewhere }), 400, 'unapproved_software_statement')
    for (const aud of [ISSUER, [ENDPOINT, 'https://other.example']]) await register(test, { software_statement: await statement({ aud }) })
  })
})

describe('management (RFC 7592)', () => {
  test('GET answers with the metadata as registered, uncached, and without the secret', async () => {
    const test = open()
    const client = await register(test, { client_name: 'Photos' })
    const response = await manage(test, 'GET', client)
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
    const { client_secret: _secret, client_secret_expires_at: _expires, ...told } = client
    expect(await response.json()).toEqual(told)
  })

  test('RG-07: no token, another client’s, an initial one, of nobody: 401, whatever the method', async () => {
    const test = open()
    const [client, other] = [await register(test), await register(test)]
    const { token: initial } = await new InitialAccessTokens(test.server).create()
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const body = method === 'PUT' ? updateOf(client) : undefined
      const none = await send(test, method, client.registration_client_uri, body)
      expect(none.headers.get('www-authenticate')).toMatch(/^Bearer(?!.*error)/)
      await expectRefusal(none, 401, 'invalid_token')
      for (const token of [other.registration_access_token, initial, 'x', client.client_secret ?? ''])
        await expectRefusal(await manage(test, method, client, body, token), 401, 'invalid_token')
      for (const url of ['/register', '/register?client_id=', '/register?client_id=nobody'])
        await expectRefusal(await send(test, method, url, body, client.registration_access_token), 401, 'invalid_token')
    }
    expect((await manage(test, 'GET', client)).status).toBe(200)
  })

  test('RG-07: only a keyed hash of the token is stored', async () => {
    const test = open()
    const { registration_access_token: token } = await register(test)
    const [record] = await test.server.store.artifacts.list('registration_access_token', { limit: 10 }, test.now)
    expect(record?.secretHash).toMatch(/^[\w-]{43}$/)
    expect(JSON.stringify(record)).not.toContain(token.slice(28))
  })

  test('PUT: the values "MUST replace, not augment": what is left out is gone, and the operator’s word stays', async () => {
    const test = open()
    const client = await register(test, { client_name: 'Photos', tos_uri: 'https://client.example.com/tos', scope: 'read' })
    const settings = { accessTokenLifetime: 60 }
    await test.server.clients.update(client.client_id, { settings, require_consent: false })
    const replacement = {
      client_id: client.client_id,
      redirect_uris: ['https://client.example.com/new'],
      client_name: 'Pictures',
      tos_uri: null
    }
    const response = await manage(test, 'PUT', client, { ...replacement, settings: { requirePkce: false } })
    const told = await response.json()
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
    expect(told).toMatchObject({ client_name: 'Pictures', redirect_uris: ['https://client.example.com/new'], scope: 'read write' })
    expect(told).not.toHaveProperty('tos_uri')
    expect(told).not.toHaveProperty('client_secret')
    expect(await test.server.clients.find(client.client_id)).toMatchObject({ settings, require_consent: false, verified: false })
    // The secret is still the same.
    await test.server.clients.update(client.client_id, { require_consent: false })
    const code = await test.code({ client_id: client.client_id, redirect_uri: 'https://client.example.com/new' })
    expect((await test.redeem(client, code, { redirect_uri: 'https://client.example.com/new' })).status).toBe(200)
  })

  test('RG-03: a client that the operator verified is not verified any more when it says something else of itself', async () => {
    const test = open()
    const client = await register(test)
    await test.server.clients.update(client.client_id, { verified: true })
    expect((await manage(test, 'PUT', client, { ...updateOf(client), client_name: 'Google' })).status).toBe(200)
    expect(await test.server.clients.find(client.client_id)).toMatchObject({ verified: false })
  })

  test('RG-07: the token is rotated on PUT, and the one before is dead', async () => {
    const test = open()
    const client = await register(test)
    const updated = (await (await manage(test, 'PUT', client, updateOf(client))).json()) as Registered
    expect(updated.registration_access_token).not.toBe(client.registration_access_token)
    for (const method of ['GET', 'PUT', 'DELETE'])
      await expectRefusal(await manage(test, method, client, updateOf(client)), 401, 'invalid_token')
    expect((await manage(test, 'GET', updated)).status).toBe(200)
  })

  test('RG-07: of ten updates with one token at once, one succeeds', async () => {
    const test = open()
    const client = await register(test)
    const updates = Array.from({ length: 10 }, (_, index) =>
      manage(test, 'PUT', client, { ...updateOf(client), client_name: `Name ${index}` })
    )
    const responses = await Promise.all(updates)
    expect(responses.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 9 }, () => 401)])
    const winner = (await responses.find(({ status }) => status === 200)?.json()) as Registered
    expect(await (await manage(test, 'GET', winner)).json()).toMatchObject({ client_name: winner['client_name'] })
  })

  test('RG-07: "it MUST be the same as its currently issued client identifier"; a client chooses neither id nor secret', async () => {
    const test = open()
    const client = await register(test)
    const { client_id: _id, ...nameless } = updateOf(client)
    const bad = [
      nameless,
      { ...updateOf(client), client_id: 'app' },
      { ...updateOf(client), client_id: [client.client_id] },
      { ...updateOf(client), client_secret: 'chosen' },
      { ...updateOf(client), client_secret: [client.client_secret, 'x'] },
      ...['registration_access_token', 'registration_client_uri', 'client_secret_expires_at', 'client_id_issued_at'].map((name) => ({
        ...updateOf(client),
        [name]: client[name]
      }))
    ]
    for (const body of bad) await expectRefusal(await manage(test, 'PUT', client, body), 400, 'invalid_client_metadata')
    const wrong = { ...updateOf(client), redirect_uris: ['http://evil.example'] }
    await expectRefusal(await manage(test, 'PUT', client, wrong), 400, 'invalid_redirect_uri')
    // None of them cost the token.
    expect((await manage(test, 'PUT', client, { ...updateOf(client), client_secret: client.client_secret })).status).toBe(200)
  })

  test('a client that turns to a method with a secret gets one, once', async () => {
    const test = open()
    const client = await register(test, { token_endpoint_auth_method: 'none' })
    const body = { ...updateOf(client), token_endpoint_auth_method: 'client_secret_post' }
    const updated = (await (await manage(test, 'PUT', client, body)).json()) as Registered
    expect(updated).toMatchObject({ client_secret: expect.stringMatching(/^[\w-]{43}$/), client_secret_expires_at: 0 })
    const { client_id, client_secret = '' } = updated
    await expectTokenError(
      await test.post('/token', { grant_type: 'refresh_token', refresh_token: 'x', client_id, client_secret }),
      400,
      'unauthorized_client'
    )
    expect(await (await manage(test, 'GET', updated)).json()).not.toHaveProperty('client_secret')
  })

  test('a secret is dead when the client got another, also if it had none in between; another way to send the same one changes nothing', async () => {
    const test = open()
    const change = async (client: Registered, token_endpoint_auth_method: string): Promise<Registered> =>
      (await manage(test, 'PUT', client, { ...updateOf(client), token_endpoint_auth_method })).json()
    const first = await register(test, { token_endpoint_auth_method: 'client_secret_post' })
    const ask = ({ client_id, client_secret = '' }: Registered) =>
      test.post('/token', { grant_type: 'refresh_token', refresh_token: 'x' }, basic(client_id, client_secret))
    const second = await change(first, 'client_secret_basic')
    expect(second).not.toHaveProperty('client_secret')
    test.now += 1
    await expectTokenError(await ask(first), 400, 'unauthorized_client')
    const third = await change(await change(second, 'none'), 'client_secret_basic')
    expect(third.client_secret).not.toBe(first.client_secret)
    test.now += 1
    await expectTokenError(await ask(first), 401, 'invalid_client')
    await expectTokenError(await ask(third), 400, 'unauthorized_client')
  })

  test('RG-07: a client that is deleted while it is updated: "the server MUST respond with HTTP 401 Unauthorized" (RFC 7592 §2.2)', async () => {
    let during = async (_id: string) => {}
    const test: TestServer = open({ policy: async ({ client_name }) => void (await during(client_name ?? '')) })
    const client = await register(test)
    during = async (id) => void (await test.server.clients.delete(id))
    await expectRefusal(await manage(test, 'PUT', client, { ...updateOf(client), client_name: client.client_id }), 401, 'invalid_token')
  })

  test('RG-10: tokens of its own, which leave no grant, die with the client', async () => {
    const test = open({ allow: { scopes: ['read'], grantTypes: ['client_credentials'] } })
    const api = await test.client({ client_id: 'api' })
    const client = await register(test, { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] })
    const { access_token } = await (await test.token(client, { grant_type: 'client_credentials' })).json()
    expect((await test.server.tokens.find(access_token))?.revoked).toBe(false)
    expect((await manage(test, 'DELETE', client)).status).toBe(204)
    expect(await test.introspect(api, access_token)).toEqual({ active: false })
    expect((await test.server.tokens.find(access_token))?.revoked).toBe(true)
  })

  test('RG-07: no token of one realm registers or manages anything in another', async () => {
    const store = new MemoryStore()
    const [here, there] = ['here', 'there'].map((name) =>
      open({}, { store: store.realm(name), secret: 'one secret for both of 32 characters!' })
    )
    if (!here || !there) throw new Error('two servers')
    const client = await register(here)
    for (const method of ['GET', 'PUT', 'DELETE'])
      await expectRefusal(await manage(there, method, client, updateOf(client)), 401, 'invalid_token')
    const { token } = await new InitialAccessTokens(here.server).create()
    await expectRefusal(await post(there, {}, token), 401, 'invalid_token')
    expect((await manage(here, 'GET', client)).status).toBe(200)
  })

  test('RG-10: DELETE answers 204; every grant and token is dead, and the client is unknown', async () => {
    const resource = 'https://api.example.com'
    const test = open({}, { resources: [{ identifier: resource, clientId: 'api' }], defaultResource: resource })
    const api = await test.client({ client_id: 'api', grant_types: ['client_credentials'], response_types: [] })
    const client = await register(test, { grant_types: ['authorization_code', 'refresh_token'], scope: 'read' })
    await test.server.clients.update(client.client_id, { require_consent: false })
    const code = await test.code({ client_id: client.client_id })
    const tokens = await (await test.redeem(client, await test.code({ client_id: client.client_id }))).json()
    expect(await test.introspect(api, tokens.access_token)).toMatchObject({ active: true, client_id: client.client_id })
    const response = await manage(test, 'DELETE', client)
    expect([response.status, response.headers.get('cache-control'), await response.text()]).toEqual([204, 'no-store', ''])
    expect(await test.server.store.grants.list({ clientId: client.client_id }, test.now)).toEqual([])
    await expectTokenError(await test.redeem(client, code), 401, 'invalid_client')
    await expectTokenError(
      await test.token(client, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }),
      401,
      'invalid_client'
    )
    const presented = await test.server.tokens.find(tokens.access_token)
    expect(presented?.grant?.revokedAt).toBe(test.now)
    expect(await test.introspect(api, tokens.access_token)).toEqual({ active: false })
    for (const method of ['GET', 'PUT', 'DELETE'])
      await expectRefusal(await manage(test, method, client, updateOf(client)), 401, 'invalid_token')
    expect(test.eventsOf('client.deleted')).toMatchObject([{ clientId: client.client_id }])
    expect(await test.server.store.artifacts.list('registration_access_token', { limit: 10 }, test.now)).toEqual([])
  })

  test('a client that the operator deleted or disabled cannot be managed, nor can one of the same name that came later', async () => {
    const test = open()
    const [disabled, deleted] = [await register(test), await register(test)]
    await test.server.clients.update(disabled.client_id, { disabled: true })
    await expectRefusal(await manage(test, 'GET', disabled), 401, 'invalid_token')
    await test.server.clients.update(disabled.client_id, { disabled: false })
    expect((await manage(test, 'GET', disabled)).status).toBe(200)
    await test.server.clients.delete(deleted.client_id)
    test.now += 1
    await test.client({ client_id: deleted.client_id })
    await expectRefusal(await manage(test, 'GET', deleted), 401, 'invalid_token')
    // RFC 7592 §2.1: the token "SHOULD be immediately revoked".
    expect(await test.server.store.artifacts.list('registration_access_token', { limit: 10 }, test.now)).toHaveLength(1)
  })
})

describe('RG-09: registrations do not pile up', () => {
  function from(address: string | undefined, test: TestServer): Promise<number | undefined> {
    const body = JSON.stringify({ redirect_uris: [REDIRECT_URI] })
    const headers = new Headers({ 'content-type': 'application/json' })
    const request = {
      method: 'POST',
      url: '/register',
      headers,
      body: async () => body,
      ...(address !== undefined && { remote: { address } })
    }
    return test.server.respond(request).then((response) => response?.status)
  }

  test('a network has a quota: an IPv4 address, or an IPv6 /64', async () => {
    const test = open({ quota: { limit: 2, window: 60 } })
    const together = [
      ['192.0.2.1', '::ffff:192.0.2.1', '192.0.2.1'],
      ['2001:db8:0:7::1', '2001:DB8:0:7:ffff::2', '2001:db8::7:0:0:0:3'],
      ['::1', '0:0::2', '0:0:0:0::3']
    ]
    for (const [first, second, third] of together)
      expect([await from(first, test), await from(second, test), await from(third, test)]).toEqual([201, 201, 429])
    expect(await from('192.0.2.2', test)).toBe(201)
    expect(await from('2001:db8:0:8::1', test)).toBe(201)
    expect(test.eventsOf('request.refused')).toMatchObject([{ error: 'temporarily_unavailable', status: 429 }, {}, {}])
    test.now += 60
    expect(await from('192.0.2.1', test)).toBe(201)
  })

  test('the answer says when to come again; bad requests count too; a thousand other networks do not free one', async () => {
    const test = open({ quota: { limit: 1, window: 60, address: ({ headers }) => headers.get('x-client') ?? undefined } })
    const ask = (client: string) =>
      test.fetch('/register', { method: 'POST', body: '{', headers: { 'content-type': 'application/json', 'x-client': client } })
    expect((await ask('192.0.2.1')).status).toBe(400)
    test.now += 20
    const refused = await ask('192.0.2.1')
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '40'])
    for (let i = 0; i < 1000; i++) await ask(`10.0.${i >> 8}.${i & 255}`)
    expect((await ask('192.0.2.1')).status).toBe(429)
  })

  test('no quota, and no address, is no limit', async () => {
    const test = open({ quota: false })
    const statuses = await Promise.all(Array.from({ length: 150 }, () => from('192.0.2.1', test)))
    expect(new Set(statuses)).toEqual(new Set([201]))
    const counted = open({ quota: { limit: 1 } })
    expect([await from(undefined, counted), await from(undefined, counted)]).toEqual([201, 201])
  })

  test('a client that nobody uses for 90 days is deleted; one with a live grant, or with tokens of its own, or of the operator, is not', async () => {
    const test = open({ allow: { scopes: ['read'], grantTypes: ['authorization_code', 'client_credentials'] } })
    const machine = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] }
    const [unused, allowed, own, verified] = [
      await register(test),
      await register(test),
      await register(test, machine),
      await register(test)
    ]
    await test.server.clients.update(allowed.client_id, { require_consent: false })
    await test.server.clients.update(verified.client_id, { verified: true })
    test.now += 89 * DAY
    await test.server.maintain()
    expect(await test.server.store.clients.list({ limit: 10 })).toHaveLength(4)
    await test.redeem(allowed, await test.code({ client_id: allowed.client_id }))
    for (const _ of [1, 2]) expect((await test.token(own, { grant_type: 'client_credentials' })).status).toBe(200)
    // A tenth more, for uses that were not written down yet.
    test.now += 10 * DAY
    await test.server.maintain()
    const left = async () => (await test.server.store.clients.list({ limit: 10 })).map(({ client_id }) => client_id)
    expect(await left()).toEqual([allowed, own, verified].map(({ client_id }) => client_id).sort())
    expect(test.eventsOf('client.expired')).toMatchObject([{ clientId: unused.client_id }])
    await expectRefusal(await manage(test, 'GET', unused), 401, 'invalid_token')
    expect((await manage(test, 'GET', allowed)).status).toBe(200)
    // The grant ends after 90 days, and from then on nobody uses the client.
    test.now += 99 * DAY
    await test.server.maintain()
    expect(await left()).toEqual([verified.client_id])
  })

  test('a client in use is never deleted: whose grants end by themselves or by sign-out, who comes every 80 days, and whoever is asked', async () => {
    const test = open({ allow: { scopes: ['read'], grantTypes: ['authorization_code', 'client_credentials'] } }, { grantLifetime: 3600 })
    const machine = await register(test, { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] })
    const app = await register(test)
    await test.server.clients.update(app.client_id, { require_consent: false })
    for (let day = 0; day < 800; day += 80) {
      await test.server.maintain()
      expect((await test.token(machine, { grant_type: 'client_credentials' })).status).toBe(200)
      expect((await test.redeem(app, await test.code({ client_id: app.client_id }))).status).toBe(200)
      await test.server.store.grants.revoke({ clientId: app.client_id }, test.now)
      test.now += 79 * DAY
      await test.server.maintain()
      await test.server.store.purge(test.now, 1000)
      test.now += DAY
    }
    expect(test.eventsOf('client.expired')).toEqual([])
    // And when they come no more, nothing is left of them.
    for (const _ of [1, 2]) {
      test.now += 99 * DAY
      await test.server.maintain()
    }
    expect(test.eventsOf('client.expired')).toHaveLength(2)
    for (const kind of ['registration_access_token', 'registered_client_use'])
      expect(await test.server.store.artifacts.list(kind, { limit: 10 }, test.now)).toEqual([])
  })

  test('all of them are looked at, some at a time; what the operator deleted leaves nothing', async () => {
    const test = open({ quota: false, unusedLifetime: 60 })
    await Promise.all(Array.from({ length: 250 }, () => register(test)))
    test.now += 66
    const counts: number[] = []
    for (const _ of [1, 2, 3]) {
      await test.server.maintain()
      counts.push((await test.server.store.clients.list({ limit: 500 })).length)
    }
    expect(counts).toEqual([150, 50, 0])
    await test.server.clients.delete((await register(test)).client_id)
    test.now += 66
    await test.server.maintain()
    expect(await test.server.store.artifacts.list('registration_access_token', { limit: 500 }, test.now)).toEqual([])
  })
})

describe('options that cannot work are refused when the server is built', () => {
  test.each([
    [{ acess: 'open' }, 'there is no acess; did you mean access?'],
    [{ access: 'closed' }, "access is 'open' or 'initial-access-token'"],
    [{ allow: { scope: ['x'] } }, 'did you mean scopes?'],
    [{ settings: { requirePkc: false } }, 'did you mean requirePkce?'],
    [{ requireSoftwareStatement: true }, 'needs softwareStatements'],
    [{ softwareStatements: [{ issuer: 'https://a.example', jwks: { keys: [] }, algorithms: ['HS256'] }] }, 'HS256 is none of ES256'],
    [{ softwareStatements: [{ issuer: 'https://a.example', jwks: { keys: [{ kty: 'oct', k: 'x' }] } }] }, 'jwks holds public keys only'],
    [{ softwareStatements: [{ issuer: 'https://a.example', jwks: {} }] }, 'jwks is a JWK set'],
    [{ softwareStatements: [{ jwks: { keys: [] } }] }, 'an issuer has a name'],
    [{ allow: { scopes: 'read' } }, 'allow: scopes is a list of texts'],
    [{ allow: { grantTypes: [1] } }, 'allow: grantTypes is a list of texts'],
    [{ unusedLifetime: 0 }, 'unusedLifetime'],
    [{ quota: { limit: 0 } }, 'above 0']
  ])('%j', (options, message) => {
    expect(() => dynamicRegistration(options as DynamicRegistrationOptions)).toThrow(message)
  })
})

describe('real clients', () => {
  test('oauth4webapi registers, and signs a person in with what it got', async () => {
    const test = open({ access: 'initial-access-token' })
    const { token } = await new InitialAccessTokens(test.server).create()
    const options = {
      [oauth.customFetch]: (url: string, init: oauth.CustomFetchOptions<string, unknown>) => test.fetch(url, init as RequestInit)
    }
    const issuer = new URL(ISSUER)
    const discovery = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...(options as object) })
    const as = await oauth.processDiscoveryResponse(issuer, discovery)
    const metadata = { redirect_uris: [REDIRECT_URI], client_name: 'Photos', scope: 'read' }
    const response = await oauth.dynamicClientRegistrationRequest(as, metadata, { initialAccessToken: token, ...(options as object) })
    const client = await oauth.processDynamicClientRegistrationResponse(response)
    expect(client).toMatchObject({ client_name: 'Photos', client_secret_expires_at: 0 })
    await test.server.clients.update(client.client_id, { require_consent: false })
    const url = new URL((await test.authorize({ client_id: client.client_id })).headers.get('location') ?? '')
    const params = oauth.validateAuthResponse(as, client, url, 'xyz')
    const authentication = oauth.ClientSecretBasic(String(client.client_secret))
    const redemption = await oauth.authorizationCodeGrantRequest(
      as,
      client,
      authentication,
      params,
      REDIRECT_URI,
      VERIFIER,
      options as object
    )
    expect(await oauth.processAuthorizationCodeResponse(as, client, redemption)).toMatchObject({ scope: 'read' })
  })

  test('openid-client registers at an OpenID Provider', async () => {
    const { test } = await openIdServer({}, { extensions: [dynamicRegistration({ access: 'open' })] })
    const configuration = await openidClient.dynamicClientRegistration(
      new URL(ISSUER),
      { redirect_uris: [REDIRECT_URI], token_endpoint_auth_method: 'client_secret_post' },
      openidClient.ClientSecretPost(),
      { [openidClient.customFetch]: (url, init) => test.fetch(url, init as RequestInit) }
    )
    const { client_id, scope } = configuration.clientMetadata()
    expect(scope).toBe('openid profile email address phone offline_access')
    expect(await test.server.clients.find(client_id)).toMatchObject({ token_endpoint_auth_method: 'client_secret_post' })
  })
})
