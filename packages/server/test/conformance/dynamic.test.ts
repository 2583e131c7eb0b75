import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { checkRefusal, checkTokens } from './checks.ts'
import { OwnHost } from './own-host.ts'
import { Person } from './person.ts'
import { REDIRECT_URI, Suite } from './suite.ts'

const RESPONSE_TYPES = ['code', 'id_token', 'id_token token', 'code id_token', 'code token', 'code id_token token']
const WITH_QUERY = `${REDIRECT_URI}?dummy1=lorem&dummy2=ipsum`

let suite: Suite
let host: OwnHost
let keys: CryptoKeyPair
/** As the clients of this plan authenticate. */
let signing: { token_endpoint_auth_method: string; jwks: { keys: object[] } }
const visitor = new Person()

async function newKeys(kid: string): Promise<{ pair: CryptoKeyPair; jwk: object }> {
  const pair = await generateKeyPair('RS256', { extractable: true })
  return { pair, jwk: { ...(await exportJWK(pair.publicKey)), kid, use: 'sig', alg: 'RS256' } }
}

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  host = await OwnHost.start()
  suite = await Suite.start({ outbound: host.outbound })
  const { pair, jwk } = await newKeys('first')
  keys = pair
  signing = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } }
})
afterAll(async () => {
  await suite.server.close()
  await host.close()
  vi.useRealTimers()
})
afterEach(() => suite.cleanUp())

const refused = async (metadata: object) => {
  const response = await suite.requestRegistration({ redirect_uris: [REDIRECT_URI], ...metadata })
  return checkRefusal(response)
}

