import { beforeAll, describe, expect, test } from 'vitest'
import { type NewClient, tokenExchange } from '../src/index.ts'
import { ELSEWHERE, type IssuerKey, makeAssertion, newIssuerKey } from './assertion-support.ts'
import { expectTokenError, ISSUER, TestServer } from './support.ts'
import { ACCESS_TOKEN, EXCHANGE, exchangers, GATEWAY, ORDERS, type Params } from './token-exchange-support.ts'

const TYPE = { subject_token_type: 'urn:ietf:params:oauth:token-type:jwt' }
const RULE = { client: 'gateway', from: [ELSEWHERE], scope: 'read', audience: [ORDERS] }

let key: IssuerKey
beforeAll(async () => {
  key = await newIssuerKey()
})

async function ready(rule: object = { impersonation: true }, metadata: NewClient = {}, accessTokenFormat = 'opaque') {
  const subjectOf = async ({ sub }: { sub: string }) => ({ '7': 'alice' })[sub]
  const issuers = [{ issuer: ELSEWHERE, jwks: { keys: [key.jwk] }, subjectOf }]
  const test = new TestServer({
    ...{ resources: [{ identifier: GATEWAY }, { identifier: ORDERS }], defaultResource: GATEWAY, accessTokenFormat },
    extensions: [tokenExchange({ allow: [{ ...RULE, ...rule }], issuers })]
  })
  const it = await exchangers(test, metadata)
  const ask = async (claims: object = {}, params: Params = {}, header: object = {}) =>
    it.exchange(await makeAssertion(key, test.now, claims, header), { ...TYPE, ...params })
  return { test, ...it, ask }
}

