import type { RequestListener } from 'node:http'
import { CompactEncrypt, CompactSign, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT, UnsecuredJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import * as oidc from 'openid-client'
import { describe, expect, test } from 'vitest'
import { implicit, type NewClient, type RequestObjectOptions, requestObjects } from '../src/index.ts'
import { AUTHENTICATION, openIdServer, userinfo, verifyIdToken } from './openid-support.ts'
import { secureHosts } from './secure-hosts.ts'
import { AUTHORIZATION, CHALLENGE, expectPage, expectRedirectError, ISSUER, REDIRECT_URI, TestServer, VERIFIER } from './support.ts'

const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512', 'EdDSA', 'Ed25519']
const KEYS = new Map(
  await Promise.all(
    ALGORITHMS.map(async (alg) => {
      const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
      return [alg, { alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid: alg, alg, use: 'sig' } }] as const
    })
  )
)
type Key = NonNullable<ReturnType<(typeof KEYS)['get']>>
const key = (alg: string) => KEYS.get(alg) as Key
const jwks = (...keys: Key[]) => ({ keys: keys.map(({ jwk }) => jwk as JsonWebKey) })

/** Signs what is given, and nothing that is undefined. */
function sign(claims: object, { alg, privateKey } = key('ES256'), header: object = {}): Promise<string> {
  const protectedHeader = JSON.parse(JSON.stringify({ alg, kid: alg, typ: 'oauth-authz-req+jwt', ...header }))
  return new SignJWT(JSON.parse(JSON.stringify(claims))).setProtectedHeader(protectedHeader).sign(privateKey)
}

async function ready(options: RequestObjectOptions = {}, metadata: NewClient = {}) {
  const test = new TestServer({ extensions: [requestObjects(options)] })
  const { client_secret = '', ...client } = await test.client({ jwks: jwks(...KEYS.values()), ...metadata })
  /** The parameters inside, with what openid-client says of the object. */
  const claims = (more: object = {}) => ({
    ...AUTHORIZATION,
    ...{ iss: 'app', aud: ISSUER, jti: 'j', iat: test.now, nbf: test.now, exp: test.now + 60 },
    ...more
  })
  const ask = (request: string, outside: Record<string, string> = {}) =>
    test.fetch(`/authorize?${new URLSearchParams({ client_id: 'app', request, ...outside })}`)
  /** As far as the redirect URI is proven by the URL itself, the error is redirected there. */
  const refused = async (request: string, error = 'invalid_request_object') => {
    await expectPage(await ask(request))
    return expectRedirectError(await ask(request, { redirect_uri: REDIRECT_URI, state: 'xyz' }), error)
  }
  return { test, client: { ...client, client_secret }, claims, ask, refused }
}

/** What came back to the client. */
function answered(response: Response): Record<string, string> {
  return Object.fromEntries(new URL(response.headers.get('location') ?? 'about:blank').searchParams)
}