describe('registration', () => {
  test('oidcc-registration-dynamic', async () => {
    const client = await suite.register(signing, keys.privateKey)
    await client.signIn({ response_type: 'code' }, { person: visitor })
  })

  test('oidcc-registration-jwks-uri', async () => {
    const { pair, jwk } = await newKeys('published')
    const jwks_uri = host.publish('/jwks.json', { keys: [jwk] })
    const client = await suite.register({ token_endpoint_auth_method: 'private_key_jwt', jwks_uri }, pair.privateKey)
    await client.signIn({ response_type: 'code' }, { person: visitor })
  })

  test('an assertion for the issuer is taken as one for the token endpoint is', async () => {
    const client = await suite.register(signing, keys.privateKey)
    const { outcome } = await client.signIn({ response_type: 'code' }, { person: visitor })
    const { sent, params } = await client.authorize(visitor, { response_type: 'code' })
    expect(outcome.params['code']).not.toBe(params['code'])
    const body = new URLSearchParams({
      grant_type: 'authorization_code',
      code: params['code'] ?? '',
      redirect_uri: sent['redirect_uri'] ?? '',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await client.assertion(suite.issuer)
    })
    await checkTokens(await fetch(suite.url('token_endpoint'), { method: 'POST', body }))
  })

  test.each([
    ['logo', (page: string, uri: string) => page.includes(`<img src="${uri}"`)],
    ['policy', (page: string, uri: string) => page.includes(`<a href="${uri}"`)],
    ['tos', (page: string, uri: string) => page.includes(`<a href="${uri}"`)]
  ])('oidcc-registration-%s-uri', async (name, isShown) => {
    const uri = `https://suite.example.com/${name}`
    const client = await suite.register({ ...signing, [`${name}_uri`]: uri }, keys.privateKey)
    const page = await new Person().look(client.urlOf(client.request({ response_type: 'code' })))
    expect(page).toContain('Sign in')
    expect(isShown(page, uri)).toBe(true)
    await client.signIn({ response_type: 'code' }, { person: visitor })
  })

  test('oidcc-registration-sector-uri', async () => {
    const sector_identifier_uri = host.publish('/sector.json', [REDIRECT_URI, WITH_QUERY, 'https://other.example.com/cb'])
    const metadata = { ...signing, subject_type: 'pairwise', sector_identifier_uri, redirect_uris: [REDIRECT_URI, WITH_QUERY] }
    const client = await suite.register(metadata, keys.privateKey)
    const { claims, accessToken } = await client.signIn({ response_type: 'code' }, { person: visitor })
    expect((await (await client.userinfo(accessToken)).json()).sub).toBe(claims.sub)
    // One sector, one subject; another sector, another.
    const sibling = await suite.register(metadata, keys.privateKey)
    const stranger = await suite.register({ ...signing, subject_type: 'pairwise' }, keys.privateKey)
    expect((await sibling.signIn({ response_type: 'code' }, { person: visitor })).claims.sub).toBe(claims.sub)
    expect((await stranger.signIn({ response_type: 'code' }, { person: visitor })).claims.sub).not.toBe(claims.sub)
  })

  test('oidcc-registration-sector-bad', async () => {
    const sector_identifier_uri = host.publish('/bad-sector.json', ['https://other.example.com/cb'])
    expect(await refused({ subject_type: 'pairwise', sector_identifier_uri })).toBe('invalid_client_metadata')
  })

  test('oidcc-redirect-uri-query-OK', async () => {
    const client = await suite.register({ ...signing, redirect_uris: [WITH_QUERY] }, keys.privateKey)
    const { outcome } = await client.signIn({ response_type: 'code' }, { person: visitor })
    expect(outcome.location?.startsWith(`${WITH_QUERY}&`)).toBe(true)
  })

  test('oidcc-redirect-uri-regfrag', async () => {
    for (const fragment of ['#foo=bar', '#'])
      expect(await refused({ redirect_uris: [`${REDIRECT_URI}${fragment}`] })).toBe('invalid_redirect_uri')
  })

  test.each([
    ['oidcc-redirect-uri-query-added', [REDIRECT_URI], `${REDIRECT_URI}?foo=bar`],
    ['oidcc-redirect-uri-query-mismatch', [WITH_QUERY], `${REDIRECT_URI}?dummy1=lorem`]
  ])('%s', async (_, redirect_uris, redirect_uri) => {
    const client = await suite.register({ ...signing, redirect_uris }, keys.privateKey)
    const { status, location, html } = await new Person().open(client.urlOf(client.request({ response_type: 'code', redirect_uri })))
    expect([status, location]).toEqual([400, undefined])
    expect(html).toContain('Request rejected')
  })

  test.each(RESPONSE_TYPES)('a client that registers only %s may ask for nothing else', async (response_type) => {
    const grant_types = [
      ...(response_type.includes('code') ? ['authorization_code'] : []),
      ...(response_type === 'code' ? [] : ['implicit'])
    ]
    const client = await suite.register({ ...signing, response_types: [response_type], grant_types }, keys.privateKey)
    for (const other of RESPONSE_TYPES.filter((type) => type !== response_type)) {
      const { params } = await client.authorize(visitor, { response_type: other })
      expect(params['error']).toBe('unauthorized_client')
    }
  })
})

