import * as jose from 'jose'
import { describe, expect, test } from 'vitest'
import { InteractionRequiredError } from '../src/index.ts'
import { AUTHENTICATION, openIdServer, PAIRWISE_KEY, SCOPE, userinfo, verifyIdToken } from './openid-support.ts'
import { basic, expectRedirectError, ISSUER, START, TestServer } from './support.ts'

type Params = Record<string, string | undefined>
type Prepared = Awaited<ReturnType<typeof openIdServer>>

const authenticate = ({ test }: Prepared, params: Params = {}) => test.authorize({ ...AUTHENTICATION, ...params })

async function idToken({ test, client }: Prepared, params: Params = {}) {
  const { id_token } = await (await test.redeem(client, await test.code({ ...AUTHENTICATION, ...params }))).json()
  return { id_token: id_token as string, claims: (await verifyIdToken(test, id_token)).payload }
}

describe('max_age and auth_time', () => {
  test('AP-10 auth_time is when this session began, whatever happened on another device or by a refresh (AP-11)', async () => {
    const provider = await openIdServer()
    const { test, client } = provider
    test.session = { id: 'old', subject: 'alice', authTime: START - 300 }
    const { refresh_token } = await (await test.redeem(client, await test.code(AUTHENTICATION))).json()
    test.session = { id: 'other device', subject: 'alice', authTime: START }
    await idToken(provider)
    await test.token(client, { grant_type: 'refresh_token', refresh_token })
    test.session = { id: 'old', subject: 'alice', authTime: START - 300 }
    expect((await idToken(provider, { max_age: '300' })).claims.auth_time).toBe(START - 300)
    await authenticate(provider, { max_age: '60' })
    expect(test.prompts.at(-1)).toMatchObject({ prompt: 'login', reason: 'max_age' })
    expectRedirectError(await authenticate(provider, { max_age: '60', prompt: 'none' }), 'login_required')
  })

  test('AP-10 max_age=0 asks again, 1e9 does not, and what is no number is refused', async () => {
    const provider = await openIdServer()
    await authenticate(provider, { max_age: '0' })
    expect(provider.test.prompts.at(-1)?.reason).toBe('max_age')
    expect((await authenticate(provider, { max_age: '1000000000' })).status).toBe(303)
    for (const max_age of ['-1', 'abc', '1e9', '1.5', '99999999999999999999'])
      expectRedirectError(await authenticate(provider, { max_age }), 'invalid_request')
  })

  test('the default_max_age of a client counts where the request says nothing (Registration §2)', async () => {
    const provider = await openIdServer()
    await provider.test.client({ client_id: 'bank', scope: SCOPE, default_max_age: 5 })
    await authenticate(provider, { client_id: 'bank' })
    expect(provider.test.prompts.at(-1)?.reason).toBe('max_age')
    expect((await authenticate(provider, { client_id: 'bank', max_age: '60' })).status).toBe(303)
  })
})

