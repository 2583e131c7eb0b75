import { decodeJwt } from 'jose'
import { describe, expect, test } from 'vitest'
import { AuthorizationServer, dpop, dynamicRegistration, implicit, MemoryStore, passwordGrant } from '../src/index.ts'
import { ask, askUserinfo, codeParams, dpopServer, hashOf, makeProof, newKey, personTokens, type Tokens, USERINFO } from './dpop-support.ts'
import { basic, expectRedirectError, expectTokenError, ISSUER, REDIRECT_URI, TestServer } from './support.ts'

const MACHINE = { grant_type: 'client_credentials', scope: 'read' }

describe('tokens that are bound to a key', () => {
  test('RFC 9449 §5: token_type is DPoP, and cnf.jkt of a JWT access token is the thumbprint of the key', async () => {
    const { test, client, key } = await dpopServer({}, {}, { settings: { accessTokenFormat: 'jwt' } })
    const response = await ask(test, client, MACHINE, await makeProof(key, test.now))
    const tokens = (await response.json()) as Tokens
    expect([response.status, tokens.token_type]).toEqual([200, 'DPoP'])
    expect(decodeJwt(tokens.access_token)).toMatchObject({ cnf: { jkt: key.jkt } })
    const plain = (await (await ask(test, client, MACHINE)).json()) as Tokens
    expect(plain.token_type).toBe('Bearer')
    expect(decodeJwt(plain.access_token)).not.toHaveProperty('cnf')
  })

  test.each(['opaque', 'jwt'])('DP-13 introspection of a bound %s token returns cnf.jkt and token_type DPoP', async (accessTokenFormat) => {
    const { test, client, key } = await dpopServer({}, {}, { settings: { accessTokenFormat } })
    const { access_token, refresh_token } = await personTokens(test, client, key)
    expect(await test.introspect(client, access_token)).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt: key.jkt } })
    expect(await test.introspect(client, refresh_token)).not.toHaveProperty('bound')
  })

  test('userinfo takes the token with a proof of its key, by a scheme that is compared without case', async () => {
    const { test, client, key } = await dpopServer()
    const { access_token } = await personTokens(test, client, key)
    const response = await askUserinfo(test, access_token, key)
    expect([response.status, await response.json()]).toEqual([200, { sub: 'alice' }])
    const proof = await makeProof(key, test.now, { claims: { htm: 'GET', htu: USERINFO, ath: await hashOf(access_token) } })
    expect((await test.fetch('/userinfo', { headers: { authorization: `dpop ${access_token}`, dpop: proof } })).status).toBe(200)
  })

  test('DP-08 ath is missing, wrong or of another token at userinfo: 401 invalid_dpop_proof', async () => {
    const { test, client, key } = await dpopServer()
    const [{ access_token }, other] = [await personTokens(test, client, key), await personTokens(test, client, key)]
    for (const ath of [undefined, '', 'x'.repeat(43), 7, await hashOf(other.access_token)]) {
      const response = await askUserinfo(test, access_token, key, { claims: { ath } })
      await expectTokenError(response.clone(), 401, 'invalid_dpop_proof')
      expect(response.headers.get('www-authenticate')).toMatch(/^DPoP error="invalid_dpop_proof", error_description="[^"]+", algs="ES256 /)
    }
    await expectTokenError(await askUserinfo(test, access_token, await newKey()), 401, 'invalid_dpop_proof')
    expect((await askUserinfo(test, access_token, key)).status).toBe(200)
  })

  test('DP-08 management of a registration is by a bearer token, and by no other scheme', async () => {
    const { test, key } = await dpopServer({}, { extensions: [dynamicRegistration({ access: 'open' })] })
    const body = JSON.stringify({ redirect_uris: [REDIRECT_URI] })
    const created = await (await test.fetch('/register', { method: 'POST', body, headers: { 'content-type': 'application/json' } })).json()
    const token = created.registration_access_token
    const ath = await hashOf(token)
    const proof = await makeProof(key, test.now, { claims: { htm: 'GET', htu: created.registration_client_uri, ath } })
    const read = (authorization: string) => test.fetch(created.registration_client_uri, { headers: { authorization, dpop: proof } })
    expect([(await read(`DPoP ${token}`)).status, (await read(`Bearer ${token}`)).status]).toEqual([401, 200])
  })

  test('DP-09 a bound token as Bearer, an unbound one as DPoP, both headers, a token in the body: refused', async () => {
    const { test, client, key } = await dpopServer()
    const [bound, unbound] = [await personTokens(test, client, key), await personTokens(test, client)]
    const send = async (authorization: string, token: string, method = 'GET') => {
      const proof = await makeProof(key, test.now, { claims: { htm: method, htu: USERINFO, ath: await hashOf(token) } })
      return test.fetch('/userinfo', { method, headers: { authorization, dpop: proof } })
    }
    const asBearer = await send(`Bearer ${bound.access_token}`, bound.access_token)
    expect(asBearer.headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_token", error_description="[^"]+", DPoP algs="[^"]+"$/)
    await expectTokenError(asBearer, 401, 'invalid_token')
    const asDpop = await send(`DPoP ${unbound.access_token}`, unbound.access_token)
    expect(asDpop.headers.get('www-authenticate')).toMatch(/^DPoP error="invalid_token"/)
    await expectTokenError(asDpop, 401, 'invalid_token')
    const both = `DPoP ${bound.access_token}, Bearer ${bound.access_token}`
    await expectTokenError(await send(both, bound.access_token), 401, 'invalid_token')
    const proof = await makeProof(key, test.now, { claims: { htu: USERINFO, ath: await hashOf(bound.access_token) } })
    await expectTokenError(await test.post('/userinfo', { access_token: bound.access_token }, { dpop: proof }), 401, 'invalid_token')
    const authorization = `DPoP ${bound.access_token}`
    const twice = await test.post('/userinfo', { access_token: bound.access_token }, { authorization, dpop: proof })
    await expectTokenError(twice, 400, 'invalid_request')
    await expectTokenError(await test.fetch('/userinfo', { headers: { authorization } }), 401, 'invalid_dpop_proof')
    expect((await test.fetch('/userinfo', { headers: { authorization: `Bearer ${unbound.access_token}` } })).status).toBe(200)
  })

  test('RFC 9449 §7.1: who sends no token is told of both schemes and of the algorithms', async () => {
    const { test } = await dpopServer({ algorithms: ['ES256', 'PS256'] })
    const response = await test.fetch('/userinfo')
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer, DPoP algs="ES256 PS256"'])
  })
})

