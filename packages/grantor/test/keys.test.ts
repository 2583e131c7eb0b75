import { CompactEncrypt, createLocalJWKSet, decodeProtectedHeader, importJWK, type JWK, jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import { webCrypto } from '../src/crypto/web.ts'
import { AuthorizationServer, type AuthorizationServerOptions, MemoryStore } from '../src/index.ts'
import { ISSUER, TestServer } from './support.ts'

const DAY = 86_400

async function ready(options: Partial<AuthorizationServerOptions> = {}) {
  const test = new TestServer({ accessTokenFormat: 'jwt', ...options })
  const client = await test.client()
  const issue = async () => (await (await test.token(client, { grant_type: 'client_credentials' })).json()).access_token as string
  const jwks = async () => (await test.fetch('/jwks')).json()
  const kid = async () => decodeProtectedHeader(await issue()).kid
  return { test, issue, jwks, kid }
}

describe('signing keys', () => {
  test.each(['ES256', 'RS256', 'PS256', 'EdDSA'])('%s signs, with node:crypto and with WebCrypto', async (alg) => {
    for (const crypto of [undefined, webCrypto()]) {
      const { test, issue, jwks } = await ready({ signingAlgorithms: [alg], ...(crypto && { crypto }) })
      const { protectedHeader } = await jwtVerify(await issue(), createLocalJWKSet(await jwks()), {
        issuer: ISSUER,
        typ: 'at+jwt',
        currentDate: new Date(test.now * 1000)
      })
      expect(protectedHeader.alg).toBe(alg)
    }
  })

  test('ES256 signatures are r and s of 32 bytes each, whatever their leading zeros', async () => {
    const { issue, jwks, test } = await ready()
    const keys = createLocalJWKSet(await jwks())
    for (let i = 0; i < 600; i++) await jwtVerify(await issue(), keys, { currentDate: new Date(test.now * 1000) })
  })

  test('JW-06 JW-09 a key is published a day before it signs and listed until no token of it lives: a cached JWKS never fails', async () => {
    const { test, issue, jwks, kid } = await ready()
    const first = await kid()
    const tokens: { token: string; expiresAt: number }[] = []
    let cached = await jwks()
    for (let day = 0; day < 300; day++) {
      tokens.push({ token: await issue(), expiresAt: test.now + 3600 })
      for (const { token } of tokens.filter(({ expiresAt }) => expiresAt > test.now))
        await jwtVerify(token, createLocalJWKSet(cached), { currentDate: new Date(test.now * 1000) })
      test.now += DAY / 2
      cached = await jwks()
      test.now += DAY / 2 - 900
      for (const key of cached.keys) expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
      expect(cached.keys.length).toBeLessThanOrEqual(3)
    }
    expect(await kid()).not.toBe(first)
    expect(test.eventsOf('keys.rotated').length).toBeGreaterThanOrEqual(4)
  })

  test('JW-06 a key is listed and accepted for as long as its tokens live, however short its own life', async () => {
    const api = { identifier: 'https://api.example.com', settings: { accessTokenLifetime: 5 * DAY } }
    for (const options of [{ accessTokenLifetime: 5 * DAY }, { resources: [api], defaultResource: api.identifier }]) {
      const { test, issue, jwks, kid } = await ready({ signingKeyLifetime: DAY, signingKeyLead: 3600, ...options })
      const token = await issue()
      const first = await kid()
      for (let hour = 0; hour < 5 * 24 - 1; hour++) {
        test.now += 3600
        await kid()
      }
      expect(await kid()).not.toBe(first)
      expect((await test.server.tokens.find(token))?.revoked).toBe(false)
      await jwtVerify(token, createLocalJWKSet(await jwks()), { currentDate: new Date(test.now * 1000) })
      const longer = { client_id: 'x', settings: { accessTokenLifetime: 5 * DAY + 1 } }
      await expect(test.client(longer)).rejects.toMatchObject({ error: 'invalid_client_metadata' })
    }
  })

  test('JW-06 an algorithm that was dropped verifies until its last token has expired, and then its keys are gone', async () => {
    const store = new MemoryStore()
    const shared = { store, secret: 's'.repeat(32), signingKeyLifetime: DAY, signingKeyLead: 3600 }
    const before = await ready({ ...shared, signingAlgorithms: ['RS256'] })
    const token = await before.issue()
    const after = new TestServer({ ...shared, accessTokenFormat: 'jwt', signingAlgorithms: ['ES256'] })
    const algorithms = async () => (await (await after.fetch('/jwks')).json()).keys.map(({ alg }: { alg: string }) => alg)
    after.now += 60
    expect((await after.server.tokens.find(token))?.revoked).toBe(false)
    expect(await algorithms()).toEqual(['RS256', 'ES256'])
    await expect(after.server.keys.signer('RS256')).rejects.toThrow('no signing key for RS256')
    // A node that still has the old settings goes on signing, and makes no further key.
    for (let round = 0; round < 5; round++) {
      before.test.now = after.now += 6
      expect(await before.kid()).toBe(decodeProtectedHeader(token).kid)
      expect(await algorithms()).toEqual(['RS256', 'ES256'])
    }
    after.now += DAY - 1
    expect(await algorithms()).toEqual(['RS256', 'ES256', 'ES256'])
    after.now += 6
    expect(await algorithms()).toEqual(['ES256', 'ES256'])
  })

  test('JW-07 of two servers that start at the same moment on an empty store, one makes the keys', async () => {
    const store = new MemoryStore()
    const secret = 's'.repeat(32)
    const servers = Array.from({ length: 5 }, () => new TestServer({ store, secret, accessTokenFormat: 'jwt' }))
    const signers = await Promise.all(servers.map(({ server }) => server.keys.signer()))
    expect(new Set(signers.map(({ kid }) => kid)).size).toBe(1)
  })

  test('JW-08 JW-10 an emergency rotation signs at once, drops the other keys, and reaches other nodes within seconds', async () => {
    const store = new MemoryStore()
    const secret = 's'.repeat(32)
    const { test, issue, jwks } = await ready({ store, secret })
    const node = new TestServer({ store, secret, accessTokenFormat: 'jwt' })
    const old = await issue()
    expect((await node.server.tokens.find(old))?.revoked).toBe(false)
    await test.server.keys.rotate({ compromised: true })
    expect((await jwks()).keys).toHaveLength(1)
    expect(decodeProtectedHeader(await issue()).kid).not.toBe(decodeProtectedHeader(old).kid)
    expect(await test.server.tokens.find(old)).toBeUndefined()
    node.now += 5
    expect(await node.server.tokens.find(old)).toBeUndefined()
    expect(await node.server.tokens.find(await issue())).toBeDefined()
  })

  test('JW-11 ST-04 private keys are stored encrypted and bound to their place; another secret opens nothing', async () => {
    const store = new MemoryStore()
    const { issue } = await ready({ store, secret: 's'.repeat(32) })
    await issue()
    const stored = JSON.stringify(await store.artifacts.find('signing_keys', 'current', 0))
    expect(stored).toContain('sealed')
    expect(stored).not.toMatch(/"d":/)
    const other = new AuthorizationServer({ issuer: ISSUER, store, secret: 'o'.repeat(32), clock: () => 1_800_000_000_000 })
    await expect(other.ready()).rejects.toThrow('cannot be opened with this secret')
    const rotated = new AuthorizationServer({
      issuer: ISSUER,
      store,
      secret: ['o'.repeat(32), 's'.repeat(32)],
      clock: () => 1_800_000_000_000
    })
    await rotated.ready()
  })

  test('JW-11 a ciphertext in the place of another opens nothing: each is bound to the id, the algorithm and the use of its key', async () => {
    const secret = 's'.repeat(32)
    const settings = { secret, signingAlgorithms: ['ES256', 'EdDSA'] }
    const store = new MemoryStore()
    await new TestServer({ ...settings, store }).server.ready()
    const found = await store.artifacts.find<{ version: number; keys: readonly { sealed?: string }[] }>('signing_keys', 'current', 0)
    const { keys = [], version = 0 } = found?.value ?? {}
    expect(keys).toHaveLength(2)
    const place = (changed: readonly object[]) => {
      const copy = new MemoryStore()
      const value = { version, keys: changed }
      return copy.artifacts
        .insert({ kind: 'signing_keys', id: 'current', value, expiresAt: 253_402_300_799 })
        .then(() => new TestServer({ ...settings, store: copy }))
    }
    await (await place(keys)).server.ready()
    const [first, second] = keys
    for (const changed of [
      [{ ...first, sealed: second?.sealed }, second],
      [first, { ...second, sealed: first?.sealed }],
      [{ ...first, kid: 'another' }, second],
      [{ ...first, alg: 'EdDSA' }]
    ])
      await expect((await place(changed as object[])).server.ready()).rejects.toThrow('cannot be opened with this secret')
  })

  test('an external signer takes the place of stored keys', async () => {
    const { subtle } = globalThis.crypto
    const pair = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
    const signer = {
      kid: 'hsm-1',
      alg: 'ES256',
      publicJwk: await subtle.exportKey('jwk', pair.publicKey),
      sign: async (data: string) =>
        Buffer.from(await subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, pair.privateKey, new TextEncoder().encode(data))).toString(
          'base64url'
        )
    }
    const { test, issue, jwks } = await ready({ signers: [signer] })
    const { protectedHeader } = await jwtVerify(await issue(), createLocalJWKSet(await jwks()), { currentDate: new Date(test.now * 1000) })
    expect(protectedHeader.kid).toBe('hsm-1')
    expect(await test.server.store.artifacts.find('signing_keys', 'current', test.now)).toBeUndefined()
  })
})

