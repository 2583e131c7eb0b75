import fc from 'fast-check'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { Params } from '../src/params.ts'
import { AUTHORIZATION, basic, expectTokenError, ISSUER, REDIRECT_URI, TestServer, VERIFIER } from './support.ts'

const ENDPOINTS = ['/token', '/introspect', '/revoke']
const FORM = 'application/x-www-form-urlencoded'

async function ready(options = {}) {
  const test = new TestServer(options)
  const { client_secret = '' } = await test.client()
  return { test, auth: basic('app', client_secret), body: { grant_type: 'client_credentials', client_id: 'app', client_secret } }
}

describe.each(ENDPOINTS)('input to %s', (path) => {
  test('IN-01 request parameters MUST NOT be included more than once', async () => {
    const { test, auth } = await ready()
    for (const body of [
      'grant_type=a&grant_type=b',
      'grant_type=a&grant_type=a',
      'x=1&x=2',
      'token=a&token=a',
      'client_id=app&client_id=app'
    ]) {
      await expectTokenError(await test.post(path, body, auth), 400, 'invalid_request')
    }
    expect(test.eventsOf('client_authentication.failed')).toEqual([])
    // RFC 8707 §2, RFC 8693 §2.1: these may come several times.
    for (const name of ['resource', 'audience'])
      expect(
        (await test.post(path, `grant_type=client_credentials&token=x&${name}=https://a.example&${name}=https://b.example`, auth)).status
      ).toBe(200)
  })

  test('IN-02 credentials and tokens MUST NOT be in the URL', async () => {
    const { test, auth, body } = await ready()
    for (const name of ['client_secret', 'client_assertion', 'code', 'code_verifier', 'refresh_token', 'password', 'token']) {
      await expectTokenError(await test.post(`${path}?${name}=x`, { ...body, token: 'x' }, auth), 400, 'invalid_request')
    }
    expect((await test.post(`${path}?client_id=other`, { ...body, token: 'x' })).status).toBe(200)
    await expectTokenError(await test.post(`${path}?grant_type=client_credentials&token_type_hint=x`, {}, auth), 400, 'invalid_request')
    await expectTokenError(
      await test.post(`${path}?client_id=app`, { grant_type: 'client_credentials', token: 'x' }),
      401,
      'invalid_client'
    )
  })

  test('IN-05 IN-06 prototype names and brackets are unknown parameters like any other', async () => {
    const { test, body } = await ready()
    const odd = '__proto__=x&constructor=x&prototype[x]=1&toString=1&hasOwnProperty=1&scope[]=a&client_id[$ne]=&code[0]=x'
    expect((await test.post(path, `${new URLSearchParams({ ...body, token: 'x' })}&${odd}`)).status).toBe(200)
    await expectTokenError(await test.post(path, 'client_id[$ne]=x&grant_type[]=client_credentials'), 401, 'invalid_client')
    expect(({} as Record<string, unknown>).x).toBeUndefined()
  })

  test('IN-07 IN-08 a body that is not a form is not read as anything else', async () => {
    const { test, auth } = await ready()
    for (const type of [
      'application/json',
      'multipart/form-data; boundary=x',
      'text/plain',
      '',
      `${FORM}; charset=utf-16`,
      `${FORM};charset=utf-8;charset=utf-7`,
      `x${FORM}`
    ]) {
      for (const body of ['null', '[]', '{"grant_type":"client_credentials"}', 'grant_type=client_credentials']) {
        await expectTokenError(await test.post(path, body, { ...auth, 'content-type': type }), 400, 'invalid_request')
      }
    }
    const answer = await test.server.respond({
      method: 'POST',
      url: path,
      headers: new Headers(auth),
      body: async () => 'grant_type=client_credentials&token=x'
    })
    expect([answer?.status, JSON.parse(answer?.body ?? '').error]).toEqual([400, 'invalid_request'])
    for (const type of [FORM.toUpperCase(), `${FORM}; charset=UTF-8`, `${FORM};charset="utf-8"`])
      expect((await test.post(path, 'grant_type=client_credentials&token=x', { ...auth, 'content-type': type })).status).toBe(200)
  })

  test('IN-09 wrong percent-encoding is refused, nothing is replaced', async () => {
    const { test, auth } = await ready()
    for (const wrong of ['%', '%zz', '%ff%fe', '%c0%af', '%00', '%ed%a0%80', 'a\0b']) {
      for (const body of [`token=${wrong}&grant_type=client_credentials`, `${wrong}=x&grant_type=client_credentials`])
        await expectTokenError(await test.post(path, body, auth), 400, 'invalid_request')
    }
  })

  test('IN-15 another method is 405 with Allow, and override headers do nothing', async () => {
    const { test, body } = await ready()
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      const response = await test.fetch(path, { method })
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
    }
    expect((await test.post(path, { ...body, token: 'x' }, { 'x-http-method-override': 'DELETE' })).status).toBe(200)
  })

  test('IN-22 more than 200 parameters are refused before they are sorted', async () => {
    const { test, auth } = await ready()
    await expectTokenError(await test.post(path, Array.from({ length: 201 }, (_, i) => `p${i}=x`).join('&'), auth), 400, 'invalid_request')
  })

  test('the maintenance switch: 503 with Retry-After, while metadata and keys stay', async () => {
    let available = false
    const { test, auth } = await ready({ available: () => available })
    const response = await test.post(path, 'token=x&grant_type=client_credentials', auth)
    expect(response.headers.get('retry-after')).toBe('60')
    await expectTokenError(response, 503, 'temporarily_unavailable')
    for (const open of ['/jwks', '/.well-known/oauth-authorization-server']) expect((await test.fetch(open)).status).toBe(200)
    available = true
    expect((await test.post(path, 'token=x&grant_type=client_credentials', auth)).status).toBe(200)
  })
})

