import * as jose from 'jose'
import { describe, expect, test } from 'vitest'
import { backChannelLogout, MemoryStore, requestObjects } from '../src/index.ts'
import { ALICE, AUTHENTICATION, openIdServer, PAIRWISE_KEY, SCOPE, userinfo, verifyIdToken } from './openid-support.ts'
import { expectRedirectError, expectTokenError, REDIRECT_URI, START } from './support.ts'

type Provider = Awaited<ReturnType<typeof openIdServer>>
type Params = Record<string, string | undefined>

/** A client that may use every response type. */
const browserClient = ({ test }: Provider, metadata: object = {}) =>
  test.client({
    client_id: 'browser',
    scope: SCOPE,
    grant_types: ['authorization_code', 'implicit', 'refresh_token'],
    response_types: ['code', 'none', 'id_token', 'id_token token', 'code id_token'],
    ...metadata
  })
const RESPONSE_TYPES = { responseTypes: ['id_token', 'id_token token', 'code id_token'] } as const

const authenticate = ({ test }: Provider, params: Params) => test.authorize({ ...AUTHENTICATION, ...params })
const fragmentOf = (response: Response) => new URLSearchParams(new URL(response.headers.get('location') ?? '').hash.slice(1))

async function signIn(provider: Provider, params: Params = {}, client = provider.client) {
  const code = await provider.test.code({ ...AUTHENTICATION, client_id: client.client_id, ...params })
  return (await provider.test.redeem(client, code)).json()
}

describe('§5.5 the claims parameter', () => {
  test.each([
    ['id_token', false],
    ['none', false],
    ['id_token token', true],
    ['code id_token', true],
    ['code', true]
  ])('userinfo MUST also use a response_type that results in an access token: %s', async (response_type, isRight) => {
    const provider = await openIdServer(RESPONSE_TYPES)
    await browserClient(provider)
    const claims = JSON.stringify({ userinfo: { name: null } })
    const response = await authenticate(provider, { client_id: 'browser', response_type, claims })
    if (isRight) expect(response.headers.get('location')).not.toContain('error=')
    else expectRedirectError(response, 'invalid_request')
    const inIdToken = { client_id: 'browser', response_type, claims: JSON.stringify({ id_token: { name: null } }) }
    expect((await authenticate(provider, inIdToken)).headers.get('location')).not.toContain('error=')
  })

  test.each([
    ['a value', { id_token: { sub: { value: 'victim' } } }, false],
    ['values', { id_token: { sub: { values: ['victim', 'bob'] } } }, false],
    ['values with this person', { id_token: { sub: { values: ['bob', 'alice'] } } }, true],
    ['a value that is no text', { id_token: { sub: { value: 42 } } }, false],
    ['a value for userinfo', { userinfo: { sub: { value: 'victim' } } }, false],
    ['no value', { id_token: { sub: { essential: true } }, userinfo: { sub: null } }, true]
  ])('AP-14 sub: the server MUST NOT reply with an ID token or access token for a different user: %s', async (_, claims, isRight) => {
    const provider = await openIdServer()
    const response = await authenticate(provider, { claims: JSON.stringify(claims), prompt: 'none' })
    if (isRight) expect(response.headers.get('location')).toContain('code=')
    else expectRedirectError(response, 'login_required')
  })
})

test('AP-14 a person is not asked about, and a grant does not remember, what the client is never told', async () => {
  const provider = await openIdServer()
  await provider.test.client({ client_id: 'narrow', scope: 'openid email', require_consent: true })
  const id_token = {
    auth_time: { essential: true },
    acr: { values: ['1'] },
    sub: null,
    phone_number: null,
    'email#ja': null,
    unknown: null
  }
  const claims = JSON.stringify({ id_token, userinfo: { name: null, email: null }, other: { name: null } })
  await authenticate(provider, { client_id: 'narrow', claims })
  const asked = { id_token: { acr: { values: ['1'] }, sub: null, 'email#ja': null }, userinfo: { email: null } }
  expect(provider.test.prompts.at(-1)?.details).toEqual({ openid: { nonce: AUTHENTICATION.nonce, claims: asked } })
})

