import { describe, expect, test } from 'vitest'
import {
  ClientCredentialsGrantType,
  type GrantTypeBase as GrantType,
  GrantTypeBase,
  InvalidGrantError,
  implicit,
  MemoryStore,
  passwordGrant,
  type TokenIssuance,
  type TokenRequest
} from '../src/index.ts'
import { expectRedirectError, expectTokenError, ISSUER, TestServer } from './support.ts'

const OTP = 'urn:example:grant-type:phone-otp'

class PhoneOtpGrantType extends GrantTypeBase {
  readonly grantType = OTP

  async validateRequest({ params, scope }: TokenRequest): Promise<TokenIssuance> {
    if (params.require('otp') !== '123456') throw new InvalidGrantError('wrong or expired one-time password')
    return { subject: params.require('phone'), scope, refreshToken: true, claims: { phone_verified: true, iss: 'https://evil.example' } }
  }
}

const otp = { extensions: [(server: ConstructorParameters<typeof GrantType>[0]) => ({ grantTypes: [new PhoneOtpGrantType(server)] })] }

describe('custom grant types', () => {
  test('are advertised, authenticated, bound, refreshed, introspected and revoked like built-in ones', async () => {
    const test = new TestServer(otp)
    const client = await test.client({ grant_types: [OTP, 'refresh_token'], redirect_uris: [], response_types: [] })
    const metadata = await (await test.fetch('/.well-known/oauth-authorization-server')).json()
    expect(metadata.grant_types_supported).toContain(OTP)
    const ask = (params: Record<string, string>, by: { client_id: string; client_secret?: string } = client) =>
      test.token(by, { grant_type: OTP, ...params })
    await expectTokenError(await ask({ phone: '1', otp: '123456' }, { client_id: 'app', client_secret: 'wrong' }), 401, 'invalid_client')
    await expectTokenError(await ask({ phone: '1' }), 400, 'invalid_request')
    await expectTokenError(await ask({ phone: '1', otp: '0' }), 400, 'invalid_grant')
    await expectTokenError(await ask({ phone: '1', otp: '123456', scope: 'admin' }), 400, 'invalid_scope')
    const tokens = await (await ask({ phone: '+491234', otp: '123456', scope: 'read' })).json()
    expect(await test.introspect(client, tokens.access_token)).toMatchObject({
      active: true,
      sub: '+491234',
      scope: 'read',
      phone_verified: true,
      iss: ISSUER
    })
    const next = await (await test.token(client, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token })).json()
    expect(await test.introspect(client, next.access_token)).toMatchObject({ active: true, sub: '+491234' })
    await test.post('/revoke', { token: next.refresh_token, client_id: 'app', client_secret: client.client_secret ?? '' })
    for (const token of [tokens.access_token, next.access_token, next.refresh_token])
      expect(await test.introspect(client, token)).toEqual({ active: false })
  })

  test('CA-20 a client that is not registered for one may not use it', async () => {
    const test = new TestServer(otp)
    const client = await test.client()
    await expectTokenError(await test.token(client, { grant_type: OTP, phone: '1', otp: '123456' }), 400, 'unauthorized_client')
  })

  test('a subclass of a built-in grant type takes its place; two extensions with one name are refused', async () => {
    class Audited extends ClientCredentialsGrantType {
      override async validateRequest(request: TokenRequest): Promise<TokenIssuance> {
        return { ...(await super.validateRequest(request)), claims: { audited: true } }
      }
    }
    const extension = (server: ConstructorParameters<typeof GrantType>[0]) => ({ grantTypes: [new Audited(server)] })
    const test = new TestServer({ extensions: [extension] })
    const client = await test.client()
    const tokens = await (await test.token(client, { grant_type: 'client_credentials' })).json()
    expect(await test.introspect(client, tokens.access_token)).toMatchObject({ audited: true })
    expect(() => new TestServer({ extensions: [extension, extension] })).toThrow('the grant type client_credentials is contributed twice')
  })
})

