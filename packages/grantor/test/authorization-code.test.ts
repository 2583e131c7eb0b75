import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { checksum } from '../src/crypto/checksum.ts'
import { MemoryStore } from '../src/index.ts'
import { AUTHORIZATION_CODE } from '../src/models/artifacts.ts'
import { AUTHORIZATION, expectRedirectError, expectTokenError, ISSUER, REDIRECT_URI, TestServer, VERIFIER } from './support.ts'

const RACERS = 50

async function ready(options = {}) {
  const test = new TestServer(options)
  return { test, client: await test.client() }
}

describe('authorization code', () => {
  test('a code is exchanged for tokens that introspection knows', async () => {
    const { test, client } = await ready()
    const response = await test.redeem(client, await test.code())
    const tokens = await response.json()
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(tokens).toEqual({
      access_token: expect.stringMatching(/^gat_/),
      refresh_token: expect.stringMatching(/^grt_/),
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'read'
    })
    expect(await test.introspect(client, tokens.access_token)).toMatchObject({
      active: true,
      sub: 'alice',
      client_id: 'app',
      scope: 'read'
    })
  })

  test.each([0, 1, 30, 540])(
    'CD-01 the client MUST NOT use the authorization code more than once: a valid replay after %s s kills the family',
    async (elapsed) => {
      const { test, client } = await ready()
      const code = await test.code()
      const tokens = await (await test.redeem(client, code)).json()
      test.now += elapsed
      await test.server.store.purge(test.now, 1000)
      await expectTokenError(await test.redeem(client, code), 400, 'invalid_grant')
      expect(await test.introspect(client, tokens.access_token)).toEqual({ active: false })
      expect(await test.introspect(client, tokens.refresh_token)).toEqual({ active: false })
      expect(test.eventsOf('code.replayed')).toHaveLength(1)
    }
  )

  test(`CD-02 of ${RACERS} parallel redemptions one wins, and its tokens are dead afterwards`, async () => {
    const { test, client } = await ready()
    const code = await test.code()
    const responses = await Promise.all(Array.from({ length: RACERS }, () => test.redeem(client, code)))
    const bodies = await Promise.all(responses.map((response) => response.json()))
    expect(responses.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(bodies.filter(({ error }) => error === 'invalid_grant')).toHaveLength(RACERS - 1)
    const { access_token } = bodies.find((body) => 'access_token' in body)
    expect(await test.introspect(client, access_token)).toEqual({ active: false })
  })

  test('PK-02 PK-04 without PKCE only for a client that authenticates and whose policy says so; a verifier without a challenge is refused (RFC 9700 §2.1.1)', async () => {
    const test = new TestServer()
    const relaxed = { settings: { requirePkce: false } }
    const [client, spa, strict] = [await test.client(relaxed), await test.publicClient(relaxed), await test.client({ client_id: 'strict' })]
    const bare = { code_challenge: undefined, code_challenge_method: undefined }
    for (const { client_id } of [spa, strict]) expectRedirectError(await test.authorize({ ...bare, client_id }), 'invalid_request')
    expectRedirectError(await test.authorize({ ...bare, code_challenge_method: 'S256' }), 'invalid_request')
    await expectTokenError(await test.redeem(client, await test.code(bare)), 400, 'invalid_grant')
    const request = { grant_type: 'authorization_code', code: await test.code(bare), redirect_uri: REDIRECT_URI }
    expect((await test.token(client, request)).status).toBe(200)
    const later = { ...request, code: await test.code(bare) }
    await test.server.clients.update('app', { settings: { requirePkce: true } })
    await expectTokenError(await test.token(client, later), 400, 'invalid_grant')
  })

  test('CD-03 a replay with a wrong verifier, client, secret or redirect_uri revokes nothing', async () => {
    const { test, client } = await ready()
    const other = await test.client({ client_id: 'other' })
    const code = await test.code()
    const tokens = await (await test.redeem(client, code)).json()
    await expectTokenError(await test.redeem(client, code, { code_verifier: 'x'.repeat(43) }), 400, 'invalid_grant')
    await expectTokenError(await test.redeem(client, code, { redirect_uri: `${REDIRECT_URI}/` }), 400, 'invalid_grant')
    await expectTokenError(await test.redeem(other, code), 400, 'invalid_grant')
    await expectTokenError(await test.redeem({ ...client, client_secret: 'wrong' }, code), 401, 'invalid_client')
    expect(await test.introspect(client, tokens.access_token)).toMatchObject({ active: true })
  })

  test('CD-04 CD-05 CD-06 a stranger burns nothing; the fifth failure of the right client does', async () => {
    const { test, client } = await ready()
    const other = await test.client({ client_id: 'other' })
    const spa = await test.publicClient()
    const code = await test.code()
    for (let i = 0; i < 10; i++) {
      await expectTokenError(await test.redeem(other, code), 400, 'invalid_grant')
      await expectTokenError(await test.redeem(spa, code), 400, 'invalid_grant')
      await expectTokenError(await test.redeem({ client_id: 'app', client_secret: 'wrong' }, code), 401, 'invalid_client')
      await expectTokenError(await test.redeem({ client_id: 'app' }, code), 401, 'invalid_client')
    }
    for (let i = 0; i < 4; i++)
      await expectTokenError(await test.redeem(client, code, { code_verifier: 'x'.repeat(43) }), 400, 'invalid_grant')
    expect((await test.redeem(client, code)).status).toBe(200)

    const burned = await test.code()
    for (let i = 0; i < 5; i++)
      await expectTokenError(await test.redeem(client, burned, { code_verifier: 'x'.repeat(43) }), 400, 'invalid_grant')
    await expectTokenError(await test.redeem(client, burned), 400, 'invalid_grant')
    expect(test.eventsOf('code.burned')).toHaveLength(1)
    expect([...test.eventsOf('code.replayed'), ...test.eventsOf('grant.revoked')]).toEqual([])
  })

  test('CD-05 CD-06 the code of one public client is nothing to another, which burns nothing', async () => {
    const { test } = await ready()
    const [one, other] = [await test.publicClient(), await test.publicClient({ client_id: 'spa2' })]
    const code = await test.code({ client_id: 'spa' })
    for (let i = 0; i < 10; i++) await expectTokenError(await test.redeem(other, code), 400, 'invalid_grant')
    expect(test.eventsOf('request.refused').at(-1)).toMatchObject({ detail: { reason: "the code is another client's", owner: 'spa' } })
    const { access_token } = await (await test.redeem(one, code)).json()
    await expectTokenError(await test.redeem(other, code), 400, 'invalid_grant')
    expect(access_token).toMatch(/^gat_/)
    expect([...test.eventsOf('code.burned'), ...test.eventsOf('code.replayed')]).toEqual([])
  })

  test('CD-04 failures that come at once are counted, each', async () => {
    const { test, client } = await ready()
    const code = await test.code()
    await Promise.all(Array.from({ length: 20 }, () => test.redeem(client, code, { code_verifier: 'x'.repeat(43) })))
    await expectTokenError(await test.redeem(client, code), 400, 'invalid_grant')
  })

  test('CD-07 redirect_uri is REQUIRED if it was in the authorization request, and MUST be identical', async () => {
    const { test, client } = await ready()
    const code = await test.code()
    await expectTokenError(
      await test.token(client, { grant_type: 'authorization_code', code, code_verifier: VERIFIER }),
      400,
      'invalid_request'
    )
    await expectTokenError(await test.redeem(client, code, { redirect_uri: 'https://client.example.com/other' }), 400, 'invalid_grant')
    expect((await test.redeem(client, code)).status).toBe(200)
  })

  test('CD-07 redirect_uri may be left out where OAuth 2.1 lets it, if the server is told so', async () => {
    const { test, client } = await ready({ allowOmittedRedirectUri: true })
    const code = await test.code()
    expect((await test.token(client, { grant_type: 'authorization_code', code, code_verifier: VERIFIER })).status).toBe(200)
    const unnamed = await test.code({ redirect_uri: undefined })
    await expectTokenError(await test.redeem(client, unnamed), 400, 'invalid_grant')
    expect((await test.token(client, { grant_type: 'authorization_code', code: unnamed, code_verifier: VERIFIER })).status).toBe(200)
  })

  test('CD-08 a code is dead when its time is over', async () => {
    const { test, client } = await ready()
    const code = await test.code()
    test.now += 60
    await expectTokenError(await test.redeem(client, code), 400, 'invalid_grant')
    test.now += 1
    await expectTokenError(await test.redeem(client, code), 400, 'invalid_grant')
    await test.server.store.purge(test.now, 1000)
    await expectTokenError(await test.redeem(client, code), 400, 'invalid_grant')
    test.now -= 2
    await expectTokenError(await test.redeem(client, code), 400, 'invalid_grant')
  })

  test('CD-09 malformed codes cost no look-up', async () => {
    const { test, client } = await ready()
    const code = await test.code()
    const { artifacts } = test.server.store
    const find = artifacts.find.bind(artifacts)
    const looked: string[] = []
    artifacts.find = (kind, id, now) => {
      looked.push(id)
      return find(kind, id, now)
    }
    for (const wrong of [
      'x',
      `${code}x`,
      code.slice(0, -1),
      code.toUpperCase(),
      `${code} `,
      `${code}\n`,
      ` ${code}`,
      code.toLowerCase(),
      encodeURIComponent(`${code}%`),
      'gac_x',
      'a'.repeat(60_000)
    ]) {
      await expectTokenError(await test.redeem(client, wrong), 400, 'invalid_grant')
    }
    await expectTokenError(await test.redeem(client, ''), 400, 'invalid_request')
    expect(looked).toEqual([])
    expect((await test.redeem(client, code)).status).toBe(200)
    expect(looked).toEqual([code.slice(4, 28)])
  })

  test('CD-10 no token of one kind passes for another', async () => {
    const { test, client } = await ready()
    const code = await test.code()
    const { access_token, refresh_token } = await (await test.redeem(client, await test.code())).json()
    for (const wrong of [access_token, refresh_token, access_token.replace('gat_', 'gac_'), refresh_token.replace('grt_', 'gac_')]) {
      await expectTokenError(await test.redeem(client, wrong), 400, 'invalid_grant')
    }
    test.session = undefined
    await test.authorize()
    const asked = test.prompts.at(-1)?.id ?? ''
    const secret = test.cookies.get(`__Host-grantor-interaction-${asked}`) ?? ''
    const body = `gac_${asked}${secret}`
    for (const wrong of [asked, secret, asked + secret, body + checksum(body)])
      await expectTokenError(await test.redeem(client, wrong), 400, 'invalid_grant')
    for (const wrong of [code, access_token, refresh_token]) {
      const cookie = `__Host-grantor-interaction-${wrong.slice(4, 28)}=${wrong}`
      const page = await test.server.handle(new Request(`${ISSUER}/authorize?interaction=${wrong.slice(4, 28)}`, { headers: { cookie } }))
      expect([page.status, page.headers.get('location')]).toEqual([400, null])
    }
    // The checksum is right, so that it is the key which is bound to the kind that refuses.
    const asKind = (token: string, prefix: string) => {
      const body = prefix + token.slice(4, -6)
      return body + checksum(body)
    }
    for (const wrong of [code, access_token, asKind(code, 'grt_'), asKind(access_token, 'grt_')])
      await expectTokenError(await test.token(client, { grant_type: 'refresh_token', refresh_token: wrong }), 400, 'invalid_grant')
    for (const wrong of [asKind(access_token, 'gac_'), asKind(refresh_token, 'gac_')])
      await expectTokenError(await test.redeem(client, wrong), 400, 'invalid_grant')
    for (const wrong of [code, asKind(code, 'gat_'), asKind(code, 'grt_'), asKind(refresh_token, 'gat_'), asKind(access_token, 'grt_')])
      expect(await test.introspect(client, wrong)).toEqual({ active: false })
    // Stored under another kind, the record still is that of the token it was made for.
    const [id, found] = [code.slice(4, 28), await test.server.store.artifacts.find(AUTHORIZATION_CODE, code.slice(4, 28), test.now)]
    if (!found) throw new Error('the code is not stored')
    await test.server.store.artifacts.insert({ ...found, kind: 'access_token', id })
    expect(await test.introspect(client, asKind(code, 'gat_'))).toEqual({ active: false })
    expect((await test.introspect(client, access_token)).active).toBe(true)
  })

  test('CD-11 what was authorized is what is issued, whatever the token request says', async () => {
    const { test, client } = await ready()
    const tokens = await (
      await test.redeem(client, await test.code({ scope: 'read' }), {
        scope: 'read write',
        code_challenge: 'x',
        resource: 'https://api.example.com',
        authorization_details: '[{"type":"payment"}]',
        claims: '{"userinfo":{"email":null}}'
      })
    ).json()
    expect(tokens.scope).toBe('read')
    expect(Object.keys(tokens).sort()).toEqual(['access_token', 'expires_in', 'refresh_token', 'scope', 'token_type'])
    const { aud, scope } = await test.introspect(client, tokens.access_token)
    expect([aud, scope]).toEqual([ISSUER, 'read'])
  })

  test('CD-11 scope that the client lost before the redemption is not issued', async () => {
    const { test, client } = await ready()
    const code = await test.code({ scope: 'read write' })
    await test.server.clients.update('app', { scope: 'read' })
    expect(await (await test.redeem(client, code)).json()).toMatchObject({ scope: 'read' })
  })

  test('CD-12 a grant revoked or a client disabled before the redemption yields nothing', async () => {
    const { test, client } = await ready()
    const code = await test.code()
    await test.server.store.grants.revoke({ subject: 'alice' }, test.now)
    await expectTokenError(await test.redeem(client, code), 400, 'invalid_grant')
    const later = await test.code()
    await test.server.clients.update('app', { disabled: true })
    await expectTokenError(await test.redeem(client, later), 401, 'invalid_client')
  })

  test('CD-14 a code has a typed prefix and 256 random bits, and the store never sees it', async () => {
    const written: string[] = []
    const store = new MemoryStore()
    const watch = <T extends object>(part: T): T =>
      new Proxy(part, {
        get(target, name) {
          const value = Reflect.get(target, name)
          if (typeof value !== 'function') return value
          return (...args: unknown[]) => {
            written.push(JSON.stringify(args))
            return value.apply(target, args)
          }
        }
      })
    const { clients } = store
    const watched = {
      durable: false,
      clients,
      grants: watch(store.grants),
      artifacts: watch(store.artifacts),
      realm: () => store,
      purge: async () => 0
    }
    const { test, client } = await ready({ store: watched })
    const codes = await Promise.all(Array.from({ length: 50 }, () => test.code()))
    for (const code of codes) expect(code).toMatch(/^gac_[\w-]{73}$/)
    const secrets = codes.map((code) => code.slice(28, 71))
    expect(new Set(secrets).size).toBe(50)
    // 43 characters of 6 bits: all of them vary.
    for (let i = 0; i < 42; i++) expect(new Set(secrets.map((secret) => secret[i])).size).toBeGreaterThan(10)
    expect((await test.redeem(client, codes[0] ?? '')).status).toBe(200)
    expect(written.join()).toContain(codes[0]?.slice(4, 28))
    for (const secret of secrets) expect(written.join()).not.toContain(secret.slice(0, 16))
  })

  test('CD-15 a retry after a lost answer is a replay: the client starts again', async () => {
    const { test, client } = await ready()
    const code = await test.code()
    const lost = await (await test.redeem(client, code)).json()
    await expectTokenError(await test.redeem(client, code), 400, 'invalid_grant')
    expect(await test.introspect(client, lost.access_token)).toEqual({ active: false })
    expect((await test.redeem(client, await test.code())).status).toBe(200)
  })
})

describe('PKCE', () => {
  test('PK-03 a verifier that is missing or empty redeems nothing', async () => {
    const { test, client } = await ready()
    const request = { grant_type: 'authorization_code', code: await test.code(), redirect_uri: REDIRECT_URI }
    await expectTokenError(await test.token(client, request), 400, 'invalid_grant')
    await expectTokenError(await test.token(client, { ...request, code_verifier: '' }), 400, 'invalid_grant')
  })

  test('PK-10 two codes under one challenge are two codes', async () => {
    const { test, client } = await ready()
    const [first, second] = [await test.code(), await test.code()]
    const tokens = await (await test.redeem(client, first)).json()
    expect((await test.redeem(client, second)).status).toBe(200)
    await expectTokenError(await test.redeem(client, second), 400, 'invalid_grant')
    expect(await test.introspect(client, tokens.access_token)).toMatchObject({ active: true })
  })

  test('PK-07 only the verifier itself fits', async () => {
    const { test, client } = await ready({ codeFailureLimit: 100 })
    const code = await test.code()
    for (const wrong of [
      'a'.repeat(42),
      'a'.repeat(129),
      `${VERIFIER} `,
      `${VERIFIER.slice(1)}!`,
      AUTHORIZATION.code_challenge,
      createHash('sha256').update(VERIFIER).digest('hex'),
      `${VERIFIER}=`,
      `${VERIFIER}é`,
      VERIFIER.toUpperCase()
    ]) {
      await expectTokenError(await test.redeem(client, code, { code_verifier: wrong }), 400, 'invalid_grant')
    }
    expect((await test.redeem(client, code)).status).toBe(200)
  })

  test('PK-05 plain only for a client that is configured for it', async () => {
    const test = new TestServer()
    const client = await test.client({ code_challenge_method: 'plain' })
    const code = await test.code({ code_challenge: VERIFIER, code_challenge_method: 'plain' })
    expect((await test.redeem(client, code)).status).toBe(200)
  })

  test('PK-08 a stored code without a challenge is never redeemed', async () => {
    const { test, client } = await ready()
    const code = await test.code()
    await test.server.store.artifacts.update('authorization_code', code.slice(4, 28), { code_challenge: null } as object, {}, test.now)
    await expectTokenError(await test.redeem(client, code), 400, 'invalid_grant')
  })

  test('PK-08 a stored challenge without a method, or with an unknown one, never means plain', async () => {
    const { test, client } = await ready()
    for (const code_challenge_method of [null, '', 'PLAIN', 's256']) {
      const code = await test.code()
      const patch = { code_challenge_method, code_challenge: VERIFIER } as object
      await test.server.store.artifacts.update('authorization_code', code.slice(4, 28), patch, {}, test.now)
      await expectTokenError(await test.redeem(client, code), 400, 'invalid_grant')
    }
  })
})
