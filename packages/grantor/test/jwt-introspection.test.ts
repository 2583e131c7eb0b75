import { compactDecrypt, createLocalJWKSet, decodeProtectedHeader, exportJWK, generateKeyPair, jwtVerify } from 'jose'
import * as oauth from 'oauth4webapi'
import { describe, expect, test } from 'vitest'
import { type AuthorizationServerOptions, jwtIntrospection, type NewClient, resourceIndicators } from '../src/index.ts'
import { basic, expectTokenError, ISSUER, TestServer } from './support.ts'

const ORDERS = 'https://orders.example.com'
const MAIL = 'https://mail.example.com'
const JWT = 'application/token-introspection+jwt'

async function ready(metadata: NewClient = {}, options: Partial<AuthorizationServerOptions> = {}) {
  const test = new TestServer({
    resources: [
      { identifier: ORDERS, clientId: 'orders', scopes: ['read'] },
      { identifier: MAIL, clientId: 'mail', scopes: ['write'] }
    ],
    extensions: [jwtIntrospection, resourceIndicators()],
    ...options
  })
  const client = await test.client()
  const own = { redirect_uris: [], grant_types: ['client_credentials'] }
  const api = await test.client({ client_id: 'orders', ...own, ...metadata })
  const stranger = await test.client({ client_id: 'stranger', ...own })
  const params = { grant_type: 'client_credentials', scope: 'read' }
  const { access_token: token } = await (await test.token(client, { ...params, resource: ORDERS })).json()
  const ask = (by: { client_id: string; client_secret?: string }, value: string = token, accept = JWT) =>
    test.post('/introspect', { token: value }, { ...basic(by.client_id, by.client_secret ?? ''), accept })
  const verify = async (jwt: string, audience = 'orders') => {
    const keys = createLocalJWKSet(await (await test.fetch('/jwks')).json())
    return jwtVerify(jwt, keys, { issuer: ISSUER, audience, typ: 'token-introspection+jwt', currentDate: new Date(test.now * 1000) })
  }
  return { test, client, api, stranger, token, ask, verify }
}

describe('an introspection response in a JWT (RFC 9701)', () => {
  test('IS-07 §5 "The JWT MUST include the following top-level claims": iss, aud, iat, token_introspection; and no sub, no exp', async () => {
    const { test, api, token, ask, verify } = await ready()
    const response = await ask(api)
    expect({ status: response.status, type: response.headers.get('content-type') }).toEqual({ status: 200, type: JWT })
    expect(response.headers.get('cache-control')).toBe('no-store')
    const { payload, protectedHeader } = await verify(await response.text())
    expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'token-introspection+jwt', kid: expect.any(String) })
    expect(payload).toEqual({ iss: ISSUER, aud: 'orders', iat: test.now, token_introspection: await test.introspect(api, token) })
    expect(payload['token_introspection']).toMatchObject({ active: true, aud: ORDERS, scope: 'read', client_id: 'app' })
  })

  test('IS-07 used as an access token it is refused, whatever its aud', async () => {
    const { test, client, api, ask } = await ready({}, { extensions: [jwtIntrospection, resourceIndicators()], accessTokenFormat: 'jwt' })
    const { access_token: token } = await (await test.token(client, { grant_type: 'client_credentials', resource: ORDERS })).json()
    const jwt = await (await ask(api, token)).text()
    expect(await test.introspect(api, jwt)).toEqual({ active: false })
    expect(await test.introspect(client, jwt)).toEqual({ active: false })
  })

  test('§5 if the token is "invalid, expired, revoked, or not intended for the calling resource server": active false and nothing else', async () => {
    const { test, client, api, stranger, token, ask, verify } = await ready()
    const said = async (by: Parameters<typeof ask>[0], value = token) =>
      (await verify(await (await ask(by, value)).text(), by.client_id)).payload['token_introspection']
    expect(await said(stranger)).toEqual({ active: false })
    expect(await said(api, 'garbage')).toEqual({ active: false })
    test.now += 3601
    expect(await said(api)).toEqual({ active: false })
    test.now -= 3601
    await test.post('/revoke', { token }, basic('app', client.client_secret ?? ''))
    expect(await said(api)).toEqual({ active: false })
  })

  test('§5 "the scopes relevant to the particular RS": each API sees its own of a token for two, the client sees all', async () => {
    const { test, client, api } = await ready()
    const mail = await test.client({ client_id: 'mail', redirect_uris: [], grant_types: ['client_credentials'] })
    const body = `grant_type=client_credentials&resource=${encodeURIComponent(ORDERS)}&resource=${encodeURIComponent(MAIL)}`
    const { access_token: token } = await (await test.post('/token', body, basic('app', client.client_secret ?? ''))).json()
    expect((await test.introspect(client, token))['scope']).toBe('read write')
    expect((await test.introspect(api, token))['scope']).toBe('read')
    expect((await test.introspect(mail, token))['scope']).toBe('write')
  })

  test('§4 it is asked for by the Accept header, by its own name', async () => {
    const { api, token, ask } = await ready()
    const typeFor = async (accept: string) => (await ask(api, token, accept)).headers.get('content-type')
    for (const accept of [JWT.toUpperCase(), `application/json, ${JWT};q=0.9`, `text/html,${JWT}`]) expect(await typeFor(accept)).toBe(JWT)
    for (const accept of ['application/json', '*/*', 'application/*', `${JWT};q=0`, `${JWT};q=0.0, */*`, `${JWT}x`, ''])
      expect(await typeFor(accept)).toBe('application/json')
  })

  test('§4 "MUST authenticate the caller": who does not is told in JSON, and learns nothing', async () => {
    const { test, token, ask } = await ready()
    await expectTokenError(await test.post('/introspect', { token }, { accept: JWT }), 401, 'invalid_client')
    await expectTokenError(await ask({ client_id: 'orders', client_secret: 'wrong' }), 401, 'invalid_client')
  })
})