describe('a request by value', () => {
  test.each(ALGORITHMS)('is understood when it is signed with %s', async (alg) => {
    const { test, client, claims, ask } = await ready()
    const { code = '', state } = answered(await ask(await sign(claims(), key(alg))))
    expect(state).toBe('xyz')
    expect((await test.redeem(client, code)).status).toBe(200)
  })

  test.each([
    ['EdDSA', 'Ed25519'],
    ['Ed25519', 'EdDSA']
  ])('RFC 9864 §2.2: of a client that registered %s it may say %s, the same algorithm under its other name', async (registered, named) => {
    const { test, claims, ask } = await ready({}, { jwks: jwks(key(registered)), request_object_signing_alg: registered })
    const request = await sign(claims(), key(registered), { alg: named })
    expect(answered(await ask(request))).toMatchObject({ state: 'xyz', code: expect.any(String) })
    expect(test.server.metadata()['request_object_signing_alg_values_supported']).toEqual(expect.arrayContaining([registered, named]))
  })

  test('PK-09 the server MUST only use the parameters in the request object, even if the same is provided in the query', async () => {
    const { test, client, claims, ask } = await ready()
    const request = await sign(claims({ scope: 'read', state: 'inside' }))
    const outside = {
      ...{
        scope: 'read write',
        state: 'outside',
        redirect_uri: 'https://evil.example',
        response_type: 'token',
        nonce: 'n',
        prompt: 'login'
      },
      ...{ code_challenge: 'x'.repeat(43), response_mode: 'fragment' }
    }
    const response = await ask(request, outside)
    expect(response.headers.get('location')?.startsWith(`${REDIRECT_URI}?`)).toBe(true)
    const { code = '', state } = answered(response)
    expect(state).toBe('inside')
    expect(await (await test.redeem(client, code)).json()).toMatchObject({ scope: 'read' })
  })

  test('PR-06 state-only-outside-request-object-not-used: what is missing inside is missing', async () => {
    const { claims, ask } = await ready()
    expect(answered(await ask(await sign(claims({ state: undefined })), { state: 'outside' }))).not.toHaveProperty('state')
    expectRedirectError(await ask(await sign(claims({ response_type: undefined })), { response_type: 'code' }), 'invalid_request')
    expectRedirectError(await ask(await sign(claims({ code_challenge: undefined })), { code_challenge: CHALLENGE }), 'invalid_request')
    await expectPage(await ask(await sign(claims({ redirect_uri: undefined })), { redirect_uri: REDIRECT_URI }))
  })

  test('oidcc-ensure-request-object-with-redirect-uri: a bad one outside changes nothing, a bad one inside is shown', async () => {
    const { claims, ask } = await ready()
    const bad = 'https://client.example.com/other'
    expect(answered(await ask(await sign(claims()), { redirect_uri: bad }))).toMatchObject({ state: 'xyz', code: expect.any(String) })
    expect(await expectPage(await ask(await sign(claims({ redirect_uri: bad })), { redirect_uri: REDIRECT_URI }))).toContain('redirect_uri')
    await expectPage(await ask(await sign(claims({ iss: 'other' })), { redirect_uri: bad }))
  })

  test('OpenID Connect: response_type outside MUST match the one in the request object', async () => {
    const { claims, ask } = await ready({}, { scope: 'openid read' })
    const request = await sign(claims({ scope: 'openid' }))
    const outside = { scope: 'openid', response_type: 'code' }
    expect(answered(await ask(request, outside))).toHaveProperty('code')
    await expectPage(await ask(request, { ...outside, response_type: 'none' }))
  })

  test('client_id is required outside, and in the request object it MUST be identical', async () => {
    const { test, claims, ask, refused } = await ready()
    const request = await sign(claims())
    expect(await expectPage(await test.fetch(`/authorize?request=${request}`))).toContain('client_id is missing')
    await refused(await sign(claims({ client_id: undefined })))
    await refused(await sign(claims({ client_id: 'other' })))
    await test.client({ client_id: 'other', jwks: jwks(key('ES256')) })
    await expectPage(await ask(request, { client_id: 'other' }))
    expect(await expectPage(await ask(request, { client_id: 'nobody' }))).toContain('not registered here')
  })

  test('JSON inside is the text that it would be in a URL: claims, authorization_details, numbers, several resources', async () => {
    const seen: string[] = []
    const observer = () => ({
      validateAuthorizationRequest: async ({ params }: { params: { toString(): string } }) => void seen.push(params.toString())
    })
    const test = new TestServer({ extensions: [requestObjects(), observer] })
    await test.client({ jwks: jwks(key('ES256')) })
    const json = { claims: { userinfo: { name: { essential: true } } }, authorization_details: [{ type: 'a' }] }
    const inside = {
      ...AUTHORIZATION,
      ...json,
      max_age: 10_000,
      resource: ['https://a.example', 'https://b.example'],
      nonce: null,
      exp: 4e9
    }
    await test.fetch(`/authorize?${new URLSearchParams({ client_id: 'app', request: await sign(inside) })}`)
    const params = new URLSearchParams(seen[0])
    expect(JSON.parse(params.get('claims') ?? '')).toEqual(json.claims)
    expect(JSON.parse(params.get('authorization_details') ?? '')).toEqual(json.authorization_details)
    expect([params.get('max_age'), params.getAll('resource')]).toEqual(['10000', inside.resource])
    expect([...params.keys()].sort()).toEqual(
      [...Object.keys(AUTHORIZATION), 'claims', 'authorization_details', 'max_age', 'resource', 'resource'].sort()
    )
  })

  test('a person may take longer than the request object lives', async () => {
    const { test, claims, ask } = await ready({}, { require_consent: true })
    const response = await ask(await sign(claims()))
    expect([response.status, test.prompts.length]).toEqual([200, 1])
    test.now += 600
    const { id = '', returnTo = '', scope = [] } = test.prompts[0] ?? {}
    const cookies = new Headers({ cookie: [...test.cookies].map(([name, value]) => `${name}=${value}`).join('; ') })
    const request = { method: 'POST', url: '/', headers: cookies, body: async () => '' }
    await test.server.interactions.resolve(request, id, { consent: { subject: 'alice', scope } })
    expect(answered(await test.fetch(returnTo))).toMatchObject({ state: 'xyz', code: expect.any(String) })
  })

  test('it comes in the body of a POST as well', async () => {
    const { test, claims } = await ready()
    expect(answered(await test.post('/authorize', { client_id: 'app', request: await sign(claims()) }))).toHaveProperty('code')
  })
})

