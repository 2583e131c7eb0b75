import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import { describe, expect, test } from 'vitest'
import {
  type AuthorizationRequest,
  type AuthorizationServerOptions,
  InvalidRequestError,
  MemoryStore,
  type NewClient,
  type PushedAuthorizationRequestOptions,
  pushedAuthorizationRequests,
  requestObjects
} from '../src/index.ts'
import { openIdServer } from './openid-support.ts'
import {
  AUTHORIZATION,
  basic,
  expectPage,
  expectRedirectError,
  expectTokenError,
  ISSUER,
  REDIRECT_URI,
  TestServer,
  VERIFIER
} from './support.ts'

const URN = 'urn:ietf:params:oauth:request_uri:'
const { client_id: _, ...PUSHED } = AUTHORIZATION
const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256', use: 'sig' } as JsonWebKey] }
type Params = Record<string, string | undefined>
const defined = (params: Params) => JSON.parse(JSON.stringify(params)) as Record<string, string>

async function ready(
  options: PushedAuthorizationRequestOptions = {},
  metadata: NewClient = {},
  { extensions = [], ...server }: Partial<AuthorizationServerOptions> = {}
) {
  const test = new TestServer({ ...server, extensions: [pushedAuthorizationRequests(options), ...extensions] })
  const { client_secret = '', ...client } = await test.client(metadata)
  const push = (params: Params = {}, credentials = basic('app', client_secret)) =>
    test.post('/par', defined({ client_id: 'app', ...PUSHED, ...params }), credentials)
  const pushed = async (params: Params = {}): Promise<string> => (await (await push(params)).json()).request_uri
  const open = (request_uri: string, more: Record<string, string> = {}) =>
    test.fetch(`/authorize?${new URLSearchParams({ client_id: 'app', request_uri, ...more })}`)
  return { test, client: { ...client, client_secret }, push, pushed, open }
}

function answered(response: Response): Record<string, string> {
  return Object.fromEntries(new URL(response.headers.get('location') ?? 'about:blank').searchParams)
}

/** The person allows what the last page asked. */
async function allow(test: TestServer, prompt = test.prompts.at(-1)): Promise<Response> {
  await decide(test, { consent: { subject: 'alice', scope: prompt?.scope ?? [] } }, prompt)
  return test.fetch(prompt?.returnTo ?? '')
}