describe('what must be named to be there', () => {
  test('the password grant', async () => {
    const bare = new TestServer()
    await expect(bare.client({ grant_types: ['password'] })).rejects.toMatchObject({ error: 'invalid_client_metadata' })
    const authenticate = async (username: string, password: string) =>
      username === 'alice' && password === 'right' ? { subject: 'alice' } : undefined
    const test = new TestServer({ extensions: [passwordGrant({ authenticate })] })
    const client = await test.client({ grant_types: ['password', 'refresh_token'], redirect_uris: [], response_types: [] })
    const ask = (params: Record<string, string>) => test.token(client, { grant_type: 'password', ...params })
    await expectTokenError(await ask({ username: 'alice', password: 'wrong' }), 400, 'invalid_grant')
    await expectTokenError(await ask({ username: 'alice' }), 400, 'invalid_request')
    const tokens = await (await ask({ username: 'alice', password: 'right', scope: 'read' })).json()
    expect(await test.introspect(client, tokens.access_token)).toMatchObject({ sub: 'alice', scope: 'read' })
    expect((await test.token(client, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token })).status).toBe(200)
  })

  test('the implicit grant: a token in the fragment, never in a query, never with a refresh token', async () => {
    const bare = new TestServer()
    await expect(bare.client({ response_types: ['token'], grant_types: ['implicit'] })).rejects.toMatchObject({
      error: 'invalid_client_metadata'
    })
    const test = new TestServer({ extensions: [implicit] })
    const client = await test.client({ response_types: ['token'], grant_types: ['implicit', 'refresh_token'] })
    const request = { response_type: 'token', code_challenge: undefined, code_challenge_method: undefined }
    const location = (await test.authorize(request)).headers.get('location') ?? ''
    const { search, hash } = new URL(location)
    const params = new URLSearchParams(hash.slice(1))
    expect([search, [...params.keys()].sort()]).toEqual(['', ['access_token', 'expires_in', 'iss', 'scope', 'state', 'token_type']])
    expect(await test.introspect(client, params.get('access_token') ?? '')).toMatchObject({ active: true, sub: 'alice' })
    for (const wrong of [{ response_mode: 'query' }, { scope: 'unknown' }]) {
      const refused = await test.authorize({ ...request, ...wrong })
      expect(new URL(refused.headers.get('location') ?? '').search).toBe('')
      expectRedirectError(refused, 'scope' in wrong ? 'invalid_scope' : 'invalid_request')
    }
  })
})

