import { decodeJwt } from 'jose'
import * as oauth from 'oauth4webapi'
import { describe, expect, test } from 'vitest'
import { type Extension, GrantTypeBase } from '../src/index.ts'
import { basic, expectTokenError, ISSUER, TestServer } from './support.ts'

const API = 'https://api.example.com'

async function ready(options = {}) {
  const test = new TestServer(options)
  const client = await test.client()
  const other = await test.client({ client_id: 'other' })
  const spa = await test.publicClient()
  const tokens = await (await test.redeem(client, await test.code())).json()
  const revoke = (by: { client_id: string; client_secret?: string }, token: string, params = {}) =>
    by.client_secret === undefined
      ? test.post('/revoke', { token, client_id: by.client_id, ...params })
      : test.post('/revoke', { token, ...params }, basic(by.client_id, by.client_secret))
  const active = async (token: string) => (await test.introspect(client, token)).active
  return { test, client, other, spa, tokens, revoke, active }
}

const FORMATS = [['opaque'], ['jwt']] as const

describe.each(FORMATS)('introspection of %s tokens', (accessTokenFormat) => {
  test('says all that the owner needs (RFC 7662 §2.2)', async () => {
    const { test, client, tokens } = await ready({ accessTokenFormat })
    expect(await test.introspect(client, tokens.access_token)).toEqual({
      active: true,
      iss: ISSUER,
      sub: 'alice',
      aud: ISSUER,
      client_id: 'app',
      scope: 'read',
      token_type: 'Bearer',
      iat: test.now,
      exp: test.now + 3600,
      auth_time: test.now - 10,
      jti: expect.any(String)
    })
    expect(await test.introspect(client, tokens.refresh_token)).toMatchObject({
      active: true,
      sub: 'alice',
      scope: 'read',
      client_id: 'app'
    })
  })

  test('IS-01 "the endpoint MUST also require some form of authorization"', async () => {
    const { test, spa, tokens } = await ready({ accessTokenFormat })
    await expectTokenError(await test.post('/introspect', { token: tokens.access_token }), 401, 'invalid_client')
    await expectTokenError(await test.post('/introspect', { token: tokens.access_token, client_id: spa.client_id }), 401, 'invalid_client')
    await expectTokenError(
      await test.post('/introspect', { token: tokens.access_token }, { authorization: `Bearer ${tokens.access_token}` }),
      401,
      'invalid_client'
    )
    await expectTokenError(await test.post('/introspect', { token: tokens.access_token }, basic('app', 'wrong')), 401, 'invalid_client')
  })

  test('IS-02 whom the token does not concern learns nothing; the API it is for learns all', async () => {
    const { test, other, tokens } = await ready({
      accessTokenFormat,
      resources: [{ identifier: API, clientId: 'other' }],
      defaultResource: API
    })
    expect(await test.introspect(other, tokens.access_token)).toMatchObject({ active: true, aud: API, sub: 'alice' })
    expect(await test.introspect(other, tokens.refresh_token)).toEqual({ active: false })
    const stranger = await test.client({ client_id: 'stranger' })
    expect(await test.introspect(stranger, tokens.access_token)).toEqual({ active: false })
    expect(test.eventsOf('token.foreign')).toHaveLength(1)
  })

  test('IS-06 no claim of a grant type or an extension takes the place of what the protocol says, present or absent', async () => {
    const forged = {
      ...{ iss: 'x', sub: 'x', aud: 'x', exp: 1, nbf: 9e9, iat: 1, jti: 'x', client_id: 'x', scope: 'admin', cnf: { jkt: 'x' } },
      ...{ auth_time: 1, acr: 'x', active: false, token_type: 'x', act: { sub: 'kept' }, tier: 'gold' }
    }
    class Plain extends GrantTypeBase {
      readonly grantType = 'urn:example:plain'
      async validateRequest() {
        return { scope: [], claims: forged }
      }
    }
    const plain: Extension = (server) => ({ grantTypes: [new Plain(server)], validateTokenRequest: async () => forged })
    const { test, client } = await ready({ accessTokenFormat, extensions: [plain] })
    await test.server.clients.update('app', { grant_types: ['urn:example:plain'] })
    const { access_token } = await (await test.token(client, { grant_type: 'urn:example:plain' })).json()
    const response = await test.post('/introspect', { token: access_token }, basic('app', client.client_secret ?? ''))
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await response.json()).toEqual({
      ...{ active: true, iss: ISSUER, sub: 'app', aud: ISSUER, client_id: 'app', scope: '', token_type: 'Bearer' },
      ...{ iat: test.now, exp: test.now + 3600, jti: expect.any(String), act: { sub: 'kept' }, tier: 'gold' }
    })
    if (accessTokenFormat === 'jwt') {
      const { sub, ...rest } = decodeJwt(access_token)
      expect(sub).toBe('app')
      expect(Object.keys(rest).sort()).toEqual(['act', 'aud', 'client_id', 'exp', 'iat', 'iss', 'jti', 'tier'])
    }
  })

  test('IS-03 the tokens of a client that was disabled or deleted are dead for the API they are for', async () => {
    const { test, client, other, tokens } = await ready({
      accessTokenFormat,
      resources: [{ identifier: API, clientId: 'other' }],
      defaultResource: API
    })
    const own = await (await test.token(client, { grant_type: 'client_credentials' })).json()
    const seen = async () => [
      (await test.introspect(other, tokens.access_token)).active,
      (await test.introspect(other, own.access_token)).active
    ]
    expect(await seen()).toEqual([true, true])
    await test.server.clients.update('app', { disabled: true })
    expect(await seen()).toEqual([false, false])
    await test.server.clients.update('app', { disabled: false })
    expect(await seen()).toEqual([true, true])
    await test.server.clients.delete('app')
    expect(await seen()).toEqual([false, false])
  })

  test('IS-03 what is not live is inactive, and nothing else is said', async () => {
    const { test, client, tokens, active } = await ready({ accessTokenFormat })
    const code = await test.code()
    for (const token of [code, 'garbage', `${tokens.access_token}x`, tokens.access_token.slice(0, -1), 'a.b.c', 'x'.repeat(60_000)])
      expect(await test.introspect(client, token)).toEqual({ active: false })
    await expectTokenError(await test.post('/introspect', {}, basic('app', client.client_secret ?? '')), 400, 'invalid_request')
    await expectTokenError(
      await test.post('/introspect', { token: 'x'.repeat(1_048_576) }, basic('app', client.client_secret ?? '')),
      413,
      'invalid_request'
    )
    test.now += 3600
    expect(await active(tokens.access_token)).toBe(false)
  })

  test('IS-03 one that was revoked, rotated, or belongs to a family that died says no more than that', async () => {
    const { test, client, tokens, revoke } = await ready({ accessTokenFormat, refreshTokenReuseWindow: 0 })
    const inactive = async (...dead: string[]) => {
      for (const token of dead) {
        const response = await test.post('/introspect', { token }, basic('app', client.client_secret ?? ''))
        expect([response.status, await response.text()]).toEqual([200, '{"active":false}'])
      }
    }
    const refresh = (refresh_token: string) => test.token(client, { grant_type: 'refresh_token', refresh_token })
    const next = await (await refresh(tokens.refresh_token)).json()
    await inactive(tokens.refresh_token)
    await revoke(client, tokens.access_token)
    await inactive(tokens.access_token)
    await expectTokenError(await refresh(tokens.refresh_token), 400, 'invalid_grant')
    await inactive(next.access_token, next.refresh_token)
  })

  test('IS-04 RV-04 a token dies with its grant', async () => {
    const { test, tokens, active } = await ready({ accessTokenFormat })
    await test.server.store.grants.revoke({ subject: 'alice' }, test.now)
    expect([await active(tokens.access_token), await active(tokens.refresh_token)]).toEqual([false, false])
  })

  test('IS-05 a token_type_hint that is wrong or unknown changes nothing', async () => {
    const { test, client, tokens } = await ready({ accessTokenFormat })
    for (const token of [tokens.access_token, tokens.refresh_token]) {
      for (const token_type_hint of ['access_token', 'refresh_token', 'unknown', '__proto__']) {
        const response = await test.post('/introspect', { token, token_type_hint }, basic('app', client.client_secret ?? ''))
        expect(response.headers.get('cache-control')).toBe('no-store')
        expect(await response.json()).toMatchObject({ active: true })
      }
    }
  })

  test('RV-01 revoking an access token ends it, a refresh token its family; the answer is 200 each time', async () => {
    const { test, client, tokens, revoke, active } = await ready({ accessTokenFormat })
    for (const token of [tokens.access_token, tokens.access_token, 'unknown', 'a.b.c']) {
      const response = await revoke(client, token, { token_type_hint: 'bogus' })
      expect([response.status, await response.text()]).toEqual([200, ''])
    }
    expect([await active(tokens.access_token), await active(tokens.refresh_token)]).toEqual([false, true])
    const next = await (await test.token(client, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token })).json()
    for (let i = 0; i < 2; i++) expect((await revoke(client, next.refresh_token, { token_type_hint: 'access_token' })).status).toBe(200)
    expect((await revoke(client, tokens.refresh_token)).status).toBe(200)
    expect([await active(next.access_token), await active(next.refresh_token)]).toEqual([false, false])
  })

  test('RV-01 a client_credentials token is revoked, too', async () => {
    const { test, client, revoke, active } = await ready({ accessTokenFormat })
    const { access_token } = await (await test.token(client, { grant_type: 'client_credentials' })).json()
    expect(await active(access_token)).toBe(true)
    await revoke(client, access_token)
    expect(await active(access_token)).toBe(false)
  })

  test('RV-02 RV-03 nobody revokes what is not theirs', async () => {
    const { test, client, other, spa, tokens, revoke, active } = await ready({ accessTokenFormat })
    for (const token of [tokens.access_token, tokens.refresh_token]) {
      for (const stranger of [other, spa]) expect((await revoke(stranger, token)).status).toBe(200)
      await expectTokenError(await revoke({ client_id: 'app', client_secret: 'wrong' }, token), 401, 'invalid_client')
      await expectTokenError(await revoke({ client_id: 'app' }, token), 401, 'invalid_client')
    }
    expect([await active(tokens.access_token), await active(tokens.refresh_token)]).toEqual([true, true])
    expect(test.eventsOf('token.foreign')).toHaveLength(4)
    await expectTokenError(await test.post('/revoke', {}, basic('app', client.client_secret ?? '')), 400, 'invalid_request')
  })
})

