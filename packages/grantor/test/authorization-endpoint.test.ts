import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { Client } from '../src/index.ts'
import { MemoryStore } from '../src/index.ts'
import {
  AUTHORIZATION,
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

async function ready(options = {}, client = {}) {
  const test = new TestServer(options)
  await test.client(client)
  return test
}

/** A client as a careless operator might have stored it, past all validation. */
function storedClient(redirect_uris: string[], members: Partial<Client> = {}): Client {
  return {
    client_id: 'stored',
    redirect_uris,
    grant_types: ['authorization_code'],
    response_types: ['code'],
    scope: 'read',
    require_consent: false,
    ...members
  }
}

describe('client and redirect URI', () => {
  test('AZ-01 an unknown, a disabled and a deleted client look the same, and nobody is redirected', async () => {
    const test = await ready()
    await test.client({ client_id: 'disabled' })
    await test.server.clients.update('disabled', { disabled: true })
    await test.client({ client_id: 'deleted' })
    await test.server.clients.delete('deleted')
    const strip = (text: string) => text.replace(/request <code>.*?<\/code>/, '')
    const pages = []
    for (const client_id of ['nobody', 'disabled', 'deleted', '__proto__', 'x'.repeat(10_000)])
      pages.push(strip(await expectPage(await test.authorize({ client_id, redirect_uri: 'https://evil.example' }))))
    expect(new Set(pages).size).toBe(1)
    await expectPage(await test.authorize({ client_id: '' }))
  })

  test('AZ-02 no redirect before the redirect URI is proven, whatever else is wrong', async () => {
    const test = await ready()
    for (const wrong of [
      { response_type: 'bogus' },
      { response_type: undefined },
      { response_mode: 'bogus' },
      { code_challenge: 'x' },
      { request_uri: 'urn:x' },
      { prompt: 'bogus' }
    ]) {
      await expectPage(await test.authorize({ redirect_uri: 'https://evil.example', ...wrong }))
      await expectPage(await test.authorize({ client_id: 'nobody', redirect_uri: 'https://evil.example', ...wrong }))
    }
    await expectPage(await test.fetch(`/authorize?${query({ ...AUTHORIZATION, redirect_uri: 'https://evil.example' })}&state=2`))
  })

  test('PR-10 should this server not support request or request_uri and a client uses it, it MUST return the error that says so', async () => {
    const test = await ready()
    for (const [name, error] of [
      ['request', 'request_not_supported'],
      ['request_uri', 'request_uri_not_supported']
    ] as const) {
      expectRedirectError(await test.authorize({ [name]: 'x' }), error)
      expect(await expectPage(await test.authorize({ [name]: 'x', redirect_uri: undefined }))).toContain(`${name} is not supported here`)
    }
    expect(test.server.metadata()).toMatchObject({ request_parameter_supported: false, request_uri_parameter_supported: false })
  })

  test('IN-03 a repeated client_id or redirect_uri is shown, not sent anywhere', async () => {
    const test = await ready()
    const request = query(AUTHORIZATION)
    await expectPage(await test.fetch(`/authorize?${request}&client_id=evil`))
    await expectPage(await test.fetch(`/authorize?${request}&redirect_uri=https%3A%2F%2Fevil.example`))
    await expectPage(await test.fetch(`/authorize?redirect_uri=https%3A%2F%2Fevil.example&${request}`))
  })

  test('IN-04 another repeated parameter is told to the client, without a repeated state', async () => {
    const test = await ready()
    for (const name of ['nonce', 'scope', 'code_challenge', 'response_type']) {
      expectRedirectError(await test.fetch(`/authorize?${query({ ...AUTHORIZATION, nonce: 'n' })}&${name}=x`), 'invalid_request')
    }
    expectRedirectError(await test.fetch(`/authorize?${query(AUTHORIZATION)}&state=x`), 'invalid_request', { state: null })
  })

  test('AZ-03 redirect_uri may be left out only by a client with one, outside OpenID Connect, where the server allows it', async () => {
    const strict = await ready()
    await expectPage(await strict.authorize({ redirect_uri: undefined }))
    const test = await ready({ allowOmittedRedirectUri: true }, { scope: 'read openid' })
    expect((await test.authorize({ redirect_uri: undefined })).status).toBe(303)
    await expectPage(await test.authorize({ redirect_uri: undefined, scope: 'openid' }))
    await test.client({ client_id: 'two', redirect_uris: [REDIRECT_URI, `${REDIRECT_URI}2`] })
    await expectPage(await test.authorize({ client_id: 'two', redirect_uri: undefined }))
    await test.server.store.clients.insert(storedClient([]))
    await expectPage(await test.authorize({ client_id: 'stored', redirect_uri: undefined }))
    await expectPage(await test.authorize({ client_id: 'stored', redirect_uri: 'https://any.example' }))
  })

  test.each([
    ...[
      '/',
      '/CB',
      '/cb?x=1',
      '/cb#f',
      '/cb%2F',
      '//cb',
      '/a/../cb',
      '/./cb',
      '/cb;x',
      '/cb..;/x',
      '/cb ',
      '/cb%20',
      '/c\tb',
      '/c\nb',
      '/cb%00',
      '/cb\0'
    ].map((path) => `https://c.example${path}`),
    ...[
      'https://c.example:443/cb',
      'HTTPS://c.example/cb',
      'https://C.EXAMPLE/cb',
      'https://c.example./cb',
      ' https://c.example/cb',
      'http://c.example/cb'
    ]
  ])('AZ-04 only the exact string is the redirect URI: not %j', async (redirect_uri) => {
    const test = await ready({}, { redirect_uris: ['https://c.example/cb'] })
    await expectPage(await test.authorize({ redirect_uri }))
  })

  test.each([
    ...[
      'https://c.example@evil/cb',
      'https://c.example%25@evil/cb',
      'https://evil\\@c.example/cb',
      'https://c.example\\.evil/cb',
      'https://c.example%5c@evil/cb'
    ],
    ...[
      'https:c.example/cb',
      'https:///c.example/cb',
      '///evil',
      '//c.example/cb',
      'https://c.example#@evil/cb',
      'https://a@b@c.example/cb',
      'https://user@c.example/cb'
    ]
  ])('AZ-05 an authority trick is not the redirect URI: %j', async (redirect_uri) => {
    const test = await ready({}, { redirect_uris: ['https://c.example/cb'] })
    await expectPage(await test.authorize({ redirect_uri }))
    await expect(test.client({ client_id: 'tricky', redirect_uris: [redirect_uri] })).rejects.toMatchObject({
      error: 'invalid_redirect_uri'
    })
  })

  test.each([
    ...[
      'javascript:alert(1)',
      'JaVaScRiPt:alert(1)',
      ' javascript:alert(1)',
      '\u0001javascript:alert(1)',
      'java\nscript:alert(1)',
      'data:text/html,x',
      'vbscript:x',
      'blob:https://c.example/x'
    ],
    ...[
      'file:///etc/passwd',
      'about:blank',
      'intent://x',
      'view-source:https://c.example/cb',
      'filesystem:https://c.example/x',
      'ws://c.example/cb',
      'javascript.x://y'
    ]
  ])('AZ-06 the scheme %j is refused at registration and, stored all the same, at use', async (uri) => {
    const test = await ready()
    for (const application_type of ['web', 'native'] as const) {
      await expect(test.client({ client_id: 'tricky', application_type, redirect_uris: [uri] })).rejects.toMatchObject({
        error: 'invalid_redirect_uri'
      })
    }
    await test.server.store.clients.insert(storedClient([uri], { application_type: 'native' }))
    await expectPage(await test.authorize({ client_id: 'stored', redirect_uri: uri }))
  })

  test('AZ-07 there are no wildcards', async () => {
    const test = await ready()
    for (const uri of ['https://*.c.example/*', 'https://c.example/*', '*']) {
      await expect(test.client({ client_id: 'wild', redirect_uris: [uri] })).rejects.toMatchObject({ error: 'invalid_redirect_uri' })
      await test.server.store.clients.delete('stored')
      await test.server.store.clients.insert(storedClient([uri]))
      test.now += 2
      for (const redirect_uri of ['https://a.c.example/x', 'https://c.example/x', uri])
        await expectPage(await test.authorize({ client_id: 'stored', redirect_uri }))
    }
  })

  test('AZ-08 native clients may use any port of the loopback host they registered', async () => {
    const test = await ready(
      {},
      { application_type: 'native', redirect_uris: ['http://127.0.0.1/cb', 'http://[::1]/cb', 'http://localhost:3000/cb'] }
    )
    for (const redirect_uri of ['http://127.0.0.1:51000/cb', 'http://127.0.0.1/cb', 'http://[::1]:1/cb', 'http://localhost:9/cb']) {
      const response = await test.authorize({ redirect_uri })
      expect(response.headers.get('location')).toMatch(new RegExp(`^${redirect_uri.replace(/[[\]/.]/g, '\\$&')}\\?code=`))
    }
    for (const redirect_uri of [
      ...[
        'http://127.0.0.2:1/cb',
        'http://127.0.0.1.evil/cb',
        'http://127.0.0.1:1.evil/cb',
        'http://0x7f.1/cb',
        'http://127.1/cb',
        'http://127.0.0.1:1/cb/../x',
        'https://127.0.0.1:1/cb'
      ],
      ...[
        'http://127.0.0.1:1/cb?x',
        'http://127.0.0.1:1@evil/cb',
        'http://localhost.evil.com/cb',
        'http://localhost:1/other',
        'http://127.0.0.1:x/cb',
        'http://127.0.0.1:/cb'
      ]
    ]) {
      await expectPage(await test.authorize({ redirect_uri }))
    }
    const literal = await ready({}, { application_type: 'native', redirect_uris: ['http://127.0.0.1/cb'] })
    expect((await literal.authorize({ redirect_uri: 'http://127.0.0.1:51000/cb' })).status).toBe(303)
    for (const host of ['localhost:1', '[::1]:1', '127.0.0.2:1', '[::ffff:127.0.0.1]:1', '0.0.0.0:1', '2130706433:1'])
      await expectPage(await literal.authorize({ redirect_uri: `http://${host}/cb` }))
    const web = await ready({}, { redirect_uris: ['http://localhost:3000/cb'] })
    expect((await web.authorize({ redirect_uri: 'http://localhost:3000/cb' })).status).toBe(303)
    await expectPage(await web.authorize({ redirect_uri: 'http://localhost:3001/cb' }))
  })

  test('AZ-09 private-use schemes are for native clients, reversed domain names, and exact', async () => {
    const test = await ready({}, { application_type: 'native', redirect_uris: ['com.example.app:/cb'] })
    expect((await test.authorize({ redirect_uri: 'com.example.app:/cb' })).headers.get('location')).toMatch(
      /^com\.example\.app:\/cb\?code=/
    )
    for (const redirect_uri of ['com.example.app://cb', 'com.example.app:/cb?code=evil', 'com.example.app:/cb/'])
      await expectPage(await test.authorize({ redirect_uri }))
    for (const uri of ['app:/cb', 'com.example.app://cb', 'com.example.app:cb']) {
      await expect(test.client({ client_id: 'x', application_type: 'native', redirect_uris: [uri] })).rejects.toMatchObject({
        error: 'invalid_redirect_uri'
      })
    }
    await expect(test.client({ client_id: 'x', redirect_uris: ['com.example.app:/cb'] })).rejects.toMatchObject({
      error: 'invalid_redirect_uri'
    })
  })

  test('AZ-10 the query of the redirect URI is kept, and may not hold response parameters', async () => {
    const uri = 'https://c.example/cb?a=1&a=2&b='
    const test = await ready({}, { redirect_uris: [uri] })
    expect((await test.authorize({ redirect_uri: uri })).headers.get('location')).toMatch(
      /^https:\/\/c\.example\/cb\?a=1&a=2&b=&code=gac_[\w-]+&state=xyz&iss=/
    )
    for (const query of [
      ...['code=x', 'state=x', 'iss=x', 'error=x', 'code', 'a=1&code=x', 'a=1?&code=x', '?code=x', 'a?code=x', 'a=1;code=x'],
      ...['%63ode=x', '%63%6F%64%65=x', 'a=1&st%61te=x', 'a=%', 'a=%zz', '%ff%']
    ]) {
      await expect(test.client({ client_id: 'x', redirect_uris: [`https://c.example/cb?${query}`] })).rejects.toMatchObject({
        error: 'invalid_redirect_uri'
      })
    }
    await test.client({ client_id: 'y', redirect_uris: ['https://c.example/cb?a=%C3%A9&encode=1&b=%ff'] })
  })

  test('AZ-08 AZ-10 a port that no computer has is refused, when it is registered and when it is used', async () => {
    const native = { application_type: 'native' as const, redirect_uris: ['http://localhost/cb', 'http://127.0.0.1/cb'] }
    const test = await ready({}, native)
    for (const host of ['localhost', '127.0.0.1', '[::1]', 'c.example']) {
      const uri = `${host === 'c.example' ? 'https' : 'http'}://${host}:99999/cb`
      await expect(test.client({ client_id: 'x', ...native, redirect_uris: [uri] })).rejects.toMatchObject({
        error: 'invalid_redirect_uri'
      })
      await expectPage(await test.authorize({ redirect_uri: uri }))
    }
    expect((await test.authorize({ redirect_uri: 'http://localhost:65535/cb' })).status).toBe(303)
  })

  test('AZ-11 "The endpoint URI MUST NOT include a fragment component", nor user information', async () => {
    const test = await ready()
    for (const uri of ['https://c.example/cb#f', 'https://c.example/cb#', 'https://u:p@c.example/cb']) {
      await expect(test.client({ client_id: 'x', redirect_uris: [uri] })).rejects.toMatchObject({ error: 'invalid_redirect_uri' })
      await test.server.store.clients.delete('stored')
      await test.server.store.clients.insert(storedClient([uri]))
      test.now += 2
      await expectPage(await test.authorize({ client_id: 'stored', redirect_uri: uri }))
    }
  })

  test('AZ-12 the redirect URI of one client is not that of another', async () => {
    const test = await ready()
    await test.client({ client_id: 'other', redirect_uris: ['https://other.example/cb'] })
    await expectPage(await test.authorize({ redirect_uri: 'https://other.example/cb' }))
  })

  test('AZ-13 AZ-14 a redirect URI that is removed while the person consents gets no answer, and nothing is granted', async () => {
    const test = await ready({}, { require_consent: true })
    await test.authorize()
    const [asked] = test.prompts
    if (!asked) throw new Error('nobody was asked')
    const cookie = [...test.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const request = { method: 'POST', url: '/', headers: new Headers({ cookie }), body: async () => '' }
    await test.server.interactions.resolve(request, asked.id, { consent: { subject: 'alice', scope: asked.scope } })
    await test.server.clients.update('app', { redirect_uris: ['https://client.example.com/new'] })
    await expectPage(await test.fetch(asked.returnTo))
    expect(await test.server.store.grants.list({ clientId: 'app' }, test.now)).toEqual([])
    expect(test.eventsOf('request.refused').at(-1)).toMatchObject({
      detail: { received: REDIRECT_URI, registered: ['https://client.example.com/new'] }
    })
    // The interaction is over, even if the redirect URI comes back.
    await test.server.clients.update('app', { redirect_uris: [REDIRECT_URI] })
    await expectPage(await test.fetch(asked.returnTo))
    await expect(test.server.interactions.find(request, asked.id)).rejects.toMatchObject({ error: 'invalid_request' })
    expect(await test.server.store.grants.list({ clientId: 'app' }, test.now)).toEqual([])
  })

  test('AZ-13 whatever the page that asks does to what it was given, the answer goes where it was registered', async () => {
    const test = await ready({}, { require_consent: true })
    await test.authorize()
    const [asked] = test.prompts
    if (!asked) throw new Error('nobody was asked')
    const cookie = [...test.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const request = { method: 'POST', url: '/', headers: new Headers({ cookie }), body: async () => '' }
    asked.redirectUri = 'https://evil.example/cb'
    await test.server.interactions.resolve(request, asked.id, { consent: { subject: 'alice', scope: asked.scope } })
    const response = await test.fetch(`${asked.returnTo}&redirect_uri=https://evil.example/cb&state=other`)
    expect(response.headers.get('location')).toMatch(/^https:\/\/client\.example\.com\/cb\?code=gac_[\w-]+&state=xyz&/)
  })

  test('AZ-15 IN-19 comparison is of bytes, without any normalisation', async () => {
    const test = await ready({}, { redirect_uris: ['https://xn--bcher-kva.example/cb'] })
    await expectPage(await test.authorize({ redirect_uri: 'https://bücher.example/cb' }))
    await expectPage(await test.authorize({ client_id: 'ａｐｐ' }))
    for (const client_id of ['APP', 'a\u200dpp', 'app\u0301', 'ａpp', ' app', 'app ']) await expectPage(await test.authorize({ client_id }))
    // The Kelvin sign, a dotless i, and é as one character and as two: equal to others only when folded or normalised.
    for (const [one, other] of [
      ['https://c.example/k', 'https://c.example/\u212a'],
      ['https://c.example/i', 'https://c.example/\u0131'],
      ['https://c.example/caf%C3%A9', 'https://c.example/cafe%CC%81'],
      ['https://c.example/%c3%a9', 'https://c.example/%C3%A9']
    ] as const) {
      await test.server.store.clients.delete('stored')
      await test.server.store.clients.insert(storedClient([one]))
      test.now += 2
      expect((await test.authorize({ client_id: 'stored', redirect_uri: one })).status).toBe(303)
      await expectPage(await test.authorize({ client_id: 'stored', redirect_uri: other }))
    }
    for (const scope of ['\uff52ead', 'read\u200d', 'READ', 'r\u0435ad'])
      expectRedirectError(await test.authorize({ redirect_uri: 'https://xn--bcher-kva.example/cb', scope }), 'invalid_scope', {
        to: 'https://xn--bcher-kva.example/cb'
      })
    await expect(test.client({ client_id: 'x', redirect_uris: ['https://bücher.example/cb'] })).rejects.toMatchObject({
      error: 'invalid_redirect_uri'
    })
  })
})

describe('other authorization parameters', () => {
  test('AP-01 a missing response_type is invalid_request', async () => {
    expectRedirectError(await (await ready()).authorize({ response_type: undefined }), 'invalid_request')
  })

  test('AP-02 response types that are not served, not registered or combined are refused', async () => {
    const test = await ready()
    for (const response_type of [
      'token',
      'id_token token',
      'code token',
      'code id_token',
      'code code',
      'id_token code',
      'code none',
      'bogus'
    ]) {
      const response = await test.authorize({ response_type })
      expectRedirectError(response, 'unsupported_response_type')
      // RFC 6749 §4.2.2.1, OpenID Connect Core §3.3.2.6: where the tokens would be.
      expect(response.headers.get('location')?.includes('#')).toBe(response_type.includes('token'))
    }
    expectRedirectError(await test.authorize({ response_type: 'none' }), 'unauthorized_client')
  })

  test('response_type none answers without a code, and consent is remembered', async () => {
    const test = await ready({}, { response_types: ['code', 'none'] })
    const { searchParams } = new URL((await test.authorize({ response_type: 'none' })).headers.get('location') ?? '')
    expect(Object.fromEntries(searchParams)).toEqual({ state: 'xyz', iss: ISSUER })
  })

  test('AP-03 an unknown response_mode is told in the usual one', async () => {
    const test = await ready()
    for (const response_mode of ['web_message', 'jwt', 'query.jwt', 'bogus', 'QUERY'])
      expectRedirectError(await test.authorize({ response_mode }), 'invalid_request')
    const fragment = await test.authorize({ response_mode: 'fragment' })
    expect(fragment.headers.get('location')).toMatch(/^https:\/\/client\.example\.com\/cb#code=gac_/)
  })

  test('AP-03 a client that registers its response modes is answered in no other; an error about that comes in the usual one', async () => {
    const test = await ready({}, { response_modes: ['form_post'] })
    expect(await (await test.authorize({ response_mode: 'form_post' })).text()).toContain('value="gac_')
    for (const response_mode of [undefined, 'query', 'fragment', 'bogus']) {
      const refused = await test.authorize({ response_mode })
      expectRedirectError(refused, 'invalid_request')
      expect(refused.headers.get('location')).toMatch(/^https:\/\/client\.example\.com\/cb\?error=/)
    }
    for (const response_modes of [['web_message'], ['__proto__'], 'query', [1]])
      await expect(test.client({ client_id: 'x', response_modes: response_modes as string[] })).rejects.toMatchObject({
        error: 'invalid_client_metadata'
      })
  })

  test('AP-04 IN-18 state comes back exactly, or not at all', async () => {
    const test = await ready()
    for (const state of ['s', 'x'.repeat(2048), '<>"\'&%0d%0a', 'ü\u2028\r\n\t😀', 'a+b c']) {
      const location = (await test.authorize({ state })).headers.get('location') ?? ''
      expect(location).toMatch(/^[\x21-\x7e]+$/)
      expect(new URL(location).searchParams.get('state')).toBe(state)
    }
    for (const state of ['x'.repeat(4097), 'x'.repeat(8192), 'é'.repeat(683), '😀'.repeat(342)])
      expectRedirectError(await test.authorize({ state }), 'invalid_request', { state: null })
    // Half a surrogate pair, and what is no UTF-8 at all, is nothing that could come back.
    for (const state of ['%ed%a0%80', '%ff', '%'])
      await expectPage(await test.fetch(`/authorize?${query({ ...AUTHORIZATION, state: undefined })}&state=${state}`))
  })

  test('IN-09 wrong percent-encoding anywhere is shown, and a space is a plus or %20', async () => {
    const test = await ready()
    for (const wrong of ['%', '%zz', '%ff%fe', '%c0%af', '%00', '%ed%a0%80']) {
      for (const pair of [`nonce=${wrong}`, `${wrong}=x`, `x=${wrong}`])
        await expectPage(await test.fetch(`/authorize?${query(AUTHORIZATION)}&${pair}`))
      await expectPage(await test.post('/authorize', `${query(AUTHORIZATION)}&x=${wrong}`))
    }
    for (const space of ['+', '%20'])
      expect((await test.fetch(`/authorize?${query({ ...AUTHORIZATION, scope: undefined })}&scope=read${space}write`)).status).toBe(303)
    expect((await test.server.store.grants.list({ clientId: 'app' }, test.now)).map(({ scope }) => scope)).toEqual([
      ['read', 'write'],
      ['read', 'write']
    ])
  })

  test('IN-08 a POST with a body that is no form is shown, and nothing in it is read', async () => {
    const test = await ready()
    for (const type of ['application/json', 'multipart/form-data; boundary=x', 'text/plain'])
      for (const body of [JSON.stringify(AUTHORIZATION), query(AUTHORIZATION)])
        await expectPage(await test.post('/authorize', body, { 'content-type': type }))
  })

  test('IN-06 brackets are another name: what is required is missing', async () => {
    const test = await ready()
    const { client_id, redirect_uri, ...rest } = AUTHORIZATION
    await expectPage(await test.fetch(`/authorize?${query({ ...rest, redirect_uri, 'client_id[$ne]': '' })}&client_id[$ne]=`))
    await expectPage(await test.fetch(`/authorize?${query({ ...rest, redirect_uri, 'client_id[]': client_id })}`))
    await expectPage(await test.fetch(`/authorize?${query({ ...rest, client_id, 'redirect_uri[0]': redirect_uri })}`))
    expectRedirectError(await test.authorize({ response_type: undefined, 'response_type[]': 'code' }), 'invalid_request')
  })

  test.each(['ui_locales', 'claims_locales', 'accept-language'])('IN-25 %s is never looked up anywhere', async (name) => {
    const test = await ready()
    test.session = undefined
    for (const value of ['../../etc/passwd', 'x'.repeat(10_240), '__proto__', 'constructor', 'en;q=x', '%', 'fr '.repeat(100)]) {
      const request = name === 'accept-language' ? AUTHORIZATION : { ...AUTHORIZATION, [name]: value }
      const headers = name === 'accept-language' ? { headers: { 'accept-language': value } } : {}
      const response = await test.fetch(`/authorize?${query(request)}`, headers)
      expect([response.status, await response.text()]).toEqual([200, 'page login'])
      const { uiLocales = [] } = test.prompts.at(-1) ?? {}
      expect(uiLocales.length).toBeLessThanOrEqual(20)
      await expectPage(await test.fetch('/authorize', headers))
    }
  })

  test('IN-24 an error in the URL is not ours: nothing of it is on the page', async () => {
    const test = await ready()
    const hostile = { error: 'access_denied', error_description: '<script>alert(1)</script>', error_uri: 'javascript:alert(1)' }
    for (const params of [hostile, { ...hostile, error_hint: '<img src=x>', error_debug: '<b>', client_id: 'nobody' }]) {
      const page = await expectPage(await test.fetch(`/authorize?${query(params)}`))
      for (const text of ['access_denied', 'alert(1)', 'javascript:', '<img', '<b>', 'href']) expect(page).not.toContain(text)
    }
    const refused = expectRedirectError(await test.authorize({ ...hostile, scope: 'unknown' }), 'invalid_scope')
    expect([refused.get('error_description'), refused.get('error_uri')]).toEqual([
      'the scope is malformed or not registered for this client',
      null
    ])
  })

  test('IN-11 no Location is longer than 8 KiB, whatever its state is made of', async () => {
    const redirect_uri = `${REDIRECT_URI}?${'a'.repeat(2047 - REDIRECT_URI.length)}`
    const test = await ready({}, { redirect_uris: [redirect_uri] })
    const lengths = []
    for (const character of ['x', 'é', '😀', '\u2028', '<', ' ']) {
      for (const scope of ['read', 'unknown']) {
        for (let count = 8192; count >= 1; count = Math.floor(count / 2)) {
          const location = (await test.authorize({ redirect_uri, scope, state: character.repeat(count) })).headers.get('location') ?? ''
          expect(location.startsWith(redirect_uri)).toBe(true)
          lengths.push(location.length)
        }
      }
    }
    expect(Math.max(...lengths)).toBeLessThanOrEqual(8192)
    expect(Math.max(...lengths)).toBeGreaterThan(2048 + 4096)
  })

  test('AP-05 without state there is none in the answer', async () => {
    const test = await ready()
    expect(new URL((await test.authorize({ state: undefined })).headers.get('location') ?? '').searchParams.has('state')).toBe(false)
  })

  test('AP-06 every answer, success or error, carries the issuer (RFC 9207)', async () => {
    const test = await ready()
    expect(new URL((await test.authorize()).headers.get('location') ?? '').searchParams.get('iss')).toBe(ISSUER)
    expectRedirectError(await test.authorize({ scope: 'unknown' }), 'invalid_scope')
    expectRedirectError(await test.authorize({ scope: 'unknown', response_mode: 'fragment' }), 'invalid_scope')
    for (const scope of ['read', 'unknown'])
      expect(await (await test.authorize({ scope, response_mode: 'form_post' })).text()).toContain(`name="iss" value="${ISSUER}"`)
    const metadata = await (await test.fetch('/.well-known/oauth-authorization-server')).json()
    expect(metadata).toMatchObject({ issuer: ISSUER, authorization_response_iss_parameter_supported: true })
  })

  test('AP-16 IN-21 a scope that is malformed or not registered is refused', async () => {
    const test = await ready()
    for (const scope of [
      'unknown',
      'read unknown',
      'READ',
      'read"',
      'read\\',
      'read\u0001',
      'ｒead',
      'openid',
      'read openid',
      'x '.repeat(5000),
      Array.from({ length: 100 }, (_, i) => `s${i}`).join(' ')
    ]) {
      expectRedirectError(await test.authorize({ scope }), 'invalid_scope')
    }
    const { server } = test
    const grants = async () => (await server.store.grants.list({ subject: 'alice' }, test.now)).map(({ scope }) => scope)
    await test.authorize({ scope: '  write   read write ' })
    expect(await grants()).toEqual([['write', 'read']])
    const tokens = await (await test.redeem(await secretOf(test), await test.code({ scope: '  write   read write ' }))).json()
    expect(tokens.scope).toBe('write read')
  })

  test('IN-21 a scope of a hundred thousand tokens, or of one token fifty thousand times, is refused by its length', async () => {
    const test = await ready()
    for (const scope of [Array.from({ length: 100_000 }, (_, i) => `s${i}`).join(' '), 'read '.repeat(50_000), 'read '.repeat(201)]) {
      const url = `/authorize?${query({ ...AUTHORIZATION, scope })}`
      const answer = await test.server.respond({ method: 'GET', url, headers: new Headers(), body: async () => '' })
      expect(answer?.headers.location).toContain('error=invalid_scope')
      const body = async () => query({ grant_type: 'client_credentials', scope })
      const headers = new Headers({
        'content-type': 'application/x-www-form-urlencoded',
        ...basic('app', (await secretOf(test)).client_secret)
      })
      const token = await test.server.respond({ method: 'POST', url: '/token', headers, body })
      expect([token?.status, JSON.parse(token?.body ?? '').error]).toEqual([400, 'invalid_scope'])
    }
  })

  test('a request without scope gets the default: all that is registered, or what the server says (RFC 6749 §3.3)', async () => {
    const all = await ready()
    const tokens = await (await all.redeem(await secretOf(all), await all.code({ scope: undefined }))).json()
    expect(tokens.scope).toBe('read write')
    const some = await ready({ defaultScope: 'read other' })
    expect((await (await some.redeem(await secretOf(some), await some.code({ scope: undefined }))).json()).scope).toBe('read')
  })

  test('AP-18 AP-19 IN-05 IN-06 unknown and empty parameters are as if they were not there', async () => {
    const test = await ready()
    const extra =
      'foo=bar&__proto__=x&constructor=x&prototype[x]=1&toString=1&hasOwnProperty=1&scope[]=a&client_id[$ne]=&prompt=&max_age=&response_mode='
    expect((await test.fetch(`/authorize?${query(AUTHORIZATION)}&${extra}`)).headers.get('location')).toMatch(/code=gac_/)
    expect(({} as Record<string, unknown>).x).toBeUndefined()
  })

  test('AP-18 an unknown parameter is in no grant, code or event', async () => {
    const test = await ready()
    const written: string[] = []
    const { grants } = test.server.store
    const insert = grants.insert.bind(grants)
    grants.insert = (grant, yields) => {
      written.push(JSON.stringify([grant, yields]))
      return insert(grant, yields)
    }
    await test.authorize({ foo: 'canary', canary: 'x' })
    await test.authorize({ foo: 'canary', canary: 'x', scope: 'unknown' })
    expect(written).toHaveLength(1)
    expect(JSON.stringify([written, test.events])).not.toContain('canary')
  })

  test('AP-20 a POST is as good as a GET', async () => {
    const test = await ready()
    const response = await test.post('/authorize', AUTHORIZATION)
    expect(response.status).toBe(303)
    expect(response.headers.get('location')).toMatch(/code=gac_/)
    expectRedirectError(await test.post('/authorize', { ...AUTHORIZATION, scope: 'unknown' }), 'invalid_scope')
    await expectPage(await test.post('/authorize', { ...AUTHORIZATION, redirect_uri: 'https://evil.example' }))
  })

  test('AP-20 a POST without a session begins an interaction, which ends as any other', async () => {
    const test = await ready()
    test.session = undefined
    // A form that another site submits carries no cookie of ours: what comes of it is a page, and nothing else has changed.
    const response = await test.post('/authorize', AUTHORIZATION, { origin: 'https://client.example.com', 'sec-fetch-site': 'cross-site' })
    expect([response.status, await response.text()]).toEqual([200, 'page login'])
    expect(await test.server.store.grants.list({ clientId: 'app' }, test.now)).toEqual([])
    test.session = { id: 's2', subject: 'alice', authTime: test.now }
    const answer = await test.fetch(test.prompts[0]?.returnTo ?? '')
    expect(answer.headers.get('location')).toMatch(/^https:\/\/client\.example\.com\/cb\?code=gac_[\w-]+&state=xyz&/)
  })

  test('AP-23 every redirect is a 303, and no other is anywhere in the code', async () => {
    const test = await ready()
    for (const response of [
      await test.post('/authorize', AUTHORIZATION),
      await test.authorize(),
      await test.authorize({ scope: 'unknown' })
    ])
      expect(response.status).toBe(303)
    const sources = globSync(fileURLToPath(new URL('../../*/src/**/*.{ts,tsx}', import.meta.url)))
    expect(sources.length).toBeGreaterThan(100)
    const others = sources.filter((file) => /(?:status:?|writeHead\(|redirect\()\s*30[1278]\b/.test(readFileSync(file, 'utf8')))
    expect(others).toEqual([])
  })

  test('AP-24 nothing that carries a code says where it came from, or loads anything from elsewhere', async () => {
    const test = await ready()
    const redirect = await test.authorize()
    const page = await test.authorize({ response_mode: 'form_post' })
    for (const { headers } of [redirect, page]) {
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('cache-control')).toBe('no-store')
    }
    const body = await page.text()
    expect(body).toMatch(/value="gac_/)
    expect(body).not.toMatch(/<(?:img|link|iframe|object|embed|base|style)\b|src=|url\(|href=/i)
    expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'/)
  })

  test('AP-26 a code is good at the issuer that gave it, which every answer names', async () => {
    const test = await ready()
    const other = new TestServer({ issuer: 'https://other.example.com', store: test.server.store.realm('other') })
    const client = await other.client()
    const request = { grant_type: 'authorization_code', code: await test.code(), redirect_uri: REDIRECT_URI, code_verifier: VERIFIER }
    const response = await other.server.handle(
      new Request('https://other.example.com/token', {
        method: 'POST',
        body: new URLSearchParams({ ...request, client_id: client.client_id, client_secret: client.client_secret ?? '' })
      })
    )
    await expectTokenError(response, 400, 'invalid_grant')
    for (const [one, issuer] of [
      [test, ISSUER],
      [other, 'https://other.example.com']
    ] as const) {
      const metadata = await one.server.handle(new Request(`${issuer}/.well-known/oauth-authorization-server`))
      expect((await metadata.json()).issuer).toBe(issuer)
      const answer = await one.server.handle(new Request(`${issuer}/authorize?${query(AUTHORIZATION)}`))
      expect(new URL(answer.headers.get('location') ?? '').searchParams.get('iss')).toBe(issuer)
    }
  })

  test('AP-27 no page of ours is in a frame, or in the reach of the window that opened it, unless the answer goes there', async () => {
    const test = await ready()
    await expectPage(await test.authorize({ client_id: 'nobody' }))
    const { headers } = await test.authorize({ response_mode: 'form_post' })
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect([headers.get('x-frame-options'), headers.get('cross-origin-opener-policy')]).toEqual(['DENY', 'unsafe-none'])
  })

  test('IN-18 no parameter splits a header or ends a tag', async () => {
    const hostile = 'a\r\nSet-Cookie: x=1\r\n\r\n\t\u0085\u2028\u2029</script><script>"\''
    const test = await ready({}, { redirect_uris: [REDIRECT_URI, `${REDIRECT_URI}?q=%0d%0aSet-Cookie:x`] })
    for (const name of [
      'state',
      'scope',
      'ui_locales',
      'login_hint',
      'display',
      'prompt',
      'response_type',
      'response_mode',
      'error_description',
      hostile
    ]) {
      for (const response_mode of ['query', 'form_post']) {
        const response = await test.authorize({ response_mode, [name]: hostile })
        for (const [, value] of response.headers) expect(value).toMatch(/^[\x20-\x7e]*$/)
        expect(response.headers.get('set-cookie')).toBe(null)
        expect(await response.text()).not.toContain('</script><script>')
      }
    }
    for (const name of ['client_id', 'redirect_uri']) {
      const page = await expectPage(await test.authorize({ [name]: hostile }))
      expect(page).not.toContain(hostile)
    }
    const registered = await test.authorize({ redirect_uri: `${REDIRECT_URI}?q=%0d%0aSet-Cookie:x` })
    expect(registered.headers.get('location')).toMatch(/^https:\/\/client\.example\.com\/cb\?q=%0d%0aSet-Cookie:x&code=gac_/)
  })

  test('AP-21 form_post escapes everything and submits to exactly the redirect URI', async () => {
    const uri = 'https://client.example.com/cb?a=1&b=2'
    const test = await ready({}, { redirect_uris: [uri] })
    const response = await test.authorize({ response_mode: 'form_post', state: '"><script>alert(1)</script>', redirect_uri: uri })
    const body = await response.text()
    expect(response.status).toBe(200)
    expect(body).toContain('action="https://client.example.com/cb?a=1&#38;b=2"')
    expect(body).toContain('value="&#34;&#62;&#60;script&#62;alert(1)&#60;/script&#62;"')
    const script = /<script>(.*?)<\/script>/.exec(body)?.[1] ?? ''
    const hash = Buffer.from(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(script))).toString('base64')
    expect(response.headers.get('content-security-policy')).toContain(`script-src 'sha256-${hash}'`)
    expect(response.headers.get('cache-control')).toBe('no-store')
    // A quote in a redirect URI ends no attribute: the one is refused, the other escaped.
    await expect(test.client({ client_id: 'quoted', redirect_uris: ['https://c.example/cb?a="><script>'] })).rejects.toMatchObject({
      error: 'invalid_redirect_uri'
    })
    await test.client({ client_id: 'apostrophe', redirect_uris: ["https://c.example/cb?a='b'"] })
    const apostrophe = await test.authorize({
      client_id: 'apostrophe',
      response_mode: 'form_post',
      redirect_uri: "https://c.example/cb?a='b'"
    })
    expect(await apostrophe.text()).toContain('action="https://c.example/cb?a=&#39;b&#39;"')
    const refused = await (await test.authorize({ response_mode: 'form_post', scope: 'unknown', redirect_uri: uri })).text()
    expect(refused).toContain('name="error" value="invalid_scope"')
  })

  test('PK-01 PK-02 every client must send a code_challenge, at the authorization endpoint', async () => {
    const test = await ready()
    await test.publicClient()
    for (const client_id of ['app', 'spa'])
      expectRedirectError(
        await test.authorize({ client_id, code_challenge: undefined, code_challenge_method: undefined }),
        'invalid_request'
      )
  })

  test('PK-05 PK-06 only S256, and only a challenge that is one', async () => {
    const test = await ready()
    for (const code_challenge_method of [undefined, 'plain', 's256', 'S256 ', 'none'])
      expectRedirectError(await test.authorize({ code_challenge_method }), 'invalid_request')
    expectRedirectError(await test.fetch(`/authorize?${query(AUTHORIZATION)}&code_challenge_method=S256`), 'invalid_request')
    const { code_challenge_method: _, ...bracketed } = AUTHORIZATION
    expectRedirectError(await test.fetch(`/authorize?${query({ ...bracketed, 'code_challenge_method[]': 'S256' })}`), 'invalid_request')
    expect(test.server.metadata()).toMatchObject({ code_challenge_methods_supported: ['S256'] })
    for (const code_challenge of [
      '',
      `${CHALLENGE}=`,
      CHALLENGE.slice(1),
      `${CHALLENGE}a`,
      `+/${CHALLENGE.slice(2)}`,
      `é${CHALLENGE.slice(1)}`
    ]) {
      expectRedirectError(await test.authorize({ code_challenge }), 'invalid_request')
    }
  })

  test('DI-07 there are no CORS headers, not even for a preflight', async () => {
    const test = await ready()
    const response = await test.fetch('/authorize', {
      method: 'OPTIONS',
      headers: { origin: 'https://client.example.com', 'access-control-request-method': 'GET' }
    })
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([405, null])
    const get = await test.fetch(`/authorize?${query(AUTHORIZATION)}`, { headers: { origin: 'https://client.example.com' } })
    expect(get.headers.get('access-control-allow-origin')).toBe(null)
  })

  test('without interactions there is no authorization endpoint, and none is advertised', async () => {
    const { AuthorizationServer } = await import('../src/index.ts')
    const server = new AuthorizationServer({ issuer: ISSUER, store: new MemoryStore() })
    expect((await server.handle(new Request(`${ISSUER}/authorize?${query(AUTHORIZATION)}`))).status).toBe(404)
    const metadata = await (await server.handle(new Request(`${ISSUER}/.well-known/oauth-authorization-server`))).json()
    expect(metadata).toMatchObject({ response_types_supported: [], grant_types_supported: ['client_credentials', 'refresh_token'] })
    expect(metadata).not.toHaveProperty('authorization_endpoint')
  })
})

/** The client 'app' with a fresh secret. */
async function secretOf(test: TestServer): Promise<{ client_id: string; client_secret: string }> {
  return { client_id: 'app', client_secret: await test.server.clients.addSecret('app') }
}