describe('a JWT of a trusted issuer as the subject token (RFC 8693 §3)', () => {
  test.each(['opaque', 'jwt'])(
    'TX-03 is good for a %s token of whom it means, for the scope of the rule and as long as it is valid',
    async (format) => {
      const { test, ask, shown } = await ready({ impersonation: true }, {}, format)
      const answer = await (await ask({}, { audience: ORDERS })).json()
      expect(answer).toMatchObject({ issued_token_type: ACCESS_TOKEN, scope: 'read', expires_in: 300 })
      expect(await shown(answer.access_token)).toMatchObject({ active: true, sub: 'alice', client_id: 'gateway', aud: ORDERS })
      expect(test.eventsOf('token.exchanged')).toEqual([expect.objectContaining({ from: ELSEWHERE, subject: 'alice' })])
      await test.server.store.grants.revoke({ subject: 'alice' }, test.now)
      expect((await shown(answer.access_token)).active).toBe(false)
      test.now += 300
      expect(await test.server.store.grants.list({ subject: 'alice' }, test.now, 10, { revoked: true })).toEqual([])
    }
  )

  test.each(['opaque', 'jwt'])(
    'TX-03 its time in whole seconds is that of the %s token; one that has no second left is none',
    async (format) => {
      const { test, ask, shown } = await ready({ impersonation: true }, {}, format)
      const answer = await (await ask({ exp: test.now + 10.7 })).json()
      expect(answer).toMatchObject({ expires_in: 10 })
      expect(await shown(answer.access_token)).toMatchObject({ active: true, exp: test.now + 10 })
      // Within the tolerance for clocks.
      for (const exp of [test.now + 0.7, test.now, test.now - 5]) await expectTokenError(await ask({ exp }), 400, 'invalid_request')
      expect(test.eventsOf('token.issued')).toHaveLength(1)
    }
  )

  test('TX-02 without a scope in the rule it is good for none, and never for another API', async () => {
    const { ask } = await ready({ impersonation: true, scope: undefined })
    const answer = await (await ask()).json()
    expect(answer).not.toHaveProperty('scope')
    await expectTokenError(await ask({}, { scope: 'read' }), 400, 'invalid_scope')
    await expectTokenError(await ask({}, { audience: ISSUER }), 400, 'invalid_target')
  })

  test('TX-04 delegation, with those who acted elsewhere; what is delegated is dead with the actor token', async () => {
    const { test, gateway, ownToken, ask, shown } = await ready({})
    await expectTokenError(await ask(), 400, 'invalid_request')
    const actor = { actor_token: await ownToken(gateway), actor_token_type: ACCESS_TOKEN }
    const answer = await (await ask({ act: { sub: 'desk', iss: ELSEWHERE }, may_act: { sub: 'gateway' } }, actor)).json()
    const act = { sub: 'gateway', client_id: 'gateway', act: { sub: 'desk', iss: ELSEWHERE } }
    expect(await shown(answer.access_token)).toMatchObject({ sub: 'alice', act })
    const deep = JSON.parse(`${'{"x":'.repeat(30)}1${'}'.repeat(30)}`)
    for (const wrong of ['desk', null, [], { sub: 'a\0b' }, { sub: '\ud800' }, deep])
      await expectTokenError(await ask({ act: wrong }, actor), 400, 'invalid_request')
    await expectTokenError(await ask({ may_act: { sub: 'other' } }, actor), 400, 'invalid_request')
    await test.post('/revoke', { token: actor.actor_token, client_id: 'gateway', client_secret: gateway.client_secret ?? '' })
    expect((await shown(answer.access_token)).active).toBe(false)
  })

  test.each(['opaque', 'jwt'])(
    'TX-04 whoever it was shown to does not pass for its subject: a %s token for it is no actor token',
    async (format) => {
      const { ask, gateway, ownToken } = await ready({ impersonation: true }, {}, format)
      const { access_token: actor_token } = await (await ask()).json()
      const as = (token: string) => ask({}, { actor_token: token, actor_token_type: ACCESS_TOKEN })
      await expectTokenError(await as(actor_token), 400, 'invalid_request')
      expect((await as(await ownToken(gateway))).status).toBe(200)
    }
  )

  test.each([
    ['not trusted', { iss: 'https://evil.example.com' }],
    ['of nobody here', { sub: '9' }],
    ['for another server', { aud: ELSEWHERE }],
    ['for several', { aud: [ISSUER, ELSEWHERE] }],
    ['expired', { exp: 1_799_999_000 }],
    ['without an end', { exp: undefined }],
    ['bound to a key', { cnf: { jkt: 'x' } }],
    ['narrower than is understood', { authorization_details: [] }]
  ])('TX-01 one that is %s is invalid_request, as is one of another kind', async (_, claims) => {
    const { test, ask } = await ready()
    await expectTokenError(await ask(claims), 400, 'invalid_request')
    for (const typ of ['at+jwt', 'logout+jwt', 'oauth-id-jag+jwt'])
      await expectTokenError(await ask({}, {}, { typ }), 400, 'invalid_request')
    expect(test.eventsOf('request.refused')[0]).toMatchObject({ detail: { reason: expect.any(String) } })
    expect(test.eventsOf('token.issued')).toEqual([])
  })

  test('TX-01 tokens of this server are none, whatever type they are said to be', async () => {
    const { subjectTokens, exchange } = await ready({ impersonation: true }, {}, 'jwt')
    await expectTokenError(await exchange((await subjectTokens())['access_token'], TYPE), 400, 'invalid_request')
    const other = await ready()
    await expectTokenError(await other.ask({}, { subject_token_type: ACCESS_TOKEN }), 400, 'invalid_request')
  })

  test('a client that must ask for consent gets what the person allowed it before', async () => {
    const metadata = { grant_types: ['authorization_code', EXCHANGE] }
    const { test, ask, shown } = await ready({ impersonation: true }, metadata)
    await test.code({ client_id: 'gateway', scope: 'read' })
    await test.server.clients.update('gateway', { require_consent: true })
    test.now += 2
    const answer = await (await ask()).json()
    expect((await shown(answer.access_token)).active).toBe(true)
    // RFC 8707 §2.1: it was allowed at the default audience alone, whatever the rule says.
    await expectTokenError(await ask({}, { audience: ORDERS }), 400, 'invalid_request')
    await test.server.store.grants.revoke({ subject: 'alice' }, test.now)
    expect((await shown(answer.access_token)).active).toBe(false)
    await expectTokenError(await ask(), 400, 'invalid_request')
  })

  test('an issuer that cannot be trusted as it is described is refused when the server is built', () => {
    expect(() => tokenExchange({ issuers: [{ issuer: ELSEWHERE, subjectOf: async () => 'x' }] })).toThrow('has jwks or jwksUri')
    const issuers = [{ issuer: ISSUER, jwks: { keys: [key.jwk] }, subjectOf: async () => 'x' }]
    expect(() => new TestServer({ extensions: [tokenExchange({ issuers })] })).toThrow('no trusted issuer of itself')
  })
})
