import { decodeJwt } from 'jose'
import * as oauth from 'oauth4webapi'
import { describe, expect, test } from 'vitest'
import { DEVICE_GRANT_TYPE, deviceAuthorization, InvalidRequestError, MemoryStore, openid, resourceIndicators } from '../src/index.ts'
import { deviceServer, TV } from './device-support.ts'
import { basic, expectTokenError, ISSUER, START, TestServer } from './support.ts'

const RACERS = 20
const API = 'https://api.example.com'

describe('the device authorization endpoint (RFC 8628 §3.1, §3.2)', () => {
  test('answers with two codes, where to bring the one, and how long and how often to ask with the other', async () => {
    const { ask } = await deviceServer()
    const response = await ask({ scope: 'read' })
    expect([response.status, response.headers.get('cache-control'), response.headers.get('content-type')]).toEqual([
      ...[200, 'no-store', 'application/json']
    ])
    const codes = await response.json()
    expect(codes).toEqual({
      device_code: expect.stringMatching(/^device_code_[\w-]{73}$/),
      user_code: expect.stringMatching(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/),
      verification_uri: `${ISSUER}/device`,
      verification_uri_complete: `${ISSUER}/device?user_code=${codes.user_code}`,
      expires_in: 300,
      interval: 5
    })
  })

  test('is in the metadata (§4) with its grant type; the page for people is not', async () => {
    const { test } = await deviceServer()
    const metadata = test.server.metadata()
    expect(metadata).toMatchObject({ device_authorization_endpoint: `${ISSUER}/device_authorization` })
    expect(metadata.grant_types_supported).toContain('urn:ietf:params:oauth:grant-type:device_code')
    expect(JSON.stringify(metadata)).not.toContain('verification')
  })

  test('DV-01 DV-14 refuses a client that is not registered for the grant: nobody has it by default', async () => {
    const { test, ask } = await deviceServer()
    await test.publicClient()
    await expectTokenError(await ask({ client_id: 'spa' }), 400, 'unauthorized_client')
    expect((await test.client()).grant_types).not.toContain(DEVICE_GRANT_TYPE)
  })

  test('DV-01 §3.1 "The client authentication requirements of Section 3.2.1 of [RFC6749] apply to requests on this endpoint"', async () => {
    const { test, ask } = await deviceServer()
    const { client_secret = '' } = await test.client({ client_id: 'box', grant_types: [DEVICE_GRANT_TYPE], response_types: [] })
    expect((await ask('scope=read', basic('box', client_secret))).status).toBe(200)
    await expectTokenError(await ask('scope=read', basic('box', 'wrong')), 401, 'invalid_client')
    await expectTokenError(await ask({ client_id: 'box' }), 401, 'invalid_client')
    await expectTokenError(await ask({ client_id: 'nobody' }), 401, 'invalid_client')
  })

  test('DV-01 refuses a scope that the client is not registered for, a parameter that comes twice, and GET', async () => {
    const { test, ask } = await deviceServer()
    await expectTokenError(await ask({ scope: 'admin' }), 400, 'invalid_scope')
    await expectTokenError(await ask('client_id=tv&scope=read&scope=write'), 400, 'invalid_request')
    await expectTokenError(await test.fetch('/device_authorization?client_id=tv'), 405, 'invalid_request')
  })

  test('limits how many codes one client asks for from one address', async () => {
    const { test, ask } = await deviceServer({ limit: 2 })
    for (const status of [200, 200, 429]) expect((await ask()).status).toBe(status)
    expect((await ask()).headers.get('retry-after')).toBe('60')
    test.now += 60
    expect((await ask()).status).toBe(200)
  })

  test('asks extensions as an authorization request would, without what rules a sign-in there', async () => {
    const seen: unknown[] = []
    const extension = () => ({
      limitScope: ({ scope }: { scope: readonly string[] }) => scope.filter((token) => token !== 'write'),
      async validateAuthorizationRequest({ params, responseType }: { params: { names(): Iterable<string> }; responseType: string }) {
        seen.push([...params.names()].sort(), responseType)
        if ([...params.names()].includes('bad')) throw new InvalidRequestError('no')
        return { remembered: 'this' }
      }
    })
    const { test, begin, ask, poll, alice } = await deviceServer({}, { extensions: [extension] })
    const codes = await begin({ more: 'x', acr_values: 'gold', claims: '{', max_age: '0', prompt: 'none', nonce: 'n', id_token_hint: 'x' })
    expect(seen).toEqual([['client_id', 'more'], 'code'])
    await alice.approve(codes)
    expect(await (await poll(codes.device_code)).json()).toMatchObject({ scope: 'read' })
    expect(await test.server.store.grants.list({ subject: 'alice' }, test.now)).toMatchObject([{ details: { remembered: 'this' } }])
    await expectTokenError(await ask({ bad: 'x' }), 400, 'invalid_request')
  })

  test('DV-14 lives for 5 minutes, or as long as it is told up to 10', async () => {
    expect(() => deviceAuthorization({ lifetime: 601 })).toThrow('lifetime is a whole number of seconds from 1 to 600')
    expect(() => deviceAuthorization({ interval: 0 })).toThrow('interval is a whole number of seconds from 1 to 60')
    const { begin } = await deviceServer({ lifetime: 600, interval: 10 })
    expect(await begin()).toMatchObject({ expires_in: 600, interval: 10 })
  })

  test('DV-12 a code that is in use already is not given to a second device', async () => {
    // Each request takes twelve bytes for its id, then twelve for a code. The second device is given the bytes of the first, then others.
    let takes = 0
    const { crypto: real } = new TestServer().server
    const random = (size: number) => (size === 12 && [2, 4].includes(++takes) ? 'ABCDEFGHIJKLMNOP' : real.random(size))
    const crypto = Object.assign(Object.create(real), { random })
    const { begin, alice, poll } = await deviceServer({}, { crypto })
    const [first, second] = [await begin(), await begin()]
    expect(first.user_code).toBe('BCDF-GHJK')
    expect(second.user_code).not.toBe(first.user_code)
    await alice.approve(first)
    expect((await poll(first.device_code)).status).toBe(200)
    await expectTokenError(await poll(second.device_code), 400, 'authorization_pending')
  })

  test('not passed, not there: no endpoint, no page, no grant type, nothing in the metadata', async () => {
    const test = new TestServer()
    expect((await test.fetch('/device')).status).toBe(404)
    expect((await test.post('/device_authorization', { client_id: 'tv' })).status).toBe(404)
    expect(test.server.metadata()).not.toHaveProperty('device_authorization_endpoint')
    await expect(test.server.clients.create(TV)).rejects.toMatchObject({ error: 'invalid_client_metadata' })
    const app = await test.client()
    await expectTokenError(await test.token(app, { grant_type: DEVICE_GRANT_TYPE, device_code: 'x' }), 400, 'unsupported_grant_type')
    expect(() => new TestServer({ extensions: [deviceAuthorization()], interactions: undefined as never })).toThrow('without interactions')
  })
})