describe('what a request object says of itself', () => {
  test('PR-08 alg none, another key, another client’s key, a broken signature', async () => {
    const { test, claims, refused } = await ready()
    await test.client({ client_id: 'other', jwks: jwks(key('RS256')) })
    const stranger = { ...key('ES256'), privateKey: (await generateKeyPair('ES256')).privateKey }
    const good = await sign(claims())
    const [, payload = '', signature = ''] = good.split('.')
    const none = new UnsecuredJWT(claims()).encode()
    for (const request of [
      none,
      `${none}${signature}`,
      `${Buffer.from('{"alg":"None"}').toString('base64url')}.${payload}.`,
      await sign(claims(), stranger),
      await sign(claims(), stranger, { kid: undefined }),
      await sign(claims(), key('ES256'), { kid: 'RS256' }),
      await sign(claims(), key('ES256'), { kid: 7 }),
      await sign(claims(), key('ES256'), { jwk: stranger.jwk, kid: 'unknown' }),
      `${good.slice(0, -4)}${good.at(-4) === 'A' ? 'B' : 'A'}${good.slice(-3)}`,
      good.replace(/\.[\w-]+\./, `.${Buffer.from(JSON.stringify(claims({ scope: 'write' }))).toString('base64url')}.`),
      'nonsense',
      'a.b.c',
      `${good}.`,
      JSON.stringify({ payload, signature })
    ]) {
      await refused(request)
    }
    const own = await ready({}, { jwks: jwks(key('ES256')) })
    await own.refused(await sign(claims(), key('RS256')))
    const keyless = await ready()
    await keyless.test.client({ client_id: 'keyless' })
    await expectPage(await keyless.ask(await sign(claims({ client_id: 'keyless', iss: 'keyless' })), { client_id: 'keyless' }))
  })

  test('a MAC under the client secret, or under the public key, is no signature', async () => {
    const { client, claims, refused } = await ready({}, { token_endpoint_auth_method: 'client_secret_basic' })
    for (const secret of [client.client_secret, JSON.stringify(key('RS256').jwk)])
      await refused(
        await new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: 'RS256' }).sign(new TextEncoder().encode(secret.padEnd(32)))
      )
  })

  test('all request objects from a client MUST be rejected, if not signed with the algorithm it registered', async () => {
    const { claims, ask, refused } = await ready({}, { request_object_signing_alg: 'PS256' })
    await refused(await sign(claims(), key('ES256')))
    await refused(await sign(claims(), key('RS256')))
    expect(answered(await ask(await sign(claims(), key('PS256'))))).toHaveProperty('code')
  })

  test('without a kid each key that fits is tried', async () => {
    const second = { ...key('ES256'), jwk: { ...key('ES256').jwk, kid: 'second' } }
    const first = await exportJWK((await generateKeyPair('ES256', { extractable: true })).publicKey)
    const { claims, ask } = await ready({}, { jwks: { keys: [first as JsonWebKey, ...jwks(second).keys] } })
    expect(answered(await ask(await sign(claims(), second, { kid: undefined })))).toHaveProperty('code')
  })

  test('PR-08 iss is the client, aud the issuer alone or among others, and times are honoured with a small skew', async () => {
    const { test, claims, ask, refused } = await ready()
    const { now } = test
    for (const right of [
      { aud: [ISSUER, 'https://other.example'] },
      { aud: undefined, iss: undefined, exp: undefined, nbf: undefined, iat: undefined, jti: undefined },
      { nbf: now + 8, iat: now + 8 },
      { exp: now - 20 }
    ]) {
      expect(answered(await ask(await sign(claims(right))))).toHaveProperty('code')
    }
    for (const wrong of [
      { iss: 'other' },
      { iss: ISSUER },
      { aud: 'https://other.example' },
      { aud: `${ISSUER}/par` },
      { aud: [] },
      { aud: 7 },
      { exp: now - 31 },
      { exp: '2100-01-01' },
      { nbf: now + 60 },
      { iat: now + 60 },
      { iat: 'now' }
    ]) {
      await refused(await sign(claims(wrong)))
    }
  })

  test('PR-08 FAPI 2.0 Message Signing: with maxLifetime, aud, nbf and exp are required and no more than that apart', async () => {
    const { test, claims, ask, refused } = await ready({ maxLifetime: 3600 })
    const { now } = test
    for (const right of [{}, { nbf: now - 3540 }, { nbf: now + 8 }, { exp: now + 3600 }, { aud: [ISSUER] }])
      expect(answered(await ask(await sign(claims(right))))).toHaveProperty('code')
    for (const wrong of [
      { aud: undefined },
      { nbf: undefined },
      { exp: undefined },
      { nbf: now - 3700 },
      { exp: now + 3700 },
      { nbf: now + 20, exp: now + 3700 }
    ])
      await refused(await sign(claims(wrong)))
  })

  test('PR-08 request and request_uri MUST NOT be included in request objects', async () => {
    const { claims, refused } = await ready()
    await refused(await sign(claims({ request: await sign(claims()) })))
    await refused(await sign(claims({ request_uri: 'https://client.example.com/r' })))
  })

  test('PR-09 no other JWT passes for a request object, nor a request object for a client assertion', async () => {
    const { test, claims, ask, refused } = await ready({}, { token_endpoint_auth_method: 'private_key_jwt' })
    const assertion = { iss: 'app', sub: 'app', aud: ISSUER, jti: 'a', iat: test.now, exp: test.now + 60 }
    await refused(await sign(assertion, key('ES256'), { typ: 'JWT' }))
    await refused(await sign(claims({ sub: 'app' }), key('ES256'), { typ: 'JWT' }))
    for (const typ of ['at+jwt', 'logout+jwt', 'dpop+jwt', 'client-authentication+jwt', 'token-introspection+jwt', 'secevent+jwt', 7])
      await refused(await sign(claims(), key('ES256'), { typ }))
    for (const typ of ['JWT', 'jwt', undefined, 'application/oauth-authz-req+jwt'])
      expect(answered(await ask(await sign(claims(), key('ES256'), { typ })))).toHaveProperty('code')
    const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    const grant = { grant_type: 'client_credentials', client_assertion_type: type }
    expect((await test.post('/token', { ...grant, client_assertion: await sign(claims()) })).status).toBe(401)
    expect((await test.post('/token', { ...grant, client_assertion: await sign(assertion) })).status).toBe(200)
  })

  test('huge, deep and strange contents are refused, and nothing of them reaches a prototype', async () => {
    const { claims, ask, refused } = await ready()
    const deep = (levels: number) => JSON.parse('['.repeat(levels) + ']'.repeat(levels))
    const raw = async (text: string) => {
      return new CompactSign(new TextEncoder().encode(text)).setProtectedHeader({ alg: 'ES256' }).sign(key('ES256').privateKey)
    }
    await refused(await sign(claims({ claims: 'x'.repeat(60_000) })))
    await refused(await raw(JSON.stringify(claims()).replace('{', `{"claims":${'['.repeat(20_000)}${']'.repeat(20_000)},`)))
    for (const strange of [{ claims: deep(30) }, { state: 'a\0b' }, { 'a\0b': 'c' }, { state: '\ud800' }])
      await refused(await sign(claims(strange)))
    await refused(await sign(claims(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`p${i}`, 'x'])))))
    for (const text of ['[]', 'null', '"x"', '{', '', '7']) await refused(await raw(text))
    const polluting = `{"__proto__":{"client_id":"app","polluted":"yes"},"constructor":{"prototype":{"polluted":"yes"}},${JSON.stringify(claims()).slice(1)}`
    expect(answered(await ask(await raw(polluting)))).toHaveProperty('code')
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    await refused(await raw(JSON.stringify({ ...claims(), client_id: undefined }).replace('{', '{"__proto__":{"client_id":"app"},')))
    for (const odd of [{ redirect_uri: { a: 1 } }, { redirect_uri: [REDIRECT_URI] }]) await expectPage(await ask(await sign(claims(odd))))
    expectRedirectError(await ask(await sign(claims({ scope: ['read'] }))), 'invalid_scope')
    expectRedirectError(await ask(await sign(claims({ response_type: ['code'] }))), 'unsupported_response_type')
  })

  test('it may be sent again: RFC 9101 asks for no single use', async () => {
    const { claims, ask } = await ready()
    const request = await sign(claims())
    for (const _ of [1, 2]) expect(answered(await ask(request))).toHaveProperty('code')
  })

  test('a response type whose answer goes into the fragment gets its error there', async () => {
    const test = new TestServer({ extensions: [requestObjects(), implicit] })
    await test.client({ grant_types: ['implicit'], response_types: ['token'] })
    const outside = { ...AUTHORIZATION, response_type: 'token', request: 'nonsense' }
    const response = await test.fetch(`/authorize?${new URLSearchParams(outside)}`)
    expectRedirectError(response, 'invalid_request_object')
    expect(new URL(response.headers.get('location') ?? '').search).toBe('')
  })
})