describe('§3.1.2.1 what a request may say', () => {
  test('AP-12 id_token_hint is about a session with this client: that of another client is refused', async () => {
    const provider = await openIdServer({ pairwiseKey: PAIRWISE_KEY })
    const other = await provider.test.client({ client_id: 'other', scope: SCOPE, subject_type: 'pairwise' })
    for (const [hinted, asking] of [
      [other, 'app'],
      [provider.client, 'other']
    ] as const) {
      const { id_token } = await signIn(provider, {}, hinted)
      expectRedirectError(await authenticate(provider, { client_id: asking, id_token_hint: id_token }), 'invalid_request')
      const own = await authenticate(provider, { client_id: hinted.client_id, id_token_hint: id_token, prompt: 'none' })
      expect(own.headers.get('location')).toContain('code=')
    }
  })

  test.each(['RSA-OAEP-256', 'ECDH-ES'])('AP-12 the client MAY re-encrypt the signed ID token to the server: %s', async (alg) => {
    const provider = await openIdServer({}, { extensions: [requestObjects({ encrypted: true })] })
    const { id_token } = await signIn(provider)
    const { keys } = await (await provider.test.fetch('/jwks')).json()
    const jwk = keys.find((key: { use: string; alg: string }) => key.use === 'enc' && key.alg === alg)
    const encrypt = (text: string) =>
      new jose.CompactEncrypt(new TextEncoder().encode(text)).setProtectedHeader({ alg, enc: 'A256GCM', kid: jwk.kid }).encrypt(jwk)
    const ask = (id_token_hint: string) => authenticate(provider, { id_token_hint, prompt: 'none' })
    expect((await ask(await encrypt(id_token))).headers.get('location')).toContain('code=')
    for (const wrong of [await encrypt('garbage'), await encrypt(`${id_token}x`), 'a.b.c.d.e', await encrypt(await encrypt(id_token))])
      expectRedirectError(await ask(wrong), 'invalid_request')
    provider.test.session = { id: 's2', subject: 'bob', authTime: START }
    expectRedirectError(await ask(await encrypt(id_token)), 'login_required')
  })

  test('display: its use must not result in an error (§15.1), and your pages learn of what is known', async () => {
    const provider = await openIdServer()
    provider.test.session = undefined
    for (const display of ['page', 'popup', 'touch', 'wap', 'hologram', 'page popup']) await authenticate(provider, { display })
    expect(provider.test.prompts.map(({ display }) => display)).toEqual(['page', 'popup', 'touch', 'wap', undefined, undefined])
  })

  test('AP-09 prompt=login consent asks for both, in this order, however fresh the session and the consent are', async () => {
    const provider = await openIdServer()
    await authenticate(provider, { prompt: 'login consent' })
    const { id = '', returnTo = '' } = provider.test.prompts.at(-1) ?? {}
    provider.test.session = { id: 's2', subject: 'alice', authTime: START }
    await provider.test.fetch(returnTo)
    expect(provider.test.prompts.map(({ reason }) => reason)).toEqual(['prompt=login', 'prompt=consent'])
    const cookie = [...provider.test.cookies].map((pair) => pair.join('=')).join('; ')
    const request = { method: 'POST', url: '/', headers: new Headers({ cookie }), body: async () => '' }
    await provider.test.server.interactions.resolve(request, id, { consent: { subject: 'alice', scope: ['openid'] } })
    expect((await provider.test.fetch(returnTo)).headers.get('location')).toContain('code=')
  })
})