describe('what a client registered decides', () => {
  test.each(['value', 'reference'])('oidcc-request-uri-signed-rs256, by %s', async (way) => {
    const request_uri = `${host.origin}/request.jwt#a-hash`
    const client = await suite.register({ ...signing, request_object_signing_alg: 'RS256', request_uris: [request_uri] }, keys.privateKey)
    const sent = client.request({ response_type: 'code', nonce: 'inside' })
    const object = await new SignJWT(sent)
      .setProtectedHeader({ alg: 'RS256', kid: 'first' })
      .setIssuer(client.registration.client_id)
      .setAudience(suite.issuer)
      .sign(keys.privateKey)
    host.publish('/request.jwt', object)
    const { client_id = '', response_type = '', scope = '' } = sent
    const outside = { client_id, response_type, scope, ...(way === 'value' ? { request: object } : { request_uri }) }
    const outcome = client.arrived(sent, await visitor.open(client.urlOf(outside)))
    const tokens = await checkTokens(await client.redeem(outcome))
    expect(JSON.parse(Buffer.from(tokens['id_token']?.split('.')[1] ?? '', 'base64url').toString()).nonce).toBe('inside')
    // Only what is registered is fetched.
    const elsewhere = host.publish('/elsewhere.jwt', object)
    const wrong = client.request({ response_type: 'code', request_uri: elsewhere })
    expect(client.arrived(wrong, await visitor.open(client.urlOf(wrong))).params['error']).toBe('invalid_request_uri')
  })

  test('oidcc-userinfo-rs256', async () => {
    const client = await suite.register({ ...signing, userinfo_signed_response_alg: 'RS256' }, keys.privateKey)
    const { claims, accessToken } = await client.signIn({ response_type: 'code', nonce: 'n' }, { person: visitor })
    const response = await client.userinfo(accessToken)
    expect(response.headers.get('content-type')).toMatch(/^application\/jwt(;|$)/)
    const jwks = await suite.jwks()
    const { payload } = await jwtVerify(await response.text(), createLocalJWKSet(jwks), { algorithms: ['RS256'] })
    expect(payload).toEqual({ iss: suite.issuer, aud: client.registration.client_id, sub: claims.sub })
  })

  test('oidcc-idtoken-signature with ES256, as the client registered', async () => {
    const client = await suite.register({ ...signing, id_token_signed_response_alg: 'ES256' }, keys.privateKey)
    await client.signIn({ response_type: 'code' }, { person: visitor })
  })
})

describe('rotation', () => {
  test('oidcc-refresh-token-rp-key-rotation', async () => {
    const [old, next] = [await newKeys('old'), await newKeys('next')]
    const jwks_uri = host.publish('/rotating.json', { keys: [old.jwk] })
    const metadata = { token_endpoint_auth_method: 'private_key_jwt', jwks_uri, grant_types: ['authorization_code', 'refresh_token'] }
    const client = await suite.register(metadata, old.pair.privateKey)
    const scope = 'openid offline_access'
    const { tokens } = await client.signIn({ response_type: 'code', scope, prompt: 'consent' }, { person: visitor })
    host.publish('/rotating.json', { keys: [next.jwk] })
    vi.setSystemTime(Date.now() + 60_000)
    const refresh = async (assertion: string) => {
      const body = new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: tokens['refresh_token'] ?? '',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion
      })
      return fetch(suite.url('token_endpoint'), { method: 'POST', body })
    }
    const wrong = await client.assertion(suite.issuer, old.pair.privateKey, 'old')
    expect(await checkRefusal(await refresh(wrong))).toBe('invalid_client')
    await checkTokens(await refresh(await client.assertion(suite.issuer, next.pair.privateKey, 'next')))
  })

  test('oidcc-server-rotate-keys', async () => {
    const client = await suite.register(signing, keys.privateKey)
    const { tokens } = await client.signIn({ response_type: 'code' }, { person: visitor })
    const before = (await suite.jwks()).keys
    await suite.server.authorization.keys.rotate()
    const after = await suite.jwks()
    const names = after.keys.map(({ kid }) => kid)
    expect(names).toEqual(expect.arrayContaining(before.map(({ kid }) => kid)))
    for (const alg of ['RS256', 'ES256'])
      expect(after.keys.filter((key) => key.alg === alg).length).toBe(before.filter((key) => key.alg === alg).length + 1)
    await jwtVerify(tokens['id_token'] ?? '', createLocalJWKSet(after))
    await client.signIn({ response_type: 'code' }, { person: visitor })
  })
})

describe('third-party-initiated login', () => {
  test('oidcc-3rdparty-init-login', async () => {
    const initiate_login_uri = 'https://suite.example.com/initiate'
    const { registration } = await suite.register({ ...signing, initiate_login_uri }, keys.privateKey)
    const headers = { authorization: `Bearer ${registration.registration_access_token}` }
    const response = await fetch(registration.registration_client_uri, { headers })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
    expect(await response.json()).toMatchObject({ client_id: registration.client_id, initiate_login_uri })
  })

  test('oidcc-3rdparty-init-login-nohttps', async () => {
    expect(await refused({ initiate_login_uri: 'http://suite.example.com/initiate' })).toBe('invalid_client_metadata')
  })
})
