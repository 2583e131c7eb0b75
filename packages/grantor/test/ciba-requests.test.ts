import { describe, expect, test, vi } from 'vitest'
import { CIBA_GRANT_TYPE, ciba, ExpiredLoginHintTokenError, type NewClient, openid } from '../src/index.ts'
import { ALICE, cibaServer, requestSigner, TILL } from './ciba-support.ts'
import { AUTHENTICATION, PAIRWISE_KEY } from './openid-support.ts'
import { basic, expectTokenError, ISSUER, REDIRECT_URI, START, TestServer } from './support.ts'

const nobody = async () => undefined
const SIGNER = await requestSigner()

describe('the backchannel authentication endpoint (CIBA Core §7)', () => {
  test('§7.3 answers with what to poll with, for how long and how often, and reaches the person', async () => {
    const { ask, notified, till, requests } = await cibaServer()
    const response = await ask({ scope: 'openid read', binding_message: 'W4SCT', acr_values: 'gold silver' })
    expect([response.status, response.headers.get('cache-control'), response.headers.get('content-type')]).toEqual([
      ...[200, 'no-store', 'application/json']
    ])
    expect(await response.json()).toEqual({ auth_req_id: expect.stringMatching(/^auth_req_id_[\w-]{73}$/), expires_in: 120, interval: 5 })
    const [request] = await requests.list('alice')
    await vi.waitFor(() => expect(notified).toEqual([request]))
    expect(request).toMatchObject({
      ...{ client: { client_id: till.client_id }, subject: 'alice', scope: ['openid', 'read'], requestedAt: START, expiresAt: START + 120 },
      ...{ bindingMessage: 'W4SCT', acrValues: ['gold', 'silver'] }
    })
  })

  test('§4 is in the metadata with its modes, algorithms and grant type', async () => {
    const { test } = await cibaServer()
    expect(test.server.metadata()).toMatchObject({
      backchannel_authentication_endpoint: `${ISSUER}/bc-authorize`,
      backchannel_token_delivery_modes_supported: ['poll', 'ping'],
      backchannel_authentication_request_signing_alg_values_supported: expect.not.arrayContaining(['RS256', 'HS256', 'none']),
      backchannel_user_code_parameter_supported: false,
      grant_types_supported: expect.arrayContaining([CIBA_GRANT_TYPE])
    })
    const withCodes = await cibaServer({ userCode: async () => 'right' })
    expect(withCodes.test.server.metadata()).toMatchObject({ backchannel_user_code_parameter_supported: true })
  })

  test.each<[string, NewClient]>([
    ['no delivery mode', { backchannel_token_delivery_mode: undefined as never }],
    ['push, which is not served', { backchannel_token_delivery_mode: 'push' as never }],
    ['ping without an endpoint', { backchannel_token_delivery_mode: 'ping' }],
    ['ping to http', { backchannel_token_delivery_mode: 'ping', backchannel_client_notification_endpoint: 'http://rp.example/cb' }],
    ['RS256', { backchannel_authentication_request_signing_alg: 'RS256' }],
    ['a symmetric algorithm', { backchannel_authentication_request_signing_alg: 'HS256' }],
    ['no authentication', { token_endpoint_auth_method: 'none' }]
  ])('§4 a client with %s is not registered', async (_, metadata) => {
    const { test } = await cibaServer()
    await expect(test.server.clients.create({ ...TILL, client_id: 'other', ...metadata })).rejects.toMatchObject({
      error: 'invalid_client_metadata'
    })
  })

  test('§7.1 "The Client MUST authenticate to the Backchannel Authentication Endpoint"; who is not registered for CIBA may not ask', async () => {
    const { test, ask } = await cibaServer()
    const asked = { scope: 'openid', login_hint: 'alice' }
    await expectTokenError(await test.post('/bc-authorize', { client_id: 'till', ...asked }), 401, 'invalid_client')
    await expectTokenError(await test.post('/bc-authorize', asked, basic('till', 'wrong')), 401, 'invalid_client')
    const { client_secret = '' } = await test.client({ scope: 'openid' })
    await expectTokenError(await test.post('/bc-authorize', asked, basic('app', client_secret)), 400, 'unauthorized_client')
    expect((await ask()).status).toBe(200)
    await expectTokenError(await test.fetch('/bc-authorize?client_id=till'), 405, 'invalid_request')
  })

  test('§7.1 "CIBA authentication requests MUST therefore contain the openid scope value"', async () => {
    const { send, ask } = await cibaServer()
    await expectTokenError(await ask({ scope: 'read' }), 400, 'invalid_scope')
    await expectTokenError(await ask({ scope: 'openid admin' }), 400, 'invalid_scope')
    await expectTokenError(await send({ login_hint: 'alice' }), 400, 'invalid_request')
  })

  test('3.5 two hints, none, or one twice: invalid_request (§7.1 "one (and only one) of the hints")', async () => {
    const { send } = await cibaServer()
    for (const hints of ['', '&login_hint=alice&login_hint_token=alice', '&login_hint=alice&login_hint=alice', '&login_hint='])
      await expectTokenError(await send(`scope=openid${hints}`), 400, 'invalid_request')
    expect((await send('scope=openid&login_hint_token=alice')).status).toBe(200)
  })

  test('§13 unknown_user_id, and what the integrator says of a login_hint_token', async () => {
    const { ask, notified } = await cibaServer()
    await expectTokenError(await ask({ login_hint: 'mallory' }), 400, 'unknown_user_id')
    const late = async () => {
      throw new ExpiredLoginHintTokenError()
    }
    const { send } = await cibaServer({ findUser: late })
    await expectTokenError(await send({ scope: 'openid', login_hint_token: 'x' }), 400, 'expired_login_hint_token')
    expect(notified).toEqual([])
  })

  test('3.5 requested_expiry as the text of a number: as asked, up to the most; nothing else', async () => {
    const { begin, ask } = await cibaServer({ maxLifetime: 300 })
    expect(await begin({ requested_expiry: '30' })).toMatchObject({ expires_in: 30 })
    expect(await begin({ requested_expiry: '9999' })).toMatchObject({ expires_in: 300 })
    for (const requested_expiry of ['0', '-1', '1.5', '1e3', 'soon', '99999999999'])
      await expectTokenError(await ask({ requested_expiry }), 400, 'invalid_request')
  })

  test.each([
    ...['1234', 'W4SCT', 'Überweisung 50 €, Größe №5', 'お支払い ¥500', 'शुभकामना: 5 रु', 'Café (2 people) – table #4', '👍'],
    'x'.repeat(100)
  ])('3.5 the binding message %s is shown as it is', async (binding_message) => {
    const { ask, waiting } = await cibaServer()
    expect((await ask({ binding_message })).status).toBe(200)
    expect(await waiting()).toMatchObject({ bindingMessage: binding_message })
  })

  test.each([
    ['1 KiB', 'x'.repeat(1024)],
    ['HTML', '<b>1234</b>'],
    ['a right-to-left override', '1234\u202e4321'],
    ['an isolate', '\u2066x'],
    ['a line feed', 'one\ntwo'],
    ['a line separator', 'one\u2028two'],
    ['nothing that is visible', '\u200b'],
    ['blanks', '   '],
    ['a letter that is not visible', 'Till 3\u3164'],
    ['a mark that is not visible', 'Till\u034f 3'],
    ['an empty pattern of Braille', '\u2800'],
    ['a tower of accents', 'a\u0301\u0301\u0301\u0301']
  ])('CI-01 a binding message of %s: invalid_binding_message', async (_, binding_message) => {
    const { ask, notified } = await cibaServer()
    await expectTokenError(await ask({ binding_message }), 400, 'invalid_binding_message')
    expect(notified).toEqual([])
  })

  test('refuses acr_values that are no list, and asks extensions without what rules a sign-in elsewhere', async () => {
    const seen: unknown[] = []
    const extension = () => ({
      async validateAuthorizationRequest({ params }: { params: { names(): Iterable<string> } }) {
        seen.push([...params.names()].sort())
        return { remembered: 'this' }
      }
    })
    const { ask, waiting } = await cibaServer({}, { extensions: [extension] })
    await expectTokenError(await ask({ acr_values: 'a"b' }), 400, 'invalid_request')
    await ask({ acr_values: 'gold', claims: '{', max_age: '0', prompt: 'none', nonce: 'n', more: 'x' })
    expect(seen).toEqual([['login_hint', 'more', 'scope']])
    expect(await waiting()).toMatchObject({ details: { remembered: 'this' } })
  })

  test('limits how often one client asks from one address, and how often one person is asked by all', async () => {
    const few = await cibaServer({ limit: 2 })
    for (const status of [200, 200, 429]) expect((await few.ask()).status).toBe(status)
    const { test, ask } = await cibaServer({ userLimit: 1 })
    expect((await ask({ login_hint: 'alice' })).status).toBe(200)
    // The same person by another name.
    const refused = await ask({ login_hint: 'alice@example.com' })
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '60'])
    test.now += 60
    expect((await ask()).status).toBe(200)
  })

  test('a person who could not be reached is no news for the client, but for the operator', async () => {
    const notify = async () => Promise.reject(new Error('no signal'))
    const { test, ask } = await cibaServer({ notify })
    expect((await ask()).status).toBe(200)
    await vi.waitFor(() =>
      expect(test.eventsOf('request.failed')).toMatchObject([{ endpoint: 'backchannel_authentication', clientId: 'till' }])
    )
  })

  test('options that cannot work are refused when the server is built', () => {
    expect(() => ciba({} as never)).toThrow('findUser is missing')
    expect(() => ciba({ findUser: nobody, notify: 'mail' as never })).toThrow('notify is a function')
    expect(() => ciba({ findUser: nobody, interval: 0 })).toThrow('interval is a whole number of seconds from 1 to 60')
    expect(() => ciba({ findUser: nobody, push: true } as never)).toThrow('there is no push')
    // Whoever asked for as long as it lasts without a word would get less.
    expect(() => ciba({ findUser: nobody, lifetime: 900 })).toThrow('lifetime is at most maxLifetime')
    expect(() => ciba({ findUser: nobody, lifetime: 900, maxLifetime: 900 })).not.toThrow()
  })

  test('not passed, not there: no endpoint, no grant type, no client metadata, nothing in the metadata', async () => {
    const test = new TestServer()
    const { client_secret = '' } = await test.client()
    expect((await test.post('/bc-authorize', { scope: 'openid', login_hint: 'alice' }, basic('app', client_secret))).status).toBe(404)
    expect(JSON.stringify(test.server.metadata())).not.toMatch(/backchannel|ciba/)
    await expect(test.server.clients.create(TILL)).rejects.toMatchObject({ error: 'invalid_client_metadata' })
    const redeemed = await test.token({ client_id: 'app', client_secret }, { grant_type: CIBA_GRANT_TYPE, auth_req_id: 'x' })
    await expectTokenError(redeemed, 400, 'unsupported_grant_type')
    const plain = new TestServer({ extensions: [ciba({ findUser: nobody })] })
    await expect(plain.server.clients.create(TILL)).rejects.toThrow('CIBA is for OpenID Providers')
  })
})