describe('§11 offline_access', () => {
  test.each([
    ['id_token token', ['authorization_code', 'implicit', 'refresh_token'], 'openid'],
    ['code id_token', ['authorization_code', 'implicit', 'refresh_token'], 'openid offline_access'],
    ['code id_token', ['authorization_code', 'implicit'], 'openid']
  ])('AP-17 MUST be ignored unless a code is returned, to a client that gets a refresh token: %s, %j', async (type, grants, scope) => {
    const provider = await openIdServer(RESPONSE_TYPES)
    const client = await browserClient(provider, { grant_types: grants })
    const answer = fragmentOf(await authenticate(provider, { client_id: 'browser', response_type: type, scope: 'openid offline_access' }))
    const code = answer.get('code')
    const tokens = code === null ? Object.fromEntries(answer) : await (await provider.test.redeem(client, code)).json()
    expect(tokens.scope).toBe(scope)
    expect('refresh_token' in tokens).toBe(scope.includes('offline_access'))
  })

  test('AP-17 whatever the prompt, a client has or gets consent for it before', async () => {
    const provider = await openIdServer()
    await provider.test.client({ client_id: 'web', scope: SCOPE, require_consent: true })
    const request = { client_id: 'web', scope: 'openid offline_access' }
    expectRedirectError(await authenticate(provider, { ...request, prompt: 'none' }), 'consent_required')
    await authenticate(provider, request)
    expect(provider.test.prompts.at(-1)).toMatchObject({ prompt: 'consent', newScope: ['openid', 'offline_access'] })
  })

  test('what is no authentication request is not its business', async () => {
    const provider = await openIdServer()
    expect(await signIn(provider, { scope: 'read offline_access' })).toMatchObject({ scope: 'read offline_access' })
  })
})

describe('§12 refresh', () => {
  test('without openid it might not contain an id_token', async () => {
    const provider = await openIdServer()
    const { refresh_token } = await signIn(provider, { scope: 'openid read' })
    const refresh = async (token: string, scope: string) =>
      (await provider.test.token(provider.client, { grant_type: 'refresh_token', refresh_token: token, scope })).json()
    const narrowed = await refresh(refresh_token, 'read')
    expect(narrowed).not.toHaveProperty('id_token')
    expect(await refresh(narrowed.refresh_token, 'openid read')).toHaveProperty('id_token')
  })

  test('UI-04 an ID token has no claims of a scope that the refresh left out, or that was taken from the client since', async () => {
    const provider = await openIdServer()
    const client = await provider.test.client({ client_id: 'simple', scope: SCOPE, scope_claims_in_id_token: true })
    const { refresh_token } = await signIn(provider, { scope: 'openid profile email' }, client)
    const refresh = async (token: string, scope?: string) => {
      const params = { grant_type: 'refresh_token', refresh_token: token, ...(scope !== undefined && { scope }) }
      const tokens = await (await provider.test.token(client, params)).json()
      return { tokens, claims: (await verifyIdToken(provider.test, tokens.id_token, 'simple')).payload }
    }
    const narrowed = await refresh(refresh_token, 'openid profile')
    expect(narrowed.claims).toMatchObject({ name: ALICE.name })
    expect(narrowed.claims).not.toHaveProperty('email')
    await provider.test.server.clients.update('simple', { scope: 'openid email' })
    const { claims } = await refresh(narrowed.tokens.refresh_token)
    expect(claims).toMatchObject({ email: ALICE.email })
    expect(claims).not.toHaveProperty('name')
  })

  test('UI-03 nothing is said of a person who is gone', async () => {
    let isGone = false
    const provider = await openIdServer({ ...RESPONSE_TYPES, claims: async () => (isGone ? undefined : ALICE) })
    await browserClient(provider, { client_id: 'implicit' })
    const client = await provider.test.client({ client_id: 'simple', scope: SCOPE, scope_claims_in_id_token: true })
    const { refresh_token } = await signIn(provider, { scope: 'openid email' }, client)
    isGone = true
    await expectTokenError(await provider.test.token(client, { grant_type: 'refresh_token', refresh_token }), 400, 'invalid_grant')
    const implicit = { client_id: 'implicit', response_type: 'id_token', scope: 'openid email' }
    expectRedirectError(await authenticate(provider, implicit), 'access_denied')
  })
})

