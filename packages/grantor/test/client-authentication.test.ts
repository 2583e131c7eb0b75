import fc from 'fast-check'
import { exportJWK, FlattenedSign, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import { describe, expect, test } from 'vitest'
import { FailureLimit } from '../src/client-authentication/failure-limit.ts'
import { runtimeCrypto } from '../src/crypto/runtime.ts'
import { clientSecretJwt, MemoryStore } from '../src/index.ts'
import { basic, expectTokenError, ISSUER, TestServer } from './support.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const GRANT = { grant_type: 'client_credentials' }
const TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

async function ready(metadata = {}, options = {}) {
  const test = new TestServer(options)
  const { client_secret: secret = '', ...client } = await test.client(metadata)
  return { test, client, secret }
}

describe('client secrets', () => {
  test('CA-01 the client MUST NOT use more than one authentication method in each request', async () => {
    const { test, secret } = await ready()
    await expectTokenError(
      await test.post('/token', { ...GRANT, client_id: 'app', client_secret: secret }, basic('app', secret)),
      400,
      'invalid_request'
    )
    const header = Buffer.from(JSON.stringify({ alg: 'ES256' })).toString('base64url')
    const client_assertion = `${header}.${Buffer.from(JSON.stringify({ sub: 'app' })).toString('base64url')}.x`
    const assertion = { ...GRANT, client_assertion_type: TYPE, client_assertion }
    await expectTokenError(await test.post('/token', assertion, basic('app', secret)), 400, 'invalid_request')
    await expectTokenError(await test.post('/token', { ...assertion, client_id: 'app', client_secret: secret }), 400, 'invalid_request')
    await expectTokenError(await test.post('/token', { ...GRANT, client_id: 'other' }, basic('app', secret)), 400, 'invalid_request')
    expect((await test.post('/token', { ...GRANT, client_id: 'app' }, basic('app', secret))).status).toBe(200)
  })

  test('CA-02 a method that was registered is enforced; one that was not, may be either', async () => {
    const { test, secret } = await ready()
    expect((await test.post('/token', GRANT, basic('app', secret))).status).toBe(200)
    expect((await test.post('/token', { ...GRANT, client_id: 'app', client_secret: secret })).status).toBe(200)
    const post = await test.client({ client_id: 'post', token_endpoint_auth_method: 'client_secret_post' })
    await expectTokenError(await test.token(post, GRANT), 401, 'invalid_client')
    expect((await test.post('/token', { ...GRANT, client_id: 'post', client_secret: post.client_secret ?? '' })).status).toBe(200)
    const basicOnly = await test.client({ client_id: 'basic', token_endpoint_auth_method: 'client_secret_basic' })
    const other = { ...GRANT, client_id: 'basic', client_secret: basicOnly.client_secret ?? '' }
    await expectTokenError(await test.post('/token', other), 401, 'invalid_client')
    const jwks = { keys: [(await exportJWK((await generateKeyPair('ES256', { extractable: true })).publicKey)) as JsonWebKey] }
    await test.client({ client_id: 'signs', token_endpoint_auth_method: 'private_key_jwt', jwks })
    await test.publicClient()
    for (const client_id of ['signs', 'spa']) {
      for (const one of ['', 'x', secret]) {
        await expectTokenError(await test.post('/token', { ...GRANT, client_id, client_secret: one || 'x' }), 401, 'invalid_client')
        await expectTokenError(await test.post('/token', GRANT, basic(client_id, one)), 401, 'invalid_client')
      }
    }
    await expectTokenError(await test.post('/token', { ...GRANT, client_id: 'signs' }), 401, 'invalid_client')
    for (const client_secret of [undefined, '']) {
      await expectTokenError(
        await test.post('/token', { ...GRANT, client_id: 'app', ...(client_secret !== undefined && { client_secret }) }),
        401,
        'invalid_client'
      )
    }
    expect(test.eventsOf('client_authentication.failed')).toContainEqual(
      expect.objectContaining({ reason: 'authenticated by client_secret_post, registered for client_secret_basic' })
    )
    expect(test.eventsOf('client_authentication.failed').at(0)).toMatchObject({
      reason: 'authenticated by client_secret_basic, registered for client_secret_post'
    })
  })

  test('CA-03 malformed Basic credentials are refused, and the scheme is case-insensitive', async () => {
    const { test, secret } = await ready()
    const encoded = btoa(`app:${secret}`)
    for (const scheme of ['Basic', 'basic', 'BASIC'])
      expect((await test.post('/token', GRANT, { authorization: `${scheme} ${encoded}` })).status).toBe(200)
    for (const wrong of [
      '',
      'Basic',
      'Basic ',
      `Basic  ${encoded}`,
      `Basic\t${encoded}`,
      `Basic ${encoded}=`,
      `Basic ${encoded} x`,
      `Basic ${encoded.slice(0, 8)} ${encoded.slice(8)}`,
      `Basic ${encoded.slice(0, 8)}\t${encoded.slice(8)}`,
      `Basic ${encoded}AAAA`,
      `Basic ${encoded}!`,
      `Basic ${encoded.slice(0, -1)}`,
      `Basic ${btoa('app')}`,
      `Basic ${btoa(':x')}`,
      `Basic ${btoa('app:')}`
    ]) {
      await expectTokenError(await test.post('/token', GRANT, { authorization: wrong }), 401, 'invalid_client')
    }
    for (const wrong of [
      `Basic ${btoa('app:a:b')}`,
      `Basic ${btoa('\xff\xfe:x')}`,
      'Basic ____',
      `Basic ${'A'.repeat(100_000)}`,
      `Bearer ${encoded}`,
      `Basic ${btoa('app:%zz')}`
    ]) {
      const response = await test.post('/token', GRANT, { authorization: wrong })
      expect(response.headers.get('www-authenticate')).toMatch(/^Basic realm="/)
      await expectTokenError(response, 401, 'invalid_client')
    }
  })

  test('CA-03 padding is neither missing nor replaced, nor are bits behind it', async () => {
    for (const length of [16, 17, 18]) {
      const { test, secret } = await ready({ client_secret: 'x'.repeat(length) })
      const encoded = btoa(`app:${secret}`)
      const bare = encoded.replace(/=+$/, '')
      const ask = async (text: string) => (await test.post('/token', GRANT, { authorization: `Basic ${text}` })).status
      expect(await ask(encoded)).toBe(200)
      const padding = encoded.length - bare.length
      const loose = [`${bare}${'='.repeat(padding + 1)}`, ...(padding > 0 ? [bare, `${bare}${'A'.repeat(padding)}`, bump(encoded)] : [])]
      for (const text of loose) expect([text, await ask(text)]).toEqual([text, 401])
    }
  })

  test('the WWW-Authenticate header answers only those who sent an Authorization header (RFC 6749 §5.2)', async () => {
    const { test } = await ready()
    const response = await test.post('/token', { ...GRANT, client_id: 'app', client_secret: 'wrong' })
    expect(response.headers.get('www-authenticate')).toBe(null)
    await expectTokenError(response, 401, 'invalid_client')
  })

  test('CA-04 id and secret are form-decoded, whatever characters they have (RFC 6749 §2.3.1)', async () => {
    const secret = ' %3A+&=:é😀"\\'.padEnd(40, '~')
    const { test } = await ready({ client_id: 'a b:c', client_secret: secret })
    expect((await test.post('/token', GRANT, { authorization: `Basic ${utf8(`${form('a b:c')}:${form(secret)}`)}` })).status).toBe(200)
  })

  test('CA-04 whatever id and secret are made of comes through Basic, as oauth4webapi encodes it', async () => {
    const text = fc.string({ unit: 'binary', minLength: 16, maxLength: 40 }).filter((one) => !one.includes('\0') && one.isWellFormed())
    await fc.assert(
      fc.asyncProperty(text, async (client_secret) => {
        const { test } = await ready({ client_secret })
        const headers = new Headers()
        await oauth.ClientSecretBasic(client_secret)({ issuer: ISSUER }, { client_id: 'app' }, new URLSearchParams(), headers)
        expect((await test.post('/token', GRANT, { authorization: headers.get('authorization') ?? '' })).status).toBe(200)
        expect((await test.post('/token', GRANT, { authorization: `Basic ${utf8(`app:${form(client_secret)}x`)}` })).status).toBe(401)
      }),
      { numRuns: 200 }
    )
    const all = String.fromCharCode(...Array.from({ length: 255 }, (_, i) => i + 1))
    const { test } = await ready({ client_secret: all })
    expect((await test.post('/token', GRANT, { authorization: `Basic ${utf8(`app:${form(all)}`)}` })).status).toBe(200)
  })

  test('IN-23 a client that does not exist costs the same computations as one with a wrong secret, and so does any wrong secret', async () => {
    const port = runtimeCrypto()
    let computed: string[] = []
    const crypto = {
      ...port,
      hmac: (key: string) => {
        const mac = port.hmac(key)
        return (value: string) => {
          computed.push('hmac')
          return mac(value)
        }
      }
    }
    const { test, secret } = await ready({}, { crypto })
    const work = async (id: string, password: string) => {
      computed = []
      await expectTokenError(await test.post('/token', GRANT, basic(id, password)), 401, 'invalid_client')
      return computed
    }
    const other = secret.startsWith('x') ? 'y' : 'x'
    const wrong = [secret.slice(0, -1), `${secret}x`, `${other}${secret.slice(1)}`, 'x', 'x'.repeat(1000)]
    const known = await work('app', 'wrong')
    expect(known).toEqual(['hmac'])
    for (const password of wrong) expect(await work('app', password)).toEqual(known)
    for (const id of ['nobody', 'x', 'x'.repeat(200)]) expect(await work(id, 'wrong')).toEqual(known)
  })

  test('CA-05 an unknown client and a wrong secret look the same', async () => {
    const { test } = await ready()
    const bodies = []
    for (const id of ['app', 'nobody']) bodies.push(await (await test.post('/token', GRANT, basic(id, 'wrong'))).text())
    expect(new Set(bodies).size).toBe(1)
  })

  test('CA-05 after many failures from one address it waits; the right secret works from elsewhere, and again after a minute', async () => {
    const { test, secret } = await ready({}, { clientFailureLimit: 5 })
    const ask = async (password: string, address: string | undefined, id = 'app') => {
      const response = await test.server.respond({
        method: 'POST',
        url: '/token',
        headers: new Headers({ 'content-type': 'application/x-www-form-urlencoded', ...basic(id, password) }),
        body: async () => new URLSearchParams(GRANT).toString(),
        ...(address !== undefined && { remote: { address } })
      })
      return [response?.status, response?.headers['retry-after']]
    }
    for (const id of ['app', 'nobody']) {
      for (let i = 0; i < 5; i++) expect(await ask('wrong', '192.0.2.1', id)).toEqual([401, undefined])
      test.now += 10
      expect(await ask('wrong', '192.0.2.1', id)).toEqual([429, '50'])
    }
    expect(await ask(secret, '192.0.2.1')).toEqual([429, '40'])
    expect(await ask(secret, '192.0.2.2')).toEqual([200, undefined])
    for (let i = 0; i < 20; i++) await ask('wrong', undefined)
    expect(await ask(secret, undefined)).toEqual([200, undefined])
    test.now += 40
    expect(await ask(secret, '192.0.2.1')).toEqual([200, undefined])
    for (let i = 0; i < 5; i++) await ask('wrong', `2001:db8:1:2::${i}`)
    expect(await ask('wrong', '2001:db8:1:2::ffff')).toEqual([429, '60'])
    expect(await ask('wrong', '2001:db8:1:3::1')).toEqual([401, undefined])
    for (let i = 0; i < 5; i++) await ask('wrong', `2001:db8::${i}`)
    expect(await ask('wrong', '2001:0DB8:0:0::ffff')).toEqual([429, '60'])
    expect(test.eventsOf('request.refused')).toContainEqual(expect.objectContaining({ status: 429, error: 'temporarily_unavailable' }))
  })

  test('CA-05 the limit can be turned off, and what it remembers is bounded', async () => {
    const off = new FailureLimit(0)
    for (let i = 0; i < 1000; i++) off.count('app', '192.0.2.1', 1)
    expect(off.wait('app', '192.0.2.1', 1)).toBe(0)
    const limit = new FailureLimit(1)
    for (let i = 0; i <= 10_000; i++) limit.count(`c${i}`, '192.0.2.1', 1)
    expect([limit.wait('c0', '192.0.2.1', 1), limit.wait('c1', '192.0.2.1', 1), limit.wait('c10000', '192.0.2.1', 31)]).toEqual([0, 60, 30])
  })

  test('CA-06 two secrets overlap while one is rotated, and the old one ends', async () => {
    const { test, secret } = await ready()
    const next = await test.server.clients.addSecret('app', { previousExpiresAt: test.now + 60 })
    const works = async (one: string) => (await test.post('/token', GRANT, basic('app', one))).status === 200
    expect([await works(secret), await works(next)]).toEqual([true, true])
    test.now += 60
    expect([await works(secret), await works(next)]).toEqual([false, true])
    const third = await test.server.clients.addSecret('app')
    expect([await works(next), await works(third)]).toEqual([true, true])
    const stored = JSON.stringify(await test.server.store.clients.find('app'))
    for (const one of [secret, next, third]) expect(stored).not.toContain(one)
  })

  test('CA-06 changes of one client at the same time all hold', async () => {
    const { test } = await ready({ contacts: [] })
    const { clients, store } = test.server
    const [first, second] = await Promise.all([
      clients.addSecret('app'),
      clients.addSecret('app'),
      clients.update('app', { client_name: 'A' }),
      clients.update('app', { scope: 'read' }),
      clients.update('app', { disabled: false })
    ])
    expect(await store.clients.find('app')).toMatchObject({ client_name: 'A', scope: 'read', disabled: false })
    for (const secret of [first, second]) expect((await test.post('/token', GRANT, basic('app', secret))).status).toBe(200)
    expect(test.eventsOf('client.updated')).toHaveLength(5)
  })

  test('CA-22 ids are generated, or plain; none that reads as the URL of another client', async () => {
    const { test } = await ready()
    for (const client_id of ['', 'a\nb', 'a\0b', 'ü', 'https://client.example.com', 'x'.repeat(201)])
      await expect(test.client({ client_id })).rejects.toMatchObject({ error: 'invalid_client_metadata' })
    await expect(test.client({ client_id: 'app' })).rejects.toMatchObject({ message: 'client_id is taken' })
    const generated = await Promise.all(
      Array.from({ length: 20 }, () => test.server.clients.create({ redirect_uris: ['https://c.example/'] }))
    )
    for (const { client_id } of generated) expect(client_id).toMatch(/^[\w-]{24}$/)
    expect(new Set(generated.map(({ client_id }) => client_id)).size).toBe(20)
  })

  test('a generated secret has 256 bits and only characters that need no encoding', async () => {
    expect((await ready()).secret).toMatch(/^[\w-]{43}$/)
  })

  test('CA-15 a secret that could be guessed is refused', async () => {
    for (const client_secret of ['', 'short', 'x'.repeat(15), 'x'.repeat(1025), 5 as unknown as string])
      await expect(ready({ client_secret })).rejects.toMatchObject({ error: 'invalid_client_metadata' })
    const { test, secret } = await ready({ client_secret: 'x'.repeat(16) })
    expect((await test.post('/token', GRANT, basic('app', secret))).status).toBe(200)
  })

  test('CA-20 CA-21 grant types are checked for every client', async () => {
    const { test, secret } = await ready({ grant_types: ['authorization_code'] })
    const ask = (grant_type: string) => test.post('/token', { grant_type }, basic('app', secret))
    await expectTokenError(await ask('client_credentials'), 400, 'unauthorized_client')
    for (const grant_type of ['password', 'implicit', 'CLIENT_CREDENTIALS', 'x'.repeat(10_000), '__proto__'])
      await expectTokenError(await ask(grant_type), 400, 'unsupported_grant_type')
    await expectTokenError(await test.post('/token', {}, basic('app', secret)), 400, 'invalid_request')
    await expect(test.client({ client_id: 'x', token_endpoint_auth_method: 'none' })).rejects.toMatchObject({
      error: 'invalid_client_metadata'
    })
  })

  test('CA-21 client_credentials yields no refresh token, no more scope than registered, and the client as subject', async () => {
    const { test, client, secret } = await ready()
    const tokens = await (await test.post('/token', GRANT, basic('app', secret))).json()
    expect(Object.keys(tokens).sort()).toEqual(['access_token', 'expires_in', 'scope', 'token_type'])
    for (const scope of ['openid', 'offline_access', 'read admin'])
      await expectTokenError(await test.post('/token', { ...GRANT, scope }, basic('app', secret)), 400, 'invalid_scope')
    const grants = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [], scope: 'read' }
    await test.server.store.clients.insert({ client_id: 'careless', token_endpoint_auth_method: 'none', ...grants })
    await expectTokenError(await test.post('/token', { ...GRANT, client_id: 'careless' }), 400, 'unauthorized_client')
    expect(await test.introspect({ ...client, client_secret: secret }, tokens.access_token)).toMatchObject({ sub: 'app', client_id: 'app' })
  })
})

describe('private_key_jwt', () => {
  async function signing(alg = 'ES256', key = {}) {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
    const jwk = { ...(await exportJWK(publicKey)), ...key }
    const { test } = await ready({ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } })
    let jti = 0
    const sign = (claims: JWTPayload = {}, header = {}, by: Parameters<SignJWT['sign']>[0] = privateKey) => {
      jti += 1
      const payload = { iss: 'app', sub: 'app', aud: ISSUER, jti: `j${jti}`, iat: test.now, exp: test.now + 60, ...claims }
      return new SignJWT(JSON.parse(JSON.stringify(payload))).setProtectedHeader({ alg, ...header }).sign(by)
    }
    const ask = (assertion: string, params = {}) =>
      test.post('/token', { ...GRANT, client_assertion_type: TYPE, client_assertion: assertion, ...params })
    return { test, sign, ask, jwk, privateKey }
  }

  test.each(['ES256', 'PS256', 'RS256', 'EdDSA'])('authenticates with %s', async (alg) => {
    const { sign, ask } = await signing(alg)
    expect((await ask(await sign())).status).toBe(200)
    expect((await ask(await sign(), { client_id: 'app' })).status).toBe(200)
  })

  test.each([
    ['EdDSA', 'Ed25519'],
    ['Ed25519', 'EdDSA']
  ])(
    'RFC 9864 §2.2: who registered %s, for itself or its key, signs as %s, too: the same algorithm under its other name',
    async (registered, named) => {
      const { test, sign, ask, jwk } = await signing('Ed25519', { alg: registered })
      await test.server.clients.update('app', { token_endpoint_auth_signing_alg: registered })
      for (const alg of [registered, named]) expect((await ask(await sign({}, { alg }))).status).toBe(200)
      // A key for key agreement on the sister curve is no such key.
      const x25519 = { ...jwk, crv: 'X25519' } as JsonWebKey
      await test.server.clients.update('app', { jwks: { keys: [x25519] } })
      test.now += 1
      await expectTokenError(await ask(await sign({}, { alg: named })), 401, 'invalid_client')
      const { token_endpoint_auth_signing_alg_values_supported: told } = test.server.metadata()
      expect(told).toEqual(expect.arrayContaining([registered, named]))
    }
  )

  test('CA-07 the audience may be the token endpoint for a client whose assertionAudience says so; it is still the only one, and each use is told', async () => {
    const { test, sign, ask } = await signing()
    await test.server.clients.update('app', { settings: { assertionAudience: 'token_endpoint' } })
    for (const aud of [`${ISSUER}/token`, ISSUER]) expect((await ask(await sign({ aud }))).status).toBe(200)
    for (const aud of [[`${ISSUER}/token`], [ISSUER, `${ISSUER}/token`], `${ISSUER}/authorize`, 'https://other.example/token', undefined])
      await expectTokenError(await ask(await sign({ aud } as JWTPayload)), 401, 'invalid_client')
    expect(test.eventsOf('assertion.old_audience')).toEqual([expect.objectContaining({ clientId: 'app', aud: `${ISSUER}/token` })])
  })

  test('CA-07 the audience MUST be the issuer as its sole value', async () => {
    const { test, sign, ask } = await signing()
    for (const aud of [
      `${ISSUER}/token`,
      [ISSUER],
      [ISSUER, 'https://other.example'],
      `${ISSUER}/`,
      ISSUER.toUpperCase(),
      'https://other.example',
      undefined
    ]) {
      await expectTokenError(await ask(await sign({ aud } as JWTPayload)), 401, 'invalid_client')
    }
    expect(test.eventsOf('token.issued')).toEqual([])
  })

  test('CA-08 an assertion is good for one use, whoever races', async () => {
    const { test, sign, ask } = await signing()
    const assertion = await sign()
    const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await ask(assertion)).status))
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    expect(statuses.filter((status) => status === 401)).toHaveLength(19)
    const replays = test.eventsOf('assertion.replayed')
    expect(replays).toHaveLength(19)
    expect(new Set(replays.map(({ requestId }) => requestId)).size).toBe(19)
  })

  test('CA-09 one client cannot burn the jti of another', async () => {
    const { test, sign, ask, jwk, privateKey } = await signing()
    await test.client({ client_id: 'ap', token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } })
    expect((await ask(await sign({ iss: 'ap', sub: 'ap', jti: 'p1' }, {}, privateKey))).status).toBe(200)
    expect((await ask(await sign({ jti: '1' }))).status).toBe(200)
    expect((await ask(await sign({ jti: 'p1' }))).status).toBe(200)
  })

  test('CA-10 the times of an assertion are judged with a small skew', async () => {
    const { test, sign, ask } = await signing()
    const { now } = test
    for (const claims of [{ iat: now + 10 }, { nbf: now + 8 }, { exp: now - 20 }, { iat: undefined }])
      expect((await ask(await sign(claims as JWTPayload))).status).toBe(200)
    for (const claims of [
      { exp: undefined },
      { exp: now - 31 },
      { exp: now + 7200 },
      { iat: now + 120 },
      { nbf: now + 120 },
      { exp: '2100-01-01' },
      { exp: String(now + 60) },
      { iat: String(now) },
      { iat: true },
      { nbf: '0' },
      { exp: [now + 60] },
      { exp: -1 },
      { exp: 1e308 },
      { jti: undefined },
      { jti: 7 },
      { jti: '' }
    ]) {
      await expectTokenError(await ask(await sign(claims as unknown as JWTPayload)), 401, 'invalid_client')
    }
    for (const claims of [{ exp: now + 60.5 }, { iat: -1 }, { nbf: -1.5 }]) expect((await ask(await sign(claims))).status).toBe(200)
  })

  test('CA-10 a jti is remembered for as long as its assertion could come again', async () => {
    const { test, sign, ask } = await signing()
    const assertion = await sign({ exp: test.now + 3600.5 })
    expect((await ask(assertion)).status).toBe(200)
    for (let elapsed = 0; elapsed < 3630; elapsed += 330) {
      await test.server.store.purge(test.now, 1000)
      await expectTokenError(await ask(assertion), 401, 'invalid_client')
      test.now += 330
    }
    expect(test.eventsOf('assertion.replayed')).toHaveLength(11)
    await test.server.store.purge(test.now, 1000)
    await expectTokenError(await ask(assertion), 401, 'invalid_client')
  })

  test('CA-11 issuer and subject MUST be the client', async () => {
    const { test, sign, ask } = await signing()
    await test.client({ client_id: 'other' })
    for (const claims of [{ iss: 'other' }, { sub: 'other' }, { sub: ['app'] }, { sub: undefined }, { iss: undefined }]) {
      await expectTokenError(await ask(await sign(claims as unknown as JWTPayload)), 401, 'invalid_client')
    }
    await expectTokenError(await ask(await sign(), { client_id: 'other' }), 401, 'invalid_client')
  })

  test("CA-12 the algorithm is the client's, never the token's choice", async () => {
    const { sign, ask, jwk } = await signing()
    const [, payload = ''] = (await sign()).split('.')
    for (const alg of ['none', 'None', 'nOnE']) await expectTokenError(await ask(`${b64({ alg })}.${payload}.`), 401, 'invalid_client')
    const asSecret = new TextEncoder().encode(JSON.stringify(jwk).padEnd(64))
    await expectTokenError(
      await ask(await new SignJWT({ iss: 'app', sub: 'app' }).setProtectedHeader({ alg: 'HS256' }).sign(asSecret)),
      401,
      'invalid_client'
    )
    await expectTokenError(await ask(`${b64({ alg: 'ES256' })}.${payload}.${'A'.repeat(86)}`), 401, 'invalid_client')
    await expectTokenError(await ask(`${b64({})}.${payload}.x`), 401, 'invalid_client')
  })

  test('CA-12 an algorithm that was registered is the only one, and must fit the key and its curve', async () => {
    const { test, sign, ask, jwk } = await signing('PS256')
    expect((await ask(await sign())).status).toBe(200)
    await test.server.clients.update('app', { token_endpoint_auth_signing_alg: 'RS256' })
    test.now += 1
    await expectTokenError(await ask(await sign()), 401, 'invalid_client')
    await test.server.clients.update('app', { token_endpoint_auth_signing_alg: 'PS256' })
    test.now += 1
    expect((await ask(await sign())).status).toBe(200)
    const p384 = await generateKeyPair('ES384', { extractable: true })
    await test.server.clients.update('app', {
      token_endpoint_auth_signing_alg: 'ES384',
      jwks: { keys: [jwk, await exportJWK(p384.publicKey)] as JsonWebKey[] }
    })
    test.now += 1
    const claims = { iss: 'app', sub: 'app', aud: ISSUER, exp: test.now + 60 }
    const by384 = await new SignJWT({ ...claims, jti: 'a' }).setProtectedHeader({ alg: 'ES384' }).sign(p384.privateKey)
    const [, payload, signature] = by384.split('.')
    expect((await ask(by384)).status).toBe(200)
    await test.server.clients.update('app', { token_endpoint_auth_signing_alg: 'ES256' })
    test.now += 1
    await expectTokenError(await ask(`${b64({ alg: 'ES256' })}.${payload}.${signature}`), 401, 'invalid_client')
  })

  test('CA-12 RFC 7797: an unencoded payload is refused, with its crit and without', async () => {
    const { test, ask, privateKey } = await signing()
    const payload = { iss: 'app', sub: 'app', aud: ISSUER, jti: 'u', exp: test.now + 60 }
    const unencoded = await new FlattenedSign(new TextEncoder().encode(JSON.stringify(payload)))
      .setProtectedHeader({ alg: 'ES256', b64: false, crit: ['b64'] })
      .sign(privateKey)
    for (const body of [JSON.stringify(payload), b64(payload)])
      await expectTokenError(await ask(`${unencoded.protected}.${body}.${unencoded.signature}`), 401, 'invalid_client')
    await expectTokenError(await ask(`${b64({ alg: 'ES256', b64: false })}.${b64(payload)}.${unencoded.signature}`), 401, 'invalid_client')
  })

  test.each([
    ['RS256', 'PS512'],
    ['PS256', 'RS256'],
    ['ES256', 'RS256'],
    ['ES256', 'ES384'],
    ['EdDSA', 'ES256']
  ])('CA-12 CA-15 a forgery comes first: who signs with %s is not locked out by one that says %s', async (alg, forged) => {
    const { sign, ask } = await signing(alg)
    const [, payload] = (await sign()).split('.')
    await expectTokenError(await ask(`${b64({ alg: forged })}.${payload}.${'A'.repeat(342)}`), 401, 'invalid_client')
    expect((await ask(await sign())).status).toBe(200)
  })

  test('CA-13 keys come from the registration, and unknown critical headers are refused', async () => {
    const { test, sign, ask } = await signing()
    const attacker = await generateKeyPair('ES256', { extractable: true })
    const attackerJwk = await exportJWK(attacker.publicKey)
    const certificate = 'MIIBszCCAVmgAwIBAgIUX'
    for (const header of [
      { jwk: attackerJwk },
      { jku: 'https://evil.example/jwks' },
      { x5u: 'https://evil.example/x5u' },
      { x5c: [certificate] },
      { x5t: 'x', 'x5t#S256': 'x' },
      ...['../../etc/passwd', "' OR 1=1 --", 'https://evil.example/kid', 'x'.repeat(10_240), '__proto__', ''].map((kid) => ({ kid }))
    ]) {
      await expectTokenError(await ask(await sign({}, header, attacker.privateKey)), 401, 'invalid_client')
    }
    expect(test.eventsOf('outbound.refused')).toEqual([])
    const [, payload, signature] = (await sign()).split('.')
    for (const header of [
      { alg: 'ES256', crit: ['exp'] },
      { alg: 'ES256', crit: ['unknown'], unknown: 1 },
      { alg: 'ES256', crit: [] },
      { alg: 'ES256', crit: 'b64' },
      { alg: 'ES256', kid: ['a'] },
      { alg: 'ES256', kid: { $ne: '' } },
      { alg: 'ES256', kid: 5 },
      { alg: 'ES256', zip: 'DEF' }
    ])
      await expectTokenError(await ask(`${b64(header)}.${payload}.${signature}`), 401, 'invalid_client')
    for (const text of ['{"alg":"none","alg":"ES256"}', '{"alg":"ES256","alg":"none"}', '["ES256"]', '"ES256"', 'null', '{"alg":"ES256"'])
      await expectTokenError(await ask(`${Buffer.from(text).toString('base64url')}.${payload}.${signature}`), 401, 'invalid_client')
  })

  test('CA-13 what a header carries besides changes nothing for a right signature', async () => {
    const { sign, ask, test } = await signing()
    for (const header of [{ jku: 'https://evil.example/jwks' }, { x5u: 'https://evil.example' }, { x5c: ['x'] }, { typ: 'JWT' }])
      expect((await ask(await sign({}, header))).status).toBe(200)
    expect(test.eventsOf('outbound.refused')).toEqual([])
  })

  test('CA-14 what is not a compact JWS of reasonable size is refused before it is read', async () => {
    const { sign, ask } = await signing()
    const assertion = await sign()
    for (const wrong of ['x', 'a.b.c', `${assertion}.x`, `${assertion}.x.y`, 'A'.repeat(60_000), `{"payload":"x"}`])
      await expectTokenError(await ask(wrong), 401, 'invalid_client')
    const [header, payload, signature] = assertion.split('.')
    const flattened = JSON.stringify({ protected: header, payload, signature })
    const general = JSON.stringify({ payload, signatures: [{ protected: header, signature }] })
    for (const json of [flattened, general]) await expectTokenError(await ask(json), 401, 'invalid_client')
    for (const jwe of [
      { alg: 'PBES2-HS256+A128KW', enc: 'A128CBC-HS256', p2c: 1e9, p2s: 'c2FsdHNhbHQ' },
      { alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT' },
      { alg: 'dir', enc: 'A256GCM', zip: 'DEF' }
    ])
      await expectTokenError(await ask(`${b64(jwe)}.${payload}.aXY.${payload}.dGFn`), 401, 'invalid_client')
    await expectTokenError(await ask('x'.repeat(1_048_576)), 413, 'invalid_request')
    const long = await sign({ padding: 'x'.repeat(16_384) })
    await expectTokenError(await ask(long), 401, 'invalid_client')
    await expectTokenError(await ask(assertion, { client_assertion_type: 'urn:x' }), 401, 'invalid_client')
    expect((await ask(assertion)).status).toBe(200)
  })

  test('CA-15 hostile key sets are refused; of two keys with one id each is tried', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
    const jwk = await exportJWK(publicKey)
    const rsa = await exportJWK((await generateKeyPair('RS256', { extractable: true })).publicKey)
    const create = (keys: object[]) => ready({ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys } })
    for (const keys of [
      [await exportJWK(privateKey)],
      [{ kty: 'oct', k: 'x' }],
      Array.from({ length: 21 }, () => jwk),
      Array.from({ length: 1000 }, () => jwk),
      [null],
      [{ kty: 'RSA', n: 'A'.repeat(171), e: 'AQAB' }],
      ...['AQ', 'Ag', 'AA', 'AAAB', '', 'A'.repeat(20), 5, undefined].map((e) => [{ ...rsa, e }]),
      ...[5, [rsa.n], undefined, `${rsa.n}=`, 'A'.repeat(342), `${'A'.repeat(200)}${rsa.n?.slice(200)}`, 'B'.repeat(1400)].map((n) => [
        { ...rsa, n }
      ]),
      ...[{ x: undefined }, { y: undefined }, { x: 5 }, { y: jwk.y?.slice(1) }, { crv: 'P-384' }, { crv: 'secp256k1' }].map((wrong) => [
        { ...jwk, ...wrong }
      ]),
      // Off the curve.
      [{ ...jwk, x: jwk.y, y: jwk.x }],
      [{ ...jwk, x: 'A'.repeat(43), y: 'A'.repeat(43) }],
      [{ kty: 'OKP', crv: 'Ed25519', x: 'AAAA' }],
      [{ kty: 'OKP', crv: 'Ed25519' }],
      [{ ...jwk, kty: undefined }],
      ...[['sign'], ['verify', 'verify'], 'verify', ['verify', 'encrypt'], [5]].map((key_ops) => [{ ...jwk, use: 'sig', key_ops }]),
      [{ ...jwk, use: 'enc', key_ops: ['verify'] }],
      [{ ...jwk, key_ops: ['decrypt'] }],
      [{ ...jwk, use: 5 }],
      [jwk, { ...jwk, x: undefined }]
    ]) {
      await expect(create(keys as object[]), JSON.stringify(keys)).rejects.toMatchObject({ error: 'invalid_client_metadata' })
    }
    const x25519 = {
      ...(await exportJWK((await generateKeyPair('ECDH-ES', { crv: 'X25519', extractable: true })).publicKey)),
      ...{ use: 'enc', key_ops: ['deriveBits'] }
    }
    await create([rsa, { ...jwk, use: 'sig', key_ops: ['verify'] }, { ...jwk, use: 'enc' }, x25519, { kty: 'AKP', alg: 'ML-DSA-44' }])
    for (const unfit of [{ use: 'enc' }, { use: 'enc', key_ops: ['deriveBits'] }, { alg: 'ES384' }]) {
      const { test } = await create([{ ...jwk, ...unfit }])
      const claims = { iss: 'app', sub: 'app', aud: ISSUER, jti: 'j', exp: test.now + 60 }
      const assertion = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256' }).sign(privateKey)
      const response = await test.post('/token', { ...GRANT, client_assertion_type: TYPE, client_assertion: assertion })
      await expectTokenError(response, 401, 'invalid_client')
    }
    const other = await exportJWK((await generateKeyPair('ES256', { extractable: true })).publicKey)
    const { test } = await create([
      { ...other, kid: 'k' },
      { ...jwk, kid: 'k' }
    ])
    const claims = { iss: 'app', sub: 'app', aud: ISSUER, jti: 'j', exp: test.now + 60 }
    const assertion = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'k' }).sign(privateKey)
    expect((await test.post('/token', { ...GRANT, client_assertion_type: TYPE, client_assertion: assertion })).status).toBe(200)
  })
})