async function decide(test: TestServer, result: object, prompt = test.prompts.at(-1)): Promise<void> {
  const cookie = [...test.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const request = { method: 'POST', url: '/', headers: new Headers({ cookie }), body: async () => '' }
  await test.server.interactions.resolve(request, prompt?.id ?? '', result)
}

describe('a pushed request', () => {
  test('is answered with 201, a request_uri of 256 random bits, and its lifetime, which no cache keeps', async () => {
    const { push } = await ready()
    const response = await push()
    expect(response.status).toBe(201)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('cache-control')).toBe('no-store')
    const { request_uri, expires_in, ...rest } = await response.json()
    expect([expires_in, rest]).toEqual([60, {}])
    expect(request_uri).toMatch(/^urn:ietf:params:oauth:request_uri:par_[\w-]{73}$/)
  })

  test('yields a code with client_id and request_uri alone; the server MUST validate the request as it would any other', async () => {
    const { test, client, pushed, open } = await ready()
    const { code = '', ...rest } = answered(await open(await pushed()))
    expect(rest).toEqual({ state: 'xyz', iss: ISSUER })
    await expectTokenError(await test.redeem(client, code, { code_verifier: `${VERIFIER}x` }), 400, 'invalid_grant')
    expect(await (await test.redeem(client, code)).json()).toMatchObject({ scope: 'read' })
  })

  test('PR-06 PK-09 parameters next to request_uri are ignored entirely', async () => {
    const { test, client, pushed, open } = await ready()
    const outside = {
      ...{ scope: 'read write', redirect_uri: 'https://evil.example', state: 'outside', nonce: 'n', prompt: 'login' },
      ...{ response_type: 'token', response_mode: 'fragment', code_challenge: 'x'.repeat(43), max_age: '0' }
    }
    const { code = '', state } = answered(await open(await pushed(), outside))
    expect(state).toBe('xyz')
    expect(await (await test.redeem(client, code)).json()).toMatchObject({ scope: 'read' })
    const response = await open(await pushed({ state: undefined }), { state: 'outside' })
    expect(answered(response)).not.toHaveProperty('state')
  })

  test('may come from a public client, with PKCE', async () => {
    const { test, push, open } = await ready()
    await test.publicClient()
    const { request_uri } = await (await push({ client_id: 'spa' }, {})).json()
    expect(answered(await open(request_uri, { client_id: 'spa' }))).toHaveProperty('code')
    await expectTokenError(await push({ client_id: 'spa', code_challenge: undefined }, {}), 400, 'invalid_request')
  })

  test('keeps no credential of its client', async () => {
    const inserted: unknown[] = []
    const { test, client, push } = await ready()
    const { artifacts } = test.server.store
    const insert = artifacts.insert.bind(artifacts)
    artifacts.insert = (artifact) => insert(artifact).finally(() => inserted.push(artifact))
    const { request_uri } = await (await push({ client_secret: client.client_secret }, {})).json()
    const stored = JSON.stringify(inserted)
    expect(stored).toContain('read')
    for (const secret of ['client_secret', client.client_secret, request_uri.slice(-49), request_uri.slice(-43, -6)])
      expect(stored).not.toContain(secret)
    expect(JSON.stringify(test.events)).not.toContain(request_uri.slice(-20))
  })

  test('may be sent by a client that signs its assertion for this endpoint, where the policy lets it (RFC 9126 §2)', async () => {
    const assertion = (test: TestServer, aud: string) =>
      new SignJWT({ iss: 'app', sub: 'app', aud, jti: aud, exp: test.now + 60 })
        .setProtectedHeader({ alg: 'ES256', kid: 'k' })
        .sign(privateKey)
    const metadata = { token_endpoint_auth_method: 'private_key_jwt', jwks }
    const send = async ({ test, push }: Awaited<ReturnType<typeof ready>>, aud: string) => {
      const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
      const response = await push({ client_id: undefined, client_assertion_type, client_assertion: await assertion(test, aud) }, {})
      return response.status
    }
    const lenient = await ready({}, { ...metadata, settings: { assertionAudience: 'token_endpoint' } })
    const strict = await ready({}, metadata)
    for (const [aud, status] of [
      [ISSUER, 201],
      [`${ISSUER}/token`, 401],
      [`${ISSUER}/par`, 401]
    ] as const) {
      expect([aud, await send(lenient, aud)]).toEqual([aud, 201])
      expect([aud, await send(strict, aud)]).toEqual([aud, status])
    }
    expect(await send(lenient, `${ISSUER}/introspect`)).toBe(401)
  })
})

