import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import {
  type AuthorizationDetail,
  type AuthorizationServerOptions,
  describeAuthorizationDetails,
  dynamicRegistration,
  implicit,
  type NewClient,
  passwordGrant,
  pushedAuthorizationRequests,
  requestObjects,
  resourceIndicators,
  richAuthorizationRequests,
  type StandardSchemaV1
} from '../src/index.ts'
import { detailsAt } from '../src/models/authorization-detail.ts'
import { deviceServer } from './device-support.ts'
import { AUTHORIZATION, basic, expectRedirectError, expectTokenError, TestServer } from './support.ts'
import { exchangers, exchanging, ORDERS, RULE } from './token-exchange-support.ts'

const ERROR = 'invalid_authorization_details'
const ACCOUNTS = 'https://bank.example.com/accounts'
const MAIL = 'https://mail.example.com'
const fault = (message: string, path: string) => ({ issues: [{ message, path: [{ key: path }] }] })

/** Fields of these types; leaves out what it does not know, as many schemas do. */
function schema(fields: Record<string, (value: unknown) => boolean>, required: readonly string[]): StandardSchemaV1 {
  return {
    '~standard': {
      version: 1,
      vendor: 'test',
      async validate(value) {
        const members = value as Record<string, unknown>
        for (const [name, isRight] of Object.entries(fields)) {
          if (members[name] === undefined ? required.includes(name) : !isRight(members[name])) return fault(`wrong ${name}`, name)
        }
        return { value: Object.fromEntries(Object.entries(members).filter(([name]) => name === 'type' || Object.hasOwn(fields, name))) }
      }
    }
  }
}

const isText = (value: unknown) => typeof value === 'string'
const isList = (value: unknown) => Array.isArray(value)
const actionsOf = ({ actions }: AuthorizationDetail) => actions as readonly string[]
const types = {
  payment: {
    schema: schema({ amount: (value) => isText(value) && value !== '0.00', creditor: isText, note: () => true }, ['amount', 'creditor']),
    describe: ({ amount, creditor }: AuthorizationDetail, [locale]: readonly string[] = []) => ({
      title: locale === 'de' ? `${amount} zahlen` : `Pay ${amount}`,
      lines: [`to ${creditor}`]
    })
  },
  accounts: {
    schema: schema({ actions: isList, locations: isList }, ['actions']),
    remembered: true,
    isWithin: (detail: AuthorizationDetail, granted: AuthorizationDetail) =>
      detail['locations'] === undefined && actionsOf(detail).every((action) => actionsOf(granted).includes(action))
  }
}
const PAYMENT = { type: 'payment', amount: '12.50', creditor: 'Books' }
const READ = { type: 'accounts', actions: ['read'] }
const READ_WRITE = { type: 'accounts', actions: ['read', 'write'] }
const extension = richAuthorizationRequests({ types })
type Params = Record<string, string | undefined>
const inText = (details: unknown) => (typeof details === 'string' ? details : JSON.stringify(details))

async function ready({ extensions = [], ...options }: Partial<AuthorizationServerOptions> = {}, metadata: NewClient = {}) {
  const test = new TestServer({ ...options, extensions: [extension, ...extensions] })
  const client = await test.client(metadata)
  const ask = (details: unknown, params: Params = {}) =>
    test.authorize({ scope: undefined, authorization_details: inText(details), ...params })
  const code = (details: unknown, params: Params = {}) => test.code({ scope: undefined, authorization_details: inText(details), ...params })
  const redeem = async (value: string, params: Record<string, string> = {}) => test.redeem(client, value, params)
  const tokens = async (details: unknown, params: Params = {}) => (await redeem(await code(details, params))).json()
  const refresh = (refresh_token: string, params: Record<string, string> = {}) =>
    test.token(client, { grant_type: 'refresh_token', refresh_token, ...params })
  const shown = ({ access_token = '' }: Record<string, string>) => test.introspect(client, access_token)
  return { test, client, ask, code, redeem, tokens, refresh, shown }
}

