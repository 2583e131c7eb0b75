import * as jose from 'jose'
import * as oauth from 'oauth4webapi'
import { describe, expect, test } from 'vitest'
import { type AuthorizationServerOptions, implicit, jarm, type NewClient } from '../src/index.ts'
import { AUTHENTICATION, openIdServer } from './openid-support.ts'
import { expectPage, expectRedirectError, ISSUER, REDIRECT_URI, TestServer, VERIFIER } from './support.ts'

const SIGNATURES = ['RS256', 'ES256', 'PS256', 'EdDSA'] as const
const MODES = ['jwt', 'query.jwt', 'fragment.jwt', 'form_post.jwt'] as const

async function ready(metadata: NewClient = {}, { extensions = [], ...options }: Partial<AuthorizationServerOptions> = {}) {
  const test = new TestServer({ extensions: [jarm, ...extensions], ...options })
  const { client_secret = '', ...client } = await test.client(metadata)
  return { test, client: { ...client, client_secret } }
}

/** The parameters of a response, whichever way they travel, and that way. */
async function received(response: Response): Promise<{ way: string; params: URLSearchParams }> {
  const location = response.headers.get('location')
  if (location === null) {
    const html = await response.text()
    const inputs = [...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)].map(([, name = '', value = '']) => [
      name,
      value
    ])
    return { way: html.includes(`action="${REDIRECT_URI}"`) ? 'form_post' : 'page', params: new URLSearchParams(inputs) }
  }
  const { search, hash } = new URL(location)
  return hash === ''
    ? { way: 'query', params: new URLSearchParams(search) }
    : { way: 'fragment', params: new URLSearchParams(hash.slice(1)) }
}

/** The JWT that a response is, and nothing beside it. */
async function jwtOf(response: Response): Promise<string> {
  const { params } = await received(response)
  expect([...params.keys()]).toEqual(['response'])
  return params.get('response') ?? ''
}

async function verify(test: TestServer, jwt: string): Promise<jose.JWTVerifyResult> {
  const keys = jose.createLocalJWKSet(await (await test.fetch('/jwks')).json())
  return jose.jwtVerify(jwt, keys, { issuer: ISSUER, audience: 'app', currentDate: new Date(test.now * 1000) })
}

describe('an authorization response in a JWT', () => {
  test.each([
    ['jwt', 'query'],
    ['query.jwt', 'query'],
    ['fragment.jwt', 'fragment'],
    ['form_post.jwt', 'form_post']
  ])('%s: the parameter response in the %s, with all parameters, iss, aud and exp', async (response_mode, way) => {
    const { test, client } = await ready()
    expect((await received(await test.authorize({ response_mode }))).way).toBe(way)
    const { payload, protectedHeader } = await verify(test, await jwtOf(await test.authorize({ response_mode })))
    const { code, ...rest } = payload
    expect(rest).toEqual({ iss: ISSUER, aud: 'app', exp: test.now + 300, state: 'xyz' })
    expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT', kid: expect.any(String) })
    expect((await test.redeem(client, String(code))).status).toBe(200)
  })

  test.each(SIGNATURES)('is signed with the authorization_signed_response_alg of the client: %s', async (alg) => {
    const { test } = await ready({ authorization_signed_response_alg: alg }, { signingAlgorithms: SIGNATURES })
    const { protectedHeader, payload } = await verify(test, await jwtOf(await test.authorize({ response_mode: 'jwt' })))
    expect([protectedHeader.alg, payload['state']]).toEqual([alg, 'xyz'])
  })

  test('AP-05 has no state where the request had none', async () => {
    const { test } = await ready()
    const { payload } = await verify(test, await jwtOf(await test.authorize({ response_mode: 'jwt', state: undefined })))
    expect(Object.keys(payload).sort()).toEqual(['aud', 'code', 'exp', 'iss'])
  })

  test('AP-04 AP-21 has the state as it came, and the page of form_post.jwt nothing of it', async () => {
    const { test } = await ready()
    for (const state of ['"><script>alert(1)</script>', 'ü 😀 \r\n', 'x'.repeat(4096)]) {
      const response = await test.authorize({ response_mode: 'form_post.jwt', state })
      expect(await response.clone().text()).not.toContain('alert')
      expect((await verify(test, await jwtOf(response))).payload['state']).toBe(state)
    }
  })

  test('goes through the fragment as jwt where a token is in it', async () => {
    const extensions = [jarm]
    const { test } = await openIdServer({ responseTypes: ['code id_token'] }, { extensions })
    const metadata = { grant_types: ['authorization_code', 'implicit'], response_types: ['code id_token'] }
    await test.server.clients.update('app', metadata)
    test.now += 2
    const hybrid = { ...AUTHENTICATION, response_type: 'code id_token' }
    expect((await received(await test.authorize({ ...hybrid, response_mode: 'jwt' }))).way).toBe('fragment')
    const { payload } = await verify(test, await jwtOf(await test.authorize({ ...hybrid, response_mode: 'form_post.jwt' })))
    expect(Object.keys(payload).sort()).toEqual(['aud', 'code', 'exp', 'id_token', 'iss', 'state'])
  })

  test('AP-03 query.jwt MUST NOT be used with response types that contain token or id_token', async () => {
    const metadata = { response_types: ['token'], grant_types: ['implicit'] }
    const { test } = await ready(metadata, { extensions: [implicit] })
    const request = { response_type: 'token', code_challenge: undefined, code_challenge_method: undefined }
    const response = await test.authorize({ ...request, response_mode: 'query.jwt' })
    expect((await received(response)).way).toBe('fragment')
    expectRedirectError(response, 'invalid_request')
    const { payload } = await verify(test, await jwtOf(await test.authorize({ ...request, response_mode: 'fragment.jwt' })))
    expect(payload).toMatchObject({ token_type: 'Bearer', access_token: expect.any(String) })
  })

  test('AP-03 a client that registered its response modes is answered in no other', async () => {
    const { test } = await ready({ response_modes: ['jwt'] })
    expect((await verify(test, await jwtOf(await test.authorize({ response_mode: 'jwt' })))).payload).toHaveProperty('code')
    for (const response_mode of [undefined, 'query', 'query.jwt', 'form_post'])
      expectRedirectError(await test.authorize({ response_mode }), 'invalid_request')
  })
})