describe('what is refused when it is pushed', () => {
  test('PR-01 without client authentication, with a wrong one, or for another client', async () => {
    const { test, client, push } = await ready()
    await expectTokenError(await push({}, {}), 401, 'invalid_client')
    await expectTokenError(await push({}, basic('app', 'wrong')), 401, 'invalid_client')
    await test.client({ client_id: 'other' })
    await expectTokenError(await push({ client_id: 'other' }, basic('app', client.client_secret)), 400, 'invalid_request')
  })

  test('PR-02 the request_uri parameter MUST NOT be provided', async () => {
    const { push, pushed } = await ready()
    await expectTokenError(await push({ request_uri: await pushed() }), 400, 'invalid_request')
    await expectTokenError(await push({ request_uri: 'https://client.example.com/request.jwt' }), 400, 'invalid_request')
  })

  test.each([
    [{ redirect_uri: 'https://evil.example' }, 'invalid_request'],
    [{ redirect_uri: undefined }, 'invalid_request'],
    [{ scope: 'admin' }, 'invalid_scope'],
    [{ code_challenge: undefined }, 'invalid_request'],
    [{ code_challenge: 'short' }, 'invalid_request'],
    [{ code_challenge_method: 'plain' }, 'invalid_request'],
    [{ response_type: undefined }, 'invalid_request'],
    [{ response_type: 'token' }, 'unsupported_response_type'],
    [{ response_type: 'none' }, 'unauthorized_client'],
    [{ response_mode: 'web_message' }, 'invalid_request'],
    [{ state: 'x'.repeat(4097) }, 'invalid_request'],
    [{ prompt: 'none login' }, 'invalid_request'],
    [{ prompt: 'bogus' }, 'invalid_request'],
    [{ max_age: '-1' }, 'invalid_request'],
    [{ request: 'a.b.c' }, 'request_not_supported']
  ])('PR-03 %j: JSON and no redirect', async (params: Params, error) => {
    const { push } = await ready()
    const response = await push(params)
    expect(response.headers.get('location')).toBeNull()
    await expectTokenError(response, 400, error)
  })

  test('a repeated parameter, another method, another content type, a credential in the URL', async () => {
    const { test, client } = await ready()
    const credentials = basic('app', client.client_secret)
    await expectTokenError(await test.post('/par', `${new URLSearchParams(PUSHED)}&scope=write`, credentials), 400, 'invalid_request')
    const put = await test.fetch('/par', { method: 'PUT', headers: credentials })
    expect([put.status, put.headers.get('allow')]).toEqual([405, 'POST'])
    await expectTokenError(await test.fetch('/par', { method: 'POST', body: '{}', headers: credentials }), 400, 'invalid_request')
    await expectTokenError(await test.post(`/par?client_secret=${client.client_secret}`, PUSHED), 400, 'invalid_request')
  })

  test('PR-14 too many of one client from one address: 429, and another address is still heard', async () => {
    const { test, client } = await ready({ limit: 2 })
    const headers = new Headers({ ...basic('app', client.client_secret), 'content-type': 'application/x-www-form-urlencoded' })
    const push = (address: string) =>
      test.server.respond({
        ...{ method: 'POST', url: '/par', headers, remote: { address } },
        body: async () => new URLSearchParams(PUSHED).toString()
      })
    const statuses = []
    for (const address of ['192.0.2.1', '192.0.2.1', '192.0.2.1', '192.0.2.2']) statuses.push((await push(address))?.status)
    expect(statuses).toEqual([201, 201, 429, 201])
    expect((await push('192.0.2.1'))?.headers).toMatchObject({ 'retry-after': '60' })
    test.now += 60
    expect((await push('192.0.2.1'))?.status).toBe(201)
  })

  test('PR-14 what nobody came for is purged', async () => {
    const store = new MemoryStore()
    const { test, client } = await ready({}, {}, { store })
    for (let i = 0; i < 20; i++) await test.post('/par', PUSHED, basic('app', client.client_secret))
    test.now += 60 + test.server.settings.interactionLifetime
    expect(await store.purge(test.now, 1000)).toBe(20)
  })

  test('what an extension refuses, as it would at the authorization endpoint', async () => {
    const { test, client } = await openIdServer({ responseTypes: ['code id_token'] }, { extensions: [pushedAuthorizationRequests()] })
    const credentials = basic('app', client.client_secret ?? '')
    await expectTokenError(await test.post('/par', { ...PUSHED, scope: 'openid', claims: 'no JSON' }, credentials), 400, 'invalid_request')
    expect((await test.post('/par', { ...PUSHED, scope: 'openid', claims: '{}' }, credentials)).status).toBe(201)
  })
})