/** The person allows what the last page asked. */
async function allow(test: TestServer): Promise<Response> {
  const { id = '', returnTo = '', scope = [] } = test.prompts.at(-1) ?? {}
  const cookie = [...test.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const request = { method: 'POST', url: '/', headers: new Headers({ cookie }), body: async () => '' }
  await test.server.interactions.resolve(request, id, { consent: { subject: 'alice', scope } })
  return test.fetch(returnTo)
}

const WRONG: readonly (readonly [string, unknown])[] = [
  ['contains an unknown authorization details type value', [{ ...PAYMENT, type: 'transfer' }]],
  ['contains a type that only JavaScript knows', [{ type: 'constructor' }]],
  ['is an object of known type but containing unknown fields', [{ ...PAYMENT, tip: '5.00' }]],
  ['contains fields of the wrong type', [{ ...PAYMENT, amount: 12.5 }]],
  ['contains fields with invalid values', [{ ...PAYMENT, amount: '0.00' }]],
  ['is missing required fields', [{ type: 'payment', amount: '1.00' }]],
  ['has no type', [{ amount: '1.00', creditor: 'Books' }]],
  ['has a type that is no string', [{ ...PAYMENT, type: ['payment'] }]],
  ['is an object, not an array', PAYMENT],
  ['is an array of arrays', [[PAYMENT]]],
  ['is an array with null', [null]],
  ['is empty', []],
  ['is a text', '"payment"'],
  ['is not JSON', '[{"type":"payment"'],
  ['has the same twice, with its members in another order', [PAYMENT, { creditor: 'Books', amount: '12.50', type: 'payment' }]],
  ['has one wrong entry of two', [READ, { ...READ, extra: 1 }]],
  ['has more than 20 entries', Array.from({ length: 21 }, (_, i) => ({ ...PAYMENT, amount: `${i}.00` }))],
  ['is deeper than 10 levels', [{ ...PAYMENT, note: JSON.parse(`${'['.repeat(11)}${']'.repeat(11)}`) }]],
  ['is longer than 16,384 characters', [{ ...PAYMENT, creditor: 'x'.repeat(16_384) }]],
  ['is so deep that a stack would not hold it', `${'['.repeat(8000)}${']'.repeat(8000)}`],
  ['has NUL in it', '[{"type":"payment","amount":"1","creditor":"a\\u0000b"}]'],
  ['has half of a surrogate pair in it', '[{"type":"payment","amount":"1","creditor":"\\ud800"}]'],
  ['names a prototype', '[{"type":"payment","amount":"1","creditor":"a","__proto__":{"isAdmin":true}}]']
]

describe('what is asked for (RFC 9396 §2, §3, §5)', () => {
  test.each(WRONG)('RS-05 "The AS MUST refuse to process … authorization details": one that %s', async (_, details) => {
    const { test, ask } = await ready()
    expectRedirectError(await ask(details), ERROR)
    expect(test.eventsOf('authorization.granted')).toEqual([])
    expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined()
  })

  test('RS-05 1 MiB of it is refused before it is read', async () => {
    const { test } = await ready()
    const params = { ...AUTHORIZATION, authorization_details: inText([{ ...PAYMENT, creditor: 'x'.repeat(1_048_576) }]) }
    expect([400, 413]).toContain((await test.post('/authorize', params)).status)
  })

  test('the error names the entry and the fields, and the event what the schema said', async () => {
    const { test, ask } = await ready()
    const error = expectRedirectError(await ask([READ, { ...PAYMENT, creditor: 7 }]), ERROR)
    expect(error.get('error_description')).toBe('authorization_details[1] is not what its type says: creditor')
    expect(test.eventsOf('request.refused')).toMatchObject([{ detail: { type: 'payment', faults: ['wrong creditor'] } }])
  })

  test('"An array MAY contain multiple entries of the same type"; what the schema makes of them is kept', async () => {
    const trimmed: StandardSchemaV1 = {
      '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: { ...(value as object), since: new Date(0) } }) }
    }
    const test = new TestServer({ extensions: [richAuthorizationRequests({ types: { a: { schema: trimmed } } })] })
    const client = await test.client()
    const code = await test.code({
      authorization_details: inText([
        { type: 'a', x: 1 },
        { type: 'a', x: 2 }
      ])
    })
    const since = '1970-01-01T00:00:00.000Z'
    expect((await (await test.redeem(client, code)).json()).authorization_details).toEqual([
      { type: 'a', x: 1, since },
      { type: 'a', x: 2, since }
    ])
  })

  test('"The AS MUST process both sets of requirements in combination with each other", and details stand without scope', async () => {
    const { tokens, shown } = await ready()
    const alone = await tokens([PAYMENT])
    expect([alone.scope, alone.authorization_details]).toEqual([undefined, [PAYMENT]])
    expect(await shown(alone)).toMatchObject({ active: true, scope: '', authorization_details: [PAYMENT] })
    const both = await tokens([PAYMENT, READ], { scope: 'read' })
    expect(both).toMatchObject({ scope: 'read', authorization_details: [PAYMENT, READ] })
    expect((await tokens([PAYMENT], { authorization_details: undefined })).scope).toBe('read write')
  })

  test('§12: "No additional transformation or normalization is to be done in evaluating equivalence of string values"', async () => {
    const { code, redeem, ask } = await ready()
    const composed = { ...PAYMENT, creditor: 'Caf\u00e9' }
    const value = await code([composed, { ...composed, creditor: 'Cafe\u0301' }])
    for (const creditor of ['caf\u00e9', 'Caf\u00e9 ', 'CAF\u00c9'])
      await expectTokenError(await redeem(value, { authorization_details: inText([{ ...composed, creditor }]) }), 400, ERROR)
    const { authorization_details } = await (await redeem(value, { authorization_details: inText([composed]) })).json()
    expect(authorization_details).toEqual([composed])
    for (const type of ['Payment', 'payment ', 'payme\u00f1t']) expectRedirectError(await ask([{ ...PAYMENT, type }]), ERROR)
  })

  test('the default scope is not added to what a request says in details', async () => {
    const { tokens } = await ready({ defaultScope: 'read' })
    expect(await tokens([PAYMENT])).not.toHaveProperty('scope')
  })

  test('§7: a token that comes through the browser has no place for them, so that is refused', async () => {
    const { ask } = await ready({ extensions: [implicit] }, { grant_types: ['implicit'], response_types: ['token'] })
    expectRedirectError(await ask([PAYMENT], { response_type: 'token' }), 'invalid_request')
    expect((await ask([PAYMENT], { response_type: 'token', authorization_details: undefined })).headers.get('location')).toContain(
      'access_token='
    )
  })

  test('pushed, and as a JSON array in a request object, they are the same', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k' } as JsonWebKey] }
    const { test, client, redeem } = await ready({ extensions: [requestObjects(), pushedAuthorizationRequests()] }, { jwks })
    const push = (params: Record<string, string>) =>
      test.post('/par', { client_id: 'app', ...params }, basic('app', client.client_secret ?? ''))
    const { scope: _, ...request } = AUTHORIZATION
    const signed = (authorization_details: unknown) =>
      new SignJWT({ ...request, authorization_details }).setProtectedHeader({ alg: 'ES256', kid: 'k' }).sign(privateKey)
    for (const right of [{ ...request, authorization_details: inText([PAYMENT]) }, { request: await signed([PAYMENT]) }]) {
      const { request_uri } = await (await push(right)).json()
      const response = await test.fetch(`/authorize?${new URLSearchParams({ client_id: 'app', request_uri })}`)
      const code = new URL(response.headers.get('location') ?? '').searchParams.get('code') ?? ''
      expect((await (await redeem(code)).json()).authorization_details).toEqual([PAYMENT])
    }
    const unknown = [{ ...PAYMENT, tip: '1' }]
    await expectTokenError(await push({ ...request, authorization_details: inText(unknown) }), 400, ERROR)
    await expectTokenError(await push({ request: await signed(unknown) }), 400, ERROR)
    await expectTokenError(await push({ request: await signed(PAYMENT) }), 400, ERROR)
  })
})

