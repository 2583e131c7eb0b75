import { decodeJwt } from 'jose'
import { describe, expect, test } from 'vitest'
import { type AuthorizationServerOptions, type Extension, type NewClient, resourceIndicators, tokenExchange } from '../src/index.ts'
import { AUTHENTICATION, openIdServer, userinfo } from './openid-support.ts'
import { expectTokenError, ISSUER, TestServer } from './support.ts'
import {
  ACCESS_TOKEN,
  EXCHANGE,
  exchangers,
  exchanging,
  GATEWAY,
  ID_TOKEN,
  MAIL,
  ORDERS,
  type Params,
  RULE
} from './token-exchange-support.ts'

const FORMATS = ['opaque', 'jwt'] as const

async function ready(
  allow: Parameters<typeof exchanging>[0] = [RULE],
  options: Partial<AuthorizationServerOptions> = {},
  metadata: NewClient = {}
) {
  const test = new TestServer(exchanging(allow, options))
  return { test, ...(await exchangers(test, metadata)) }
}

describe.each(FORMATS)('an exchange of a person’s token in the format %s (RFC 8693)', (accessTokenFormat) => {
  test('RFC 8693 §2.2.1: the answer has access_token, issued_token_type and token_type, and what was issued says so', async () => {
    const { test, subjectTokens, exchange, shown } = await ready([RULE], { accessTokenFormat })
    const { access_token } = await subjectTokens()
    const response = await exchange(access_token, { audience: ORDERS, scope: 'read', requested_token_type: ACCESS_TOKEN })
    expect(response.headers.get('cache-control')).toBe('no-store')
    const answer = await response.json()
    expect(answer).toEqual({
      access_token: expect.any(String),
      issued_token_type: ACCESS_TOKEN,
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'read'
    })
    const introspected = await shown(answer.access_token)
    expect(introspected).toMatchObject({ active: true, sub: 'alice', aud: ORDERS, scope: 'read', client_id: 'gateway' })
    expect(introspected).not.toHaveProperty('made_of')
    expect(test.eventsOf('token.exchanged')).toEqual([
      expect.objectContaining({ clientId: 'gateway', from: 'app', subject: 'alice', audience: [ORDERS], grantId: expect.any(String) })
    ])
    expect(JSON.stringify(test.events)).not.toContain(access_token?.slice(-40))
  })

  test('TX-02 a scope or an audience that is wider than the subject token and the rule is invalid_scope, invalid_target', async () => {
    const { subjectTokens, exchange, exchanged, shown } = await ready([{ ...RULE, scope: 'read' }], { accessTokenFormat })
    const { access_token } = await subjectTokens('read')
    for (const scope of ['write', 'read write', 'send', 'unregistered'])
      await expectTokenError(await exchange(access_token, { scope }), 400, 'invalid_scope')
    for (const target of [MAIL, ISSUER, 'https://unknown.example.com', `${ORDERS}/`, 'orders'])
      for (const name of ['audience', 'resource'])
        await expectTokenError(await exchange(access_token, { [name]: target }), 400, 'invalid_target')
    await expectTokenError(await exchange(access_token, { audience: ORDERS, resource: MAIL }), 400, 'invalid_target')
    const both = await exchanged(access_token, { audience: ORDERS, resource: GATEWAY })
    expect((await shown(both['access_token'])).aud).toEqual([GATEWAY, ORDERS])
    expect(await shown((await exchanged(access_token))['access_token'])).toMatchObject({ aud: GATEWAY, scope: 'read' })
    const narrow = await exchanged((await subjectTokens('read write'))['access_token'])
    expect(narrow).toMatchObject({ scope: 'read' })
    await expectTokenError(await exchange((await subjectTokens('write'))['access_token']), 400, 'invalid_scope')
  })

  test('TX-03 it lives no longer than what is left of the subject token, and there is no refresh token', async () => {
    const metadata = { grant_types: ['client_credentials', 'refresh_token', EXCHANGE], settings: { accessTokenLifetime: 7200 } }
    const { test, subjectTokens, exchanged, shown } = await ready([RULE], { accessTokenFormat }, metadata)
    const { access_token } = await subjectTokens()
    test.now += 3000
    const answer = await exchanged(access_token)
    expect(answer).toMatchObject({ expires_in: 600 })
    expect(answer).not.toHaveProperty('refresh_token')
    test.now += 599
    expect((await shown(answer['access_token'])).active).toBe(true)
    test.now += 1
    expect((await shown(answer['access_token'])).active).toBe(false)
  })

  test.each([
    ['the family is revoked', async ({ test, app }, { refresh_token = '' }) => void (await revoke(test, app, refresh_token))],
    ['the subject token is revoked', async ({ test, app }, { access_token = '' }) => void (await revoke(test, app, access_token))],
    ['its client is disabled', async ({ test }) => void (await disable(test, 'app'))],
    ['its client is deleted', async ({ test }) => void (await test.server.clients.delete('app'))],
    ['the exchanging client is disabled', async ({ test }) => void (await disable(test, 'gateway'))]
  ] satisfies [string, (it: Awaited<ReturnType<typeof ready>>, tokens: Params) => Promise<void>][])(
    'TX-03 it is dead once %s, and so is what was made of it',
    async (_, end) => {
      const rules = [RULE, { client: 'orders', from: ['gateway'], impersonation: true }]
      const it = await ready(rules, { accessTokenFormat })
      const { test, subjectTokens, exchanged } = it
      const orders = await test.client({ client_id: 'orders', grant_types: [EXCHANGE], scope: 'read write' })
      const tokens = await subjectTokens()
      const first = await exchanged(tokens['access_token'], { audience: ORDERS })
      const second = await exchanged(first['access_token'], {}, orders)
      const isActive = async (token = '') => (await test.introspect(orders, token)).active
      expect([await isActive(second['access_token'])]).toEqual([true])
      await end(it, tokens)
      test.now += 2
      expect(await isActive(second['access_token'])).toBe(false)
      await expectTokenError(await it.exchange(second['access_token'], {}, orders), 400, 'invalid_request')
    }
  )

  test('TX-03 the subject token outlives the revocation of what was made of it', async () => {
    const { test, gateway, app, subjectTokens, exchanged, shown } = await ready([RULE], { accessTokenFormat })
    const { access_token = '' } = await subjectTokens()
    const answer = await exchanged(access_token)
    await revoke(test, gateway, answer['access_token'] ?? '')
    expect((await shown(answer['access_token'])).active).toBe(false)
    expect((await test.introspect(app, access_token)).active).toBe(true)
  })

  test('TX-03 a client’s own token is exchanged without any grant, and what comes of it is dead with it', async () => {
    const { test, app, ownToken, exchanged, shown } = await ready([RULE], { accessTokenFormat })
    const token = await ownToken(app, { scope: 'read' })
    const answer = await exchanged(token, { audience: ORDERS })
    expect(await shown(answer['access_token'])).toMatchObject({
      active: true,
      sub: 'app',
      client_id: 'gateway',
      aud: ORDERS,
      scope: 'read'
    })
    expect(await test.server.store.grants.list({ subject: 'app' }, test.now)).toEqual([])
    await revoke(test, app, token)
    expect((await shown(answer['access_token'])).active).toBe(false)
  })

  test('TX-04 delegation: act names the actor, within it those before, and is shown by introspection', async () => {
    const rules = [
      { client: 'gateway', from: ['app'] },
      { client: 'orders', from: ['gateway'] }
    ]
    const { test, gateway, subjectTokens, ownToken, exchange, exchanged } = await ready(rules, { accessTokenFormat })
    const orders = await test.client({ client_id: 'orders', grant_types: ['client_credentials', EXCHANGE] })
    const { access_token } = await subjectTokens()
    await expectTokenError(await exchange(access_token), 400, 'invalid_request')
    const actor = { actor_token: await ownToken(gateway), actor_token_type: ACCESS_TOKEN }
    const first = await exchanged(access_token, actor)
    const act = { sub: 'gateway', client_id: 'gateway' }
    expect(await test.introspect(gateway, first['access_token'] ?? '')).toMatchObject({ sub: 'alice', client_id: 'gateway', act })
    await expectTokenError(await exchange(first['access_token'], actor, orders), 400, 'invalid_request')
    const second = await exchanged(first['access_token'], { actor_token: await ownToken(orders), actor_token_type: ACCESS_TOKEN }, orders)
    const chain = { sub: 'orders', client_id: 'orders', act }
    expect(await test.introspect(orders, second['access_token'] ?? '')).toMatchObject({ sub: 'alice', act: chain })
    expect(test.eventsOf('token.exchanged').map((event) => 'actor' in event && event.actor)).toEqual(['gateway', 'orders'])
  })

  test('TX-04 what is delegated is dead once the actor token is, and lives no longer', async () => {
    const { test, gateway, subjectTokens, ownToken, exchanged, shown } = await ready([{ client: 'gateway', from: ['app'] }], {
      accessTokenFormat
    })
    const actor_token = await ownToken(gateway)
    test.now += 1000
    const answer = await exchanged((await subjectTokens())['access_token'], { actor_token, actor_token_type: ACCESS_TOKEN })
    expect(answer).toMatchObject({ expires_in: 2600 })
    await revoke(test, gateway, actor_token)
    expect((await shown(answer['access_token'])).active).toBe(false)
  })

  test('TX-04 the chain of those who act is at most five long', async () => {
    const names = ['one', 'two', 'three', 'four', 'five', 'six']
    const rules = names.map((client, index) => ({ client, from: [names[index - 1] ?? 'app'] }))
    const { test, subjectTokens, ownToken, exchange } = await ready(rules, { accessTokenFormat })
    let token = (await subjectTokens())['access_token'] ?? ''
    let chain: object | undefined
    for (const client_id of names) {
      const client = await test.client({ client_id, grant_types: ['client_credentials', EXCHANGE] })
      const response = await exchange(token, { actor_token: await ownToken(client), actor_token_type: ACCESS_TOKEN }, client)
      if (client_id === 'six') return expectTokenError(response, 400, 'invalid_request')
      token = (await response.json()).access_token
      chain = { sub: client_id, client_id, ...(chain && { act: chain }) }
      expect((await test.introspect(client, token)).act).toEqual(chain)
    }
  })

  test('TX-04 what hangs on too many tokens is exchanged no further', async () => {
    const { subjectTokens, exchange } = await ready([{ ...RULE, from: ['app', 'gateway'] }], { accessTokenFormat })
    let token = (await subjectTokens())['access_token']
    for (let turn = 0; turn < 10; turn++) {
      const response = await exchange(token)
      expect(response.status).toBe(200)
      token = (await response.json()).access_token
    }
    await expectTokenError(await exchange(token), 400, 'invalid_request')
  })
})