describe('the token endpoint (RFC 8628 §3.4, §3.5)', () => {
  test('issues tokens of the person once they allowed it, and a refresh token to a client that may have one', async () => {
    const { test, tv, begin, poll, alice } = await deviceServer(
      {},
      { resources: [{ identifier: API, clientId: 'app' }], defaultResource: API }
    )
    const codes = await begin({ scope: 'read' })
    await alice.approve(codes)
    const tokens = await (await poll(codes.device_code)).json()
    expect(tokens).toMatchObject({ token_type: 'Bearer', scope: 'read', expires_in: 3600, refresh_token: expect.any(String) })
    const { access_token } = await (await test.token(tv, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token })).json()
    const api = await test.client()
    for (const token of [access_token, tokens.access_token])
      expect(await test.introspect(api, token)).toMatchObject({
        active: true,
        sub: 'alice',
        client_id: 'tv',
        auth_time: START - 10,
        acr: 'silver'
      })
  })

  test('DV-02 §3.5 slow_down: "the interval MUST be increased by 5 seconds for this and all subsequent requests"', async () => {
    const { test, begin, poll } = await deviceServer()
    const { device_code } = await begin()
    for (const [after, error] of [
      [0, 'authorization_pending'],
      [5, 'authorization_pending'],
      [4, 'slow_down'],
      [9, 'slow_down'],
      [15, 'authorization_pending'],
      [14, 'slow_down']
    ] as const) {
      test.now += after
      await expectTokenError(await poll(device_code), 400, error)
    }
  })

  test('DV-02 waiting makes no event, asking too often does', async () => {
    const { test, begin, poll } = await deviceServer()
    const { device_code } = await begin()
    await poll(device_code)
    expect(test.eventsOf('request.refused')).toEqual([])
    await poll(device_code)
    expect(test.eventsOf('request.refused')).toMatchObject([{ error: 'slow_down' }])
  })

  test('DV-03 denied is access_denied, and stays so', async () => {
    const { test, begin, poll, alice } = await deviceServer()
    const codes = await begin()
    await alice.deny(codes)
    expect(alice.page).toContain('refused')
    for (const _ of [1, 2]) await expectTokenError(await poll(codes.device_code), 400, 'access_denied')
    expect(await test.server.store.grants.list({ subject: 'alice' }, test.now)).toEqual([])
  })

  test('DV-03 expired is expired_token, also if it was allowed and not redeemed in time', async () => {
    const { test, begin, poll, alice } = await deviceServer()
    const [codes, allowed] = [await begin(), await begin()]
    await alice.approve(allowed)
    test.now += 300
    for (const { device_code } of [codes, allowed]) await expectTokenError(await poll(device_code), 400, 'expired_token')
  })

  test("DV-03 unknown, another client's, and after success are invalid_grant; a missing one is invalid_request", async () => {
    const { test, tv, begin, poll, alice } = await deviceServer()
    const codes = await begin()
    await alice.approve(codes)
    await expectTokenError(await poll('device_code_unknown'), 400, 'invalid_grant')
    await expectTokenError(await test.token(tv, { grant_type: DEVICE_GRANT_TYPE }), 400, 'invalid_request')
    const radio = await test.server.clients.create({ ...TV, client_id: 'radio' })
    const { device_code } = codes
    await expectTokenError(await test.token(radio, { grant_type: DEVICE_GRANT_TYPE, device_code }), 400, 'invalid_grant')
    const tokens = await (await poll(device_code)).json()
    await expectTokenError(await poll(device_code), 400, 'invalid_grant')
    // Two had it: what the first got is dead, as with a code (RFC 6749 §4.1.2).
    expect((await test.server.tokens.find(tokens.access_token))?.grant?.revokedAt).toBe(test.now)
  })

  test(`DV-04 of ${RACERS} polls at once after the approval one is answered with tokens`, async () => {
    const { begin, poll, alice } = await deviceServer()
    const codes = await begin()
    await alice.approve(codes)
    const answers = await Promise.all(Array.from({ length: RACERS }, () => poll(codes.device_code)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: RACERS - 1 }, () => 400)])
  })

  test('DV-11 whose grants were revoked after the approval, as they are of whoever is disabled: invalid_grant', async () => {
    const { test, begin, poll, alice } = await deviceServer()
    const codes = await begin()
    await alice.approve(codes)
    await test.server.store.grants.revoke({ subject: 'alice' }, test.now)
    for (const _ of [1, 2]) await expectTokenError(await poll(codes.device_code), 400, 'invalid_grant')
  })

  test('DV-15 a device_code is no code and no token, and nothing else is a device_code', async () => {
    const { test, begin, poll, alice } = await deviceServer()
    const app = await test.client({ grant_types: ['authorization_code', 'refresh_token', DEVICE_GRANT_TYPE] })
    const codes = await begin()
    await alice.approve(codes)
    const { device_code } = codes
    await expectTokenError(await test.redeem(app, device_code), 400, 'invalid_grant')
    await expectTokenError(await test.token(app, { grant_type: 'refresh_token', refresh_token: device_code }), 400, 'invalid_grant')
    expect(await test.introspect(app, device_code)).toEqual({ active: false })
    const code = await test.code()
    for (const other of [code, codes.user_code]) {
      await expectTokenError(await test.token(app, { grant_type: DEVICE_GRANT_TYPE, device_code: other }), 400, 'invalid_grant')
      await expectTokenError(await poll(other), 400, 'invalid_grant')
    }
    expect((await test.redeem(app, code)).status).toBe(200)
    await expectTokenError(await test.post(`/token?device_code=${device_code}`, { client_id: 'tv' }), 400, 'invalid_request')
  })

  test('with openid there is an ID token, of the sign-in behind the approval, without a session that could end', async () => {
    const extensions = [openid({ claims: async () => ({ email: 'alice@example.com' }) })]
    const { test, begin, poll, alice } = await deviceServer({}, { extensions, metadata: { scope: 'openid email offline_access' } })
    const codes = await begin({ scope: 'openid email offline_access' })
    await alice.approve(codes)
    const { id_token, access_token, scope } = await (await poll(codes.device_code)).json()
    expect(scope).toBe('openid email offline_access')
    const { sid, nonce, ...claims } = decodeJwt(id_token)
    expect([sid, nonce]).toEqual([undefined, undefined])
    expect(claims).toMatchObject({ iss: ISSUER, aud: 'tv', sub: 'alice', auth_time: START - 10, acr: 'silver', amr: ['pwd'] })
    await test.server.endSession({ id: alice.session?.id ?? '', subject: 'alice' })
    const userinfo = await test.fetch('/userinfo', { headers: { authorization: `Bearer ${access_token}` } })
    expect(await userinfo.json()).toEqual({ sub: 'alice', email: 'alice@example.com' })
  })

  test('RFC 8707 §2: the resource of the request is that of the tokens', async () => {
    const resources = [{ identifier: 'https://a.example' }, { identifier: 'https://b.example' }]
    const { test, ask, begin, poll, alice } = await deviceServer({}, { extensions: [resourceIndicators()], resources })
    const codes = await begin({ resource: 'https://b.example' })
    await alice.approve(codes)
    await expectTokenError(await poll(codes.device_code, { resource: 'https://a.example' }), 400, 'invalid_target')
    const { access_token } = await (await poll(codes.device_code)).json()
    expect((await test.server.tokens.find(access_token))?.token.aud).toEqual(['https://b.example'])
    await expectTokenError(await ask({ resource: 'https://c.example' }), 400, 'invalid_target')
  })

  test('oauth4webapi completes the flow', async () => {
    const { test, alice } = await deviceServer()
    const fetch = ((url: string, init: RequestInit) => test.fetch(url, init)) as never
    const options = { [oauth.customFetch]: fetch }
    const server = { issuer: ISSUER, ...test.server.metadata() } as oauth.AuthorizationServer
    const client = { client_id: 'tv' }
    const request = () => oauth.deviceAuthorizationRequest(server, client, oauth.None(), { scope: 'read' }, options)
    const codes = await oauth.processDeviceAuthorizationResponse(server, client, await request())
    const ask = async () =>
      oauth.processDeviceCodeResponse(
        server,
        client,
        await oauth.deviceCodeGrantRequest(server, client, oauth.None(), codes.device_code, options)
      )
    await expect(ask()).rejects.toMatchObject({ error: 'authorization_pending' })
    await alice.approve(codes)
    expect(await ask()).toMatchObject({ scope: 'read', token_type: 'bearer' })
  })
})