describe('failure is closed', () => {
  test('RV-05 a store that cannot answer is 503 with Retry-After, never 200', async () => {
    const { test, client, tokens, revoke, active } = await ready()
    const { TemporarilyUnavailableError } = await import('../src/index.ts')
    const { artifacts } = test.server.store
    const find = artifacts.find.bind(artifacts)
    artifacts.find = async () => {
      throw new TemporarilyUnavailableError()
    }
    for (const response of [
      await revoke(client, tokens.access_token),
      await test.post('/introspect', { token: tokens.access_token }, basic('app', client.client_secret ?? ''))
    ]) {
      expect(response.headers.get('retry-after')).toBe('5')
      await expectTokenError(response, 503, 'temporarily_unavailable')
    }
    artifacts.find = async () => {
      throw new Error('secret detail of the database')
    }
    const broken = await revoke(client, tokens.access_token)
    expect(await broken.clone().text()).not.toContain('secret detail')
    await expectTokenError(broken, 500, 'server_error')
    expect(test.eventsOf('request.failed')).toHaveLength(3)
    artifacts.find = find
    expect(await active(tokens.access_token)).toBe(true)
  })
})

describe('JWT access tokens', () => {
  test('JW-05 have the claims of RFC 9068 and verify with the JWKS, with oauth4webapi', async () => {
    const { test, tokens } = await ready({
      resources: [{ identifier: API, settings: { accessTokenFormat: 'jwt', accessTokenLifetime: 60 } }],
      defaultResource: API
    })
    const as = { issuer: ISSUER, jwks_uri: `${ISSUER}/jwks` }
    const request = new Request(API, { headers: { authorization: `Bearer ${tokens.access_token}` } })
    const options = { [oauth.customFetch]: (url: string) => test.fetch(url), [oauth.clockSkew]: test.now - Math.floor(Date.now() / 1000) }
    const claims = await oauth.validateJwtAccessToken(as, request, API, options)
    expect(claims).toEqual({
      iss: ISSUER,
      sub: 'alice',
      aud: API,
      client_id: 'app',
      scope: 'read',
      iat: test.now,
      exp: test.now + 60,
      auth_time: test.now - 10,
      jti: expect.any(String)
    })
    expect(tokens.expires_in).toBe(60)
  })

  test('JW-01 JW-03 no other signed thing, and no altered one, passes for an access token', async () => {
    const { test, client, tokens } = await ready({ accessTokenFormat: 'jwt' })
    const [header = '', payload = '', signature = ''] = tokens.access_token.split('.')
    const typeless = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(header, 'base64url').toString()), typ: 'JWT' })).toString(
      'base64url'
    )
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url')
    const more = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(payload, 'base64url').toString()), scope: 'read write' })).toString(
      'base64url'
    )
    for (const wrong of [
      `${typeless}.${payload}.${signature}`,
      `${none}.${payload}.`,
      `${header}.${more}.${signature}`,
      `${tokens.access_token}=`,
      `${tokens.access_token}.`,
      `${header}.${payload}`
    ]) {
      expect(await test.introspect(client, wrong)).toEqual({ active: false })
    }
  })
})

test('RV-06 a callback parameter is ignored: nothing is answered as a script', async () => {
  const { test, client, tokens, active } = await ready()
  const auth = basic('app', client.client_secret ?? '')
  const answer = await test.post('/revoke', { token: tokens.access_token, callback: 'alert' }, auth)
  expect([answer.status, await answer.text(), answer.headers.get('content-type')]).toEqual([200, '', null])
  expect(await active(tokens.access_token)).toBe(false)
  expect((await test.fetch('/revoke?callback=alert', { headers: auth })).status).toBe(405)
  const refused = await test.post('/revoke', { callback: 'alert' }, auth)
  expect(await refused.clone().text()).not.toContain('alert')
  await expectTokenError(refused, 400, 'invalid_request')
})