describe('CI-01 hideUnknownUsers', () => {
  test('an unknown login_hint looks like a known one: the answer, the polls and the end; and nobody is asked', async () => {
    const { test, ask, begin, poll, notified, requests } = await cibaServer({ hideUnknownUsers: true })
    const seen = await Promise.all(
      ['alice', 'mallory'].map(async (login_hint) => {
        const response = await ask({ login_hint, binding_message: '1234' })
        const { auth_req_id, ...rest } = await response.json()
        return [response.status, auth_req_id.length, rest, (await poll(auth_req_id)).status]
      })
    )
    expect(seen[1]).toEqual(seen[0])
    await vi.waitFor(() => expect(notified.map(({ subject }) => subject)).toEqual(['alice']))
    const { auth_req_id } = await begin({ login_hint: 'mallory' })
    expect(await requests.list('')).toEqual([])
    expect(await requests.approve(auth_req_id.slice('auth_req_id_'.length, 36), { ...ALICE, subject: '' })).toBe(false)
    await expectTokenError(await poll(auth_req_id), 400, 'authorization_pending')
    test.now += 120
    await expectTokenError(await poll(auth_req_id), 400, 'expired_token')
  })

  test('a person who is asked too often is asked no more, and the client sees no difference', async () => {
    const { ask, requests } = await cibaServer({ hideUnknownUsers: true, userLimit: 1 })
    for (const login_hint of ['alice', 'alice@example.com', 'mallory', 'mallory@example.com'])
      expect((await ask({ login_hint })).status).toBe(200)
    expect(await requests.list('alice')).toHaveLength(1)
  })

  test('user codes are judged for nobody, too; other hints are answered as they are', async () => {
    const attempts: unknown[] = []
    const { ask, send } = await cibaServer(
      {
        hideUnknownUsers: true,
        userCode: async ({ subject, code }) => {
          attempts.push([subject, code])
          return code === undefined ? 'missing' : 'wrong'
        }
      },
      { metadata: { backchannel_user_code_parameter: true } }
    )
    await expectTokenError(await ask({ login_hint: 'mallory' }), 400, 'missing_user_code')
    await expectTokenError(await ask({ login_hint: 'mallory', user_code: '1' }), 400, 'invalid_user_code')
    expect(attempts).toEqual([
      [undefined, undefined],
      [undefined, '1']
    ])
    await expectTokenError(await send({ scope: 'openid', login_hint_token: 'mallory' }), 400, 'unknown_user_id')
  })
})