describe('an error in a JWT', () => {
  test.each(MODES)('%s: what is wrong with the request', async (response_mode) => {
    const { test } = await ready()
    for (const [params, error] of [
      [{ scope: 'admin' }, 'invalid_scope'],
      [{ code_challenge: undefined }, 'invalid_request'],
      [{ response_type: undefined }, 'invalid_request'],
      [{ response_type: 'none' }, 'unauthorized_client'],
      [{ request: 'a.b.c' }, 'request_not_supported']
    ] as const) {
      const { payload } = await verify(test, await jwtOf(await test.authorize({ ...params, response_mode })))
      expect(payload).toEqual({
        ...{ error, error_description: expect.any(String), state: 'xyz' },
        ...{ iss: ISSUER, aud: 'app', exp: test.now + 300 }
      })
    }
  })

  test('AP-08 what is in the way of an answer without a page', async () => {
    const { test } = await ready()
    test.session = undefined
    const { payload } = await verify(test, await jwtOf(await test.authorize({ response_mode: 'jwt', prompt: 'none' })))
    expect(payload).toMatchObject({ error: 'login_required', state: 'xyz' })
  })

  test('that nobody but the person may be told stays a page', async () => {
    const { test } = await ready()
    await expectPage(await test.authorize({ response_mode: 'jwt', redirect_uri: 'https://evil.example' }))
  })

  test('a response mode that there is not is told in the usual one', async () => {
    const { test } = await ready()
    for (const response_mode of ['JWT', 'web_message.jwt', 'jwt '])
      expectRedirectError(await test.authorize({ response_mode }), 'invalid_request')
  })
})

describe('encryption', async () => {
  const rsa = await jose.generateKeyPair('RSA-OAEP-256', { extractable: true })
  const ec = await jose.generateKeyPair('ECDH-ES', { extractable: true })
  const keyOf = async (key: jose.CryptoKey, alg: string) => ({ ...(await jose.exportJWK(key)), kid: alg, alg, use: 'enc' }) as JsonWebKey
  const jwks = { keys: [await keyOf(rsa.publicKey, 'RSA-OAEP-256'), await keyOf(ec.publicKey, 'ECDH-ES')] }

  test.each([
    ['RSA-OAEP-256', undefined, rsa.privateKey],
    ['ECDH-ES', 'A256GCM', ec.privateKey]
  ])(
    'the JWT is signed, then encrypted, with %s; authorization_encrypted_response_enc defaults to A128CBC-HS256',
    async (alg, enc, key) => {
      const metadata = { authorization_encrypted_response_alg: alg, ...(enc && { authorization_encrypted_response_enc: enc }) }
      const { test } = await ready({ jwks, ...metadata })
      for (const params of [{}, { scope: 'admin' }]) {
        const { plaintext, protectedHeader } = await jose.compactDecrypt(
          await jwtOf(await test.authorize({ response_mode: 'jwt', ...params })),
          key
        )
        expect(protectedHeader).toMatchObject({ alg, enc: enc ?? 'A128CBC-HS256', kid: alg, cty: 'JWT' })
        expect((await verify(test, new TextDecoder().decode(plaintext))).payload).toMatchObject({ state: 'xyz' })
      }
    }
  )

  test('nothing goes out in clear that was asked for encrypted', async () => {
    const metadata = { jwks: { keys: jwks.keys.slice(0, 1) }, authorization_encrypted_response_alg: 'ECDH-ES' }
    const { test } = await ready(metadata)
    for (const params of [{}, { scope: 'admin' }]) await expectPage(await test.authorize({ response_mode: 'jwt', ...params }), 500)
  })

  test.each([
    [{ authorization_encrypted_response_enc: 'A256GCM', jwks }, 'needs authorization_encrypted_response_alg'],
    [{ authorization_encrypted_response_alg: 'ECDH-ES' }, 'needs keys'],
    [{ authorization_encrypted_response_alg: 'RSA1_5', jwks }, 'one of RSA-OAEP-256, ECDH-ES'],
    [
      { authorization_encrypted_response_alg: 'ECDH-ES', authorization_encrypted_response_enc: 'A1', jwks },
      'one of A128CBC-HS256, A256GCM'
    ],
    [{ authorization_signed_response_alg: 'none' }, 'one of RS256, ES256'],
    [{ authorization_signed_response_alg: 'HS256' }, 'one of RS256, ES256']
  ])('client metadata is judged when it is registered: %j', async (metadata, message) => {
    const { test } = await ready()
    const created = test.client({ client_id: 'x', ...metadata })
    await expect(created).rejects.toMatchObject({ error: 'invalid_client_metadata', message: expect.stringContaining(message) })
  })
})