describe('client_secret_jwt', () => {
  test('CA-17 is there only where it is named', async () => {
    await expect(ready({ token_endpoint_auth_method: 'client_secret_jwt' })).rejects.toMatchObject({ error: 'invalid_client_metadata' })
  })

  test('CA-17 "A key of the same size as the hash output … or larger MUST be used" (RFC 7518 §3.2)', async () => {
    const own = (client_secret: string, token_endpoint_auth_signing_alg?: string) =>
      ready(
        {
          token_endpoint_auth_method: 'client_secret_jwt',
          client_secret,
          ...(token_endpoint_auth_signing_alg && { token_endpoint_auth_signing_alg })
        },
        { extensions: [clientSecretJwt] }
      )
    await expect(own('x'.repeat(31))).rejects.toMatchObject({ error: 'invalid_client_metadata' })
    await expect(own('x'.repeat(47), 'HS384')).rejects.toMatchObject({ error: 'invalid_client_metadata' })
    await expect(own('x'.repeat(63), 'HS512')).rejects.toMatchObject({ error: 'invalid_client_metadata' })
    const generated = await ready({ token_endpoint_auth_method: 'client_secret_jwt' }, { extensions: [clientSecretJwt] })
    const works = async ({ test, secret }: Awaited<ReturnType<typeof ready>>) => {
      const statuses = []
      for (const alg of ['HS256', 'HS384', 'HS512']) {
        const assertion = await new SignJWT({ iss: 'app', sub: 'app', aud: ISSUER, jti: alg, exp: test.now + 60 })
          .setProtectedHeader({ alg })
          .sign(new TextEncoder().encode(secret))
        statuses.push((await test.post('/token', { ...GRANT, client_assertion_type: TYPE, client_assertion: assertion })).status)
      }
      return statuses
    }
    expect(await works(generated)).toEqual([200, 200, 200])
    expect(await works(await own('x'.repeat(32)))).toEqual([200, 401, 401])
    generated.secret = await generated.test.server.clients.addSecret('app')
    generated.test.now += 120
    expect(await works(generated)).toEqual([401, 401, 401])
    await generated.test.server.store.purge(generated.test.now + 3600, 100)
    expect(await works(generated)).toEqual([200, 200, 200])
  })

  test('authenticates with the secret as the key, and the store holds only its ciphertext', async () => {
    const { test, secret } = await ready({ token_endpoint_auth_method: 'client_secret_jwt' }, { extensions: [clientSecretJwt] })
    const assertion = await new SignJWT({ iss: 'app', sub: 'app', aud: ISSUER, jti: 'j', exp: test.now + 60 })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(new TextEncoder().encode(secret))
    const ask = () => test.post('/token', { ...GRANT, client_assertion_type: TYPE, client_assertion: assertion })
    expect((await ask()).status).toBe(200)
    await expectTokenError(await ask(), 401, 'invalid_client')
    expect(JSON.stringify(await test.server.store.clients.find('app'))).not.toContain(secret)
    await expectTokenError(await test.post('/token', GRANT, basic('app', secret)), 401, 'invalid_client')
  })
})