describe('settings', () => {
  const API = 'https://api.example.com'
  const create = (options: object) => new TestServer(options)

  test('an unknown key is refused with the nearest right name', () => {
    expect(() => create({ accessTokenLifetme: 60 })).toThrow('options: there is no accessTokenLifetme; did you mean accessTokenLifetime?')
    expect(() => create({ frobnicate: true })).toThrow('options: there is no frobnicate')
    expect(() => create({ resources: [{ identifier: 'https://a.example', settings: { accessTokenLifetme: 1 } }] })).toThrow(
      'did you mean accessTokenLifetime?'
    )
    expect(() => create({ paths: { tokn: '/x' } })).toThrow('paths: there is no endpoint tokn')
  })

  test.each([
    [{ issuer: 'http://id.example.com' }, 'issuer must be an https URL'],
    [{ issuer: 'https://id.example.com?x' }, 'without user information, query or fragment'],
    [{ issuer: 'https://id.example.com#x' }, 'without user information, query or fragment'],
    [{ issuer: 'https://u:p@id.example.com' }, 'without user information, query or fragment'],
    [{ issuer: 'https://id.example.com/a/' }, 'must not end with a slash'],
    [{ issuer: 'https://ID.example.com' }, 'normal form'],
    [{ issuer: 'id.example.com' }, 'absolute URL'],
    [{ accessTokenLifetime: 0 }, 'settings: accessTokenLifetime is a whole number of seconds from 1 to'],
    [{ accessTokenLifetime: '60' }, 'settings: accessTokenLifetime is a whole number of seconds'],
    [{ accessTokenLifetime: null }, 'settings: accessTokenLifetime is a whole number of seconds'],
    [{ grantLifetime: 1.5 }, 'settings: grantLifetime is a whole number of seconds'],
    [{ refreshTokenLifetime: 1e300 }, 'settings: refreshTokenLifetime is a whole number of seconds'],
    [{ authorizationCodeLifetime: 601 }, 'settings: authorizationCodeLifetime is a whole number of seconds from 1 to 600'],
    [{ available: 'false' }, 'settings: available is true or false'],
    [{ insecureIssuer: 'false' }, 'settings: insecureIssuer is true or false'],
    [{ requirePkce: 'false' }, 'settings: requirePkce is true or false'],
    [{ allowOmittedRedirectUri: 0 }, 'settings: allowOmittedRedirectUri is true or false'],
    [{ clockSkew: 'x' }, 'settings: clockSkew is a whole number of seconds from 0 to 600'],
    [{ clockSkew: -1 }, 'settings: clockSkew'],
    [{ interactionLifetime: '1' }, 'settings: interactionLifetime is a whole number'],
    [{ assertionLifetime: Number.NaN }, 'settings: assertionLifetime is a whole number'],
    [{ codeFailureLimit: 0 }, 'settings: codeFailureLimit is a whole number above 0'],
    [{ signingKeyLifetime: Number.POSITIVE_INFINITY }, 'settings: signingKeyLifetime'],
    [{ signingAlgorithms: 'ES256' }, 'settings: signingAlgorithms is a list'],
    [{ signingAlgorithms: ['HS256'] }, 'settings: signingAlgorithms is a list, each entry of it one of ES256, RS256, PS256, EdDSA'],
    [{ signingAlgorithms: [] }, 'signingAlgorithms is empty, and there is no signer'],
    [{ accessTokenFormat: 'bogus' }, 'settings: accessTokenFormat is one of opaque, jwt'],
    [{ defaultScope: 'a "b"' }, 'settings: defaultScope is a list of scope tokens'],
    [{ defaultScope: ['a'] }, 'settings: defaultScope is a list of scope tokens'],
    [{ defaultResource: 'api' }, 'settings: defaultResource is an absolute URI'],
    [{ errorUri: 'docs' }, 'settings: errorUri is an http or https URL'],
    [{ issuer: 5 }, 'settings: issuer is a text'],
    [{ issuer: 5, clockSkew: 'x' }, 'settings: clockSkew is a whole number of seconds from 0 to 600\nsettings: issuer is a text'],
    [{ paths: null }, 'settings: paths is an object'],
    [{ paths: { token: 5 } }, 'settings: paths is an object'],
    [{ paths: { token: 'oauth/token' } }, 'settings: paths is an object'],
    [{ paths: { token: '/../token' } }, 'settings: paths is an object'],
    [{ resources: {} }, 'settings: resources is a list'],
    [{ resources: [null] }, 'settings: resources is a list, each entry of it an object'],
    [{ resources: [{}] }, 'identifier is an absolute URI'],
    [{ resources: [{ identifier: API, audience: 'x' }] }, `resources: ${API}: there is no audience`],
    [{ resources: [{ identifier: API, clientID: 'x' }] }, 'did you mean clientId?'],
    [{ resources: [{ identifier: API, clientId: 5 }] }, `resources: ${API}: clientId is a text`],
    [{ resources: [{ identifier: API, signingAlgorithm: 'RS256' }] }, `resources: ${API}: signingAlgorithm is one of ES256`],
    [{ resources: [{ identifier: API, settings: null }] }, `resources: ${API}: settings is an object`],
    [{ resources: [{ identifier: API, settings: { accessTokenFormat: 'bogus' } }] }, 'accessTokenFormat is one of opaque, jwt'],
    [{ resources: [{ identifier: API }, { identifier: API }] }, `resources: ${API} is there twice`],
    [{ refreshTokenReuseWindow: -1 }, 'refreshTokenReuseWindow'],
    [{ refreshTokenRotation: 'never' }, 'refreshTokenRotation'],
    [{ signingKeyLead: 90 * 86_400 }, 'signingKeyLead'],
    [{ resources: [{ identifier: '/relative' }] }, 'identifier is an absolute URI'],
    [{ paths: { token: '/a b' } }, 'is not a plain path'],
    [{ paths: { token: '/jwks' } }, 'two endpoints at /jwks'],
    [{ secret: 'short' }, 'at least 32 characters']
  ])('%j cannot work and is refused at the start', (options, message) => {
    expect(() => create(options)).toThrow(message)
  })

  test('a durable store needs a secret that survives', () => {
    const store = Object.assign(new MemoryStore(), { durable: true })
    expect(() => create({ store })).toThrow('secret is missing')
  })

  test('http issuers are for loopback, or for who says so', () => {
    for (const issuer of ['http://localhost:9400', 'http://127.0.0.1', 'http://[::1]:1']) expect(() => create({ issuer })).not.toThrow()
    expect(() => create({ issuer: 'http://id.internal', insecureIssuer: true })).not.toThrow()
  })

  test('lifetimes and formats differ per client and per resource; the resource counts most', async () => {
    const test = new TestServer({
      accessTokenLifetime: 100,
      defaultResource: API,
      resources: [{ identifier: API, settings: { accessTokenFormat: 'jwt' } }]
    })
    const own = await test.client({ settings: { accessTokenLifetime: 50, accessTokenFormat: 'opaque', authorizationCodeLifetime: 5 } })
    const tokens = await (await test.token(own, { grant_type: 'client_credentials' })).json()
    expect(tokens.expires_in).toBe(50)
    expect(tokens.access_token.split('.')).toHaveLength(3)
    const code = await test.code()
    test.now += 5
    await expectTokenError(await test.redeem(own, code), 400, 'invalid_grant')
    for (const settings of [
      ...[{ accessTokenLifetme: 1 }, { accessTokenFormat: 'bogus' }, { accessTokenFormat: null }, { accessTokenLifetime: '1' }],
      ...[{ requirePkce: 'no' }, null, [], 'jwt', 7]
    ]) {
      await expect(test.client({ client_id: 'x', settings: settings as object })).rejects.toMatchObject({
        error: 'invalid_client_metadata',
        message: expect.stringMatching(/settings/)
      })
    }
  })

  test('endpoints live below the path of the issuer, or where the settings say', async () => {
    const test = new TestServer({ issuer: 'https://id.example.com/tenant', paths: { token: '/oauth/token' } })
    const metadata = await (await test.fetch('/.well-known/oauth-authorization-server/tenant')).json()
    expect(metadata).toMatchObject({
      issuer: 'https://id.example.com/tenant',
      token_endpoint: 'https://id.example.com/tenant/oauth/token',
      jwks_uri: 'https://id.example.com/tenant/jwks'
    })
    expect((await test.fetch('/tenant/oauth/token', { method: 'POST' })).status).toBe(400)
    expect((await test.fetch('/token', { method: 'POST' })).status).toBe(404)
  })

  test('errorUri is the base of every error_uri', async () => {
    const test = new TestServer({ errorUri: 'https://docs.example.com/errors/' })
    expect(await (await test.post('/token', {})).json()).toMatchObject({ error_uri: 'https://docs.example.com/errors/invalid_client' })
    await test.client()
    expect(expectRedirectError(await test.authorize({ scope: 'x' }), 'invalid_scope').get('error_uri')).toBe(
      'https://docs.example.com/errors/invalid_scope'
    )
  })
})