test('what is stored and what is told gives nobody a code, and no address outlives the flow', async () => {
  const stored: string[] = []
  const store = new MemoryStore()
  const { insert, consume } = store.artifacts
  store.artifacts.insert = (artifact) => {
    stored.push(JSON.stringify(artifact))
    return insert.call(store.artifacts, artifact) as never
  }
  store.artifacts.consume = async (reference, options) => {
    const spent = await consume.call(store.artifacts, reference, options)
    stored.push(JSON.stringify(spent))
    return spent as never
  }
  const { test, begin, poll, alice } = await deviceServer({}, { store })
  const codes = await begin()
  alice.session = undefined
  await alice.enter(codes.user_code)
  alice.session = { id: 's2', subject: 'alice', authTime: START }
  await alice.approve(codes)
  await poll(codes.device_code)
  expect(stored.length).toBeGreaterThan(3)
  const everything = stored.join('\n') + JSON.stringify(test.events)
  for (const secret of [codes.device_code, codes.user_code, codes.user_code.replace('-', '')]) expect(everything).not.toContain(secret)
  expect(everything).toContain(test.prompts[0]?.id ?? 'nobody was asked to sign in')
  const id = codes.device_code.slice('device_code_'.length).slice(0, 24)
  const record = await store.artifacts.find<{ about: object }>('device_code', id, test.now)
  expect([record?.consumedAt, record?.value.about]).toEqual([START, {}])
})