describe('the client metadata of §6', () => {
  test('introspection_signed_response_alg signs', async () => {
    const { api, ask, verify } = await ready({ introspection_signed_response_alg: 'ES256' })
    expect((await verify(await (await ask(api)).text())).protectedHeader.alg).toBe('ES256')
    await expect(ready({ introspection_signed_response_alg: 'none' })).rejects.toThrow('one of RS256, ES256')
    await expect(ready({ introspection_signed_response_alg: 'HS256' })).rejects.toThrow('one of RS256, ES256')
  })

  test.each([
    ['RSA-OAEP-256', undefined, 'A128CBC-HS256'],
    ['ECDH-ES', 'A256GCM', 'A256GCM']
  ])('"If the JWT is signed and encrypted, it MUST be a Nested JWT": %s, enc %s', async (alg, enc, used) => {
    const { publicKey, privateKey } = await generateKeyPair(alg)
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), use: 'enc', kid: 'e' } as JsonWebKey] }
    const { api, ask, verify, token } = await ready({
      introspection_encrypted_response_alg: alg,
      ...(enc !== undefined && { introspection_encrypted_response_enc: enc }),
      jwks
    })
    const jwe = await (await ask(api)).text()
    expect(decodeProtectedHeader(jwe)).toMatchObject({ alg, enc: used, cty: 'JWT', kid: 'e' })
    const { plaintext } = await compactDecrypt(jwe, privateKey)
    const { payload } = await verify(new TextDecoder().decode(plaintext))
    expect(payload['token_introspection']).toMatchObject({ active: true })
    await expectTokenError(await ask(api, token, 'application/json'), 400, 'invalid_request')
  })

  test('encryption needs keys, and enc needs alg', async () => {
    await expect(ready({ introspection_encrypted_response_alg: 'RSA-OAEP-256' })).rejects.toThrow('needs keys')
    await expect(ready({ introspection_encrypted_response_enc: 'A256GCM' })).rejects.toThrow('needs introspection_encrypted_response_alg')
  })
})

test('§7 the metadata says what it can be signed and encrypted with', async () => {
  const { test } = await ready()
  expect(await (await test.fetch('/.well-known/oauth-authorization-server')).json()).toMatchObject({
    introspection_signing_alg_values_supported: ['RS256', 'ES256'],
    introspection_encryption_alg_values_supported: ['RSA-OAEP-256', 'ECDH-ES'],
    introspection_encryption_enc_values_supported: ['A128CBC-HS256', 'A256GCM']
  })
})

test('oauth4webapi understands the answer', async () => {
  const { test, api, token } = await ready({ introspection_signed_response_alg: 'ES256' })
  const options = { [oauth.customFetch]: ((url: string, init: RequestInit) => test.fetch(url, init)) as never }
  const issuer = new URL(ISSUER)
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { ...options, algorithm: 'oauth2' }))
  const client = {
    client_id: 'orders',
    introspection_signed_response_alg: 'ES256',
    [oauth.clockSkew]: test.now - Math.floor(Date.now() / 1000)
  }
  const response = await oauth.introspectionRequest(as, client, oauth.ClientSecretBasic(api.client_secret ?? ''), token, options)
  expect(await oauth.processIntrospectionResponse(as, client, response)).toMatchObject({ active: true, aud: ORDERS })
  await oauth.validateApplicationLevelSignature(as, response, options)
})

test('not passed, not there: JSON whatever is accepted, nothing in the metadata, unknown members of clients', async () => {
  const test = new TestServer()
  const client = await test.client()
  const { access_token: token } = await (await test.token(client, { grant_type: 'client_credentials' })).json()
  const response = await test.post('/introspect', { token }, { ...basic('app', client.client_secret ?? ''), accept: JWT })
  expect(response.headers.get('content-type')).toBe('application/json')
  expect(
    Object.keys(test.server.metadata()).filter((name) => name.startsWith('introspection_sign') || name.startsWith('introspection_encr'))
  ).toEqual([])
  await expect(test.client({ client_id: 'b', introspection_signed_response_alg: 'RS256' })).rejects.toThrow('there is no')
})