describe('PR-13 a request object that is pushed', () => {
  const objectOf = (claims: object = {}) =>
    new SignJWT({ ...AUTHORIZATION, ...claims }).setProtectedHeader({ alg: 'ES256', kid: 'k' }).sign(privateKey)
  const prepared = async () => {
    const made = await ready({}, { jwks }, { extensions: [requestObjects()] })
    const { test, client } = made
    const send = (request: string) => test.post('/par', { request }, basic('app', client.client_secret))
    return { ...made, send }
  }

  test('is taken once by its jti, while it lives; another jti, and none, are taken', async () => {
    const { test, send } = await prepared()
    const object = await objectOf({ jti: 'a', exp: test.now + 300 })
    expect((await send(object)).status).toBe(201)
    for (const again of [object, await objectOf({ jti: 'a', exp: test.now + 600, scope: 'write' })])
      await expectTokenError(await send(again), 400, 'invalid_request_object')
    expect((await send(await objectOf({ jti: 'b', exp: test.now + 300 }))).status).toBe(201)
    for (const _ of [1, 2]) expect((await send(await objectOf())).status).toBe(201)
    await expectTokenError(await send(await objectOf({ jti: 7 })), 400, 'invalid_request_object')
  })

  test('is not spent by a push that is refused, by another client, or at the authorization endpoint', async () => {
    const { test, send } = await prepared()
    const object = await objectOf({ jti: 'a' })
    await expectTokenError(await send(await objectOf({ jti: 'a', scope: 'admin' })), 400, 'invalid_scope')
    const url = `/authorize?${new URLSearchParams({ client_id: 'app', request: object })}`
    for (const _ of [1, 2]) expect(answered(await test.fetch(url))).toHaveProperty('code')
    const { client_secret = '' } = await test.client({ client_id: 'other', jwks })
    const request = await objectOf({ client_id: 'other', jti: 'a' })
    expect((await test.post('/par', { request }, basic('other', client_secret))).status).toBe(201)
    expect((await send(object)).status).toBe(201)
    await expectTokenError(await send(object), 400, 'invalid_request_object')
  })

  test('I2 of many that push it at once one gets a request_uri', async () => {
    const { send } = await prepared()
    const object = await objectOf({ jti: 'a' })
    const statuses = (await Promise.all(Array.from({ length: 50 }, () => send(object)))).map(({ status }) => status).sort()
    expect(statuses).toEqual([201, ...Array.from({ length: 49 }, () => 400)])
  })

  test('is remembered until it ends, for a day at most, and its name is not stored', async () => {
    const { test, send } = await prepared()
    const marks: { id: string; expiresAt: number }[] = []
    const { artifacts } = test.server.store
    const insert = artifacts.insert.bind(artifacts)
    artifacts.insert = (artifact) => insert(artifact).finally(() => artifact.kind === 'request_object_jti' && marks.push(artifact))
    for (const exp of [test.now + 300.5, 4e9, undefined]) await send(await objectOf({ jti: `named-${exp}`, ...(exp && { exp }) }))
    expect(marks.map(({ expiresAt }) => expiresAt - test.now)).toEqual([331, 86_400, 86_400])
    expect(JSON.stringify(marks)).not.toContain('named')
  })
})