describe('a client that must sign', () => {
  test('PR-11 sends no request without a request object, and cannot drop it', async () => {
    const { test, claims, ask } = await ready({}, { require_signed_request_object: true })
    expectRedirectError(await test.authorize(), 'invalid_request')
    expectRedirectError(await test.authorize({ request: '' }), 'invalid_request')
    expectRedirectError(await test.authorize({ request: new UnsecuredJWT(claims()).encode() }), 'invalid_request_object')
    expectRedirectError(await test.authorize({ request_uri: 'urn:x' }), 'request_uri_not_supported')
    expectRedirectError(await test.authorize({ request_uri: 'urn:x', request: await sign(claims()) }), 'invalid_request')
    expect(answered(await ask(await sign(claims())))).toHaveProperty('code')
  })

  test('RFC 9101 §10.5 the server may ask it of everybody, and says so', async () => {
    const { test, claims, ask } = await ready({ required: true })
    expectRedirectError(await test.authorize(), 'invalid_request')
    expect(answered(await ask(await sign(claims())))).toHaveProperty('code')
    expect(test.server.metadata()).toMatchObject({ require_signed_request_object: true })
  })

  test('others may send either', async () => {
    const { test } = await ready()
    expect((await test.authorize()).status).toBe(303)
  })
})

describe('an encrypted request object', () => {
  async function encrypting(metadata: NewClient = {}) {
    const set = await ready({ encrypted: true }, metadata)
    const keys: JWK[] = (await (await set.test.fetch('/jwks')).json()).keys
    const encrypt = async (signed: string, alg: string, enc = 'A256GCM', header: object = { cty: 'JWT' }) => {
      const jwk = keys.find((one) => one.use === 'enc' && one.alg === alg) as JWK
      const jwe = new CompactEncrypt(new TextEncoder().encode(signed))
      return jwe.setProtectedHeader({ alg, enc, kid: jwk.kid as string, ...header }).encrypt(await importJWK(jwk, alg))
    }
    return { ...set, encrypt }
  }

  test.each(['RSA-OAEP-256', 'ECDH-ES'])('is signed, then encrypted: %s', async (alg) => {
    const { claims, ask, encrypt } = await encrypting()
    for (const enc of ['A256GCM', 'A128CBC-HS256'])
      expect(answered(await ask(await encrypt(await sign(claims()), alg, enc)))).toMatchObject({ state: 'xyz', code: expect.any(String) })
  })

  test('PR-12 whatever is wrong with it is answered alike', async () => {
    const { test, claims, refused, encrypt } = await encrypting()
    const signed = await sign(claims())
    const good = await encrypt(signed, 'RSA-OAEP-256')
    const [, ...rest] = good.split('.')
    const withHeader = (header: object) => [Buffer.from(JSON.stringify(header)).toString('base64url'), ...rest].join('.')
    const texts = []
    for (const request of [
      `${good.slice(0, -4)}${good.at(-4) === 'A' ? 'B' : 'A'}${good.slice(-3)}`,
      withHeader({ alg: 'RSA1_5', enc: 'A256GCM' }),
      withHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM' }),
      withHeader({ alg: 'dir', enc: 'A256GCM' }),
      await encrypt(signed, 'ECDH-ES', 'A192GCM'),
      'a.b.c.d.e'
    ]) {
      texts.push((await refused(request)).get('error_description'))
    }
    expect(new Set(texts)).toEqual(new Set(['the request object cannot be decrypted']))
    expect(test.eventsOf('request.failed')).toEqual([])
  })

  test('an encrypted one that is not signed is refused, and so is one within another', async () => {
    const { claims, refused, encrypt } = await encrypting()
    await refused(await encrypt(JSON.stringify(claims()), 'ECDH-ES'))
    await refused(await encrypt(new UnsecuredJWT(claims()).encode(), 'ECDH-ES'))
    await refused(await encrypt(await encrypt(await sign(claims()), 'ECDH-ES'), 'RSA-OAEP-256'))
  })

  test('a client that registered its algorithms uses those; A128CBC-HS256 unless it says another', async () => {
    const { claims, ask, refused, encrypt } = await encrypting({ request_object_encryption_alg: 'ECDH-ES' })
    const signed = await sign(claims())
    expect(answered(await ask(await encrypt(signed, 'ECDH-ES', 'A128CBC-HS256')))).toHaveProperty('code')
    await refused(await encrypt(signed, 'ECDH-ES', 'A256GCM'))
    await refused(await encrypt(signed, 'RSA-OAEP-256', 'A128CBC-HS256'))
    const other = await encrypting({ request_object_encryption_alg: 'RSA-OAEP-256', request_object_encryption_enc: 'A256GCM' })
    expect(answered(await other.ask(await other.encrypt(signed, 'RSA-OAEP-256')))).toHaveProperty('code')
    await expect(other.test.client({ client_id: 'x', request_object_encryption_enc: 'A256GCM' })).rejects.toThrow('needs')
  })

  test('not switched on, not there', async () => {
    const { test, claims, refused } = await ready()
    expect((await (await test.fetch('/jwks')).json()).keys.filter(({ use }: JWK) => use === 'enc')).toEqual([])
    const { encrypt } = await encrypting()
    await refused(await encrypt(await sign(claims()), 'ECDH-ES'))
    expect(Object.keys(test.server.metadata()).filter((name) => name.includes('encryption'))).toEqual([])
    await expect(test.client({ client_id: 'x', request_object_encryption_alg: 'ECDH-ES' })).rejects.toThrow('there is no request')
  })
})