describe('around it', () => {
  test('metadata says what can be had', async () => {
    const { test } = await ready({}, { signingAlgorithms: ['ES256'] })
    expect(test.server.metadata()).toMatchObject({
      response_modes_supported: expect.arrayContaining([...MODES]),
      authorization_signing_alg_values_supported: ['RS256', 'ES256'],
      authorization_encryption_alg_values_supported: ['RSA-OAEP-256', 'ECDH-ES'],
      authorization_encryption_enc_values_supported: ['A128CBC-HS256', 'A256GCM']
    })
  })

  test('not passed, not there', async () => {
    const test = new TestServer()
    await test.client()
    const metadata = test.server.metadata()
    expect(metadata['response_modes_supported']).toEqual(['query', 'fragment', 'form_post'])
    expect(Object.keys(metadata).filter((name) => /^authorization_(signing|encryption)/.test(name))).toEqual([])
    for (const response_mode of MODES) expectRedirectError(await test.authorize({ response_mode }), 'invalid_request')
    const created = test.client({ client_id: 'x', authorization_signed_response_alg: 'RS256' })
    await expect(created).rejects.toMatchObject({ error: 'invalid_client_metadata' })
  })

  test('it needs an authorization endpoint', () => {
    expect(() => new TestServer({ interactions: undefined as never, extensions: [jarm] })).toThrow(
      'without interactions there is no authorization endpoint'
    )
  })

  test('JW-01 a response is no ID token and no access token', async () => {
    const { test } = await openIdServer({}, { extensions: [jarm] })
    const jwt = await jwtOf(await test.authorize({ ...AUTHENTICATION, response_mode: 'jwt' }))
    expectRedirectError(await test.authorize({ ...AUTHENTICATION, id_token_hint: jwt }), 'invalid_request')
    expect((await test.fetch('/userinfo', { headers: { authorization: `Bearer ${jwt}` } })).status).toBe(401)
  })

  test('oauth4webapi takes it, and nobody else’s', async () => {
    const { test, client } = await ready({ authorization_signed_response_alg: 'ES256' })
    const as: oauth.AuthorizationServer = { ...(test.server.metadata() as object), issuer: ISSUER }
    const own: oauth.Client = {
      client_id: 'app',
      authorization_signed_response_alg: 'ES256',
      [oauth.clockSkew]: test.now - Math.floor(Date.now() / 1000)
    }
    const options = { [oauth.customFetch]: ((url: string, init: RequestInit) => test.fetch(url, init)) as never }
    const location = new URL((await test.authorize({ response_mode: 'jwt' })).headers.get('location') ?? '')
    const params = await oauth.validateJwtAuthResponse(as, own, location, 'xyz', options)
    const authentication = oauth.ClientSecretBasic(client.client_secret)
    const tokens = await oauth.authorizationCodeGrantRequest(as, own, authentication, params, REDIRECT_URI, VERIFIER, options)
    expect(await oauth.processAuthorizationCodeResponse(as, own, tokens)).toMatchObject({ scope: 'read' })
    await expect(oauth.validateJwtAuthResponse(as, { ...own, client_id: 'other' }, location, 'xyz', options)).rejects.toThrow('aud')
    const refused = new URL((await test.authorize({ response_mode: 'jwt', scope: 'admin' })).headers.get('location') ?? '')
    await expect(oauth.validateJwtAuthResponse(as, own, refused, 'xyz', options)).rejects.toMatchObject({ error: 'invalid_scope' })
  })
})