describe('events', () => {
  test('ST-01 ST-06 tell everything and hold no secret', async () => {
    const test = new TestServer()
    const client = await test.client()
    const code = await test.code()
    const tokens = await (await test.redeem(client, code)).json()
    await test.redeem(client, code)
    await test.token(client, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token })
    await test.token({ client_id: 'app', client_secret: 'canary-secret' }, { grant_type: 'client_credentials' })
    await test.introspect(client, tokens.access_token)
    await test.authorize({ redirect_uri: 'https://evil.example' })
    const log = JSON.stringify(test.events)
    for (const secret of [code, tokens.access_token, tokens.refresh_token, client.client_secret ?? '', 'canary-secret'])
      expect(log).not.toContain(secret.slice(-40))
    const types = new Set(test.events.map(({ type }) => type))
    for (const type of [
      'client.created',
      'authorization.granted',
      'token.issued',
      'code.replayed',
      'grant.revoked',
      'client_authentication.failed',
      'token.introspected',
      'request.refused'
    ] as const)
      expect(types).toContain(type)
    expect(test.events.filter(({ type }) => type === 'request.refused').every(({ requestId }) => requestId !== undefined)).toBe(true)
    expect(JSON.stringify(test.server)).not.toContain('secrets":{"')
  })

  test('F-44 a listener that throws breaks nothing', async () => {
    const test = new TestServer({
      onEvent: () => {
        throw new Error('listener')
      }
    })
    const client = await test.client()
    expect((await test.token(client, { grant_type: 'client_credentials' })).status).toBe(200)
  })
})
