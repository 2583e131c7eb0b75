import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import * as oidc from 'openid-client'
import { describe, expect, test, vi } from 'vitest'
import { CIBA_GRANT_TYPE, dpop, MemoryStore, mutualTls, resourceIndicators } from '../src/index.ts'
import { ALICE, cibaServer, TILL } from './ciba-support.ts'
import { jwkOf, newCertificate, over, thumbprintOf } from './mutual-tls-support.ts'
import { verifyIdToken } from './openid-support.ts'
import { expectTokenError, ISSUER, START } from './support.ts'

const RACERS = 20

describe('what waits for a person', () => {
  test('is listed for them alone, oldest first, until it is decided or too old', async () => {
    const { test, begin, people, requests } = await cibaServer()
    people.set('bob', {})
    await begin({ binding_message: 'one' })
    test.now += 60
    await begin({ binding_message: 'two' })
    await begin({ binding_message: 'three', login_hint: 'bob' })
    const messages = async (subject: string) => (await requests.list(subject)).map(({ bindingMessage }) => bindingMessage)
    expect(await messages('alice')).toEqual(['one', 'two'])
    expect(await messages('bob')).toEqual(['three'])
    const [, { id } = expect.fail('gone')] = await requests.list('alice')
    expect(await requests.deny(id, 'alice')).toBe(true)
    expect(await messages('alice')).toEqual(['one'])
    test.now += 60
    expect(await messages('alice')).toEqual([])
  })

  test('is found, approved and denied by nobody else', async () => {
    const { begin, waiting, poll, requests } = await cibaServer()
    const { auth_req_id } = await begin()
    const { id } = await waiting()
    for (const subject of ['mallory', '']) {
      expect(await requests.find(id, subject)).toBeUndefined()
      expect(await requests.approve(id, { ...ALICE, subject })).toBe(false)
      expect(await requests.deny(id, subject)).toBe(false)
    }
    expect(await requests.approve('unknown', ALICE)).toBe(false)
    expect(await requests.find(id, 'alice')).toMatchObject({ id })
    await expectTokenError(await poll(auth_req_id), 400, 'authorization_pending')
  })

  test(`of ${RACERS} decisions at once one counts`, async () => {
    const { test, begin, waiting, requests } = await cibaServer()
    await begin()
    const { id } = await waiting()
    const decide = (racer: number) => (racer % 2 === 0 ? requests.approve(id, ALICE) : requests.deny(id, 'alice'))
    const outcomes = await Promise.all(Array.from({ length: RACERS }, (_, racer) => decide(racer)))
    expect(outcomes.filter((isFirst) => isFirst)).toHaveLength(1)
    expect(test.eventsOf('authorization.decided')).toHaveLength(1)
  })

  test('is gone with its client', async () => {
    const { test, begin, requests } = await cibaServer()
    await begin()
    await test.server.clients.delete('till')
    test.now += 2
    expect(await requests.list('alice')).toEqual([])
  })

  test('is not decided while its client is disabled', async () => {
    const { test, begin, requests, waiting, poll } = await cibaServer()
    const { auth_req_id } = await begin()
    const { id } = await waiting()
    const disable = async (disabled: boolean) => {
      await test.server.clients.update('till', { disabled })
      test.now += 6
    }
    await disable(true)
    expect([await requests.approve(id, ALICE), await requests.deny(id, 'alice')]).toEqual([false, false])
    await disable(false)
    await expectTokenError(await poll(auth_req_id), 400, 'authorization_pending')
    expect(await requests.deny(id, 'alice')).toBe(true)
  })
})