describe('a request_uri', () => {
  test('PR-04 of another client, unknown, expired, guessed or upper-cased is a page', async () => {
    const { test, pushed, open } = await ready()
    await test.client({ client_id: 'other' })
    const uri = await pushed()
    for (const wrong of [`${URN}guessed`, URN, uri.slice(0, -1), `${URN}${uri.slice(URN.length).toUpperCase()}`, uri.toUpperCase()])
      await expectPage(await open(wrong))
    await expectPage(await open(uri, { client_id: 'other' }))
    expect(await expectPage(await open(uri, { client_id: 'nobody' }))).toContain('invalid_request')
    await expectPage(await test.fetch(`/authorize?${new URLSearchParams({ request_uri: uri })}`))
    test.now += 59
    expect(answered(await open(uri))).toHaveProperty('code')
    const late = await pushed()
    test.now += 60
    expect(await expectPage(await open(late))).toContain('invalid_request_uri')
  })

  test('an error about it is told to the client, where the URL itself proves the way', async () => {
    const { open } = await ready()
    expectRedirectError(await open(`${URN}guessed`, { redirect_uri: REDIRECT_URI, state: 'xyz' }), 'invalid_request_uri')
  })

  test('CD-10 is no code, and a code is no request_uri', async () => {
    const { test, client, pushed, open } = await ready()
    const uri = await pushed()
    for (const code of [uri, uri.slice(URN.length)]) await expectTokenError(await test.redeem(client, code), 400, 'invalid_grant')
    await expectPage(await open(`${URN}${await test.code()}`))
  })

  test('PR-05 a reload before the person is done works; after the code was issued it fails', async () => {
    const { test, pushed, open } = await ready({}, { require_consent: true })
    const uri = await pushed()
    await open(uri)
    await open(uri)
    expect(test.prompts).toHaveLength(2)
    expect(answered(await allow(test))).toHaveProperty('code')
    expect(await expectPage(await open(uri))).toContain('invalid_request_uri')
    const other = await allow(test, test.prompts[0])
    expectRedirectError(other, 'invalid_request_uri')
  })

  test('PR-05 a person who came in time may take longer than it lives, and it is still answered once', async () => {
    const { test, pushed, open } = await ready({ lifetime: 5 }, { require_consent: true })
    const uri = await pushed()
    await open(uri)
    await open(uri)
    test.now += 1700
    expect(answered(await allow(test))).toHaveProperty('code')
    expectRedirectError(await allow(test, test.prompts[0]), 'invalid_request_uri')
  })

  test('PR-05 a refusal by the person answers it, too', async () => {
    const { test, pushed, open } = await ready({}, { require_consent: true })
    const uri = await pushed()
    await open(uri)
    await decide(test, { denied: true })
    expectRedirectError(await test.fetch(test.prompts[0]?.returnTo ?? ''), 'access_denied')
    await expectPage(await open(uri))
  })

  test('PR-05 I2 of many that finish at once one gets a code', async () => {
    const { test, pushed, open } = await ready()
    const uri = await pushed()
    const answers = await Promise.all(Array.from({ length: 50 }, () => open(uri)))
    expect(answers.filter((response) => answered(response)['code'] !== undefined)).toHaveLength(1)
    expect(test.eventsOf('authorization.granted')).toHaveLength(1)
  })

  test('is judged again when the browser comes: what the client lost since is not granted', async () => {
    const { test, pushed, open } = await ready()
    const uri = await pushed()
    test.now += 2
    await test.server.clients.update('app', { scope: 'write' })
    expectRedirectError(await open(uri), 'invalid_scope')
    await test.server.clients.update('app', { redirect_uris: ['https://client.example.com/other'] })
    test.now += 2
    await expectPage(await open(uri))
  })

  test('request beside it is refused', async () => {
    const { pushed, open } = await ready()
    await expectPage(await open(await pushed(), { request: 'a.b.c' }))
  })
})

describe('PR-07 require_pushed_authorization_requests', () => {
  test.each([
    ['of the server', { required: true }, {}],
    ['of the client', {}, { require_pushed_authorization_requests: true }]
  ])('%s: a request without a pushed request_uri is refused with invalid_request', async (_name, options, metadata) => {
    const { test, pushed, open } = await ready(options, { jwks, ...metadata }, { extensions: [requestObjects({ byReference: true })] })
    expectRedirectError(await test.authorize(), 'invalid_request')
    await expectPage(await test.authorize({ redirect_uri: 'https://evil.example' }))
    const request = await new SignJWT(AUTHORIZATION).setProtectedHeader({ alg: 'ES256', kid: 'k' }).sign(privateKey)
    await expectPage(await test.fetch(`/authorize?${new URLSearchParams({ client_id: 'app', request })}`))
    expect(answered(await open(await pushed()))).toHaveProperty('code')
  })

  test('of one client is nothing to another', async () => {
    const { test } = await ready({}, { require_pushed_authorization_requests: true })
    await test.client({ client_id: 'other' })
    expect(answered(await test.authorize({ client_id: 'other' }))).toHaveProperty('code')
  })

  test('does not end a request that a person is in the middle of', async () => {
    const { test, pushed, open } = await ready({ required: true }, { require_consent: true })
    await open(await pushed())
    expect(answered(await allow(test))).toHaveProperty('code')
  })

  test('is a boolean of client metadata', async () => {
    const { test } = await ready()
    const metadata = { client_id: 'x', require_pushed_authorization_requests: 'yes' as unknown as boolean }
    await expect(test.client(metadata)).rejects.toMatchObject({ error: 'invalid_client_metadata' })
  })
})