/** The same bytes with a bit set that base64 does not use. */
function bump(encoded: string): string {
  const at = encoded.replace(/=+$/, '').length - 1
  const next = ALPHABET[ALPHABET.indexOf(encoded[at] ?? '') + 1]
  return `${encoded.slice(0, at)}${next}${encoded.slice(at + 1)}`
}

function form(text: string): string {
  return encodeURIComponent(text).replace(/%20/g, '+')
}

function utf8(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)))
}

function b64(header: object): string {
  return Buffer.from(JSON.stringify(header)).toString('base64url')
}

describe('a change of a client', () => {
  test.each([
    ['goes on', 1],
    ['is set back by an hour', -3600]
  ])('is effective on every node within one second, whichever node it was made on: the clock %s', async (_, step) => {
    const options = { store: new MemoryStore(), secret: 'a secret of at least thirty-two characters' }
    const nodes = [new TestServer(options), new TestServer(options), new TestServer(options)] as const
    const { client_secret = '' } = await nodes[0].client()
    const statuses = () => Promise.all(nodes.map(async (node) => (await node.post('/token', GRANT, basic('app', client_secret))).status))
    expect(await statuses()).toEqual([200, 200, 200])
    await nodes[1].server.clients.update('app', { disabled: true })
    for (const node of nodes) node.now += step
    expect(await statuses()).toEqual([401, 401, 401])
    await nodes[2].server.clients.update('app', { disabled: false })
    for (const node of nodes) node.now += 1
    expect(await statuses()).toEqual([200, 200, 200])
  })
})