describe('a request by reference', () => {
  const hosts = secureHosts()

  /** A server that may fetch from the client's own, where `answer` says what there is. */
  async function referring(answer: RequestListener, { guarded = false, metadata = {} as NewClient } = {}) {
    const { host, origin, ca } = await hosts.open(answer)
    const allow = guarded ? [] : [origin]
    const test = new TestServer({ extensions: [requestObjects({ byReference: true })], outbound: { allow, ca } })
    const uri = `${origin}/request.jwt#v1`
    const client = await test.client({ jwks: jwks(key('RS256'), key('ES256')), request_uris: [uri], ...metadata })
    const ask = (request_uri: string, outside: Record<string, string> = {}) =>
      test.fetch(`/authorize?${new URLSearchParams({ client_id: 'app', request_uri, ...outside })}`)
    const refused = async (request_uri: string, error = 'invalid_request_uri') => {
      await expectPage(await ask(request_uri))
      return expectRedirectError(await ask(request_uri, { redirect_uri: REDIRECT_URI, state: 'xyz' }), error)
    }
    return { test, client, host, origin, uri, ask, refused }
  }

  test('oidcc-request-uri-signed-rs256: what is registered is fetched, without its fragment, each time anew', async () => {
    let state = 'first'
    const { test, client, host, uri, ask } = await referring(async (_request, response) => {
      response.end(`${await sign({ ...AUTHORIZATION, state }, key('RS256'))}\n`)
    })
    const { code = '' } = answered(await ask(uri, { scope: 'write', state: 'outside' }))
    expect(await (await test.redeem(client, code)).json()).toMatchObject({ scope: 'read' })
    state = 'second'
    expect(answered(await ask(uri))).toMatchObject({ state })
    expect(host.requests.map(({ method, url }) => `${method} ${url}`)).toEqual(['GET /request.jwt', 'GET /request.jwt'])
    expect(host.requests[0]?.headers.accept).toContain('application/oauth-authz-req+jwt')
    expect(test.server.metadata()).toMatchObject({ request_uri_parameter_supported: true, require_request_uri_registration: true })
  })

  test('PR-10 whatever is not registered, to the letter, is not fetched', async () => {
    const { host, origin, uri, refused, ask } = await referring((_request, response) => response.end())
    for (const other of [
      `${origin}/request.jwt`,
      `${origin}/request.jwt#v2`,
      `${origin}/other.jwt#v1`,
      `${origin}/./request.jwt#v1`,
      `${uri} `,
      uri.toUpperCase(),
      uri.replace('https:', 'http:'),
      `${uri}${'x'.repeat(1000)}`,
      'https://internal/',
      'http://169.254.169.254/latest/meta-data',
      'file:///etc/passwd',
      'data:application/jwt,x',
      'request.jwt'
    ]) {
      await refused(other)
    }
    await expectPage(await ask(uri, { client_id: 'nobody' }))
    expect(host.connections).toBe(0)
  })

  test('PR-10 SS-01 SS-03 a redirect, an error, too much, nothing, or an address that is not public: one answer to all', async () => {
    const good = await sign(AUTHORIZATION)
    const answers: RequestListener[] = [
      (_request, response) => response.writeHead(302, { location: 'https://client.example.com/' }).end(),
      (_request, response) => response.writeHead(404).end(good),
      (_request, response) => response.end(good.padEnd(65_537, ' ')),
      (request) => request.socket.destroy()
    ]
    const texts = []
    for (const answer of answers) {
      const { uri, refused } = await referring(answer)
      texts.push((await refused(uri)).get('error_description'))
    }
    const guarded = await referring((_request, response) => response.end(good), { guarded: true })
    texts.push((await guarded.refused(guarded.uri)).get('error_description'))
    expect(guarded.host.connections).toBe(0)
    expect(new Set(texts)).toEqual(new Set(['what request_uri names cannot be fetched']))
  })

  test('what is fetched is judged as if it came by value', async () => {
    let content = ''
    const { uri, refused } = await referring((_request, response) => response.end(content))
    for (content of ['', '<html>', new UnsecuredJWT(AUTHORIZATION).encode(), await sign({ ...AUTHORIZATION, client_id: 'other' })])
      await refused(uri, 'invalid_request_object')
  })

  test('PR-11 it satisfies who must sign; and it MUST NOT be used together with request', async () => {
    const signed = await sign(AUTHORIZATION)
    const { uri, ask, refused } = await referring((_request, response) => response.end(signed), {
      metadata: { require_signed_request_object: true }
    })
    expect(answered(await ask(uri))).toHaveProperty('code')
    await expectPage(await ask(uri, { request: signed }))
    await refused('urn:ietf:params:oauth:request_uri:unknown', 'request_uri_not_supported')
  })

  test('an address is registered with https and at most 512 characters, its fragment included', async () => {
    const test = new TestServer({ extensions: [requestObjects({ byReference: true })] })
    const register = (...request_uris: string[]) => test.client({ client_id: 'x', request_uris })
    for (const wrong of ['http://localhost/r', 'urn:x', 'https://a@b.example/', '/r', `https://c.example/${'x'.repeat(500)}`, ''])
      await expect(register(wrong)).rejects.toMatchObject({ error: 'invalid_client_metadata' })
    await register('https://c.example/r', 'https://c.example/r#hash')
  })

  test('not switched on, not there', async () => {
    const test = new TestServer({ extensions: [requestObjects()] })
    await test.client()
    expectRedirectError(await test.authorize({ request_uri: 'https://client.example.com/r' }), 'request_uri_not_supported')
    await expect(test.client({ client_id: 'x', request_uris: ['https://client.example.com/r'] })).rejects.toThrow('request_uris')
    expect(test.server.metadata()).toMatchObject({ request_uri_parameter_supported: false })
    expect(test.server.metadata()).not.toHaveProperty('require_request_uri_registration')
  })
})