describe('id_token_hint', () => {
  test('AP-12 of the person who is signed in goes through, expired or not; of another never switches the session', async () => {
    const provider = await openIdServer()
    const { id_token } = await idToken(provider)
    provider.test.now += 10_000
    expect((await authenticate(provider, { id_token_hint: id_token, prompt: 'none' })).headers.get('location')).toContain('code=')
    provider.test.session = { id: 's2', subject: 'bob', authTime: provider.test.now - 5 }
    expectRedirectError(await authenticate(provider, { id_token_hint: id_token, prompt: 'none' }), 'login_required')
    await authenticate(provider, { id_token_hint: id_token })
    const { returnTo, reason } = provider.test.prompts.at(-1) ?? {}
    expect(reason).toBe('other_subject')
    provider.test.session = { id: 's3', subject: 'bob', authTime: provider.test.now }
    expectRedirectError(await provider.test.fetch(returnTo ?? ''), 'login_required')
  })

  test('AP-12 that is no ID token of ours is refused: unsigned, of another issuer, changed, encrypted, another JWT of ours', async () => {
    const provider = await openIdServer({}, { accessTokenFormat: 'jwt' })
    const { test, client } = provider
    const { id_token } = await idToken(provider)
    const { access_token } = await (await test.redeem(client, await test.code(AUTHENTICATION))).json()
    const [header = '', payload = '', signature = ''] = id_token.split('.')
    const { privateKey } = await jose.generateKeyPair('RS256')
    const foreign = await new jose.SignJWT(jose.decodeJwt(id_token))
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: String(jose.decodeProtectedHeader(id_token).kid) })
      .sign(privateKey)
    const none = `${jose.base64url.encode(JSON.stringify({ alg: 'none', typ: 'JWT' }))}.${payload}.`
    const changed = `${header}.${jose.base64url.encode(JSON.stringify({ ...jose.decodeJwt(id_token), sub: 'bob' }))}.${signature}`
    for (const id_token_hint of [none, foreign, changed, access_token, 'x', 'a.b.c.d.e', `${id_token}.`])
      expectRedirectError(await authenticate(provider, { id_token_hint }), 'invalid_request')
  })

  test('AP-12 that was issued to another client is refused', async () => {
    const provider = await openIdServer()
    await provider.test.client({ client_id: 'other', scope: SCOPE })
    const { id_token } = await idToken(provider)
    for (const prompt of [undefined, 'none'])
      expectRedirectError(await authenticate(provider, { client_id: 'other', id_token_hint: id_token, prompt }), 'invalid_request')
  })

  test('JW-01 signed userinfo is no ID token', async () => {
    const provider = await openIdServer()
    const client = await provider.test.client({ client_id: 'signed', scope: SCOPE, userinfo_signed_response_alg: 'RS256' })
    const code = await provider.test.code({ ...AUTHENTICATION, client_id: 'signed' })
    const { access_token } = await (await provider.test.redeem(client, code)).json()
    const response = await provider.test.fetch('/userinfo', { headers: { authorization: `Bearer ${access_token}` } })
    expectRedirectError(await authenticate(provider, { client_id: 'signed', id_token_hint: await response.text() }), 'invalid_request')
  })

  test('works for pairwise subjects', async () => {
    const provider = await openIdServer({ pairwiseKey: PAIRWISE_KEY })
    const client = await provider.test.client({ client_id: 'pair', scope: SCOPE, subject_type: 'pairwise' })
    const code = await provider.test.code({ ...AUTHENTICATION, client_id: 'pair' })
    const { id_token } = await (await provider.test.redeem(client, code)).json()
    const response = await authenticate(provider, { client_id: 'pair', id_token_hint: id_token, prompt: 'none' })
    expect(response.headers.get('location')).toContain('code=')
  })
})