describe('input to the server', () => {
  test('IN-15 the authorization endpoint answers GET and POST; HEAD, TRACE and made-up methods change nothing', async () => {
    const { test } = await ready()
    for (const method of ['HEAD', 'TRACE', 'CONNECT', 'PUT', 'DELETE', 'OPTIONS', 'get', 'FROBNICATE']) {
      for (const url of [`/authorize?${new URLSearchParams(AUTHORIZATION)}`, '/token', '/jwks']) {
        const response = await test.server.respond({
          method,
          url,
          headers: new Headers(),
          body: async () => 'grant_type=client_credentials'
        })
        const answersHead = url === '/jwks' && method === 'HEAD'
        expect([method, url, response?.status]).toEqual([method, url, answersHead ? 200 : 405])
        if (!answersHead) expect(response?.headers.allow).toBe({ '/token': 'POST', '/jwks': 'GET, HEAD' }[url] ?? 'GET, POST')
      }
    }
    expect([...test.eventsOf('authorization.granted'), ...test.eventsOf('interaction.started'), ...test.eventsOf('token.issued')]).toEqual(
      []
    )
  })

  test('IN-14 each path has one spelling', async () => {
    const { test, body } = await ready()
    for (const path of [
      '//token',
      '/token/',
      '/./token',
      '/x/../token',
      '/%74oken',
      '/token;a=b',
      '/TOKEN',
      '/token%2f',
      '/token\\',
      '/token%00'
    ]) {
      const response = await test.server.respond({
        method: 'POST',
        url: path,
        headers: new Headers({ 'content-type': FORM }),
        body: async () => new URLSearchParams(body).toString()
      })
      expect(response).toBeUndefined()
    }
  })

  test('IN-16 IN-17 DI-01 DI-03 URLs come from the issuer, whatever the headers say', async () => {
    const { test } = await ready()
    const plain = await (await test.fetch('/.well-known/oauth-authorization-server')).text()
    for (const headers of [
      { host: 'evil.example' },
      { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http', 'x-forwarded-port': '1', 'x-forwarded-prefix': '/x' },
      { forwarded: 'host=evil' },
      { 'x-original-url': '/evil', 'x-rewrite-url': '/evil' }
    ]) {
      const map = new Headers(headers as Record<string, string>)
      const response = await test.server.respond({
        method: 'GET',
        url: '/.well-known/oauth-authorization-server?cb=1',
        headers: map,
        body: async () => ''
      })
      expect(response?.body).toBe(plain)
    }
    expect(JSON.parse(plain).token_endpoint).toBe(`${ISSUER}/token`)
  })

  // A step that is quadratic in the text would run into the time limit; test/regular-expressions.test.ts looks at each expression.
  test('IN-20 hostile text costs no time that grows faster than its length', { timeout: 10_000 }, async () => {
    const { test, auth } = await ready()
    const [code, id] = [{ grant_type: 'authorization_code', redirect_uri: REDIRECT_URI, code_verifier: VERIFIER }, 'x'.repeat(24)]
    const request = { ...AUTHORIZATION, redirect_uri: REDIRECT_URI }
    for (const [unit, count] of [
      ...(['a', ' ', '\t', '!', '/', '='] as const).map((character) => [character, 20_000] as const),
      ...[['a.', 10_000] as const, ['http://127.0.0.1', 1200] as const, ['-.', 10_000] as const, ['a b', 6000] as const]
    ]) {
      for (const text of [unit.repeat(count), `${unit.repeat(count)}"`, `https://a${unit.repeat(count)}`, `a:/${unit.repeat(count)}`]) {
        await expectTokenError(await test.post('/token', { grant_type: 'client_credentials', scope: text }, auth), 400, 'invalid_scope')
        for (const name of ['code', 'code_verifier', 'redirect_uri'])
          await expectTokenError(await test.post('/token', { ...code, code: 'x', [name]: text }, auth), 400, 'invalid_grant')
        for (const name of ['redirect_uri', 'client_id'])
          expect((await test.post('/authorize', { ...request, [name]: text })).status).toBe(400)
        for (const name of ['scope', 'state', 'prompt', 'max_age', 'code_challenge', 'response_type', 'response_mode'])
          expect((await test.post('/authorize', { ...request, [name]: text })).headers.get('location')).toMatch(/[?&]error=/)
        expect((await test.post('/token', {}, { authorization: `Basic ${text}` })).status).toBe(401)
        const cookie = `${text}; ;${text};__Host-grantor-interaction-${id}=x${text}x`
        expect((await test.fetch(`/authorize?interaction=${id}`, { headers: { cookie } })).status).toBe(400)
      }
    }
  })

  test('Params: what is encoded comes back, whatever it is', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'grapheme', minLength: 1 }), fc.string({ unit: 'grapheme', minLength: 1 })), (record) => {
        const entries = Object.entries(record).filter(([name, value]) => ![name, value].some((text) => text.includes('\0')))
        const params = Params.parse(Params.from(Object.fromEntries(entries)).toString())
        for (const [name, value] of entries) expect(params.get(name)).toBe(value.toWellFormed())
      })
    )
  })
})