describe('what the server says of itself', () => {
  test('metadata and client metadata are there with the extension', async () => {
    const { test } = await ready({ encrypted: true })
    expect(test.server.metadata()).toMatchObject({
      request_parameter_supported: true,
      request_uri_parameter_supported: false,
      request_object_signing_alg_values_supported: ALGORITHMS,
      request_object_encryption_alg_values_supported: ['RSA-OAEP-256', 'ECDH-ES'],
      request_object_encryption_enc_values_supported: ['A128CBC-HS256', 'A256GCM'],
      require_signed_request_object: false
    })
    for (const wrong of [
      { request_object_signing_alg: 'none' },
      { request_object_signing_alg: 'HS256' },
      { require_signed_request_object: 'yes' },
      { request_object_encryption_alg: 'RSA1_5' },
      { request_object_encryption_alg: 'ECDH-ES', request_object_encryption_enc: 'A192GCM' }
    ]) {
      await expect(test.client({ client_id: 'x', ...wrong } as NewClient)).rejects.toMatchObject({ error: 'invalid_client_metadata' })
    }
  })

  test('not passed, not there', async () => {
    const test = new TestServer()
    await test.client()
    const names = Object.keys(test.server.metadata()).filter((name) => /request_object|signed_request/.test(name))
    expect(names).toEqual([])
    expectRedirectError(await test.authorize({ request: await sign(AUTHORIZATION) }), 'request_not_supported')
    await expect(test.client({ client_id: 'x', request_object_signing_alg: 'ES256' })).rejects.toThrow('request_object_signing_alg')
  })
})