describe('a pushed request object', () => {
  const extensions = [requestObjects({ encrypted: true })]
  const sign = (claims: object, key = privateKey) =>
    new SignJWT({ ...AUTHORIZATION, ...claims }).setProtectedHeader({ alg: 'ES256', kid: 'k' }).sign(key)

  test('is unfolded when it is pushed, with client authentication beside it and nothing else', async () => {
    const { test, client, open } = await ready({}, { jwks, require_signed_request_object: true }, { extensions })
    const body = { request: await sign({ scope: 'write' }) }
    const { request_uri } = await (await test.post('/par', body, basic('app', client.client_secret))).json()
    const { code = '' } = answered(await open(request_uri, { scope: 'read' }))
    expect(await (await test.redeem(client, code)).json()).toMatchObject({ scope: 'write' })
  })

  test('PR-08 of another client, badly signed, or with what is not right inside, is refused', async () => {
    const { test, push } = await ready({}, { jwks }, { extensions })
    await test.client({ client_id: 'other', jwks })
    const stranger = (await generateKeyPair('ES256')).privateKey
    for (const request of [await sign({}, stranger), await sign({ client_id: 'other' }), await sign({ aud: `${ISSUER}/par` }), 'a.b.c'])
      await expectTokenError(await push({ request }), 400, 'invalid_request_object')
    await expectTokenError(await push({ request: await sign({ request_uri: `${URN}x` }) }), 400, 'invalid_request_object')
    await expectTokenError(await push({ request: await sign({ redirect_uri: 'https://evil.example' }) }), 400, 'invalid_request')
  })

  test('PR-11 ensure-unsigned-request-at-par-endpoint-fails', async () => {
    const { push } = await ready({}, { jwks, require_signed_request_object: true }, { extensions })
    await expectTokenError(await push(), 400, 'invalid_request')
    const strict = await ready({}, { jwks }, { extensions: [requestObjects({ required: true })] })
    await expectTokenError(await strict.push(), 400, 'invalid_request')
  })

  test('PR-15 expires_in is no longer than exp of the request object, whichever extension comes first', async () => {
    for (const order of [
      [pushedAuthorizationRequests(), requestObjects()],
      [requestObjects(), pushedAuthorizationRequests()]
    ]) {
      const test = new TestServer({ extensions: order })
      const { client_secret = '' } = await test.client({ jwks })
      const push = async (exp: number) => (await test.post('/par', { request: await sign({ exp }) }, basic('app', client_secret))).json()
      expect(await push(test.now + 20)).toMatchObject({ expires_in: 20 })
      expect(await push(test.now + 600)).toMatchObject({ expires_in: 60 })
      // Expired within the tolerance for clocks.
      expect(await push(test.now - 1)).toMatchObject({ expires_in: 1 })
      const { request_uri } = await push(test.now + 20)
      const url = `/authorize?${new URLSearchParams({ client_id: 'app', request_uri })}`
      expect(answered(await test.fetch(url))).toHaveProperty('code')
    }
  })
})

describe('what an extension reads of the request that pushes', () => {
  const extension = () => ({
    async pushedParams({ params, http }: AuthorizationRequest) {
      const key = http.headers.get('x-key')
      if (key === null) return undefined
      if (params.has('key') && params.get('key') !== key) throw new InvalidRequestError('another key')
      return { key }
    },
    async validateAuthorizationRequest({ params, http }: AuthorizationRequest) {
      return http.path === '/par' ? undefined : { key: params.get('key') }
    }
  })

  test.each(['before', 'after'])('is a parameter of the pushed request, %s a request object is unfolded', async (when) => {
    const extensions = when === 'before' ? [extension, requestObjects()] : [requestObjects(), extension]
    const { test, client, push, open } = await ready({}, { jwks }, { extensions })
    const bound = { ...basic('app', client.client_secret), 'x-key': 'k1' }
    const request = await new SignJWT(AUTHORIZATION).setProtectedHeader({ alg: 'ES256', kid: 'k' }).sign(privateKey)
    for (const params of [{}, { key: 'k1' }, { request }]) {
      const { request_uri } = await (await push(params, bound)).json()
      const code = answered(await open(request_uri, { key: 'k2' }))['code'] ?? ''
      expect((await test.server.opaque.find('authorization_code', code))?.grant?.details).toEqual({ key: 'k1' })
    }
    await expectTokenError(await push({ key: 'k2' }, bound), 400, 'invalid_request')
  })
})