describe('the key of a code', () => {
  test('DP-10 dpop_jkt of the authorization request is not the key of the proof, or there is no proof: invalid_grant', async () => {
    const { test, client, key } = await dpopServer()
    const code = await test.code({ client_id: 'machine', scope: 'openid', dpop_jkt: key.jkt })
    await expectTokenError(await ask(test, client, codeParams(code)), 400, 'invalid_grant')
    await expectTokenError(await ask(test, client, codeParams(code), await makeProof(await newKey(), test.now)), 400, 'invalid_grant')
    expect((await ask(test, client, codeParams(code), await makeProof(key, test.now))).status).toBe(200)
  })

  test('DP-10 it stays bound when the person has to act first', async () => {
    const { test, client, key } = await dpopServer()
    const session = test.session
    test.session = undefined
    await test.authorize({ client_id: 'machine', scope: 'openid', dpop_jkt: key.jkt })
    test.session = session
    const answer = await test.fetch(test.prompts[0]?.returnTo ?? '')
    const code = new URL(answer.headers.get('location') ?? '').searchParams.get('code') ?? ''
    await expectTokenError(await ask(test, client, codeParams(code)), 400, 'invalid_grant')
    expect((await ask(test, client, codeParams(code), await makeProof(key, test.now))).status).toBe(200)
  })

  test.each(['short', `${'x'.repeat(42)}=`, 'x'.repeat(44)])('dpop_jkt that is no thumbprint is refused: %s', async (dpop_jkt) => {
    const { test } = await dpopServer()
    expectRedirectError(await test.authorize({ client_id: 'machine', scope: 'openid', dpop_jkt }), 'invalid_request')
  })

  test('without dpop_jkt the code is bound to nobody, and the token to whoever proves a key', async () => {
    const { test, client, key } = await dpopServer()
    expect(await personTokens(test, client, key)).toMatchObject({ token_type: 'DPoP' })
  })
})

describe('refresh tokens', () => {
  const refresh = (refresh_token: string) => ({ grant_type: 'refresh_token', refresh_token })

  test('RFC 9449 §5: of a public client it MUST be bound to the key of the proof', async () => {
    const { test, spa, key } = await dpopServer()
    const { refresh_token } = await personTokens(test, spa, key)
    await expectTokenError(await ask(test, spa, refresh(refresh_token)), 400, 'invalid_grant')
    await expectTokenError(await ask(test, spa, refresh(refresh_token), await makeProof(await newKey(), test.now)), 400, 'invalid_grant')
    const refreshed = (await (await ask(test, spa, refresh(refresh_token), await makeProof(key, test.now))).json()) as Tokens
    expect(refreshed.token_type).toBe('DPoP')
    await expectTokenError(await ask(test, spa, refresh(refreshed.refresh_token)), 400, 'invalid_grant')
    expect((await ask(test, spa, refresh(refreshed.refresh_token), await makeProof(key, test.now))).status).toBe(200)
  })

  test('RFC 9449 §5: of a client that authenticates it is not: another key is good, none is not', async () => {
    const { test, client, key } = await dpopServer()
    const { refresh_token } = await personTokens(test, client, key)
    await expectTokenError(await ask(test, client, refresh(refresh_token)), 400, 'invalid_grant')
    const next = await newKey()
    const refreshed = (await (await ask(test, client, refresh(refresh_token), await makeProof(next, test.now))).json()) as Tokens
    expect(refreshed.token_type).toBe('DPoP')
    expect((await askUserinfo(test, refreshed.access_token, next)).status).toBe(200)
    await expectTokenError(await askUserinfo(test, refreshed.access_token, key), 401, 'invalid_dpop_proof')
  })
})