describe('the claims parameter', () => {
  test.each([
    'x',
    '[]',
    '"x"',
    '1',
    'null',
    '{"userinfo":[]}',
    '{"id_token":{"name":1}}',
    '{"userinfo":{"name":{"essential":"yes"}}}',
    '{"userinfo":{"name":{"values":1}}}'
  ])('AP-14 %s is refused', async (claims) => {
    expectRedirectError(await authenticate(await openIdServer(), { claims }), 'invalid_request')
  })

  test('AP-14 too much of it is refused, and __proto__ is a name like any other', async () => {
    const provider = await openIdServer()
    expectRedirectError(
      await authenticate(provider, { claims: JSON.stringify({ userinfo: { ['x'.repeat(9000)]: null } }) }),
      'invalid_request'
    )
    const many = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`c${i}`, null]))
    expectRedirectError(await authenticate(provider, { claims: JSON.stringify({ id_token: many }) }), 'invalid_request')
    const { claims } = await idToken(provider, { claims: '{"id_token":{"__proto__":{"essential":true},"name":null}}' })
    expect(claims).toMatchObject({ name: 'Alice Adams' })
    expect(({} as Record<string, unknown>).essential).toBe(undefined)
  })

  test('AP-14 nothing is asked for without openid, and a megabyte is refused before it is read', async () => {
    const provider = await openIdServer()
    const { test, client } = provider
    for (const claims of ['not json', '{"userinfo":{"email":null}}']) {
      const { access_token, id_token } = await (await test.redeem(client, await test.code({ scope: 'read', claims }))).json()
      expect(id_token).toBeUndefined()
      expect((await test.fetch('/userinfo', { headers: { authorization: `Bearer ${access_token}` } })).status).toBe(403)
    }
    const claims = `{"userinfo":{"x":"${'x'.repeat(1_048_576)}"}}`
    expect((await test.post('/authorize', { ...AUTHENTICATION, claims })).status).toBe(413)
  })

  test('AP-14 another sub than the one who is signed in means login_required', async () => {
    const provider = await openIdServer()
    const asking = (value: string) => JSON.stringify({ id_token: { sub: { value } } })
    expectRedirectError(await authenticate(provider, { claims: asking('victim'), prompt: 'none' }), 'login_required')
    expect((await authenticate(provider, { claims: asking('alice'), prompt: 'none' })).headers.get('location')).toContain('code=')
  })

  test('AP-14 what goes beyond the scopes that a client is registered for is not given', async () => {
    const provider = await openIdServer()
    const client = await provider.test.client({ client_id: 'narrow', scope: 'openid email' })
    const claims = JSON.stringify({
      id_token: { phone_number: { essential: true }, email: null },
      userinfo: { phone_number: null, name: null }
    })
    const code = await provider.test.code({ ...AUTHENTICATION, client_id: 'narrow', claims })
    const { id_token, access_token } = await (await provider.test.redeem(client, code)).json()
    const { payload } = await verifyIdToken(provider.test, id_token, 'narrow')
    expect([payload.email, payload.phone_number]).toEqual(['alice@example.com', undefined])
    expect(await userinfo(provider.test, access_token)).toEqual({ sub: 'alice' })
  })

  test('a claim with another value than the one asked for is left out (Core §5.5.1)', async () => {
    const provider = await openIdServer()
    const claims = JSON.stringify({ id_token: { email: { value: 'bob@example.com' }, name: { values: ['x', 'Alice Adams'] } } })
    const { claims: received } = await idToken(provider, { claims })
    expect([received.email, received.name]).toEqual([undefined, 'Alice Adams'])
  })

  test('a person is asked about claims that no scope and no earlier grant named, once', async () => {
    const provider = await openIdServer()
    const { test } = provider
    await test.client({ client_id: 'asks', scope: SCOPE, require_consent: true })
    const request = { client_id: 'asks', scope: 'openid', claims: '{"userinfo":{"email":null}}' }
    const consent = async () => {
      const { id = '', returnTo = '', scope = [] } = test.prompts.at(-1) ?? {}
      await test.server.interactions.resolve(
        {
          method: 'POST',
          url: '/',
          headers: new Headers({ cookie: [...test.cookies].map((pair) => pair.join('=')).join('; ') }),
          body: async () => ''
        },
        id,
        { consent: { subject: 'alice', scope } }
      )
      return test.fetch(returnTo)
    }
    await authenticate(provider, { ...request, claims: undefined })
    expect(test.prompts.at(-1)?.reason).toBe('new_scope')
    expect((await consent()).headers.get('location')).toContain('code=')
    await authenticate(provider, request)
    expect(test.prompts.at(-1)).toMatchObject({
      reason: 'new_claims',
      prompt: 'consent',
      details: { openid: { claims: { userinfo: { email: null } } } }
    })
    expect((await consent()).headers.get('location')).toContain('code=')
    expect((await authenticate(provider, { ...request, prompt: 'none' })).headers.get('location')).toContain('code=')
    expectRedirectError(
      await authenticate(provider, { ...request, claims: '{"userinfo":{"name":null}}', prompt: 'none' }),
      'consent_required'
    )
  })
})