describe('3.5 polling (CIBA Core §10.1, §11)', () => {
  test('authorization_pending, then tokens of the sign-in behind the approval, once', async () => {
    const { test, begin, poll, approve } = await cibaServer()
    const { auth_req_id } = await begin({ scope: 'openid email offline_access' })
    await expectTokenError(await poll(auth_req_id), 400, 'authorization_pending')
    expect(await approve()).toBe(true)
    const response = await poll(auth_req_id)
    expect(response.status).toBe(200)
    const { id_token, access_token, refresh_token, token_type, scope } = await response.json()
    expect([token_type, scope]).toEqual(['Bearer', 'openid email offline_access'])
    const { payload } = await verifyIdToken(test, id_token, 'till')
    expect(payload).toMatchObject({ sub: 'alice', auth_time: START - 10, acr: 'silver', amr: ['pwd'], at_hash: expect.any(String) })
    // §10.3.1 binds an ID token to its request where it is pushed; here the client got it for the request over its own connection.
    expect(payload).not.toHaveProperty('urn:openid:params:jwt:claim:auth_req_id')
    expect(payload).not.toHaveProperty('sid')
    const userinfo = await test.fetch('/userinfo', { headers: { authorization: `Bearer ${access_token}` } })
    expect(await userinfo.json()).toEqual({ sub: 'alice', email: 'alice@example.com' })
    expect(refresh_token).toEqual(expect.any(String))
    await expectTokenError(await poll(auth_req_id), 400, 'invalid_grant')
    expect((await test.fetch('/userinfo', { headers: { authorization: `Bearer ${access_token}` } })).status).toBe(401)
  })

  test('CI-01 replay: of many polls at once one gets tokens, which are dead then', async () => {
    const { test, begin, poll, approve } = await cibaServer()
    const { auth_req_id } = await begin()
    await approve()
    const answers = await Promise.all(Array.from({ length: RACERS }, () => poll(auth_req_id)))
    const [winner, ...others] = answers.filter(({ status }) => status === 200)
    expect(others).toEqual([])
    const { access_token } = await (winner ?? expect.fail('nobody won')).json()
    expect((await test.fetch('/userinfo', { headers: { authorization: `Bearer ${access_token}` } })).status).toBe(401)
  })

  test('too fast: slow_down, and five seconds more from then on', async () => {
    const { test, begin, poll } = await cibaServer()
    const { auth_req_id } = await begin()
    const after = async (seconds: number, error: string) => {
      test.now += seconds
      await expectTokenError(await poll(auth_req_id), 400, error)
    }
    await after(0, 'authorization_pending')
    await after(4, 'slow_down')
    await after(9, 'slow_down')
    await after(15, 'authorization_pending')
  })

  test('unknown auth_req_id, missing, or of another client: invalid_grant, invalid_request', async () => {
    const { test, begin, poll, approve } = await cibaServer()
    const { auth_req_id } = await begin()
    await approve()
    await expectTokenError(await poll('x'), 400, 'invalid_grant')
    await expectTokenError(await poll(`${auth_req_id.slice(0, -1)}${auth_req_id.endsWith('A') ? 'B' : 'A'}`), 400, 'invalid_grant')
    await expectTokenError(await poll(''), 400, 'invalid_request')
    const { client_secret = '' } = await test.server.clients.create({ ...TILL, client_id: 'kiosk' })
    const foreign = await test.token({ client_id: 'kiosk', client_secret }, { grant_type: CIBA_GRANT_TYPE, auth_req_id })
    await expectTokenError(foreign, 400, 'invalid_grant')
    expect((await poll(auth_req_id)).status).toBe(200)
  })

  test('access_denied when the person said no; expired_token when nobody did anything', async () => {
    const { test, begin, poll, deny, approve } = await cibaServer()
    const denied = await begin()
    await deny()
    await expectTokenError(await poll(denied.auth_req_id), 400, 'access_denied')
    const late = await begin()
    await approve()
    test.now += 120
    await expectTokenError(await poll(late.auth_req_id), 400, 'expired_token')
  })

  test('CI-01 locked out after the approval: invalid_grant, whether the account is gone or its grants are revoked', async () => {
    const { test, begin, poll, approve, people } = await cibaServer()
    const [first, second] = [await begin(), await begin()]
    await approve()
    await approve()
    people.delete('alice')
    await expectTokenError(await poll(first.auth_req_id), 400, 'invalid_grant')
    people.set('alice', {})
    await test.server.store.grants.revoke({ subject: 'alice' }, test.now)
    await expectTokenError(await poll(second.auth_req_id), 400, 'invalid_grant')
  })

  test('RFC 8707 §2: the resource of the request is that of the tokens', async () => {
    const resources = [{ identifier: 'https://a.example' }, { identifier: 'https://b.example' }]
    const { test, begin, poll, approve } = await cibaServer({}, { extensions: [resourceIndicators()], resources })
    const { auth_req_id } = await begin({ resource: 'https://b.example' })
    await approve()
    const { access_token } = await (await poll(auth_req_id)).json()
    expect((await test.server.tokens.find(access_token))?.token.aud).toEqual(['https://b.example'])
  })

  test('RFC 8705: a client that authenticates by its certificate gets tokens that are bound to it', async () => {
    const certificate = await newCertificate()
    const metadata = { token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks: { keys: [jwkOf(certificate)] } }
    const options = { extensions: [mutualTls()], metadata: { ...metadata, tls_client_certificate_bound_access_tokens: true } }
    const { test, approve } = await cibaServer({}, options)
    const send = (path: string, form: Record<string, string>) =>
      over(test, certificate, () => test.post(path, { client_id: 'till', ...form }))
    const { auth_req_id } = await (await send('/bc-authorize', { scope: 'openid', login_hint: 'alice' })).json()
    await approve()
    const form = { grant_type: CIBA_GRANT_TYPE, auth_req_id }
    await expectTokenError(await test.post('/token', { client_id: 'till', ...form }), 401, 'invalid_client')
    const { access_token } = await (await send('/token', form)).json()
    const found = await test.server.tokens.find(access_token)
    expect(found?.token.cnf).toEqual({ 'x5t#S256': await thumbprintOf(certificate) })
  })

  test('what is stored and what is told gives nobody the auth_req_id or the notification token', async () => {
    const stored: string[] = []
    const store = new MemoryStore()
    const { insert } = store.artifacts
    store.artifacts.insert = (artifact) => {
      stored.push(JSON.stringify(artifact))
      return insert.call(store.artifacts, artifact) as never
    }
    const metadata = { backchannel_token_delivery_mode: 'ping', backchannel_client_notification_endpoint: 'https://rp.example/cb' } as const
    const outbound = async () => ({ status: 204, headers: new Headers(), contentType: '', body: '' })
    const { test, begin, approve } = await cibaServer({}, { store, metadata, outbound })
    const { auth_req_id } = await begin({ client_notification_token: 'a-token-of-the-client' })
    await approve()
    await vi.waitFor(() => expect(test.eventsOf('notification.delivered')).toHaveLength(1))
    const everything = stored.join('\n') + JSON.stringify(test.events)
    expect(stored.length).toBeGreaterThan(2)
    for (const secret of [auth_req_id, 'a-token-of-the-client']) expect(everything).not.toContain(secret)
  })
})

