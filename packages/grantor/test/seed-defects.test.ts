import { describe, expect, test } from 'vitest'
import { ConfigurationError, InvalidGrantError, implicit, passwordGrant } from '../src/index.ts'
import {
  basic,
  CHALLENGE,
  expectPage,
  expectRedirectError,
  expectTokenError,
  ISSUER,
  query,
  REDIRECT_URI,
  TestServer,
  VERIFIER
} from './support.ts'

// The protocol defects of aioauth 2.0.0, numbered as in docs/from-aioauth.md. Each must fail here.

async function ready(options = {}, metadata = {}) {
  const test = new TestServer(options)
  const client = await test.client(metadata)
  const tokens = async (params = {}) => (await test.redeem(client, await test.code({ client_id: client.client_id, ...params }))).json()
  const refresh = (refresh_token: string, params = {}) => test.token(client, { grant_type: 'refresh_token', refresh_token, ...params })
  const active = async (token: string) => (await test.introspect(client, token)).active
  return { test, client, tokens, refresh, active }
}

describe('aioauth, security', () => {
  test('defect 1: a challenge without a method is not a way around PKCE', async () => {
    const { test } = await ready()
    expectRedirectError(await test.authorize({ code_challenge_method: undefined }), 'invalid_request')
    const plain = await test.client({ client_id: 'plain', code_challenge_method: 'plain' })
    const code = await test.code({ client_id: 'plain', code_challenge: VERIFIER, code_challenge_method: undefined })
    const form = { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI }
    expect((await test.token(plain, form)).status).toBe(400)
    await expectTokenError(await test.token(plain, { ...form, code_verifier: `${VERIFIER}x` }), 400, 'invalid_grant')
    expect((await test.token(plain, { ...form, code_verifier: VERIFIER })).status).toBe(200)
  })

  test('defect 2: an error before the redirect URI is proven is never redirected', async () => {
    const { test } = await ready({ available: () => available })
    let available = true
    const evil = { redirect_uri: 'https://evil.example/' }
    for (const params of [{ response_type: undefined }, { response_type: 'nonsense' }, { client_id: 'nobody' }, {}]) {
      await expectPage(await test.authorize({ ...params, ...evil }))
    }
    available = false
    await expectPage(await test.authorize(evil), 503)
  })

  test('defect 3: redirect_uri at the token endpoint is compared with the one of the code', async () => {
    const other = 'https://client.example.com/other'
    const { test, client } = await ready({}, { redirect_uris: [REDIRECT_URI, other] })
    await expectTokenError(await test.redeem(client, await test.code(), { redirect_uri: other }), 400, 'invalid_grant')
  })

  test('defect 4: of parallel redemptions one succeeds, and a replay revokes what it got', async () => {
    const { test, client, active } = await ready()
    const code = await test.code()
    const responses = await Promise.all(Array.from({ length: 20 }, () => test.redeem(client, code)))
    const [winner, ...others] = responses.filter(({ status }) => status === 200)
    expect(others).toEqual([])
    const { access_token } = await (winner as Response).json()
    expect(await active(access_token)).toBe(false)
  })

  test('defect 5: codes and tokens of one client are nothing to another', async () => {
    const { test, client, tokens, active } = await ready()
    const other = await test.client({ client_id: 'other' })
    await expectTokenError(await test.redeem(other, await test.code()), 400, 'invalid_grant')
    const { access_token, refresh_token } = await tokens()
    await expectTokenError(await test.token(other, { grant_type: 'refresh_token', refresh_token }), 400, 'invalid_grant')
    expect(await test.introspect(other, access_token)).toEqual({ active: false })
    await test.post('/revoke', { token: refresh_token }, basic('other', other.client_secret ?? ''))
    expect([await active(access_token), await active(refresh_token), client.client_id]).toEqual([true, true, 'app'])
  })

  test('defect 6: reuse of a refresh token ends the family', async () => {
    const { test, tokens, refresh, active } = await ready({ refreshTokenReuseWindow: 0 })
    const { refresh_token } = await tokens()
    const next = await (await refresh(refresh_token)).json()
    await expectTokenError(await refresh(refresh_token), 400, 'invalid_grant')
    expect([await active(next.access_token), await active(next.refresh_token)]).toEqual([false, false])
    expect(test.eventsOf('refresh_token.reused')).toHaveLength(1)
  })

  test('defect 7: PKCE is required of everybody, plain is refused, verifier and challenge have their form', async () => {
    const { test, client } = await ready()
    expectRedirectError(await test.authorize({ code_challenge: undefined, code_challenge_method: undefined }), 'invalid_request')
    expectRedirectError(await test.authorize({ code_challenge: VERIFIER, code_challenge_method: 'plain' }), 'invalid_request')
    for (const code_challenge of ['short', 'x'.repeat(129), `${CHALLENGE}!`]) {
      expectRedirectError(await test.authorize({ code_challenge }), 'invalid_request')
    }
    for (const code_verifier of ['short', 'x'.repeat(129), `${VERIFIER}!`]) {
      expect((await test.redeem(client, await test.code(), { code_verifier })).status).toBe(400)
    }
  })

  test('defect 8: no refresh token for client_credentials, none in the implicit fragment', async () => {
    const { test, client } = await ready(
      { extensions: [implicit] },
      { response_types: ['code', 'token'], grant_types: ['authorization_code', 'implicit', 'refresh_token', 'client_credentials'] }
    )
    expect(await (await test.token(client, { grant_type: 'client_credentials' })).json()).not.toHaveProperty('refresh_token')
    const { hash } = new URL((await test.authorize({ response_type: 'token' })).headers.get('location') ?? '')
    expect([hash.includes('access_token='), hash.includes('refresh_token')]).toEqual([true, false])
  })

  test('defect 9: no token in a query, whatever response_mode says', async () => {
    const { test } = await ready({ extensions: [implicit] }, { response_types: ['token'], grant_types: ['implicit'] })
    const response = await test.authorize({ response_type: 'token', response_mode: 'query' })
    expectRedirectError(response, 'invalid_request')
    expect(response.headers.get('location')).not.toContain('access_token')
  })

  test('defect 10: credentials of two clients in one request are refused', async () => {
    const { test, client } = await ready()
    const form = { grant_type: 'client_credentials', client_id: 'other' }
    await expectTokenError(await test.post('/token', form, basic('app', client.client_secret ?? '')), 400, 'invalid_request')
  })

  test('defect 11: each client has its method; an empty secret is no secret', async () => {
    const { test } = await ready()
    await expectTokenError(
      await test.post('/token', { grant_type: 'client_credentials', client_id: 'app', client_secret: '' }),
      401,
      'invalid_client'
    )
    await expectTokenError(await test.post('/token', { grant_type: 'client_credentials', client_id: 'app' }), 401, 'invalid_client')
    await test.publicClient()
    const form = { grant_type: 'authorization_code', client_id: 'spa', client_secret: 'something', code: 'x' }
    await expectTokenError(await test.post('/token', form), 401, 'invalid_client')
  })

  test('defect 12: tokens belong to the person who approved, and access_denied carries the state', async () => {
    const { test, client, tokens } = await ready({}, { require_consent: true })
    test.session = { id: 's1', subject: 'bob', authTime: test.now }
    await test.authorize()
    const [asked] = test.prompts
    const cookie = [...test.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const request = { method: 'POST', url: '/', headers: new Headers({ cookie }), body: async () => '' }
    await test.server.interactions.resolve(request, asked?.id ?? '', { denied: true })
    expectRedirectError(await test.fetch(asked?.returnTo ?? ''), 'access_denied')
    await test.server.clients.update('app', { require_consent: false })
    test.now += 5
    const { access_token } = await tokens()
    test.session = { id: 's9', subject: 'mallory', authTime: test.now }
    expect(await test.introspect(client, access_token)).toMatchObject({ sub: 'bob' })
  })
})

describe('aioauth, the wire format of RFC 6749', () => {
  test('defect 13: errors in JSON have error_description, and error_uri only where there is one', async () => {
    const { test } = await ready()
    const body = await (await test.post('/token', { grant_type: 'x' }, basic('app', 'wrong'))).json()
    expect(Object.keys(body)).toEqual(['error', 'error_description'])
    const other = await ready({ errorUri: 'https://docs.example.com/errors/' })
    expect(await (await other.test.post('/token', {})).json()).toMatchObject({
      error_uri: expect.stringMatching(/^https:\/\/docs\.example\.com\/errors\/invalid_/)
    })
  })

  test('defect 14: WWW-Authenticate is well-formed, and answers who used the header', async () => {
    const { test } = await ready()
    const byHeader = await test.post('/token', { grant_type: 'client_credentials' }, basic('app', 'wrong'))
    expect(byHeader.headers.get('www-authenticate')).toMatch(/^Basic realm="[^"]*"(, charset="UTF-8")?$/)
    const byBody = await test.post('/token', { grant_type: 'client_credentials', client_id: 'app', client_secret: 'wrong' })
    expect([byBody.status, byBody.headers.get('www-authenticate')]).toEqual([401, null])
  })

  test('defect 15: a wrong verifier and a wrong password are invalid_grant', async () => {
    const { test, client } = await ready()
    await expectTokenError(await test.redeem(client, await test.code(), { code_verifier: `${VERIFIER}x` }), 400, 'invalid_grant')
    const other = await ready({ extensions: [passwordGrant({ authenticate: async () => undefined })] }, { grant_types: ['password'] })
    const form = { grant_type: 'password', username: 'alice', password: 'wrong' }
    await expectTokenError(await other.test.token(other.client, form), 400, 'invalid_grant')
    expect(new InvalidGrantError('x').error).toBe('invalid_grant')
  })

  test('defect 16: a response type that the client may not use is unauthorized_client', async () => {
    const { test } = await ready({ extensions: [implicit] })
    expectRedirectError(await test.authorize({ response_type: 'token' }), 'unauthorized_client')
  })

  test('defect 17: server_error is 500, temporarily_unavailable 503 with Retry-After', async () => {
    const { test } = await ready({ available: false })
    const unavailable = await test.post('/token', {})
    expect(unavailable.headers.get('retry-after')).toMatch(/^\d+$/)
    await expectTokenError(unavailable, 503, 'temporarily_unavailable')
    const broken = await ready(
      { extensions: [passwordGrant({ authenticate: () => Promise.reject(new Error('down')) })] },
      { grant_types: ['password'] }
    )
    await expectTokenError(
      await broken.test.token(broken.client, { grant_type: 'password', username: 'a', password: 'b' }),
      500,
      'server_error'
    )
  })

  test('defect 18: errors of the implicit grant are in the fragment', async () => {
    const { test } = await ready({ extensions: [implicit] }, { response_types: ['token'], grant_types: ['implicit'] })
    const location = new URL((await test.authorize({ response_type: 'token', scope: 'nonsense' })).headers.get('location') ?? '')
    expect([location.search, location.hash.includes('error=invalid_scope')]).toEqual(['', true])
  })

  test('defect 19: every response mode carries the whole answer', async () => {
    const { test } = await ready()
    const page = await test.authorize({ response_mode: 'form_post' })
    expect([page.status, page.headers.get('location')]).toEqual([200, null])
    expect(await page.text()).toMatch(/<form method="post" action="https:\/\/client\.example\.com\/cb".*name="code" value="gac_/s)
    const { hash } = new URL((await test.authorize({ response_mode: 'fragment' })).headers.get('location') ?? '')
    expect([...new URLSearchParams(hash.slice(1)).keys()].sort()).toEqual(['code', 'iss', 'state'])
  })

  test('defect 20: a code response has code, state and iss; an empty parameter is a missing one; spaces in scope are one', async () => {
    const { test } = await ready()
    const { searchParams } = new URL((await test.authorize({ scope: 'read  write' })).headers.get('location') ?? '')
    expect([...searchParams.keys()].sort()).toEqual(['code', 'iss', 'state'])
    expectRedirectError(await test.authorize({ response_type: '' }), 'invalid_request')
  })

  test('defect 21: a refresh beyond the grant is invalid_scope, and scopes keep their order', async () => {
    const { tokens, refresh } = await ready({}, { scope: 'write read admin' })
    const { refresh_token, scope } = await tokens({ scope: 'write read' })
    expect(scope).toBe('write read')
    await expectTokenError(await refresh(refresh_token, { scope: 'read admin' }), 400, 'invalid_scope')
    expect(await (await refresh(refresh_token, { scope: 'read' })).json()).toMatchObject({ scope: 'read' })
  })

  test('defect 22: redirect_uri may be left out where one is registered, loopback ports are free, POST and unknown parameters work, duplicates do not', async () => {
    const { test } = await ready({ allowOmittedRedirectUri: true })
    expect(await test.code({ redirect_uri: undefined })).toMatch(/^gac_/)
    await test.client({ client_id: 'native', application_type: 'native', redirect_uris: ['http://127.0.0.1/cb'] })
    expect(await test.code({ client_id: 'native', redirect_uri: 'http://127.0.0.1:54321/cb' })).toMatch(/^gac_/)
    expect(await test.code({ unknown: 'ignored' })).toMatch(/^gac_/)
    const params = query({
      client_id: 'app',
      response_type: 'code',
      redirect_uri: REDIRECT_URI,
      code_challenge: CHALLENGE,
      code_challenge_method: 'S256'
    })
    expect((await test.post('/authorize', params)).headers.get('location')).toContain('code=gac_')
    expectRedirectError(await test.fetch(`/authorize?${params}&scope=read&scope=write&state=xyz`), 'invalid_request')
  })

  test('defect 23: Basic credentials are UTF-8 and form-encoded', async () => {
    const { test } = await ready()
    const odd = await test.client({ client_id: 'an id: %+&', client_secret: 'sécret: %+& of more than thirty-two characters' })
    expect((await test.token(odd, { grant_type: 'client_credentials' })).status).toBe(200)
  })

  test('defect 24: the query of a registered redirect URI stays as it is', async () => {
    const redirect_uri = 'https://client.example.com/cb;v=1?c=1&c=2&d='
    const { test } = await ready({}, { redirect_uris: [redirect_uri] })
    const location = (await test.authorize({ redirect_uri })).headers.get('location') ?? ''
    expect(location.startsWith(`${redirect_uri}&`)).toBe(true)
  })

  test('defect 25: a redirect is 303 and carries iss', async () => {
    const { test } = await ready()
    const response = await test.authorize()
    expect(response.status).toBe(303)
    expect(new URL(response.headers.get('location') ?? '').searchParams.get('iss')).toBe(ISSUER)
  })

  test('defect 26: behind a proxy that ends TLS nothing needs to be insecure: the issuer says what is public', async () => {
    const { test, client } = await ready()
    const request = new Request('http://10.0.0.7:8080/token', {
      method: 'POST',
      headers: { ...basic('app', client.client_secret ?? ''), 'x-forwarded-proto': 'https' },
      body: new URLSearchParams({ grant_type: 'client_credentials' })
    })
    expect((await test.server.handle(request)).status).toBe(200)
    expect(() => new TestServer({ issuer: 'http://id.example.com' })).toThrow(ConfigurationError)
  })
})

describe('aioauth, introspection and revocation', () => {
  test('defect 27: introspection searches all tokens whatever the hint, says what they are, and answers the owner only', async () => {
    const { test, client, tokens } = await ready()
    const { access_token, refresh_token } = await tokens()
    const ask = async (params: Record<string, string>) =>
      (await test.post('/introspect', params, basic('app', client.client_secret ?? ''))).json()
    for (const hint of [{}, { token_type_hint: 'refresh_token' }, { token_type_hint: 'nonsense' }]) {
      expect(await ask({ token: access_token, ...hint })).toMatchObject({ active: true })
    }
    expect(Object.keys(await ask({ token: access_token }))).toEqual(
      expect.arrayContaining(['active', 'iss', 'sub', 'aud', 'client_id', 'scope', 'exp', 'iat', 'jti', 'token_type'])
    )
    expect(await ask({ token: access_token })).not.toHaveProperty('expires_in')
    test.now += 3601
    expect(await ask({ token: access_token })).toEqual({ active: false })
    expect(await ask({ token: refresh_token })).toMatchObject({ active: true })
    expect(await ask({})).toMatchObject({ error: 'invalid_request' })
    await expectTokenError(
      await test.post('/introspect', { token: access_token, client_id: 'app', client_secret: '' }),
      401,
      'invalid_client'
    )
  })

  test('defect 28: revocation answers 200, ignores hints it does not know, and a refresh token takes its access tokens along', async () => {
    const { test, client, tokens, active } = await ready()
    const { access_token, refresh_token } = await tokens()
    for (const hint of ['nonsense', 'access_token']) {
      const response = await test.post('/revoke', { token: refresh_token, token_type_hint: hint }, basic('app', client.client_secret ?? ''))
      expect([response.status, await response.text()]).toEqual([200, ''])
    }
    expect([await active(access_token), await active(refresh_token)]).toEqual([false, false])
  })
})

describe('aioauth, the rest', () => {
  test('defect 29: there are metadata and keys; prompt and max_age are heard; nothing issues an id_token that nobody asked for', async () => {
    const { test, tokens } = await ready()
    expect((await test.fetch('/.well-known/oauth-authorization-server')).status).toBe(200)
    expect((await test.fetch('/jwks')).status).toBe(200)
    expect(await tokens()).not.toHaveProperty('id_token')
    await test.authorize({ prompt: 'login' })
    await test.authorize({ max_age: '5' })
    expect(test.prompts.map(({ prompt, reason }) => [prompt, reason])).toEqual([
      ['login', 'prompt=login'],
      ['login', 'max_age']
    ])
  })

  test('defect 30: no response leaks into another, header names have no case, no event holds a secret, lifetimes are kept', async () => {
    const { test, client, tokens, active } = await ready()
    await expectTokenError(await test.post('/token', {}, basic('app', 'wrong')), 401, 'invalid_client')
    const good = await test.post(
      '/token',
      { grant_type: 'client_credentials' },
      { AUTHORIZATION: basic('app', client.client_secret ?? '').authorization ?? '' }
    )
    expect([good.status, good.headers.get('www-authenticate')]).toEqual([200, null])
    const { access_token, refresh_token } = await tokens()
    const events = JSON.stringify(test.events)
    for (const secret of [client.client_secret ?? 'none', access_token, refresh_token]) expect(events).not.toContain(secret)
    test.now += 3600
    expect(await active(access_token)).toBe(false)
  })
})