describe('offline_access', () => {
  test('AP-17 gets nothing that the client is not registered for: no refresh token without that grant type, none through the browser', async () => {
    const provider = await openIdServer({ responseTypes: ['id_token token'] })
    const { test } = provider
    const online = await test.client({ client_id: 'online', scope: SCOPE, grant_types: ['authorization_code'] })
    const request = { ...AUTHENTICATION, scope: 'openid offline_access' }
    const code = await test.code({ ...request, client_id: 'online' })
    expect(await (await test.redeem(online, code)).json()).not.toHaveProperty('refresh_token')
    await test.client({ client_id: 'front', scope: SCOPE, grant_types: ['implicit'], response_types: ['id_token token'] })
    const response = await test.authorize({ ...request, client_id: 'front', response_type: 'id_token token' })
    const answer = new URLSearchParams(new URL(response.headers.get('location') ?? '').hash.slice(1))
    expect([answer.has('access_token'), answer.has('refresh_token')]).toEqual([true, false])
  })

  test('AP-17 a client that was not granted it before gets it by consent alone, be the rest remembered', async () => {
    const provider = await openIdServer()
    const { test } = provider
    await test.client({ client_id: 'asks', scope: SCOPE, require_consent: true })
    const request = { ...AUTHENTICATION, client_id: 'asks' }
    await test.authorize(request)
    const { id = '', returnTo = '' } = test.prompts.at(-1) ?? {}
    const cookie = [...test.cookies].map((pair) => pair.join('=')).join('; ')
    await test.server.interactions.resolve({ method: 'POST', url: '/', headers: new Headers({ cookie }), body: async () => '' }, id, {
      consent: { subject: 'alice', scope: ['openid'] }
    })
    expect((await test.fetch(returnTo)).headers.get('location')).toContain('code=')
    const offline = { ...request, scope: 'openid offline_access' }
    expectRedirectError(await test.authorize({ ...offline, prompt: 'none' }), 'consent_required')
    await test.authorize(offline)
    expect(test.prompts.at(-1)).toMatchObject({ reason: 'new_scope', newScope: ['offline_access'] })
  })
})

describe('acr', () => {
  const essential = JSON.stringify({ id_token: { acr: { essential: true, values: ['urn:hardware'] } } })

  test('AP-15 a voluntary acr_values that cannot be met is answered with the true acr', async () => {
    const provider = await openIdServer({ acrValues: ['urn:hardware', 'urn:pwd'] })
    provider.test.session = { id: 's', subject: 'alice', authTime: START, acr: 'urn:pwd' }
    expect((await idToken(provider, { acr_values: 'urn:hardware' })).claims.acr).toBe('urn:pwd')
  })

  test('AP-15 your pages learn the acr_values of the request, or else the default_acr_values of the client (Registration §2)', async () => {
    const provider = await openIdServer()
    const { test } = provider
    test.session = undefined
    await test.server.clients.update('app', { default_acr_values: ['urn:hardware', 'urn:pwd'] })
    await authenticate(provider)
    await authenticate(provider, { acr_values: 'urn:pwd' })
    expect(test.prompts.map(({ acrValues }) => acrValues)).toEqual([['urn:hardware', 'urn:pwd'], ['urn:pwd']])
  })

  test('AP-15 an essential acr asks for a sign-in, and fails if that does not reach it', async () => {
    const provider = await openIdServer()
    const { test } = provider
    test.session = { id: 's', subject: 'alice', authTime: START - 10, acr: 'urn:pwd' }
    await authenticate(provider, { claims: essential })
    const { returnTo = '', reason } = test.prompts.at(-1) ?? {}
    expect(reason).toBe('acr')
    test.session = { id: 's2', subject: 'alice', authTime: START, acr: 'urn:pwd' }
    expectRedirectError(await test.fetch(returnTo), 'unmet_authentication_requirements')
    test.session = { id: 's3', subject: 'alice', authTime: START, acr: 'urn:hardware' }
    expect((await idToken(provider, { claims: essential })).claims.acr).toBe('urn:hardware')
  })
})

