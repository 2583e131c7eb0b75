import { describe, expect, test } from 'vitest'
import {
  type AccessToken,
  type HttpRequest,
  type IssueOptions,
  type Kind,
  MemoryStore,
  type ServerContext,
  TokenFormatBase,
  type TokenIssuance,
  type TokenRequest
} from '../src/index.ts'
import { basic, expectTokenError, ISSUER, REDIRECT_URI, TestServer, VERIFIER } from './support.ts'

const RACERS = 50
const OWN: Kind<AccessToken> = 'own'

async function ready(options = {}, metadata = {}, scope = 'read write') {
  const test = new TestServer(options)
  const client = await test.client(metadata)
  const tokens = await (await test.redeem(client, await test.code({ scope, client_id: client.client_id }))).json()
  const refresh = (refresh_token: string, params = {}) => test.token(client, { grant_type: 'refresh_token', refresh_token, ...params })
  const active = async (token: string) => (await test.introspect(client, token)).active
  return { test, client, tokens, refresh, active }
}

describe('refresh token', () => {
  test('a refresh yields new tokens, and the old refresh token is dead to introspection', async () => {
    const { test, client, tokens, refresh, active } = await ready()
    const next = await (await refresh(tokens.refresh_token)).json()
    expect(next).toEqual({
      access_token: expect.stringMatching(/^gat_/),
      refresh_token: expect.stringMatching(/^grt_/),
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'read write'
    })
    expect(next.refresh_token).not.toBe(tokens.refresh_token)
    expect(await test.introspect(client, next.access_token)).toMatchObject({ active: true, sub: 'alice' })
    expect([await active(tokens.refresh_token), await active(next.refresh_token)]).toEqual([false, true])
  })

  test('IS-06 a refresh token was issued when it was, not when its grant was', async () => {
    const { test, client, tokens, refresh } = await ready()
    expect(await test.introspect(client, tokens.refresh_token)).toMatchObject({ iat: test.now })
    test.now += 1000
    const next = await (await refresh(tokens.refresh_token)).json()
    expect(await test.introspect(client, next.refresh_token)).toMatchObject({ iat: test.now, exp: test.now + 14 * 86_400 })
  })

  test('RT-01 reuse after the window revokes the family, and that one only', async () => {
    const { test, client, tokens, refresh, active } = await ready()
    const other = await (await test.redeem(client, await test.code())).json()
    const next = await (await refresh(tokens.refresh_token)).json()
    test.now += 31
    await expectTokenError(await refresh(tokens.refresh_token), 400, 'invalid_grant')
    expect([await active(next.access_token), await active(next.refresh_token), await active(tokens.access_token)]).toEqual([
      false,
      false,
      false
    ])
    expect([await active(other.access_token), await active(other.refresh_token)]).toEqual([true, true])
    expect(test.eventsOf('refresh_token.reused')).toHaveLength(1)
  })

  test(`RT-02 ${RACERS} parallel refreshes of one token: ${RACERS} answers, one successor`, async () => {
    const { test, tokens, refresh, active } = await ready()
    const responses = await Promise.all(Array.from({ length: RACERS }, () => refresh(tokens.refresh_token)))
    const bodies = await Promise.all(responses.map((response) => response.json()))
    expect(responses.every(({ status }) => status === 200)).toBe(true)
    expect(new Set(bodies.map(({ refresh_token }) => refresh_token)).size).toBe(1)
    expect(new Set(bodies.map(({ access_token }) => access_token)).size).toBe(1)
    expect([await active(bodies[0].access_token), await active(bodies[0].refresh_token)]).toEqual([true, true])
    expect(test.eventsOf('refresh_token.repeated')).toHaveLength(RACERS - 1)
  })

  test('RT-02 without a window, of parallel refreshes one wins and the family dies', async () => {
    const { tokens, refresh, active } = await ready({ refreshTokenReuseWindow: 0 })
    const responses = await Promise.all(Array.from({ length: RACERS }, () => refresh(tokens.refresh_token)))
    const [winner, ...others] = responses.filter(({ status }) => status === 200)
    expect(winner).toBeDefined()
    expect(others).toEqual([])
    const { access_token } = await (winner as Response).json()
    expect(await active(access_token)).toBe(false)
  })

  test('RT-03 a retry after a lost answer gets the same answer, with the time that is left', async () => {
    const { test, tokens, refresh } = await ready()
    const first = await (await refresh(tokens.refresh_token)).json()
    test.now += 5
    expect(await (await refresh(tokens.refresh_token)).json()).toEqual({ ...first, expires_in: 3595 })
  })

  test('RT-03 without a window a retry after a lost answer is reuse: there are never two live tokens', async () => {
    const { test, tokens, refresh, active } = await ready({ refreshTokenReuseWindow: 0 })
    const lost = await (await refresh(tokens.refresh_token)).json()
    test.now += 5
    await expectTokenError(await refresh(tokens.refresh_token), 400, 'invalid_grant')
    expect([await active(lost.access_token), await active(lost.refresh_token), await active(tokens.refresh_token)]).toEqual([
      false,
      false,
      false
    ])
  })

  test('RT-03 a retry after the access token expired says so, and still brings the refresh token that goes on', async () => {
    const { test, tokens, refresh, active } = await ready({ accessTokenLifetime: 10 })
    const first = await (await refresh(tokens.refresh_token)).json()
    test.now += 20
    expect(await (await refresh(tokens.refresh_token)).json()).toEqual({ ...first, expires_in: 0 })
    expect(await active(first.access_token)).toBe(false)
    expect(await (await refresh(first.refresh_token)).json()).toMatchObject({ expires_in: 10 })
  })

  test('RT-04 a retry for another scope or resource is not a retry: refused, and the family lives till the window is over', async () => {
    const { test, tokens, refresh, active } = await ready()
    const next = await (await refresh(tokens.refresh_token)).json()
    await expectTokenError(await refresh(tokens.refresh_token, { scope: 'read' }), 400, 'invalid_grant')
    await expectTokenError(await refresh(tokens.refresh_token, { resource: 'https://api.example.com' }), 400, 'invalid_grant')
    const other = await test.client({ client_id: 'other' })
    const stranger = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }
    await expectTokenError(await test.token(other, stranger), 400, 'invalid_grant')
    await expectTokenError(await test.token({ client_id: 'app' }, stranger), 401, 'invalid_client')
    await expectTokenError(await refresh(tokens.refresh_token, { scope: 'read write admin' }), 400, 'invalid_scope')
    expect([await active(next.access_token), await active(next.refresh_token)]).toEqual([true, true])
    test.now += 31
    await expectTokenError(await refresh(tokens.refresh_token, { scope: 'read' }), 400, 'invalid_grant')
    expect([await active(next.access_token), await active(next.refresh_token)]).toEqual([false, false])
  })

  test("RT-05 a refresh token is the client's it was issued to", async () => {
    const { test, tokens, active } = await ready()
    const other = await test.client({ client_id: 'other' })
    const spa = await test.publicClient()
    for (const stranger of [other, spa])
      await expectTokenError(
        await test.token(stranger, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }),
        400,
        'invalid_grant'
      )
    for (const unproven of [{ client_id: 'app' }, { client_id: 'app', client_secret: 'wrong' }]) {
      await expectTokenError(
        await test.token(unproven, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }),
        401,
        'invalid_client'
      )
    }
    expect(await active(tokens.refresh_token)).toBe(true)
  })

  test('RT-06 RT-08 scope narrows and comes back, and never exceeds what was granted; a refusal spends nothing', async () => {
    const { tokens, refresh } = await ready({}, { scope: 'read write admin' })
    await expectTokenError(await refresh(tokens.refresh_token, { scope: 'read admin' }), 400, 'invalid_scope')
    await expectTokenError(await refresh(tokens.refresh_token, { scope: 'read"' }), 400, 'invalid_scope')
    for (const wrong of [
      { refresh_token: '' },
      { refresh_token: `${tokens.refresh_token}x` },
      { grant_type: '' },
      { grant_type: 'authorization_code' }
    ])
      expect((await refresh(tokens.refresh_token, wrong)).status).toBe(400)
    const narrow = await (await refresh(tokens.refresh_token, { scope: 'read' })).json()
    expect(narrow.scope).toBe('read')
    const wide = await (await refresh(narrow.refresh_token)).json()
    expect(wide.scope).toBe('read write')
    const equal = await (await refresh(wide.refresh_token, { scope: 'write read' })).json()
    expect(equal.scope.split(' ').sort()).toEqual(['read', 'write'])
  })

  test.each(['opaque', 'jwt'])(
    'RT-06 scope that the client lost is no longer granted, as %s, until it is given back',
    async (accessTokenFormat) => {
      const { test, client, tokens, refresh } = await ready({ accessTokenFormat })
      const registered = async (scope: string) => {
        await test.server.clients.update('app', { scope })
        test.now += 1
      }
      await registered('read')
      const less = await (await refresh(tokens.refresh_token)).json()
      expect(less.scope).toBe('read')
      expect(await test.introspect(client, less.access_token)).toMatchObject({ scope: 'read' })
      await expectTokenError(await refresh(less.refresh_token, { scope: 'read write' }), 400, 'invalid_scope')
      await registered('read write')
      expect(await (await refresh(less.refresh_token)).json()).toMatchObject({ scope: 'read write' })
    }
  )

  test('RT-07 no resource is there for the asking: where resources cannot be requested, the audience stays', async () => {
    const api = 'https://api.example.com'
    const { test, client, tokens, refresh } = await ready({
      resources: [{ identifier: api }, { identifier: `${api}/2` }],
      defaultResource: api
    })
    let current = tokens
    for (const resource of ['https://evil.example', `${api}/2`, `${api}/`, api.toUpperCase()]) {
      current = await (await refresh(current.refresh_token, { resource })).json()
      expect((await test.introspect(client, current.access_token)).aud).toBe(api)
    }
  })

  test('RT-09 a refresh token that is bound to a key needs the key; whoever has another spends nothing', async () => {
    const confirm = async ({ headers }: HttpRequest) => {
      const jkt = headers.get('x-proven-key')
      return jkt === null ? undefined : { jkt }
    }
    const { test } = await ready({ extensions: [() => ({ confirm })] })
    await test.publicClient()
    const holder = { 'x-proven-key': 'k1' }
    const ask = (refresh_token: string, headers: Record<string, string>) =>
      test.post('/token', { grant_type: 'refresh_token', refresh_token, client_id: 'spa' }, headers)
    const code = await test.code({ client_id: 'spa' })
    const proof = { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, code_verifier: VERIFIER, client_id: 'spa' }
    const bound = await (await test.post('/token', proof, holder)).json()
    expect(bound.token_type).toBe('DPoP')
    for (const headers of [{}, { 'x-proven-key': 'k2' }] as Record<string, string>[])
      await expectTokenError(await ask(bound.refresh_token, headers), 400, 'invalid_grant')
    const next = await (await ask(bound.refresh_token, holder)).json()
    // RT-04: nor is a retry answered to another key.
    for (const headers of [{}, { 'x-proven-key': 'k2' }] as Record<string, string>[])
      await expectTokenError(await ask(bound.refresh_token, headers), 400, 'invalid_grant')
    expect((await ask(next.refresh_token, holder)).status).toBe(200)
  })

  test('RT-10 idle and absolute lifetime', async () => {
    const { test, tokens, refresh } = await ready({ refreshTokenLifetime: 100, grantLifetime: 250, accessTokenLifetime: 1000 })
    let current = tokens
    for (let i = 0; i < 2; i++) {
      test.now += 99
      current = await (await refresh(current.refresh_token)).json()
    }
    expect(current.expires_in).toBe(250 - 198)
    test.now += 52
    await expectTokenError(await refresh(current.refresh_token), 400, 'invalid_grant')
    const idle = await ready({ refreshTokenLifetime: 100 })
    idle.test.now += 100
    await expectTokenError(await idle.refresh(idle.tokens.refresh_token), 400, 'invalid_grant')
  })

  test('RT-10 a tombstone outlives the token it was: a replay at the end of the family is still seen', async () => {
    const { test, tokens, refresh } = await ready({ refreshTokenLifetime: 100, grantLifetime: 1000 })
    await refresh(tokens.refresh_token)
    test.now += 500
    await test.server.store.purge(test.now, 1000)
    await expectTokenError(await refresh(tokens.refresh_token), 400, 'invalid_grant')
    expect(test.eventsOf('refresh_token.reused')).toHaveLength(1)
  })

  test('RT-11 consent withdrawn, client disabled, grant type taken away: nothing is refreshed', async () => {
    const withdrawn = await ready()
    await withdrawn.test.server.store.grants.revoke({ subject: 'alice', clientId: 'app' }, withdrawn.test.now)
    await expectTokenError(await withdrawn.refresh(withdrawn.tokens.refresh_token), 400, 'invalid_grant')
    const disabled = await ready()
    await disabled.test.server.clients.update('app', { disabled: true })
    await expectTokenError(await disabled.refresh(disabled.tokens.refresh_token), 401, 'invalid_client')
    const taken = await ready()
    await taken.test.server.clients.update('app', { grant_types: ['authorization_code'] })
    await expectTokenError(await taken.refresh(taken.tokens.refresh_token), 400, 'unauthorized_client')
  })

  test('grants of a session can be revoked together', async () => {
    const { test, tokens, refresh } = await ready()
    await test.server.store.grants.revoke({ sessionId: 's1' }, test.now)
    await expectTokenError(await refresh(tokens.refresh_token), 400, 'invalid_grant')
  })

  test('RT-13 revocation and refresh at the same moment end with everything inactive', async () => {
    for (let round = 0; round < 100; round++) {
      const { test, client, tokens, refresh, active } = await ready()
      const [response] = await Promise.all([
        refresh(tokens.refresh_token),
        test.post('/revoke', { token: tokens.refresh_token, client_id: 'app', client_secret: client.client_secret ?? '' })
      ])
      const body = await response.json()
      if (response.status === 200) expect([await active(body.access_token), await active(body.refresh_token)]).toEqual([false, false])
      expect(await active(tokens.access_token)).toBe(false)
    }
  })

  test('RT-14 a chain of ten thousand rotations leaves one live token and small tombstones, each of which still betrays reuse, till the family ends', async () => {
    const store = new MemoryStore()
    const { test, client, tokens, refresh, active } = await ready({ store, grantLifetime: 10_000, refreshTokenLifetime: 5000 })
    const headers = new Headers({ 'content-type': 'application/x-www-form-urlencoded', ...basic('app', client.client_secret ?? '') })
    const idOf = (token: string) => token.slice(4, 28)
    const sizes: number[] = []
    let current = tokens
    for (let i = 0; i < 10_000; i++) {
      const spent = current.refresh_token
      const body = async () => `grant_type=refresh_token&refresh_token=${spent}`
      current = JSON.parse((await test.server.respond({ method: 'POST', url: '/token', headers, body }))?.body ?? '')
      if (i % 100 === 0) sizes.push(JSON.stringify(await store.artifacts.find('refresh_token', idOf(spent), test.now)).length)
    }
    expect(Math.max(...sizes)).toBeLessThan(1024)
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThan(16)
    const live = await store.artifacts.list('refresh_token', { limit: 20 }, test.now)
    expect(live.map(({ id }) => id)).toEqual([idOf(current.refresh_token)])
    expect(await store.grants.list({ subject: 'alice' }, test.now)).toHaveLength(1)
    test.now += 6000
    // The access tokens, and the refresh token that nobody used.
    expect(await store.purge(test.now, 100_000)).toBe(10_002)
    await expectTokenError(await refresh(tokens.refresh_token), 400, 'invalid_grant')
    expect([test.eventsOf('refresh_token.reused').length, await active(current.refresh_token)]).toEqual([1, false])
    test.now += 4001
    await store.purge(test.now, 100_000)
    expect(await store.artifacts.find('refresh_token', tokens.refresh_token.slice(4, 28), 0)).toBeUndefined()
  })

  test('RT-16 two devices of one person are two families', async () => {
    const { test, client, tokens, active } = await ready()
    const second = await (await test.redeem(client, await test.code())).json()
    await test.post('/revoke', { token: tokens.refresh_token, client_id: 'app', client_secret: client.client_secret ?? '' })
    expect([await active(tokens.refresh_token), await active(second.refresh_token)]).toEqual([false, true])
  })

  test('RT-17 IN-02 a refresh token in the URL is refused', async () => {
    const { test, client, tokens } = await ready()
    const body = { grant_type: 'refresh_token', client_id: 'app', client_secret: client.client_secret ?? '' }
    await expectTokenError(await test.post(`/token?refresh_token=${tokens.refresh_token}`, body), 400, 'invalid_request')
    const authorization = `Bearer ${tokens.refresh_token}`
    await expectTokenError(await test.post('/token', body, { authorization }), 400, 'invalid_request')
    await expectTokenError(await test.post('/token', { grant_type: 'refresh_token' }, { authorization }), 401, 'invalid_client')
    expect((await test.token(client, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token })).status).toBe(200)
  })

  test('RT-18 nothing of one realm or issuer is valid in another', async () => {
    const { test, tokens } = await ready()
    const other = new TestServer({ store: test.server.store.realm('other'), issuer: 'https://other.example.com' })
    const client = await other.client()
    const ask = await other.server.handle(
      new Request('https://other.example.com/token', {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'refresh_token',
          refresh_token: tokens.refresh_token,
          client_id: 'app',
          client_secret: client.client_secret ?? ''
        })
      })
    )
    await expectTokenError(ask, 400, 'invalid_grant')
  })

  test('public clients are always rotated; confidential ones only if the policy says so', async () => {
    const { tokens, refresh } = await ready({ refreshTokenRotation: 'public-clients' })
    for (let i = 0; i < 2; i++) {
      const again = await (await refresh(tokens.refresh_token)).json()
      expect(again).toMatchObject({ access_token: expect.any(String) })
      expect(again).not.toHaveProperty('refresh_token')
    }
    const test_ = new TestServer({ refreshTokenRotation: 'public-clients' })
    const spa = await test_.publicClient()
    const own = await (await test_.redeem(spa, await test_.code({ client_id: 'spa' }))).json()
    expect(await (await test_.token(spa, { grant_type: 'refresh_token', refresh_token: own.refresh_token })).json()).toHaveProperty(
      'refresh_token'
    )
  })

  test('a client that may not refresh gets no refresh token', async () => {
    const { tokens } = await ready({}, { grant_types: ['authorization_code'] })
    expect(tokens).not.toHaveProperty('refresh_token')
  })

  test('the successor is made of the old token again for a retry: without that token, nothing in the store opens anything', async () => {
    const { test, tokens, refresh } = await ready()
    const next = await (await refresh(tokens.refresh_token)).json()
    const id = tokens.refresh_token.slice(4, 28)
    const found = await test.server.store.artifacts.find('refresh_token', id, test.now)
    expect(found?.value).toEqual({
      client_id: 'app',
      iat: test.now,
      successor: {
        asked: '',
        id: next.refresh_token.slice(4, 28),
        accessToken: {
          format: 'opaque',
          id: next.access_token.slice(4, 28),
          aud: [ISSUER],
          scope: 'read write',
          iat: test.now,
          expiresAt: test.now + 3600
        }
      }
    })
    for (const secret of [tokens.refresh_token, next.refresh_token, next.access_token])
      expect(JSON.stringify(found)).not.toContain(secret.slice(28))
    // Whoever has the one does not know the other.
    expect(next.refresh_token.slice(28, 71)).not.toBe(next.access_token.slice(28, 71))
  })
})