describe('CORS', () => {
  test('DI-06 DI-08 the answer of the token endpoint is for the origins of the client that asks', async () => {
    const { test, body } = await ready()
    await test.client({ client_id: 'listed', allowed_origins: ['https://tool.example'] })
    const from = async (origin: string, params: Record<string, string> = body) =>
      (await test.post('/token', params, { origin })).headers.get('access-control-allow-origin')
    expect(await from('https://client.example.com')).toBe('https://client.example.com')
    for (const origin of [
      'null',
      'https://evil',
      'https://client.example.com.evil',
      'http://client.example.com',
      'https://client.example.com:8443',
      'app://x',
      'https://tool.example'
    ])
      expect(await from(origin)).toBe(null)
    expect(await from('https://tool.example', { client_id: 'listed' })).toBe('https://tool.example')
    expect(test.eventsOf('cors.refused').length).toBeGreaterThan(0)
    const response = await test.post('/token', body, { origin: 'https://client.example.com' })
    expect(response.headers.get('access-control-allow-credentials')).toBe(null)
    expect(response.headers.get('access-control-expose-headers')).toContain('WWW-Authenticate, DPoP-Nonce')
    expect(response.headers.get('vary')).toBe('Origin')
  })

  test.each(ENDPOINTS)('DI-06 the answer of %s is for the origins of the client, however it authenticates', async (path) => {
    const { test } = await ready()
    const origin = 'https://tool.example'
    const secret = await test.client({ client_id: 'listed', allowed_origins: [origin] })
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
    const jwks = { keys: [await exportJWK(publicKey)] }
    await test.client({ client_id: 'signs', allowed_origins: [origin], token_endpoint_auth_method: 'private_key_jwt', jwks })
    let jti = 0
    const assertion = async (key = privateKey) => ({
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await new SignJWT({ iss: 'signs', sub: 'signs', aud: ISSUER, jti: `j${jti++}`, exp: test.now + 60 })
        .setProtectedHeader({ alg: 'ES256' })
        .sign(key)
    })
    const params = { grant_type: 'client_credentials', token: 'x' }
    const stranger = await generateKeyPair('ES256')
    const ask = async (from: string) => [
      await test.post(path, params, { ...basic('listed', secret.client_secret ?? ''), origin: from }),
      await test.post(path, params, { ...basic('listed', 'wrong'), origin: from }),
      await test.post(path, { ...params, ...(await assertion()) }, { origin: from }),
      await test.post(path, { ...params, ...(await assertion(stranger.privateKey)) }, { origin: from })
    ]
    for (const [from, readable] of [
      [origin, origin],
      ['https://evil.example', null]
    ] as const) {
      const responses = await ask(from)
      expect(responses.map(({ status }) => status)).toEqual([200, 401, 200, 401])
      expect(responses.map(({ headers }) => headers.get('access-control-allow-origin'))).toEqual(responses.map(() => readable))
    }
  })

  test('CA-23 cookies are not looked at, and no answer is for requests with credentials', async () => {
    const { test, body } = await ready()
    const headers = { origin: 'https://client.example.com', cookie: '__Host-grantor-session=x; a=b' }
    const preflight = await test.fetch('/token', { method: 'OPTIONS', headers: { ...headers, 'access-control-request-method': 'POST' } })
    const without = await test.post('/token', { ...body, client_secret: 'wrong' })
    const answers = [
      preflight,
      await test.post('/token', body, headers),
      await test.post('/token', { ...body, client_secret: 'wrong' }, headers)
    ]
    expect(answers.map(({ status }) => status)).toEqual([204, 200, 401])
    for (const answer of answers) {
      expect(answer.headers.get('access-control-allow-credentials')).toBe(null)
      expect(answer.headers.get('set-cookie')).toBe(null)
    }
    expect(await answers[2]?.json()).toEqual(await without.json())
  })

  test('DI-07 the authorization endpoint is for no other origin', async () => {
    const { test } = await ready()
    const origin = 'https://client.example.com'
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      const { headers } = await test.fetch('/authorize?client_id=app', { method, headers: { origin } })
      expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
    }
  })

  test('DI-06 metadata and keys are for everybody, and a preflight lets a form through', async () => {
    const { test } = await ready()
    for (const path of ['/jwks', '/.well-known/oauth-authorization-server']) {
      expect((await test.fetch(path, { headers: { origin: 'https://any.example' } })).headers.get('access-control-allow-origin')).toBe('*')
    }
    const preflight = (origin: string) =>
      test.fetch('/token', { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } })
    const response = await preflight('https://client.example.com')
    expect(response.status).toBe(204)
    expect(response.headers.get('access-control-allow-headers')).toBe('Authorization, Content-Type, DPoP, MCP-Protocol-Version')
    expect((await preflight('null')).headers.get('access-control-allow-origin')).toBe(null)
  })
})