describe('prompts', () => {
  test('AP-08 AP-09 none fails where a page is needed, and stands alone', async () => {
    const provider = await openIdServer()
    provider.test.session = undefined
    expectRedirectError(await authenticate(provider, { prompt: 'none' }), 'login_required')
    expectRedirectError(await authenticate(provider, { prompt: 'none login' }), 'invalid_request')
    expectRedirectError(await authenticate(provider, { prompt: 'bogus' }), 'invalid_request')
    expectRedirectError(await authenticate(provider, { prompt: 'create' }), 'invalid_request')
    expect(provider.test.prompts).toEqual([])
  })

  test('AP-08 whatever else an integrator must ask is interaction_required, and never a page', async () => {
    const pending = {
      reason: 'second_factor',
      prompt: 'second_factor',
      error: InteractionRequiredError,
      isNeeded: ({ session }: { session: unknown }) => session !== undefined
    }
    const provider = await openIdServer({}, { extensions: [() => ({ interactionChecks: [pending] })] })
    expectRedirectError(await authenticate(provider, { prompt: 'none' }), 'interaction_required')
    expect(provider.test.prompts).toEqual([])
    await authenticate(provider)
    expect(provider.test.prompts.at(-1)).toMatchObject({ prompt: 'second_factor', reason: 'second_factor' })
    expect(await provider.test.server.store.grants.list({ clientId: 'app' }, provider.test.now)).toEqual([])
  })

  test('create leads to your page for new accounts, before any sign-in, and only once', async () => {
    const provider = await openIdServer({ signUp: true })
    const { test } = provider
    for (const session of [undefined, { id: 's1', subject: 'alice', authTime: START - 10 }]) {
      test.session = session
      await authenticate(provider, { prompt: 'create' })
      const { returnTo = '', prompt } = test.prompts.at(-1) ?? {}
      expect(prompt).toBe('create')
      test.session = { id: 'new', subject: 'bob', authTime: START }
      expect((await test.fetch(returnTo)).headers.get('location')).toContain('code=')
    }
    const metadata = await (await test.fetch('/.well-known/openid-configuration')).json()
    expect(metadata.prompt_values_supported).toContain('create')
  })
})

describe('parameters that change nothing must not be errors', () => {
  test.each([
    ['display', 'page'],
    ['display', 'popup'],
    ['ui_locales', 'se'],
    ['claims_locales', 'se'],
    ['login_hint', 'buffy@host'],
    ['login_hint', '<script>alert(1)</script>\r\nx: y'],
    ['acr_values', '1 2'],
    ['extra', 'foobar'],
    ['nonce', 'n'.repeat(1000)]
  ])('AP-13 AP-18 %s=%s', async (name, value) => {
    const provider = await openIdServer()
    const { claims } = await idToken(provider, { [name]: value })
    expect(claims.nonce).toBe(name === 'nonce' ? value : AUTHENTICATION.nonce)
  })
})