test('options that cannot work are refused when the server is built: none that protects is off because of its spelling', () => {
  expect(() => requestObjects({ requird: true } as object)).toThrow('requestObjects: there is no requird; did you mean required?')
  expect(() => requestObjects({ required: 'yes' as never })).toThrow('required is true or false')
  for (const maxLifetime of [0, -1, 0.5, '3600' as never])
    expect(() => requestObjects({ maxLifetime })).toThrow('maxLifetime is a whole number of seconds')
})

describe('with OpenID Connect', () => {
  test('claims, nonce and max_age inside the request object are those of the authentication request', async () => {
    const { test, client } = await openIdServer({}, { extensions: [requestObjects()] })
    await test.server.clients.update('app', { jwks: jwks(key('RS256')) })
    const inside = { ...AUTHENTICATION, nonce: 'inside', max_age: 3600, claims: { userinfo: { name: { essential: true } } } }
    const outside = { client_id: 'app', response_type: 'code', scope: 'openid email', nonce: 'outside' }
    const request = await sign(inside, key('RS256'))
    const { code = '' } = answered(await test.fetch(`/authorize?${new URLSearchParams({ ...outside, request })}`))
    const tokens = await (await test.redeem(client, code)).json()
    const { payload } = await verifyIdToken(test, tokens.id_token)
    expect(payload).toMatchObject({ nonce: 'inside', auth_time: expect.any(Number) })
    expect(await userinfo(test, tokens.access_token)).toEqual({ sub: 'alice', name: 'Alice Adams', 'name#ja': 'アリス' })
  })

  test('discovery says of both parameters whether they are supported', async () => {
    const { test } = await openIdServer()
    const discovery = await (await test.fetch('/.well-known/openid-configuration')).json()
    expect(discovery).toMatchObject({ request_parameter_supported: false, request_uri_parameter_supported: false })
  })
})