describe('clients that must prove a key', () => {
  const extensions = [passwordGrant({ authenticate: async () => ({ subject: 'alice' }) }), implicit]
  const metadata = {
    dpop_bound_access_tokens: true,
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials', 'password', 'implicit'],
    response_types: ['code', 'token']
  }

  test.each([
    ['dpop_bound_access_tokens', {}, metadata],
    ['required', { required: true }, { ...metadata, dpop_bound_access_tokens: false }]
  ])('DP-11 by %s: no proof is invalid_dpop_proof on every grant', async (_, options, client_metadata) => {
    const { test, client, key } = await dpopServer(options, { extensions }, client_metadata)
    const code = await test.code({ client_id: 'machine', scope: 'openid' })
    const { refresh_token } = await personTokens(test, client, key)
    for (const params of [
      codeParams(code),
      { grant_type: 'refresh_token', refresh_token },
      MACHINE,
      { grant_type: 'password', username: 'alice', password: 'x', scope: 'openid' }
    ]) {
      await expectTokenError(await ask(test, client, params), 400, 'invalid_dpop_proof')
      const response = await ask(test, client, params, await makeProof(key, test.now))
      expect(await response.json()).toMatchObject({ token_type: 'DPoP' })
    }
  })

  test('DP-11 nor does the authorization endpoint hand them a bearer token', async () => {
    const { test } = await dpopServer({}, { extensions }, metadata)
    const response = await test.authorize({ client_id: 'machine', scope: 'openid', response_type: 'token' })
    expect(response.headers.get('location')).toContain('#error=unauthorized_client')
  })

  test('DP-11 no other extension that confirms a key takes the place of their proof', async () => {
    const other = () => ({ confirm: async () => ({ 'x5t#S256': 'thumbprint of a certificate' }) })
    const test = new TestServer({ extensions: [other, dpop()] })
    const client = await test.client({ dpop_bound_access_tokens: true })
    await expectTokenError(await ask(test, client, MACHINE), 400, 'invalid_dpop_proof')
  })

  test('dpop_bound_access_tokens is true or false', async () => {
    const { test } = await dpopServer()
    const client = test.client({ client_id: 'other', dpop_bound_access_tokens: 'yes' as unknown as boolean })
    await expect(client).rejects.toMatchObject({ error: 'invalid_client_metadata' })
  })
})

describe('the extension', () => {
  test('RFC 9449 §5.1: the metadata lists the algorithms', async () => {
    const { test } = await dpopServer()
    const algorithms = test.server.metadata()['dpop_signing_alg_values_supported']
    expect(algorithms).toEqual(['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'EdDSA', 'Ed25519'])
  })

  test('not passed, not there: no metadata, no binding, no scheme, no member of clients', async () => {
    const test = new TestServer()
    const client = await test.client()
    const key = await newKey()
    expect(JSON.stringify(test.server.metadata())).not.toMatch(/dpop/i)
    const response = await ask(test, client, MACHINE, await makeProof(key, test.now))
    expect(await response.json()).toMatchObject({ token_type: 'Bearer' })
    expect((await ask(test, client, codeParams(await test.code({ dpop_jkt: key.jkt })))).status).toBe(200)
    await expect(test.client({ client_id: 'other', dpop_bound_access_tokens: true })).rejects.toMatchObject({
      error: 'invalid_client_metadata'
    })
  })

  test('CORS: a browser may send DPoP, and read DPoP-Nonce and the challenge', async () => {
    const { test } = await dpopServer()
    const origin = new URL(REDIRECT_URI).origin
    const preflight = await test.fetch('/token', { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } })
    expect(preflight.headers.get('access-control-allow-headers')).toContain('DPoP')
    const answer = await test.post('/token', MACHINE, { origin, ...basic('machine', 'x') })
    expect(answer.headers.get('access-control-expose-headers')).toMatch(/WWW-Authenticate.*DPoP-Nonce/)
  })

  test.each([
    [{ algorithms: ['HS256'] }, /algorithms/],
    [{ algorithms: ['none'] }, /algorithms/],
    [{ algorithms: [] }, /algorithms/],
    [{ proofLifetime: 0 }, /proofLifetime/],
    [{ nonceLifetime: 1.5 }, /nonceLifetime/],
    [{ nonces: 'yes' as unknown as boolean }, /nonces/],
    [{ nonce: true } as object, /did you mean nonces/]
  ])('options that cannot work are refused when the server is built: %j', (options, message) => {
    expect(() => new AuthorizationServer({ issuer: ISSUER, store: new MemoryStore(), extensions: [dpop(options)] })).toThrow(message)
  })
})