describe('§5 claims', () => {
  const said = async (known: Record<string, unknown>, requests: Record<string, unknown>) => {
    const provider = await openIdServer({ claims: async () => known })
    const { access_token } = await signIn(provider, { claims: JSON.stringify({ userinfo: requests }) })
    const { sub: _, ...claims } = await userinfo(provider.test, access_token)
    return claims
  }

  test('§5.3.2 a claim SHOULD NOT be present with a null or empty string value', async () => {
    const known = { name: '', nickname: null, email: undefined, email_verified: false, updated_at: 0 }
    const requests = { name: null, nickname: null, email: null, email_verified: null, updated_at: null }
    expect(await said(known, requests)).toEqual({ email_verified: false, updated_at: 0 })
  })

  test('§5.2 language tags are compared in a case insensitive manner, names are not', async () => {
    const known = { name: 'Ann', 'name#ja-Kana-JP': 'アン', 'NAME#fr': 'Anne', 'family_name#zh-Hant': '安' }
    expect(await said(known, { 'name#JA-kana-jp': null, 'family_name#zh-hant': null })).toEqual({
      'name#ja-Kana-JP': 'アン',
      'family_name#zh-Hant': '安'
    })
    expect(await said(known, { 'name#ja-kana-JP': { value: 'other' } })).toEqual({})
  })

  test.each([
    ['ja', { name: 'アン', 'name#fr': 'Anne' }],
    ['JA-kana', { name: 'アン・カナ', 'name#fr': 'Anne', 'name#ja': 'アン' }],
    ['se', { name: 'Ann', 'name#fr': 'Anne', 'name#ja': 'アン', 'name#ja-Kana': 'アン・カナ' }],
    ['ja fr', { name: 'Ann', 'name#fr': 'Anne', 'name#ja': 'アン', 'name#ja-Kana': 'アン・カナ' }],
    ['%00 #x', { name: 'Ann', 'name#fr': 'Anne', 'name#ja': 'アン', 'name#ja-Kana': 'アン・カナ' }]
  ])('§5.2 where one language is wanted (%s), its claims come without a tag', async (claims_locales, expected) => {
    const known = { name: 'Ann', 'name#ja-Kana': 'アン・カナ', 'name#ja': 'アン', 'name#fr': 'Anne' }
    const purposes: unknown[] = []
    const provider = await openIdServer({
      async claims(_subject, _wanted, { locales }) {
        purposes.push(locales)
        return known
      }
    })
    const { access_token } = await signIn(provider, { scope: 'openid profile', claims_locales })
    const { sub: _, ...claims } = await userinfo(provider.test, access_token)
    expect(claims).toEqual(expected)
    expect(purposes).toEqual([claims_locales.startsWith('%') ? undefined : claims_locales.split(' ')])
  })

  test('whoever agreed to a claim is not asked about it in another language', async () => {
    const provider = await openIdServer()
    const client = await provider.test.client({ client_id: 'web', scope: SCOPE, require_consent: true })
    const grant = { id: 'g', clientId: client.client_id, subject: 'alice', scope: ['openid', 'profile'], createdAt: START }
    await provider.test.server.store.grants.insert(grant, [])
    const ask = (name: string) =>
      authenticate(provider, { client_id: 'web', prompt: 'none', claims: JSON.stringify({ userinfo: { [name]: null } }) })
    expect((await ask('name#ja')).headers.get('location')).toContain('code=')
    expectRedirectError(await ask('email#ja'), 'consent_required')
  })

  test('§5.6.2 a name that refers to no source is left out', async () => {
    const known = { _claim_names: { email: 'one', name: 'gone', phone_number: 'toString' }, _claim_sources: { one: { JWT: 'a.b.c' } } }
    expect(await said(known, { email: null, name: null, phone_number: null })).toEqual({
      _claim_names: { email: 'one' },
      _claim_sources: { one: { JWT: 'a.b.c' } }
    })
  })
})