describe('around it', () => {
  test('metadata names the endpoint and whether it must be used', async () => {
    const { test } = await ready()
    expect(test.server.metadata()).toMatchObject({
      pushed_authorization_request_endpoint: `${ISSUER}/par`,
      require_pushed_authorization_requests: false
    })
    expect((await ready({ required: true })).test.server.metadata()).toMatchObject({ require_pushed_authorization_requests: true })
  })

  test('not passed, not there', async () => {
    const test = new TestServer()
    const { client_secret = '' } = await test.client()
    expect(Object.keys(test.server.metadata()).filter((name) => name.includes('pushed'))).toEqual([])
    expect((await test.post('/par', PUSHED, basic('app', client_secret))).status).toBe(404)
    await expectPage(await test.fetch(`/authorize?${new URLSearchParams({ client_id: 'app', request_uri: `${URN}x` })}`))
    expectRedirectError(await test.authorize({ request_uri: `${URN}x` }), 'request_uri_not_supported')
    await expect(test.client({ client_id: 'x', require_pushed_authorization_requests: true })).rejects.toMatchObject({
      error: 'invalid_client_metadata'
    })
  })

  test('a browser may read the answer at the origins of the client, and nowhere else', async () => {
    const { test, push, client } = await ready()
    const from = (origin: string) => ({ ...basic('app', client.client_secret), origin })
    const read = async (origin: string) => (await push({}, from(origin))).headers.get('access-control-allow-origin')
    expect([await read('https://client.example.com'), await read('https://evil.example')]).toEqual(['https://client.example.com', null])
    expect((await test.fetch('/par', { method: 'OPTIONS', headers: { origin: 'https://client.example.com' } })).status).toBe(204)
  })

  test('it lives below the path of the issuer, or where the settings say, and is known there as the push', async () => {
    const server = { issuer: `${ISSUER}/tenant`, paths: { pushed_authorization_request: '/as/par' } }
    const { test, client, push } = await ready({ required: true }, {}, server)
    expect(test.server.metadata()['pushed_authorization_request_endpoint']).toBe(`${ISSUER}/tenant/as/par`)
    expect((await push()).status).toBe(404)
    const { request_uri } = await (await test.post('/tenant/as/par', PUSHED, basic('app', client.client_secret))).json()
    const response = await test.fetch(`/tenant/authorize?${new URLSearchParams({ client_id: 'app', request_uri })}`)
    expect(answered(response)).toHaveProperty('code')
  })

  test.each([
    [{ lifetime: 0 }, 'lifetime is a whole number of seconds from 1 to 600'],
    [{ lifetime: 601 }, 'lifetime is a whole number of seconds from 1 to 600'],
    [{ limit: -1 }, 'limit is a whole number, 0 for no limit'],
    [{ required: 'yes' }, 'required is true or false'],
    [{ lifetme: 5 }, 'did you mean lifetime?']
  ])('%j cannot work and is refused', (options, message) => {
    expect(() => pushedAuthorizationRequests(options as object)).toThrow(message)
  })

  test('it needs an authorization endpoint', () => {
    expect(() => new TestServer({ interactions: undefined as never, extensions: [pushedAuthorizationRequests()] })).toThrow(
      'without interactions there is no authorization endpoint'
    )
  })

  test('oauth4webapi pushes and redeems', async () => {
    const { test, client } = await ready({ required: true })
    const as: oauth.AuthorizationServer = { ...(test.server.metadata() as object), issuer: ISSUER }
    const options = { [oauth.customFetch]: ((url: string, init: RequestInit) => test.fetch(url, init)) as never }
    const authentication = oauth.ClientSecretBasic(client.client_secret)
    const own = { client_id: 'app' }
    const pushed = await oauth.pushedAuthorizationRequest(as, own, authentication, PUSHED, options)
    const { request_uri } = await oauth.processPushedAuthorizationResponse(as, own, pushed)
    const response = await test.fetch(`/authorize?${new URLSearchParams({ client_id: 'app', request_uri })}`)
    const params = oauth.validateAuthResponse(as, own, new URL(response.headers.get('location') ?? ''), 'xyz')
    const tokens = await oauth.authorizationCodeGrantRequest(as, own, authentication, params, REDIRECT_URI, VERIFIER, options)
    expect(await oauth.processAuthorizationCodeResponse(as, own, tokens)).toMatchObject({ scope: 'read' })
  })
})