describe('openid-client', () => {
  async function connect(extensions: Parameters<typeof cibaServer>[1] = {}) {
    const server = await cibaServer({ interval: 1 }, extensions)
    const { test, client_secret } = server
    const metadata = { issuer: ISSUER, ...test.server.metadata() } as oidc.ServerMetadata
    const config = new oidc.Configuration(metadata, 'till', undefined, oidc.ClientSecretBasic(client_secret))
    // The clock of the server is turned by hand: each answer takes as long as the client waits.
    config[oidc.customFetch] = (url, options) => {
      test.now += 1
      return test.fetch(url, options as RequestInit)
    }
    return { ...server, config }
  }

  test('asks for Alice, polls until she decides, and gets an ID token', async () => {
    const { config, approve } = await connect()
    const begun = await oidc.initiateBackchannelAuthentication(config, {
      scope: 'openid email',
      login_hint: 'alice',
      binding_message: '1234'
    })
    expect(begun).toMatchObject({ interval: 1, expires_in: 120 })
    const polled = oidc.pollBackchannelAuthenticationGrant(config, begun)
    await approve()
    expect((await polled).claims()).toMatchObject({ iss: ISSUER, aud: 'till', sub: 'alice' })
  })

  test('is told that she refused', async () => {
    const { config, deny } = await connect()
    const begun = await oidc.initiateBackchannelAuthentication(config, { scope: 'openid', login_hint: 'alice' })
    await deny()
    await expect(oidc.pollBackchannelAuthenticationGrant(config, begun)).rejects.toMatchObject({ error: 'access_denied' })
  })

  test('signs with private_key_jwt, and gets tokens that are bound to its key (RFC 9449)', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' } as JsonWebKey] }
    const clock = { now: Math.floor(Date.now() / 1000) }
    const metadata = { jwks, token_endpoint_auth_method: 'private_key_jwt' }
    const { test, approve } = await cibaServer({ interval: 1 }, { extensions: [dpop()], metadata, clock: () => clock.now * 1000 })
    const described = { issuer: ISSUER, ...test.server.metadata() } as oidc.ServerMetadata
    const config = new oidc.Configuration(described, 'till', undefined, oidc.PrivateKeyJwt({ key: privateKey, kid: 'k' }))
    config[oidc.customFetch] = (url, options) => test.fetch(url, options as RequestInit)
    const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair())
    const begun = await oidc.initiateBackchannelAuthentication(config, { scope: 'openid', login_hint: 'alice' })
    await approve()
    const { access_token, token_type } = await oidc.pollBackchannelAuthenticationGrant(config, begun, undefined, { DPoP })
    expect([token_type, Object.keys((await test.server.tokens.find(access_token))?.token.cnf ?? {})]).toEqual(['dpop', ['jkt']])
  })
})