describe('parameters of OpenID Connect that this provider does not have', () => {
  const METADATA = JSON.stringify({ client_name: 'I am my own provider' })

  test('registration_not_supported: "The OP does not support use of the registration parameter defined in Section 7.2.1"', async () => {
    const provider = await openIdServer()
    expectRedirectError(await authenticate(provider, { registration: METADATA }), 'registration_not_supported')
    expectRedirectError(await authenticate(provider, { registration: METADATA, prompt: 'none' }), 'registration_not_supported')
    // RFC 6749 §3.1: to a request that is not OpenID's it means nothing: "The authorization server MUST ignore unrecognized request parameters."
    const response = await authenticate(provider, { registration: METADATA, scope: 'read' })
    expect(response.headers.get('location')).toContain('code=')
  })

  test('request_not_supported and request_uri_not_supported, "the OP MUST return" them (Core §6.1, §6.2)', async () => {
    const provider = await openIdServer()
    expectRedirectError(await authenticate(provider, { request: 'e30.e30.' }), 'request_not_supported')
    expectRedirectError(await authenticate(provider, { request_uri: 'https://client.example.com/r' }), 'request_uri_not_supported')
  })

  test('a prompt that is not in prompt_values_supported: invalid_request (Initiating User Registration §4.1)', async () => {
    const provider = await openIdServer()
    expectRedirectError(await authenticate(provider, { prompt: 'create' }), 'invalid_request')
    expectRedirectError(await authenticate(provider, { prompt: 'create login' }), 'invalid_request')
    expectRedirectError(await authenticate(await openIdServer({ signUp: true }), { prompt: 'create none' }), 'invalid_request')
  })
})