describe('user codes (CIBA Core §7.1)', () => {
  const userCode = async ({ code }: { code?: string }) => (code === undefined ? 'missing' : code === '2468' ? 'right' : 'wrong')

  test('§13 missing_user_code, invalid_user_code; the right one goes on', async () => {
    const { ask, notified } = await cibaServer({ userCode }, { metadata: { backchannel_user_code_parameter: true } })
    await expectTokenError(await ask(), 400, 'missing_user_code')
    await expectTokenError(await ask({ user_code: '1357' }), 400, 'invalid_user_code')
    expect(notified).toEqual([])
    expect((await ask({ user_code: '2468' })).status).toBe(200)
  })

  test('§4 a client that is not registered for them sends none', async () => {
    const { ask } = await cibaServer({ userCode })
    await expectTokenError(await ask({ user_code: '2468' }), 400, 'missing_user_code')
  })
})

describe('id_token_hint (CIBA Core §7.1)', () => {
  /** Signs Alice in at the browser: the ID token of that. */
  async function signedIn(metadata: NewClient = {}) {
    const provider = openid({ claims: async () => ({}), pairwiseKey: PAIRWISE_KEY })
    const asked: unknown[] = []
    const findUser = async (hint: { value: string }) => {
      asked.push(hint)
      return hint.value
    }
    const test = new TestServer({ extensions: [provider, ciba({ findUser })], outbound: SIGNER.outbound })
    const grant_types = [...TILL.grant_types, 'authorization_code']
    const client = { ...TILL, grant_types, redirect_uris: [REDIRECT_URI], require_consent: false, ...metadata }
    const { client_secret = '' } = await test.server.clients.create(client)
    const till = { client_id: 'till', client_secret }
    const { id_token } = await (await test.redeem(till, await test.code({ ...AUTHENTICATION, client_id: 'till' }))).json()
    const ask = async (id_token_hint: string) => {
      const params = { scope: 'openid', id_token_hint }
      const isSigned = metadata.backchannel_authentication_request_signing_alg !== undefined
      const sent = isSigned ? { request: await SIGNER.sign(test.now, params) } : params
      return test.post('/bc-authorize', sent, basic('till', client_secret))
    }
    return { test, asked, id_token, ask }
  }

  test.each<[string, NewClient]>([
    ['public', {}],
    ['pairwise', { ...SIGNER.metadata, subject_type: 'pairwise' }]
  ])('an ID token with a %s subject leads to the person, even when it has expired', async (_, metadata) => {
    const { test, ask, asked, id_token } = await signedIn(metadata)
    test.now += 7200
    expect((await ask(id_token)).status).toBe(200)
    expect(asked).toEqual([{ kind: 'subject', value: 'alice' }])
  })

  test('one of another client, or of nobody, is refused', async () => {
    const { test, ask, asked, id_token } = await signedIn()
    const other = await test.client({ scope: 'openid' })
    const { id_token: foreign } = await (await test.redeem(other, await test.code(AUTHENTICATION))).json()
    for (const hint of [foreign, `${id_token}x`, 'x']) await expectTokenError(await ask(hint), 400, 'invalid_request')
    expect(asked).toEqual([])
  })
})