describe('§8 pairwise subjects', () => {
  test.each(['jwt', 'opaque'])('SI-02 nor does a %s access token, or what is said of it, tell a client another name', async (format) => {
    const api = { identifier: 'https://api.example.com', clientId: 'api' }
    const settings = { accessTokenFormat: format, resources: [api], defaultResource: api.identifier }
    const provider = await openIdServer({ pairwiseKey: PAIRWISE_KEY }, settings)
    const { test } = provider
    const client = await test.client({ client_id: 'pair', scope: SCOPE, subject_type: 'pairwise' })
    const resource = await test.client({ client_id: 'api' })
    const { id_token, access_token, refresh_token } = await signIn(provider, {}, client)
    const { sub } = jose.decodeJwt(id_token)
    expect(sub).not.toBe('alice')
    if (format === 'jwt') expect(jose.decodeJwt(access_token).sub).toBe(sub)
    for (const token of [access_token, refresh_token]) expect((await test.introspect(client, token)).sub).toBe(sub)
    expect((await userinfo(test, access_token)).sub).toBe(sub)
    // The API asks in its own name, and is of no sector.
    expect((await test.introspect(resource, access_token)).sub).toBe('alice')
    const own = await (await test.token(client, { grant_type: 'client_credentials', scope: 'read' })).json()
    expect((await test.introspect(client, own.access_token)).sub).toBe('pair')
  })
})

describe('keys of clients', () => {
  test('JW-14 ECDH-ES is understood on the curve X25519, too (RFC 8037 §3)', async () => {
    const provider = await openIdServer()
    const { privateKey, publicKey } = await jose.generateKeyPair('ECDH-ES', { crv: 'X25519', extractable: true })
    const jwks = { keys: [{ ...(await jose.exportJWK(publicKey)), kid: 'x', use: 'enc' } as JsonWebKey] }
    const client = await provider.test.client({ client_id: 'x', scope: SCOPE, jwks, id_token_encrypted_response_alg: 'ECDH-ES' })
    const { id_token } = await signIn(provider, {}, client)
    const { plaintext } = await jose.compactDecrypt(id_token, privateKey)
    expect((await verifyIdToken(provider.test, new TextDecoder().decode(plaintext), 'x')).payload.sub).toBe('alice')
  })

  test('Registration §2: web clients of the implicit grant MUST only register https, and MUST NOT use localhost', async () => {
    const provider = await openIdServer(RESPONSE_TYPES)
    for (const uri of ['http://localhost/cb', 'http://127.0.0.1:8080/cb', 'https://localhost/cb'])
      await expect(browserClient(provider, { redirect_uris: [REDIRECT_URI, uri] })).rejects.toMatchObject({ error: 'invalid_redirect_uri' })
    await browserClient(provider, { redirect_uris: ['http://localhost/cb'], application_type: 'native' })
    await browserClient(provider, { client_id: 'code', redirect_uris: ['http://localhost/cb'], grant_types: ['authorization_code'] })
  })
})