describe('the token endpoint (§6, §7)', () => {
  test.each([['opaque'], ['jwt']])(
    '§9: the AS MUST make the data available to the RS: %s tokens and their introspection',
    async (accessTokenFormat) => {
      const { tokens, shown } = await ready({ accessTokenFormat })
      const response = await tokens([PAYMENT])
      expect(await shown(response)).toMatchObject({ active: true, authorization_details: [PAYMENT] })
      if (accessTokenFormat === 'jwt') expect(decodeJwt(response.access_token)['authorization_details']).toEqual([PAYMENT])
    }
  )

  test.each(WRONG)('RS-05 §8: one that %s is refused, and the code is not burned', async (_, details) => {
    const { code, redeem } = await ready()
    const value = await code([PAYMENT])
    await expectTokenError(await redeem(value, { authorization_details: inText(details) }), 400, ERROR)
    expect((await redeem(value)).status).toBe(200)
  })

  test('RS-05 CD-11 tampered with at the token endpoint they are refused; less is given, and the answer says what', async () => {
    const { code, redeem, shown } = await ready()
    const value = await code([PAYMENT, READ_WRITE])
    for (const more of [
      [{ ...PAYMENT, amount: '99.00' }],
      [PAYMENT, { ...PAYMENT, creditor: 'Mallory' }],
      [{ type: 'accounts', actions: ['read', 'admin'] }],
      [{ ...PAYMENT, note: 'x' }]
    ]) {
      await expectTokenError(await redeem(value, { authorization_details: inText(more) }), 400, ERROR)
    }
    const less = await (await redeem(value, { authorization_details: inText([READ]) })).json()
    expect(less.authorization_details).toEqual([READ])
    expect(await shown(less)).toMatchObject({ authorization_details: [READ] })
  })

  test('a token request that names details the grant has none of is refused', async () => {
    const { test, redeem } = await ready()
    await expectTokenError(await redeem(await test.code(), { authorization_details: inText([READ]) }), 400, ERROR)
  })

  test('§6.1: the token has fewer permissions, and "the resource owner\'s previous authorization is unchanged"', async () => {
    const { tokens, refresh, test } = await ready()
    const first = await tokens([PAYMENT, READ_WRITE])
    const second = await (await refresh(first.refresh_token, { authorization_details: inText([READ]) })).json()
    expect(second.authorization_details).toEqual([READ])
    await expectTokenError(
      await refresh(second.refresh_token, { authorization_details: inText([{ type: 'accounts', actions: ['x'] }]) }),
      400,
      ERROR
    )
    expect((await (await refresh(second.refresh_token)).json()).authorization_details).toEqual([PAYMENT, READ_WRITE])
    expect(test.eventsOf('refresh_token.reused')).toEqual([])
  })

  test('RT-07 a retry for other details gets no answer, one for the same gets the same', async () => {
    const { tokens, refresh } = await ready()
    const { refresh_token } = await tokens([READ_WRITE])
    const named = { authorization_details: inText([READ]) }
    const second = await (await refresh(refresh_token, named)).json()
    await expectTokenError(await refresh(refresh_token), 400, 'invalid_grant')
    const again = await (await refresh(refresh_token, named)).json()
    expect(again).toMatchObject({ access_token: second.access_token, authorization_details: [READ] })
  })

  test('client_credentials: "the client\'s policy … allows the issuance", by what is registered for it, and only what is named', async () => {
    const { test, client, shown } = await ready({}, { authorization_details: [READ_WRITE] })
    const ask = (params: Record<string, string>) => test.token(client, { grant_type: 'client_credentials', ...params })
    const tokens = await (await ask({ authorization_details: inText([READ]) })).json()
    expect([tokens.scope, tokens.authorization_details]).toEqual([undefined, [READ]])
    expect(await shown(tokens)).toMatchObject({ authorization_details: [READ] })
    await expectTokenError(await ask({ authorization_details: inText([PAYMENT]) }), 400, ERROR)
    expect(await (await ask({})).json()).not.toHaveProperty('authorization_details')
    const bare = await ready()
    await expectTokenError(
      await bare.test.token(bare.client, { grant_type: 'client_credentials', authorization_details: inText([READ]) }),
      400,
      ERROR
    )
  })

  test('a grant that begins here remembers what it was issued for', async () => {
    const password = passwordGrant({ authenticate: async () => ({ subject: 'alice' }) })
    const { test, client, refresh } = await ready(
      { extensions: [password] },
      { grant_types: ['password', 'refresh_token'], redirect_uris: [], response_types: [], authorization_details: [READ_WRITE] }
    )
    const grant = { grant_type: 'password', username: 'a', password: 'b' }
    const first = await (await test.token(client, { ...grant, authorization_details: inText([READ]) })).json()
    const second = await (await refresh(first.refresh_token)).json()
    expect([first.authorization_details, second.authorization_details]).toEqual([[READ], [READ]])
    await expectTokenError(await refresh(second.refresh_token, { authorization_details: inText([READ_WRITE]) }), 400, ERROR)
  })

  test('I2 of many that redeem one code with details at once one gets a token', async () => {
    const { code, redeem } = await ready()
    const value = await code([PAYMENT])
    const answers = await Promise.all(Array.from({ length: 20 }, () => redeem(value)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })
})

describe('with resource indicators (§3.2, §9.1)', () => {
  const resources = [{ identifier: ACCOUNTS }, { identifier: MAIL, scopes: ['send'] }]
  const AT_ACCOUNTS = { ...READ, locations: [ACCOUNTS, 'https://elsewhere.example'] }
  const ELSEWHERE = { ...READ, locations: ['https://elsewhere.example'] }

  test.each([['before'], ['behind']])('tokens have them "filtered to the specific audience", with the extension %s', async (place) => {
    const test = new TestServer({
      resources,
      extensions: place === 'before' ? [resourceIndicators(), extension] : [extension, resourceIndicators()]
    })
    const client = await test.client({ scope: 'read send' })
    const authorization_details = inText([PAYMENT, AT_ACCOUNTS, ELSEWHERE])
    const request = new URLSearchParams({ ...AUTHORIZATION, scope: 'read send', authorization_details })
    for (const resource of [ACCOUNTS, MAIL]) request.append('resource', resource)
    const location = (await test.fetch(`/authorize?${request}`)).headers.get('location') ?? ''
    const redeemed = await test.redeem(client, new URL(location).searchParams.get('code') ?? '', { resource: MAIL })
    const mail = await redeemed.json()
    expect(mail.authorization_details).toEqual([PAYMENT, ELSEWHERE])
    const refresh = (params: Record<string, string>) =>
      test.token(client, { grant_type: 'refresh_token', refresh_token: mail.refresh_token, ...params })
    await expectTokenError(await refresh({ resource: MAIL, authorization_details: inText([AT_ACCOUNTS]) }), 400, ERROR)
    const accounts = await (await refresh({ resource: ACCOUNTS, authorization_details: inText([AT_ACCOUNTS]) })).json()
    expect(accounts).toMatchObject({ scope: 'read', authorization_details: [AT_ACCOUNTS] })
    expect(await test.introspect(client, accounts.access_token)).toMatchObject({ aud: ACCOUNTS, authorization_details: [AT_ACCOUNTS] })
  })

  test.each([['opaque'], ['jwt']])(
    '§9.2: an API that introspects a token for several sees what concerns it; %s tokens',
    async (accessTokenFormat) => {
      const apis = [
        { identifier: ACCOUNTS, clientId: 'accounts-api' },
        { identifier: MAIL, clientId: 'mail-api' }
      ]
      const { test, redeem, shown } = await ready({ resources: apis, accessTokenFormat, extensions: [resourceIndicators()] })
      const everywhere = { ...PAYMENT, note: 'x' }
      const AT_MAIL = { ...READ, locations: [MAIL] }
      const request = new URLSearchParams({ ...AUTHORIZATION, authorization_details: inText([everywhere, AT_ACCOUNTS, AT_MAIL]) })
      for (const resource of [ACCOUNTS, MAIL]) request.append('resource', resource)
      const location = (await test.fetch(`/authorize?${request}`)).headers.get('location') ?? ''
      const tokens = await (await redeem(new URL(location).searchParams.get('code') ?? '')).json()
      expect((await shown(tokens))['authorization_details']).toEqual([everywhere, AT_ACCOUNTS, AT_MAIL])
      for (const [client_id, seen] of [
        ['accounts-api', [everywhere, AT_ACCOUNTS]],
        ['mail-api', [everywhere, AT_MAIL]]
      ] as const) {
        const api = await test.client({ client_id, grant_types: ['client_credentials'], redirect_uris: [], response_types: [] })
        expect((await test.introspect(api, tokens.access_token))['authorization_details']).toEqual(seen)
      }
    }
  )

  test('§9.1: a location that stands alone, where its type lets it, is no less one', () => {
    const details = [
      AT_ACCOUNTS,
      { type: 'odd', locations: ACCOUNTS },
      { type: 'odd', locations: 7 },
      { type: 'odd', locations: [[ACCOUNTS]] }
    ]
    expect(detailsAt(details, [MAIL], resources)).toEqual(details.slice(2))
    expect(detailsAt(details, [ACCOUNTS], resources)).toEqual(details)
  })

  test('"The resource parameter does not have any effect on the way the AS processes the authorization_details authorization request parameter"', async () => {
    const { code, redeem } = await ready({ resources, extensions: [resourceIndicators()] })
    const value = await code([AT_ACCOUNTS], { resource: MAIL })
    await expectTokenError(await redeem(value, { resource: MAIL }), 400, ERROR)
  })
})

describe('consent (§4)', () => {
  test('CO-02 is asked for each time, also behind remembered scope; the answer then has the details', async () => {
    const { test, ask, redeem } = await ready({}, { require_consent: true })
    for (const scope of ['read', 'read', undefined]) {
      await ask([PAYMENT], { scope })
      expect(test.prompts.at(-1)?.details['authorization_details']).toEqual([PAYMENT])
      const code = new URL((await allow(test)).headers.get('location') ?? '').searchParams.get('code') ?? ''
      expect((await (await redeem(code)).json()).authorization_details).toEqual([PAYMENT])
    }
    expect(test.prompts.map(({ reason }) => reason)).toEqual(['new_scope', 'new_authorization_details', 'new_authorization_details'])
    expectRedirectError(await ask([PAYMENT], { prompt: 'none' }), 'consent_required')
  })

  test('where the type says so, what was allowed is not asked about again, more is', async () => {
    const { test, ask } = await ready({}, { require_consent: true })
    await ask([READ_WRITE])
    await allow(test)
    for (const details of [[READ_WRITE], [{ actions: ['read', 'write'], type: 'accounts' }], [READ]])
      expect((await ask(details)).headers.get('location')).toContain('code=')
    for (const details of [[{ type: 'accounts', actions: ['admin'] }], [READ, PAYMENT]]) {
      const before = test.prompts.length
      await ask(details)
      expect(test.prompts.slice(before)).toMatchObject([{ prompt: 'consent', reason: 'new_authorization_details' }])
    }
  })

  test('of another client, or revoked, counts for nothing', async () => {
    const { test, ask } = await ready({}, { require_consent: true })
    await test.client({ client_id: 'other', require_consent: true })
    await ask([READ])
    await allow(test)
    await ask([READ], { client_id: 'other' })
    expect(test.prompts).toHaveLength(2)
    await test.server.store.grants.revoke({ clientId: 'app', subject: 'alice' }, test.now)
    await ask([READ])
    expect(test.prompts).toHaveLength(3)
  })

  test('RS-05 §12 "The AS MUST properly sanitize and handle the data": what a person reads is plain text in their language, and nothing in it breaks out of its line', async () => {
    const { test, ask } = await ready({}, { require_consent: true })
    const described = async (details: unknown, params: Params = {}, known: typeof types | object = types) => {
      await ask(details, params)
      return describeAuthorizationDetails(test.prompts.at(-1) as never, known as typeof types)
    }
    expect(await described([PAYMENT])).toEqual([{ title: 'Pay 12.50', lines: ['to Books'] }])
    expect((await described([PAYMENT], { ui_locales: 'de' }))[0]?.title).toBe('12.50 zahlen')
    const spoofed = { ...PAYMENT, creditor: 'Books\r\nto \u202eMallory\u2029' }
    expect(await described([spoofed])).toEqual([{ title: 'Pay 12.50', lines: ['to Books to  Mallory '] }])
    expect(await described([{ ...PAYMENT, note: { a: [1] } }], {}, {})).toEqual([
      { title: 'payment', lines: ['amount: 12.50', 'creditor: Books', 'note: {"a":[1]}'] }
    ])
    expect(describeAuthorizationDetails({ details: {} }, types)).toEqual([])
  })
})

describe('a device (§3: "in all places where the scope parameter is used")', () => {
  test('asks for details without scope; the page shows them escaped, and the token that is polled for has them or less', async () => {
    const { ask, begin, poll, alice } = await deviceServer({}, { extensions: [extension] })
    await expectTokenError(await ask({ authorization_details: inText([{ ...PAYMENT, tip: '1' }]) }), 400, ERROR)
    const creditor = 'B\u202e<b>ooks</b>'
    const codes = await begin({ authorization_details: inText([{ ...PAYMENT, creditor }, READ_WRITE]) })
    await alice.enter(codes.user_code)
    expect(alice.page).toContain('&#34;12.50&#34;,&#34;creditor&#34;:&#34;B &#60;b&#62;ooks&#60;/b&#62;&#34;')
    await alice.submit({ decision: 'approve' })
    await expectTokenError(await poll(codes.device_code, { authorization_details: inText([{ ...PAYMENT, amount: '99.00' }]) }), 400, ERROR)
    const { scope, authorization_details } = await (await poll(codes.device_code, { authorization_details: inText([READ]) })).json()
    expect([scope, authorization_details]).toEqual([undefined, [READ]])
  })
})

describe('an exchange of tokens (RFC 8693)', () => {
  test('TX-02 has no details but those it names of what the subject token has, which may be less than was granted', async () => {
    const test = new TestServer(exchanging([RULE], { extensions: [extension] }))
    const { app, exchange, exchanged, shown } = await exchangers(test, { authorization_details: [PAYMENT] })
    const value = await test.code({ scope: 'read', authorization_details: inText([PAYMENT, READ_WRITE]) })
    const { access_token } = await (await test.redeem(app, value, { authorization_details: inText([READ_WRITE]) })).json()
    const plain = await exchanged(access_token, { audience: ORDERS })
    expect([plain['authorization_details'], (await shown(plain['access_token']))['authorization_details']]).toEqual([undefined, undefined])
    for (const more of [[PAYMENT], [{ type: 'accounts', actions: ['admin'] }]])
      await expectTokenError(await exchange(access_token, { authorization_details: inText(more) }), 400, ERROR)
    const named = await exchanged(access_token, { audience: ORDERS, authorization_details: inText([READ]) })
    expect((await shown(named['access_token']))['authorization_details']).toEqual([READ])
    const bare = await (await test.redeem(app, await test.code({ scope: 'read' }))).json()
    await expectTokenError(await exchange(bare.access_token, { authorization_details: inText([PAYMENT]) }), 400, ERROR)
  })
})

describe('clients and configuration (§10)', () => {
  test('the metadata lists authorization_details_types_supported', async () => {
    const { test } = await ready()
    expect(test.server.metadata()['authorization_details_types_supported']).toEqual(['payment', 'accounts'])
  })

  test('authorization_details_types of a client are all that it may ask for', async () => {
    const { test, ask, code } = await ready({}, { authorization_details_types: ['accounts'] })
    expectRedirectError(await ask([PAYMENT]), ERROR)
    expect(await code([READ])).toMatch(/^gac_/)
    await expect(test.client({ client_id: 'b', authorization_details_types: ['transfer'] })).rejects.toThrow('one of payment, accounts')
    await expect(
      test.client({ client_id: 'b', authorization_details: [{ ...PAYMENT, tip: 1 } as AuthorizationDetail] })
    ).rejects.toMatchObject({
      error: 'invalid_client_metadata'
    })
    await expect(test.client({ client_id: 'b', authorization_details: 'x' as never })).rejects.toThrow('a list of authorization details')
  })

  test('a client that registers itself says which types it will use, not what it may have with nobody to ask', async () => {
    const { test } = await ready({ extensions: [dynamicRegistration({ access: 'open', allow: { grantTypes: ['client_credentials'] } })] })
    const metadata = { grant_types: ['client_credentials'], authorization_details_types: ['accounts'], authorization_details: [READ] }
    const headers = { 'content-type': 'application/json' }
    const answer = await (await test.fetch('/register', { method: 'POST', headers, body: JSON.stringify(metadata) })).json()
    expect([answer.authorization_details_types, answer.authorization_details]).toEqual([['accounts'], undefined])
    const request = { grant_type: 'client_credentials', authorization_details: inText([READ]) }
    await expectTokenError(await test.token(answer, request), 400, ERROR)
  })

  test('what was taken away from a client is no longer in what a refresh gives', async () => {
    const { test, tokens, refresh } = await ready()
    const first = await tokens([PAYMENT, READ])
    await test.server.clients.update('app', { authorization_details_types: ['payment'] })
    test.now += 2
    expect((await (await refresh(first.refresh_token)).json()).authorization_details).toEqual([PAYMENT])
  })

  test.each([
    [{}, 'types is an object with at least one type'],
    [{ types: {} }, 'types is an object with at least one type'],
    [{ types: { a: null } }, 'a is an object'],
    [{ types: { a: {} } }, 'schema is a schema with the Standard Schema interface'],
    [{ types: { a: { schema: { parse: () => 1 } } } }, 'schema is a schema with the Standard Schema interface'],
    [{ types: { a: { ...types.payment, describe: 'x' } } }, 'describe is a function'],
    [{ types: { a: { ...types.payment, remember: true } } }, 'did you mean remembered?'],
    [{ types, type: 1 }, 'there is no type; did you mean types?']
  ])('%j cannot work and is refused at the start', (options, message) => {
    expect(() => richAuthorizationRequests(options as never)).toThrow(message)
  })

  test('a schema that throws is this server’s fault, and told as one', async () => {
    const broken: StandardSchemaV1 = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => {
          throw new Error('broken')
        }
      }
    }
    const test = new TestServer({ extensions: [richAuthorizationRequests({ types: { a: { schema: broken } } })] })
    await test.client()
    expectRedirectError(await test.authorize({ authorization_details: '[{"type":"a"}]' }), 'server_error')
  })

  test('not passed, not there: authorization_details is ignored, and the members of a client are unknown', async () => {
    const test = new TestServer()
    const client = await test.client()
    expect(test.server.metadata()).not.toHaveProperty('authorization_details_types_supported')
    const code = await test.code({ scope: undefined, authorization_details: 'nonsense' })
    const tokens = await (await test.redeem(client, code, { authorization_details: 'nonsense' })).json()
    expect([tokens.scope, tokens.authorization_details]).toEqual(['read write', undefined])
    for (const member of ['authorization_details_types', 'authorization_details'])
      await expect(test.client({ client_id: 'b', [member]: ['a'] })).rejects.toThrow(`there is no ${member}`)
  })
})