test('oauth4webapi asks, is told to wait, and gets an ID token', async () => {
  const { test, client_secret, approve } = await cibaServer({ interval: 1 })
  const as: oauth.AuthorizationServer = { ...(test.server.metadata() as object), issuer: ISSUER }
  const options = { [oauth.customFetch]: ((url: string, init: RequestInit) => test.fetch(url, init)) as never }
  const [client, authentication] = [{ client_id: 'till' }, oauth.ClientSecretBasic(client_secret ?? '')]
  const asked = await oauth.backchannelAuthenticationRequest(as, client, authentication, { scope: 'openid', login_hint: 'alice' }, options)
  const { auth_req_id } = await oauth.processBackchannelAuthenticationResponse(as, client, asked)
  const poll = async () => {
    test.now += 1
    const response = await oauth.backchannelAuthenticationGrantRequest(as, client, authentication, auth_req_id, options)
    return oauth.processBackchannelAuthenticationGrantResponse(as, client, response)
  }
  await expect(poll()).rejects.toMatchObject({ error: 'authorization_pending' })
  await approve()
  expect(oauth.getValidatedIdTokenClaims(await poll())).toMatchObject({ iss: ISSUER, aud: 'till', sub: 'alice' })
})

describe('whom an assertion of the client is for (CIBA Core §7.1)', () => {
  async function asked(assertionAudience: 'issuer' | 'token_endpoint', aud: string) {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256' } as JsonWebKey] }
    const { test } = await cibaServer({}, { assertionAudience, metadata: { jwks, token_endpoint_auth_method: 'private_key_jwt' } })
    const claims = { iss: 'till', sub: 'till', aud, jti: 'a1', exp: START + 60 }
    const client_assertion = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256' }).sign(privateKey)
    const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    return test.post('/bc-authorize', { scope: 'openid', login_hint: 'alice', client_assertion, client_assertion_type })
  }

  test('"its Issuer Identifier, Token Endpoint URL, or Backchannel Authentication Endpoint URL", where assertionAudience has it so', async () => {
    for (const aud of [ISSUER, `${ISSUER}/token`, `${ISSUER}/bc-authorize`]) expect((await asked('token_endpoint', aud)).status).toBe(200)
    await expectTokenError(await asked('token_endpoint', `${ISSUER}/revoke`), 401, 'invalid_client')
  })

  test('by default the issuer alone, as draft-ietf-oauth-rfc7523bis §3 wants it', async () => {
    expect((await asked('issuer', ISSUER)).status).toBe(200)
    for (const aud of [`${ISSUER}/token`, `${ISSUER}/bc-authorize`])
      await expectTokenError(await asked('issuer', aud), 401, 'invalid_client')
  })
})