test('LO-06 a logout token is encrypted as ID tokens are, or the RP SHOULD reject it (Back-Channel Logout §2.6)', async () => {
  const { privateKey, publicKey } = await jose.generateKeyPair('RSA-OAEP-256', { extractable: true })
  const jwks = { keys: [{ ...(await jose.exportJWK(publicKey)), use: 'enc' } as JsonWebKey] }
  const sent: string[] = []
  const outbound = async ({ body }: { body?: string }) => {
    sent.push(new URLSearchParams(body).get('logout_token') ?? '')
    return { status: 200, headers: new Headers(), contentType: '', body: '' }
  }
  const provider = await openIdServer({}, { store: new MemoryStore(), outbound, extensions: [backChannelLogout()] })
  const metadata = { id_token_encrypted_response_alg: 'RSA-OAEP-256', backchannel_logout_uri: 'https://client.example.com/out' }
  const client = await provider.test.client({ client_id: 'secret', scope: SCOPE, jwks, ...metadata })
  await signIn(provider, {}, client)
  await provider.test.server.endSession({ id: 's1', subject: 'alice' })
  await provider.test.server.maintain()
  const { plaintext, protectedHeader } = await jose.compactDecrypt(sent[0] ?? '', privateKey)
  expect(protectedHeader).toMatchObject({ alg: 'RSA-OAEP-256', enc: 'A128CBC-HS256', cty: 'JWT', iss: 'https://id.example.com' })
  const { payload } = await verifyIdToken(provider.test, new TextDecoder().decode(plaintext), 'secret')
  expect(payload).toMatchObject({ sub: 'alice', sid: 's1' })
})

test('JW-02 no trick of the header makes a hint genuine: MAC under a public key, key in the header, names of other keys', async () => {
  const provider = await openIdServer({}, { signingAlgorithms: ['ES256', 'EdDSA'] })
  const { id_token } = await signIn(provider)
  const { keys } = await (await provider.test.fetch('/jwks')).json()
  const { kid } = jose.decodeProtectedHeader(id_token)
  const own = keys.find((key: { kid: string }) => key.kid === kid)
  const payload = jose.decodeJwt(id_token)
  const pem = await jose.exportSPKI((await jose.importJWK(own, 'RS256')) as jose.CryptoKey)
  const mac = (secret: string) =>
    new jose.SignJWT(payload).setProtectedHeader({ alg: 'HS256', typ: 'JWT', kid: own.kid }).sign(new TextEncoder().encode(secret))
  const foreign = await jose.generateKeyPair('RS256', { extractable: true })
  const jwk = await jose.exportJWK(foreign.publicKey)
  const sign = (header: object) =>
    new jose.SignJWT(payload).setProtectedHeader({ alg: 'RS256', typ: 'JWT', ...header }).sign(foreign.privateKey)
  const forged = [
    ...(await Promise.all([pem, JSON.stringify(own), own.n].map(mac))),
    ...(await Promise.all(
      [{ jwk, kid }, { jku: 'https://evil.example/jwks', kid }, { kid: '../../dev/null' }, { kid: '' }, {}, { kid: keys[0].kid }].map(sign)
    ))
  ]
  for (const id_token_hint of forged) expectRedirectError(await authenticate(provider, { id_token_hint }), 'invalid_request')
  for (const token of forged) {
    const response = await provider.test.fetch('/userinfo', { headers: { authorization: `Bearer ${token}` } })
    expect(response.status).toBe(401)
  }
})

test('DI-04 nothing that is about a person or a client is kept by a cache, whether it succeeds or fails', async () => {
  const provider = await openIdServer(RESPONSE_TYPES)
  const { test, client } = provider
  await browserClient(provider)
  const { access_token } = await signIn(provider)
  const answers = [
    await authenticate(provider, {}),
    await authenticate(provider, { client_id: 'nobody' }),
    await authenticate(provider, { prompt: 'bogus' }),
    await authenticate(provider, { response_mode: 'form_post' }),
    await authenticate(provider, { client_id: 'browser', response_type: 'id_token token' }),
    await test.token(client, { grant_type: 'client_credentials' }),
    await test.token(client, { grant_type: 'authorization_code', code: 'x' }),
    await test.fetch('/token'),
    await test.post('/introspect', { token: 'x' }),
    await test.post('/revoke', { token: 'x' }),
    await test.fetch('/userinfo', { headers: { authorization: `Bearer ${access_token}` } }),
    await test.fetch('/userinfo')
  ]
  expect(answers.map((answer) => answer.headers.get('cache-control'))).toEqual(answers.map(() => 'no-store'))
})