describe('discovery', () => {
  test('DI-02 tells what is enforced', async () => {
    const { test } = await openIdServer({ acrValues: ['urn:pwd'], pairwiseKey: PAIRWISE_KEY })
    const metadata = await (await test.fetch('/.well-known/openid-configuration')).json()
    expect(metadata).toMatchObject({
      issuer: ISSUER,
      userinfo_endpoint: `${ISSUER}/userinfo`,
      jwks_uri: `${ISSUER}/jwks`,
      scopes_supported: ['openid', 'profile', 'email', 'address', 'phone', 'groups', 'offline_access'],
      subject_types_supported: ['public', 'pairwise'],
      id_token_signing_alg_values_supported: ['RS256', 'ES256'],
      claims_parameter_supported: true,
      acr_values_supported: ['urn:pwd']
    })
    const algorithms = Object.entries(metadata).filter(([name]) => name.includes('_alg_'))
    expect(algorithms.filter(([, values]) => (values as string[]).includes('none'))).toEqual([])
  })

  test('DI-01 every place of the metadata of an issuer with a path answers with the same bytes', async () => {
    const issuer = 'https://id.example.com/tenant'
    const { test } = await openIdServer({}, { issuer })
    const places = [
      '/.well-known/oauth-authorization-server/tenant',
      '/.well-known/openid-configuration/tenant',
      '/tenant/.well-known/openid-configuration'
    ]
    const bodies = await Promise.all(places.map(async (path) => (await test.fetch(path)).text()))
    expect(new Set(bodies).size).toBe(1)
    expect(JSON.parse(bodies[0] ?? '').issuer).toBe(issuer)
    for (const path of ['/.well-known/openid-configuration', '/other/.well-known/openid-configuration'])
      expect((await test.fetch(path)).status).toBe(404)
  })

  test('DI-03 DI-06 is the same for every host and origin, and readable by all', async () => {
    const { test } = await openIdServer()
    const [plain, odd] = await Promise.all([
      test.fetch('/.well-known/openid-configuration'),
      test.fetch('/.well-known/openid-configuration?cb=1', {
        headers: { 'x-forwarded-host': 'evil.example', origin: 'https://app.example' }
      })
    ])
    expect(await plain.text()).toBe(await odd.text())
    expect(odd.headers.get('access-control-allow-origin')).toBe('*')
  })

  test('has RS256 and ES256 keys with ids of their own, and public members only (JW-09)', async () => {
    const { test } = await openIdServer()
    const { keys } = await (await test.fetch('/jwks')).json()
    expect(keys.map(({ alg }: { alg: string }) => alg).sort()).toEqual(['ES256', 'RS256'])
    expect(new Set(keys.map(({ kid }: { kid: string }) => kid)).size).toBe(2)
    for (const key of keys) expect(Object.keys(key).filter((name) => ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'].includes(name))).toEqual([])
  })
})

describe('userinfo', () => {
  async function withToken(params: Params = {}, options = {}) {
    const provider = await openIdServer(options)
    const { access_token } = await (
      await provider.test.redeem(provider.client, await provider.test.code({ ...AUTHENTICATION, ...params }))
    ).json()
    const ask = (init: RequestInit = {}, path = '/userinfo') => provider.test.fetch(path, init)
    const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
    return { ...provider, access_token: access_token as string, ask, bearer }
  }

  test('gives the claims of the scope and those asked for, by GET, by POST with a header, by POST with a form', async () => {
    const { access_token, ask, bearer } = await withToken({ scope: 'openid profile email', claims: '{"userinfo":{"groups":null}}' })
    const expected = {
      sub: 'alice',
      name: 'Alice Adams',
      'name#ja': 'アリス',
      given_name: 'Alice',
      updated_at: 1_700_000_000,
      email: 'alice@example.com',
      email_verified: true,
      groups: ['staff']
    }
    const form = { method: 'POST', body: new URLSearchParams({ access_token }) }
    const responses = [
      await ask(bearer(access_token)),
      await ask({ method: 'POST', ...bearer(access_token) }),
      await ask(form),
      await ask({ headers: { authorization: `bEARER ${access_token}` } })
    ]
    for (const response of responses) {
      expect(await response.json()).toEqual(expected)
      expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
    }
  })

  test('UI-04 gives no more than the scope, and always sub', async () => {
    const { test, access_token } = await withToken()
    expect(await userinfo(test, access_token)).toEqual({ sub: 'alice' })
  })

  test('UI-01 refuses what is no token with the challenge of RFC 6750 §3', async () => {
    const { test, client, access_token, ask, bearer } = await withToken()
    const bare = await ask()
    expect([bare.status, bare.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    for (const token of ['x', `${access_token}x`, access_token.slice(0, -1), access_token.toUpperCase()]) {
      const response = await ask(bearer(token))
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([
        401,
        expect.stringMatching(/^Bearer error="invalid_token"/)
      ])
    }
    for (const authorization of [`Basic ${btoa('app:x')}`, `DPoP ${access_token}`, 'Bearer', `Bearer ${access_token} x`])
      expect((await ask({ headers: { authorization } })).status).toBe(401)
    expect((await ask({}, `/userinfo?access_token=${access_token}`)).status).toBe(400)
    expect((await ask({ method: 'POST', body: new URLSearchParams({ access_token }), ...bearer(access_token) })).status).toBe(400)
    await test.post('/revoke', { token: access_token }, basic('app', client.client_secret ?? ''))
    expect((await ask(bearer(access_token))).status).toBe(401)
  })

  test('UI-01 refuses an expired token', async () => {
    const { test, access_token, ask, bearer } = await withToken()
    test.now += 3600
    expect((await ask(bearer(access_token))).status).toBe(401)
  })

  test('UI-02 refuses a token without openid, of no person, or for another resource', async () => {
    const { test, client, ask, bearer } = await withToken()
    const plain = await (await test.redeem(client, await test.code({ scope: 'read' }))).json()
    const own = await (await test.token(client, { grant_type: 'client_credentials', scope: 'openid' })).json()
    for (const { access_token } of [plain, own]) {
      const response = await ask(bearer(access_token))
      expect([response.status, (await response.json()).error]).toEqual([403, 'insufficient_scope'])
    }
    const minted = await test.server.tokens.accessToken(
      { client },
      { scope: ['openid'], subject: 'alice', resource: ['https://api.example'] }
    )
    if (minted.artifact) await test.server.store.artifacts.insert(minted.artifact)
    expect((await ask(bearer(minted.token))).status).toBe(401)
  })

  test('UI-03 refuses the token of a person who is gone, of a revoked grant, of a disabled client', async () => {
    let isThere = true
    const { test, access_token, ask, bearer } = await withToken({}, { claims: async () => (isThere ? {} : undefined) })
    expect((await ask(bearer(access_token))).status).toBe(200)
    isThere = false
    expect((await ask(bearer(access_token))).status).toBe(401)
    isThere = true
    await test.server.clients.update('app', { disabled: true })
    expect((await ask(bearer(access_token))).status).toBe(401)
    await test.server.clients.update('app', { disabled: false })
    expect((await ask(bearer(access_token))).status).toBe(200)
    await test.server.store.grants.revoke({ subject: 'alice' }, test.now)
    expect((await ask(bearer(access_token))).status).toBe(401)
  })

  test('JW-01 an ID token is no access token', async () => {
    const provider = await openIdServer({}, { accessTokenFormat: 'jwt' })
    const { id_token } = await idToken(provider)
    const response = await provider.test.fetch('/userinfo', { headers: { authorization: `Bearer ${id_token}` } })
    expect(response.status).toBe(401)
    expect(await provider.test.introspect({ client_id: 'app', client_secret: provider.client.client_secret ?? '' }, id_token)).toEqual({
      active: false
    })
  })

  test('UI-05 is signed for a client that asked for it, with iss and aud and without nonce', async () => {
    const { test } = await openIdServer()
    const client = await test.client({ client_id: 'signed', scope: SCOPE, userinfo_signed_response_alg: 'RS256' })
    const { access_token } = await (await test.redeem(client, await test.code({ ...AUTHENTICATION, client_id: 'signed' }))).json()
    // What it registered counts, whatever it says that it accepts.
    for (const accept of [undefined, 'application/jwt', 'application/json', '*/*', 'text/html;q=0.1']) {
      const headers = { authorization: `Bearer ${access_token}`, ...(accept !== undefined && { accept }) }
      const response = await test.fetch('/userinfo', { headers })
      expect(response.headers.get('content-type')).toBe('application/jwt')
      expect((await verifyIdToken(test, await response.text(), 'signed')).payload).toEqual({ sub: 'alice', iss: ISSUER, aud: 'signed' })
    }
  })

  test('DI-06 is readable in a browser by the origins of the client that the token is for', async () => {
    const { access_token, ask } = await withToken()
    const origin = async (value: string) =>
      (await ask({ headers: { authorization: `Bearer ${access_token}`, origin: value } })).headers.get('access-control-allow-origin')
    expect([await origin('https://client.example.com'), await origin('https://evil.example'), await origin('null')]).toEqual([
      'https://client.example.com',
      null,
      null
    ])
  })

  test('aggregated and distributed claims pass through, as far as they are wanted (Core §5.6.2)', async () => {
    const sources = { src1: { JWT: 'a.b.c' }, src2: { endpoint: 'https://bank.example', access_token: 't' } }
    const claims = async () => ({ name: 'Jane', _claim_names: { email: 'src1', groups: 'src2', hidden: 'src2' }, _claim_sources: sources })
    const { test, access_token } = await withToken({ scope: 'openid profile email' }, { claims })
    expect(await userinfo(test, access_token)).toEqual({
      sub: 'alice',
      name: 'Jane',
      _claim_names: { email: 'src1' },
      _claim_sources: { src1: sources.src1 }
    })
  })

  test('DI-05 has one address', async () => {
    const { access_token, ask, bearer } = await withToken()
    for (const path of ['/userinfo/x.css', '/userinfo/', '/userinfo;x.js', '/USERINFO'])
      expect((await ask(bearer(access_token), path)).status).toBe(404)
  })
})

test('a server without the extension ignores what only OpenID Connect knows', async () => {
  const test = new TestServer()
  const client = await test.client()
  const code = await test.code({ nonce: 'n', claims: 'not json', id_token_hint: 'x', display: 'bogus' })
  expect((await test.redeem(client, code)).status).toBe(200)
})