async function revoke(test: TestServer, by: { client_id: string; client_secret?: string }, token: string): Promise<void> {
  const response = await test.post('/revoke', { token, client_id: by.client_id, client_secret: by.client_secret ?? '' })
  expect(response.status).toBe(200)
}

async function disable(test: TestServer, clientId: string): Promise<void> {
  await test.server.clients.update(clientId, { disabled: true })
}

describe('who may exchange what', () => {
  test('TX-01 the matrix is empty: without a rule a client that has the grant type may exchange nothing', async () => {
    for (const allow of [[], [{ client: 'other', from: ['app', 'gateway'] }]]) {
      const { subjectTokens, exchange } = await ready(allow)
      await expectTokenError(await exchange((await subjectTokens())['access_token']), 400, 'unauthorized_client')
      await expectTokenError(await exchange('rubbish'), 400, 'unauthorized_client')
    }
  })

  test('TX-01 RG-04 a client needs the grant type as well, and one that cannot authenticate does not get it', async () => {
    const { test, subjectTokens, exchange } = await ready([RULE], {}, { grant_types: ['client_credentials'] })
    await expectTokenError(await exchange((await subjectTokens())['access_token']), 400, 'unauthorized_client')
    await expect(test.publicClient({ grant_types: [EXCHANGE], response_types: [] })).rejects.toMatchObject({
      error: 'invalid_client_metadata'
    })
  })

  test('TX-01 a token that was issued to another client than the rule names, to the client itself too, is invalid_request', async () => {
    const { test, gateway, ownToken, exchange } = await ready()
    const other = await test.client({ client_id: 'other', grant_types: ['client_credentials'] })
    for (const owner of [other, gateway]) await expectTokenError(await exchange(await ownToken(owner)), 400, 'invalid_request')
    const [refusal] = test.eventsOf('request.refused')
    expect(refusal).toMatchObject({ detail: { owner: 'other' } })
  })

  test.each(['opaque', 'jwt'])(
    'TX-01 RFC 8693 §2.2.2: an invalid %s subject token is invalid_request, whatever the reason',
    async (accessTokenFormat) => {
      const { test, app, subjectTokens, exchange } = await ready([RULE], { accessTokenFormat })
      const { access_token = '', refresh_token = '' } = await subjectTokens()
      const messages = new Set<string>()
      const refused = async (token: string, params: Params = {}) => {
        const response = await exchange(token, params)
        messages.add((await response.clone().json()).error_description)
        await expectTokenError(response, 400, 'invalid_request')
      }
      for (const token of ['rubbish', `${access_token}x`, refresh_token, await test.code(), 'x'.repeat(20_000)]) await refused(token)
      await revoke(test, app, access_token)
      await refused(access_token)
      const { access_token: late = '' } = await subjectTokens()
      test.now += 3600
      await refused(late)
      expect(messages.size).toBe(1)
    }
  )

  test.each([
    ['subject_token', { subject_token: '' }],
    ['subject_token_type', { subject_token_type: '' }],
    ['a known subject_token_type', { subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' }],
    ['a known subject_token_type', { subject_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }],
    ['a known subject_token_type', { subject_token_type: 'access_token' }],
    ['a subject_token_type that fits', { subject_token_type: ID_TOKEN }],
    ['a requested_token_type that is issued', { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }],
    ['a requested_token_type that is issued', { requested_token_type: ID_TOKEN }],
    ['actor_token_type beside the actor_token', { actor_token: 'x' }],
    ['actor_token beside the actor_token_type', { actor_token_type: ACCESS_TOKEN }],
    ['a known actor_token_type', { actor_token: 'x', actor_token_type: ID_TOKEN }],
    ['an actor token that is genuine', { actor_token: 'x', actor_token_type: ACCESS_TOKEN }]
  ])('TX-01 RFC 8693 §2.1: a request needs %s', async (_, params) => {
    const { subjectTokens, exchange } = await ready()
    await expectTokenError(await exchange((await subjectTokens())['access_token'], params), 400, 'invalid_request')
  })

  test('RFC 6750 §5.3: tokens are in the body, never in the URL', async () => {
    const { test } = await ready()
    for (const name of ['subject_token', 'actor_token'])
      await expectTokenError(await test.post(`/token?${name}=x`, { grant_type: EXCHANGE }), 400, 'invalid_request')
  })

  test('TX-04 an actor token of another client, one that was exchanged, and a revoked one are refused', async () => {
    const { test, app, gateway, subjectTokens, ownToken, exchange, exchanged } = await ready([{ ...RULE, from: ['app', 'gateway'] }])
    const { access_token = '' } = await subjectTokens()
    const by = (actor_token: string) => exchange(access_token, { actor_token, actor_token_type: ACCESS_TOKEN })
    await expectTokenError(await by(access_token), 400, 'invalid_request')
    await expectTokenError(await by(await ownToken(app)), 400, 'invalid_request')
    const own = await ownToken(gateway)
    const delegated = await exchanged(access_token, { actor_token: own, actor_token_type: ACCESS_TOKEN })
    await expectTokenError(await by(delegated['access_token'] ?? ''), 400, 'invalid_request')
    await expectTokenError(await by((await exchanged(access_token))['access_token'] ?? ''), 400, 'invalid_request')
    await revoke(test, gateway, own)
    await expectTokenError(await by(own), 400, 'invalid_request')
  })

  test('TX-04 RFC 8693 §4.1: a person who uses the client may be the actor', async () => {
    const metadata = { grant_types: ['authorization_code', EXCHANGE] }
    const { test, app, gateway, ownToken, exchanged } = await ready([{ client: 'gateway', from: ['app'] }], {}, metadata)
    test.session = { id: 's2', subject: 'support-1', authTime: test.now }
    const code = await test.code({ client_id: 'gateway' })
    const { access_token: actor_token } = await (await test.redeem(gateway, code)).json()
    const subject = await ownToken(app)
    const answer = await exchanged(subject, { actor_token, actor_token_type: ACCESS_TOKEN }, gateway)
    const act = { sub: 'support-1', client_id: 'gateway' }
    expect(await test.introspect(gateway, answer['access_token'] ?? '')).toMatchObject({ sub: 'app', act })
    await test.server.store.grants.revoke({ subject: 'support-1' }, test.now)
    expect((await test.introspect(gateway, answer['access_token'] ?? '')).active).toBe(false)
  })

  test('TX-01 a function decides as well, with all that counts in its hands', async () => {
    const seen: unknown[] = []
    const { subjectTokens, ownToken, app, exchange, exchanged } = await ready(async ({ client, from, subject, scope, audience }) => {
      seen.push([client.client_id, from, subject, scope, audience])
      return subject === 'alice' ? { impersonation: true, scope: 'read' } : undefined
    })
    expect(await exchanged((await subjectTokens())['access_token'])).toMatchObject({ scope: 'read' })
    await expectTokenError(await exchange(await ownToken(app)), 400, 'invalid_request')
    expect(seen).toEqual([
      ['gateway', 'app', 'alice', ['read', 'write'], [GATEWAY]],
      ['gateway', 'app', 'app', ['openid', 'read', 'write'], [GATEWAY]]
    ])
  })

  test.each([
    ['an unknown option', { alow: [] }, 'did you mean allow'],
    ['no list', { allow: {} }, 'is a list of rules'],
    ['an unknown member', { allow: [{ ...RULE, actor: 'x' }] }, 'there is no actor'],
    ['no client', { allow: [{ from: ['app'] }] }, 'client is a text'],
    ['no owner', { allow: [{ client: 'gateway' }] }, 'from is a list'],
    ['another type', { allow: [{ ...RULE, impersonation: 'yes' }] }, 'impersonation is true or false'],
    ['the same twice', { allow: [RULE, RULE] }, 'is there twice'],
    ['an API that is not there', { allow: [{ ...RULE, audience: ['https://nowhere.example.com'] }] }, 'is none of the resources']
  ])('%s in the options is refused when the server is built', (_, options, message) => {
    const resources = [{ identifier: ORDERS }]
    expect(() => new TestServer({ resources, extensions: [tokenExchange(options as object)] })).toThrow(message)
  })

  test('RS-01 beside resource indicators a client gets no token for a resource that is not its own', async () => {
    const { subjectTokens, exchange, exchanged, shown } = await ready(
      [{ ...RULE, audience: [ORDERS, MAIL] }],
      { extensions: [resourceIndicators()] },
      { resources: [ORDERS] }
    )
    const { access_token } = await subjectTokens()
    for (const params of [{ audience: MAIL }, { resource: MAIL }, {}])
      await expectTokenError(await exchange(access_token, params as Params), 400, 'invalid_target')
    expect((await shown((await exchanged(access_token, { audience: ORDERS }))['access_token'])).aud).toBe(ORDERS)
  })
})

describe('may_act (RFC 8693 §4.4)', () => {
  const saying =
    (may_act: unknown): Extension =>
    () => ({ validateTokenRequest: async ({ grantType }) => (grantType === 'authorization_code' ? { may_act } : undefined) })

  test.each([
    [{ sub: 'gateway' }, 200],
    [{ client_id: 'gateway', iss: ISSUER }, 200],
    [{ sub: 'other' }, 400],
    [{ sub: 'gateway', iss: 'https://other.example.com' }, 400],
    [{ iss: ISSUER }, 400],
    [{ sub: 'gateway', email: 'a@example.com' }, 400],
    [{ toString: 'x', sub: 'gateway' }, 400],
    ['gateway', 400],
    [{}, 400],
    [null, 400]
  ])('TX-04 %j is met by the actor, or by the client that impersonates, or the exchange is refused', async (may_act, status) => {
    for (const accessTokenFormat of FORMATS) {
      const { gateway, subjectTokens, ownToken, exchange, shown } = await ready([RULE], {
        accessTokenFormat,
        extensions: [saying(may_act)]
      })
      const { access_token } = await subjectTokens()
      const actor = { actor_token: await ownToken(gateway), actor_token_type: ACCESS_TOKEN }
      for (const params of [{}, actor]) {
        const response = await exchange(access_token, params as Params)
        expect(response.status).toBe(status)
        const answer = await response.json()
        if (status === 200) expect(await shown(answer.access_token)).toMatchObject({ active: true, may_act: may_act as object })
        else expect(answer.error).toBe('invalid_request')
      }
    }
  })
})

describe('an ID token as the subject token', () => {
  async function withOpenId(allow: Parameters<typeof exchanging>[0] = [RULE], openid = {}) {
    const { test } = await openIdServer(openid, exchanging(allow))
    const { exchange, exchanged, shown, gateway, app } = await again(test)
    const tokens = async (params = {}) => {
      const code = await test.code({ ...AUTHENTICATION, scope: 'openid read', ...params })
      return (await (await test.redeem(app, code)).json()) as Record<string, string>
    }
    return { test, exchange, exchanged, shown, gateway, app, tokens }
  }
  /** The support of OpenID tests has made the application. */
  async function again(test: TestServer) {
    await test.server.clients.delete('app')
    test.now += 2
    return exchangers(test)
  }

  test('is good for what the person granted in that session, and for no longer than it or the session', async () => {
    const { test, exchange, exchanged, shown, tokens } = await withOpenId()
    const { id_token, access_token } = await tokens()
    const type = { subject_token_type: ID_TOKEN }
    const answer = await exchanged(id_token, type)
    expect(answer).toMatchObject({ scope: 'openid read', issued_token_type: ACCESS_TOKEN })
    expect(answer).not.toHaveProperty('id_token')
    expect(await shown(answer['access_token'])).toMatchObject({ sub: 'alice', client_id: 'gateway', scope: 'openid read' })
    await expectTokenError(await exchange(id_token, { ...type, scope: 'write' }), 400, 'invalid_scope')
    await expectTokenError(await exchange(access_token, type), 400, 'invalid_request')
    await expectTokenError(await exchange(id_token), 400, 'invalid_request')
    test.now += 600
    expect(await exchanged(id_token, type)).toMatchObject({ expires_in: 3000 })
    await test.server.endSession({ id: 's1', subject: 'alice' })
    expect((await shown(answer['access_token'])).active).toBe(false)
    await expectTokenError(await exchange(id_token, type), 400, 'invalid_request')
  })

  test('TX-03 what comes of it is dead once the client of the ID token is disabled', async () => {
    const { test, exchanged, shown, tokens } = await withOpenId()
    const answer = await exchanged((await tokens())['id_token'], { subject_token_type: ID_TOKEN })
    expect((await shown(answer['access_token'])).active).toBe(true)
    await disable(test, 'app')
    test.now += 2
    expect((await shown(answer['access_token'])).active).toBe(false)
  })

  test('that has expired, or is of another client than the rule names, is refused', async () => {
    const { test, exchange, tokens } = await withOpenId([{ ...RULE, from: ['other'] }])
    await expectTokenError(await exchange((await tokens())['id_token'], { subject_token_type: ID_TOKEN }), 400, 'invalid_request')
    const late = await withOpenId()
    const { id_token } = await late.tokens()
    late.test.now += 3600
    await expectTokenError(await late.exchange(id_token, { subject_token_type: ID_TOKEN }), 400, 'invalid_request')
    expect(test.eventsOf('token.exchanged')).toEqual([])
  })

  test('an exchange of an access token with openid returns no ID token, and its answer is good for userinfo of the person', async () => {
    const { exchanged, tokens, test } = await withOpenId([{ ...RULE, audience: [ISSUER] }])
    const { access_token } = await tokens()
    const answer = await exchanged(access_token, { audience: ISSUER })
    expect(answer).not.toHaveProperty('id_token')
    expect(await userinfo(test, answer['access_token'] ?? '')).toMatchObject({ sub: 'alice' })
  })

  test('TX-02 claims that an application asked for by name are not for whoever exchanges its token, but by scope', async () => {
    const { exchanged, tokens, test } = await withOpenId([{ ...RULE, audience: [ISSUER], scope: 'openid read' }])
    const scope = 'openid email read'
    for (const clientId of ['app', 'gateway']) await test.server.clients.update(clientId, { scope })
    test.now += 2
    const { access_token } = await tokens({ claims: JSON.stringify({ userinfo: { email: null } }) })
    const answer = await exchanged(access_token, { audience: ISSUER })
    expect(await userinfo(test, answer['access_token'] ?? '')).toEqual({ sub: 'alice' })
  })
})

describe('token exchange that is not passed', () => {
  test('is not there: the grant type is unsupported, not advertised, and no client is registered for it', async () => {
    const test = new TestServer()
    const client = await test.client()
    const response = await test.token(client, { grant_type: EXCHANGE, subject_token: 'x', subject_token_type: ACCESS_TOKEN })
    await expectTokenError(response, 400, 'unsupported_grant_type')
    const metadata = await (await test.fetch('/.well-known/oauth-authorization-server')).json()
    expect(metadata.grant_types_supported).not.toContain(EXCHANGE)
    await expect(test.client({ client_id: 'x', grant_types: [EXCHANGE] })).rejects.toMatchObject({ error: 'invalid_client_metadata' })
    const passed = new TestServer({ extensions: [tokenExchange()] })
    expect((await (await passed.fetch('/.well-known/oauth-authorization-server')).json()).grant_types_supported).toContain(EXCHANGE)
  })

  test('no claim of an extension passes for what a token was made of', async () => {
    const forged: Extension = () => ({ validateTokenRequest: async () => ({ made_of: [{ format: 'x', jti: 'y', client_id: 'z' }] }) })
    const test = new TestServer({ extensions: [forged], accessTokenFormat: 'jwt' })
    const client = await test.client()
    const { access_token } = await (await test.token(client, { grant_type: 'client_credentials' })).json()
    expect(decodeJwt(access_token)).not.toHaveProperty('made_of')
    expect((await test.introspect(client, access_token)).active).toBe(true)
  })
})