describe('what an operator does with keys', () => {
  const SECRETS = ['n'.repeat(32), 's'.repeat(32)]
  const states = async ({ server }: TestServer) => (await server.keys.list()).map(({ state }) => state)

  test('the next key is published at once, used after its lead, and the one before stays until no token of it lives', async () => {
    const { test, issue, jwks, kid } = await ready()
    const token = await issue()
    const [first] = await test.server.keys.list()
    expect(first).toEqual({ kid: await kid(), alg: 'ES256', use: 'sig', state: 'current', activeFrom: test.now })
    await test.server.keys.rotate()
    const [before, next] = await test.server.keys.list()
    expect(before).toEqual({ ...first, keptUntil: test.now + DAY + 90 * DAY })
    expect(next).toMatchObject({ state: 'next', activeFrom: test.now + DAY })
    expect((await jwks()).keys.map((key: JWK) => key.kid)).toEqual([first?.kid, next?.kid])
    test.now += DAY - 1
    expect(await kid()).toBe(first?.kid)
    test.now += 1
    expect(await kid()).toBe(next?.kid)
    expect(await states(test)).toEqual(['retired', 'current'])
    await jwtVerify(token, createLocalJWKSet(await jwks()), { currentDate: new Date((test.now - DAY) * 1000) })
    test.now += 89 * DAY
    expect(await states(test)).toEqual(['retired', 'current', 'next'])
    test.now = before?.keptUntil ?? 0
    expect(await states(test)).not.toContain('next')
    expect((await test.server.keys.list()).map((key) => key.kid)).not.toContain(first?.kid)
    expect(test.eventsOf('keys.retired')).toMatchObject([{ kid: first?.kid, alg: 'ES256' }])
  })

  test('nobody publishes a second next key, and the first of an algorithm waits for nobody', async () => {
    const store = new MemoryStore()
    const shared = { store, secret: SECRETS }
    const { test, issue } = await ready(shared)
    await issue()
    await test.server.keys.rotate()
    await expect(test.server.keys.rotate()).rejects.toThrow('the next keys are published already')
    const both = new TestServer({ ...shared, signingAlgorithms: ['ES256', 'EdDSA'] })
    await both.server.keys.rotate()
    expect(await states(both)).toEqual(['current', 'next', 'current'])
  })

  test('a next key is retired before its use, an old one before its end, and the one in use never', async () => {
    const { test, issue, kid } = await ready()
    const token = await issue()
    const first = (await kid()) ?? ''
    await expect(test.server.keys.retire(first)).rejects.toThrow(`the key ${first} is in use`)
    await expect(test.server.keys.retire('unknown')).rejects.toThrow('there is no key unknown')
    await test.server.keys.rotate()
    const [, next] = await test.server.keys.list()
    await test.server.keys.retire(next?.kid ?? '')
    expect((await test.server.keys.list()).map((key) => key.kid)).toEqual([first])
    await test.server.keys.rotate()
    test.now += DAY
    await expect(test.server.keys.retire((await kid()) ?? '')).rejects.toThrow('is in use')
    test.now -= DAY
    expect(await test.server.tokens.find(token)).toBeDefined()
    test.now += DAY
    await test.server.keys.retire(first)
    test.now -= DAY
    expect(await test.server.tokens.find(token)).toBeUndefined()
    expect(test.eventsOf('keys.retired')).toMatchObject([{ kid: next?.kid }, { kid: first }])
  })

  test('JW-11 keys are encrypted anew in one step, and then the secret they were made with is not needed', async () => {
    const store = new MemoryStore()
    const [fresh = '', old = ''] = SECRETS
    const server = (...secret: string[]) =>
      new TestServer({ store, secret, signingAlgorithms: ['ES256', 'EdDSA'], extensions: [() => ({ encryptionAlgorithms: ['ECDH-ES'] })] })
        .server
    const before = server(old)
    await before.ready()
    await before.keys.rotate()
    await expect(server(fresh).keys.reseal()).rejects.toThrow('cannot be opened with this secret')
    const version = async () => (await store.artifacts.find<{ version: number }>('signing_keys', 'current', 0))?.value.version
    const was = (await version()) ?? 0
    expect(await server(fresh, old).keys.reseal()).toBe(4)
    expect(await version()).toBe(was + 1)
    expect(await server(fresh, old).encryptionKeys.reseal()).toBe(1)
    expect(await server(fresh, old).keys.reseal()).toBe(0)
    expect(await version()).toBe(was + 1)
    await server(fresh).ready()
    expect(await server(fresh).keys.list()).toEqual(await before.keys.list())
    await expect(server(old).ready()).rejects.toThrow('cannot be opened with this secret')
  })

  test.each(['before', 'after'])('what dies just %s the keys are stored that it encrypted anew leaves them whole', async (moment) => {
    const store = new MemoryStore()
    const [fresh = '', old = ''] = SECRETS
    const before = new TestServer({ store, secret: old }).server
    await before.keys.rotate()
    await before.keys.rotate()
    const listed = await before.keys.list()
    const { update } = store.artifacts
    store.artifacts.update = async (...args) => {
      if (moment === 'after') await update.apply(store.artifacts, args)
      throw new Error('the process is gone')
    }
    await expect(new TestServer({ store, secret: SECRETS }).server.keys.reseal()).rejects.toThrow('the process is gone')
    store.artifacts.update = update
    // All of them under one secret, whichever.
    const survivor = new TestServer({ store, secret: moment === 'before' ? old : fresh })
    await survivor.server.ready()
    survivor.now += DAY
    await survivor.server.ready()
    // The first is retired by now, and its private half deleted.
    expect(await new TestServer({ store, secret: SECRETS }).server.keys.reseal()).toBe(moment === 'before' ? 1 : 0)
    expect((await new TestServer({ store, secret: fresh }).server.keys.list()).map(({ kid }) => kid)).toEqual(listed.map(({ kid }) => kid))
  })

  test('whoever encrypts keys anew while others rotate them loses none', async () => {
    const store = new MemoryStore()
    const nodes = Array.from({ length: 8 }, () => new TestServer({ store, secret: SECRETS }).server)
    await new TestServer({ store, secret: SECRETS[1] as string }).server.ready()
    await Promise.all(nodes.map(({ keys }, index) => (index % 2 === 0 ? keys.reseal() : keys.rotate().catch(() => {}))))
    const after = new TestServer({ store, secret: SECRETS[0] as string })
    expect(await states(after)).toEqual(['current', 'next'])
    await after.server.ready()
    after.now += DAY
    await after.server.ready()
  })

  test('of several external signers of an algorithm the first signs and all are listed; there is nothing in the store to rotate or retire', async () => {
    const { subtle } = globalThis.crypto
    const signers = await Promise.all(
      ['hsm-1', 'hsm-2'].map(async (kid) => {
        const pair = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
        const sign = async (data: string) =>
          Buffer.from(await subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, pair.privateKey, new TextEncoder().encode(data))).toString(
            'base64url'
          )
        return { kid, alg: 'ES256', publicJwk: await subtle.exportKey('jwk', pair.publicKey), sign }
      })
    )
    const { test, issue, jwks, kid } = await ready({ signers })
    expect(await kid()).toBe('hsm-1')
    const next = await ready({ signers: signers.toReversed() })
    expect(await next.kid()).toBe('hsm-2')
    await jwtVerify(await issue(), createLocalJWKSet(await next.jwks()), { currentDate: new Date(test.now * 1000) })
    expect((await jwks()).keys).toHaveLength(2)
    expect(await test.server.keys.list()).toMatchObject([
      { kid: 'hsm-1', state: 'external' },
      { kid: 'hsm-2', state: 'external' }
    ])
    await expect(test.server.keys.rotate()).rejects.toThrow('there are no keys in the store to rotate')
    await expect(test.server.keys.retire('hsm-1')).rejects.toThrow('there is no key hsm-1 in the store')
    expect(await test.server.keys.reseal()).toBe(0)
  })
})