describe('a retry within the window gets the same refresh token', () => {
  class OwnFormat extends TokenFormatBase {
    readonly format = 'own'
    async issue(value: AccessToken, { id, expiresAt, predecessor }: IssueOptions) {
      const { token, secretHash } = await this.server.opaque.mint(OWN, id, predecessor)
      return { token, artifact: { kind: OWN, id, secretHash, value, expiresAt } }
    }
    async read(token: string) {
      const found = await this.server.opaque.find<AccessToken>(OWN, token)
      return found && { id: found.id, format: this.format, token: found.value, expiresAt: found.expiresAt, revoked: false }
    }
    async revoke() {}
    async isAlive() {
      return true
    }
  }
  const own = (server: ServerContext) => ({ tokenFormats: [new OwnFormat(server)] })
  const claimsOf = (jwt: string) => JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString())

  test('RT-03 and the same claims in a JWT, jti, iat and exp among them, though the client may have less by now', async () => {
    const says = () => ({ validateTokenRequest: async () => ({ tenant: 'acme' }) })
    const { test, tokens, refresh, active } = await ready({ accessTokenFormat: 'jwt', extensions: [says] })
    const first = await (await refresh(tokens.refresh_token)).json()
    await test.server.clients.update('app', { scope: 'read', settings: { accessTokenFormat: 'opaque', accessTokenLifetime: 5 } })
    test.now += 5
    const again = await (await refresh(tokens.refresh_token)).json()
    expect({ ...again, access_token: '' }).toEqual({ ...first, access_token: '', expires_in: 3595 })
    expect(claimsOf(again.access_token)).toEqual(claimsOf(first.access_token))
    expect(claimsOf(again.access_token)).toMatchObject({ tenant: 'acme', scope: 'read write' })
    await test.post('/revoke', {
      token: first.access_token,
      client_id: 'app',
      client_secret: (await test.server.clients.addSecret('app')) ?? ''
    })
    expect(await active(again.access_token)).toBe(false)
  })

  test('RT-03 and what an extension writes of the same id and the same predecessor', async () => {
    const { test, tokens, refresh, active } = await ready({ accessTokenFormat: 'own', extensions: [own] })
    const first = await (await refresh(tokens.refresh_token)).json()
    test.now += 5
    expect(await (await refresh(tokens.refresh_token)).json()).toEqual({ ...first, expires_in: 3595 })
    expect([first.access_token.slice(0, 4), await active(first.access_token)]).toEqual(['own_', true])
  })

  test('RT-03 and an access token for the same audience, though another is the default by now', async () => {
    const secret = 's'.repeat(32)
    const options = { secret, accessTokenFormat: 'jwt', resources: [{ identifier: 'https://b.example.com', scopes: ['read'] }] } as const
    const { test, client, tokens, refresh } = await ready(options)
    const first = await (await refresh(tokens.refresh_token)).json()
    const other = new TestServer({ ...options, store: test.server.store, defaultResource: 'https://b.example.com' })
    const again = await (await other.token(client, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token })).json()
    expect(claimsOf(again.access_token)).toEqual(claimsOf(first.access_token))
  })

  test('RT-03 and no refresh token where an extension took it away the first time', async () => {
    const without = () => ({
      limitTokenRequest: async ({ grantType }: TokenRequest, issuance: TokenIssuance) =>
        grantType === 'refresh_token' ? { ...issuance, refreshToken: false } : issuance
    })
    const { tokens, refresh, active } = await ready({ extensions: [without] })
    const first = await (await refresh(tokens.refresh_token)).json()
    expect(first).not.toHaveProperty('refresh_token')
    expect(await (await refresh(tokens.refresh_token)).json()).toEqual(first)
    expect(await active(first.access_token)).toBe(true)
  })

  test('RT-03 or, if the tokens were made of chance, none: refused, and the family lives', async () => {
    class Random extends OwnFormat {
      override issue(value: AccessToken, options: IssueOptions) {
        return super.issue(value, { ...options, predecessor: undefined })
      }
    }
    const random = (server: ServerContext) => ({ tokenFormats: [new Random(server)] })
    const forgetful = () => ({
      limitTokenRequest: async (_: TokenRequest, { predecessor: _forgotten, ...issuance }: TokenIssuance) => issuance
    })
    for (const options of [{ accessTokenFormat: 'own', extensions: [random] }, { extensions: [forgetful] }]) {
      const { tokens, refresh, active } = await ready(options)
      const first = await (await refresh(tokens.refresh_token)).json()
      await expectTokenError(await refresh(tokens.refresh_token), 400, 'invalid_grant')
      expect(await active(first.access_token)).toBe(true)
      expect((await refresh(first.refresh_token)).status).toBe(200)
    }
  })

  test('RT-03 or, if it says something that extensions understand otherwise, none: refused, and the family lives', async () => {
    const { tokens, refresh, active } = await ready()
    const first = await (await refresh(tokens.refresh_token, { tenant: 'a' })).json()
    await expectTokenError(await refresh(tokens.refresh_token, { tenant: 'b' }), 400, 'invalid_grant')
    expect(await (await refresh(tokens.refresh_token, { tenant: 'a' })).json()).toEqual(first)
    expect(await active(first.access_token)).toBe(true)
  })

  test('RT-03 also when that one was used since', async () => {
    const { test, tokens, refresh } = await ready()
    const first = await (await refresh(tokens.refresh_token)).json()
    const next = await (await refresh(first.refresh_token)).json()
    expect(await (await refresh(tokens.refresh_token)).json()).toEqual(first)
    expect(await (await refresh(first.refresh_token)).json()).toEqual(next)
    expect(test.eventsOf('refresh_token.reused')).toEqual([])
  })

  test('RT-03 or, if the root secret changed in between, none: refused, and the family lives', async () => {
    const [before, after] = ['b'.repeat(32), 'a'.repeat(32)]
    const { test, client, tokens, refresh } = await ready({ secret: before })
    const first = await (await refresh(tokens.refresh_token)).json()
    const restarted = new TestServer({ store: test.server.store, secret: [after, before] })
    const ask = (refresh_token: string) => restarted.token(client, { grant_type: 'refresh_token', refresh_token })
    await expectTokenError(await ask(tokens.refresh_token), 400, 'invalid_grant')
    expect(await restarted.introspect(client, first.access_token)).toMatchObject({ active: true })
    expect((await ask(first.refresh_token)).status).toBe(200)
  })

  test('RT-03 or, if the format of the access token is gone, none: refused, and the family lives', async () => {
    const secret = 's'.repeat(32)
    const { test, client, tokens, refresh } = await ready({ secret, accessTokenFormat: 'own', extensions: [own] })
    const first = await (await refresh(tokens.refresh_token)).json()
    const restarted = new TestServer({ store: test.server.store, secret })
    const ask = (refresh_token: string) => restarted.token(client, { grant_type: 'refresh_token', refresh_token })
    await expectTokenError(await ask(tokens.refresh_token), 400, 'invalid_grant')
    expect((await ask(first.refresh_token)).status).toBe(200)
  })

  test('RT-03 or, if another version spent it and left something else, none: refused, and the family lives', async () => {
    const { test, client, tokens, refresh, active } = await ready()
    const leaves = { successor: { request: '[null,[],[],null]', response: 'sealed' } }
    await test.server.store.artifacts.consume({ kind: 'refresh_token', id: tokens.refresh_token.slice(4, 28) }, { now: test.now, leaves })
    await expectTokenError(await refresh(tokens.refresh_token), 400, 'invalid_grant')
    expect([await active(tokens.access_token), test.eventsOf('grant.revoked')]).toEqual([true, []])
    expect(await test.introspect(client, tokens.access_token)).toMatchObject({ sub: 'alice' })
  })
})