describe('real clients', () => {
  test('openid-client builds, signs and sends the request, and gets its tokens', async () => {
    const { test, client } = await ready()
    test.now = Math.floor(Date.now() / 1000)
    const authentication = oidc.ClientSecretBasic(client.client_secret)
    const config = await oidc.discovery(new URL(ISSUER), 'app', undefined, authentication, {
      algorithm: 'oauth2',
      [oidc.customFetch]: (url, init) => test.fetch(url, init as RequestInit)
    })
    const { alg, privateKey } = key('ES256')
    const url = await oidc.buildAuthorizationUrlWithJAR(
      config,
      {
        ...{ redirect_uri: REDIRECT_URI, scope: 'read', state: 'inside', max_age: '3600' },
        ...{ code_challenge: CHALLENGE, code_challenge_method: 'S256' }
      },
      { key: privateKey, kid: alg }
    )
    expect([...url.searchParams.keys()].sort()).toEqual(['client_id', 'request'])
    test.session = { id: 's1', subject: 'alice', authTime: test.now }
    const location = new URL((await test.fetch(url.href)).headers.get('location') ?? '')
    const tokens = await oidc.authorizationCodeGrant(config, location, { pkceCodeVerifier: VERIFIER, expectedState: 'inside' })
    expect(tokens.scope).toBe('read')
  })

  test('oauth4webapi issues the request object', async () => {
    const { test, client, ask } = await ready()
    test.now = Math.floor(Date.now() / 1000)
    const params = { ...AUTHORIZATION, resource: ISSUER, claims: '{"userinfo":{}}' }
    const server = { issuer: ISSUER }
    const request = await oauth.issueRequestObject(server, { client_id: 'app' }, params, { key: key('PS256').privateKey, kid: 'PS256' })
    const { code = '' } = answered(await ask(request))
    expect((await test.redeem(client, code)).status).toBe(200)
  })
})