describe('encryption keys', () => {
  const ALLOWED = { alg: ['RSA-OAEP-256', 'ECDH-ES'], enc: ['A256GCM', 'A128CBC-HS256'] }
  const extensions = [() => ({ encryptionAlgorithms: ALLOWED.alg })]

  async function encrypted(jwk: JWK, header: { enc?: string; zip?: string; kid?: string | undefined } = {}, text = 'hello') {
    const { alg = '', kid } = jwk
    const parts = { alg, enc: 'A256GCM', ...(kid !== undefined && { kid }), ...header }
    return new CompactEncrypt(new TextEncoder().encode(text))
      .setProtectedHeader(JSON.parse(JSON.stringify(parts)))
      .encrypt(await importJWK(jwk, alg))
  }
  const listed = async (test: TestServer): Promise<JWK[]> =>
    (await (await test.fetch('/jwks')).json()).keys.filter(({ use }: JWK) => use === 'enc')

  test.each(ALLOWED.alg)('what is encrypted with %s is read', async (alg) => {
    const test = new TestServer({ extensions })
    const jwk = (await listed(test)).find((key) => key.alg === alg) as JWK
    for (const enc of ALLOWED.enc) expect(await test.server.encryptionKeys.decrypt(await encrypted(jwk, { enc }), ALLOWED)).toBe('hello')
    expect(await test.server.encryptionKeys.decrypt(await encrypted(jwk, { kid: undefined }), ALLOWED)).toBe('hello')
  })

  test('PR-12 other algorithms, other keys, altered or compressed content: one answer to all', async () => {
    const test = new TestServer({ extensions })
    const [jwk = {}] = await listed(test)
    const good = await encrypted(jwk)
    const [, ...rest] = good.split('.')
    const header = (members: object) => Buffer.from(JSON.stringify(members)).toString('base64url')
    const other = new TestServer({ extensions })
    const [foreign = {}] = await listed(other)
    const { alg: _alg, ...bare } = jwk
    for (const jwe of [
      '',
      'a.b.c.d.e',
      'x'.repeat(70_000),
      `${good.slice(0, -4)}${good.at(-4) === 'A' ? 'B' : 'A'}${good.slice(-3)}`,
      [header({ alg: 'RSA1_5', enc: 'A256GCM', kid: jwk.kid }), ...rest].join('.'),
      [header({ alg: 'dir', enc: 'A256GCM' }), ...rest].join('.'),
      await encrypted({ ...bare, alg: 'RSA-OAEP' }),
      await encrypted(jwk, { enc: 'A192GCM' }),
      await encrypted(jwk, { zip: 'DEF' }, 'a'.repeat(100_000)),
      await encrypted(jwk, { kid: 'unknown' }),
      await encrypted(foreign),
      await encrypted({ ...foreign, kid: jwk.kid as string })
    ]) {
      expect(await test.server.encryptionKeys.decrypt(jwe, ALLOWED)).toBeUndefined()
    }
    expect(await test.server.encryptionKeys.decrypt(good, { ...ALLOWED, alg: ['ECDH-ES'] })).toBeUndefined()
    expect(await test.server.encryptionKeys.decrypt(good, { ...ALLOWED, enc: ['A128CBC-HS256'] })).toBeUndefined()
    expect(await test.server.encryptionKeys.decrypt(good, ALLOWED)).toBe('hello')
  })

  test('a client that caches the key set for its max-age is understood over three rotations; private halves do not stay', async () => {
    const test = new TestServer({ extensions: [() => ({ encryptionAlgorithms: ['ECDH-ES'] })] })
    const seen = new Set<string | undefined>()
    for (let day = 0; day < 280; day++) {
      const cached = await listed(test)
      expect(cached.length).toBeLessThanOrEqual(2)
      test.now += 900
      for (const jwk of cached) {
        seen.add(jwk.kid)
        expect(await test.server.encryptionKeys.decrypt(await encrypted(jwk), ALLOWED)).toBe('hello')
      }
      test.now += DAY - 900
    }
    expect(seen.size).toBe(4)
    const stored = await test.server.store.artifacts.find<{ keys: readonly object[] }>('encryption_keys', 'current', test.now)
    expect(stored?.value.keys.length).toBeLessThanOrEqual(2)
  })

  test('an emergency rotation leaves no old key', async () => {
    const test = new TestServer({ extensions })
    const [old = {}] = await listed(test)
    await test.server.encryptionKeys.rotate({ compromised: true })
    expect((await listed(test)).map(({ kid }) => kid)).not.toContain(old.kid)
    expect(await test.server.encryptionKeys.decrypt(await encrypted(old), ALLOWED)).toBeUndefined()
  })

  test('JW-11 they are stored encrypted, and another secret opens nothing', async () => {
    const store = new MemoryStore()
    const [jwk = {}] = await listed(new TestServer({ extensions, store, secret: 's'.repeat(32) }))
    expect(Object.keys(jwk)).not.toContain('d')
    expect(JSON.stringify(await store.artifacts.find('encryption_keys', 'current', 0))).not.toMatch(/"d":/)
    const other = new TestServer({ extensions, store, secret: 'o'.repeat(32) })
    await expect(other.server.encryptionKeys.decrypt(await encrypted(jwk), ALLOWED)).rejects.toThrow('cannot be opened with this secret')
  })

  test('there are none, unless an extension needs them', async () => {
    const test = new TestServer()
    await test.server.ready()
    expect(await listed(test)).toEqual([])
    expect(await test.server.store.artifacts.find('encryption_keys', 'current', test.now)).toBeUndefined()
  })
})
