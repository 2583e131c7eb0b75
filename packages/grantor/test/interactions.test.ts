import { describe, expect, test } from 'vitest'
import { AUTHORIZATION, expectPage, expectRedirectError, ISSUER, query, TestServer } from './support.ts'

const SIGNED_IN = { id: 's2', subject: 'alice', authTime: 0 }

/** A client whose consent is asked, and a person who is not signed in unless the test says so. */
async function ready(client = {}) {
  const test = new TestServer()
  await test.client({ require_consent: true, ...client })
  test.session = undefined
  const signIn = (subject = 'alice', id = 's2') => {
    test.session = { ...SIGNED_IN, subject, id, authTime: test.now }
  }
  const last = () => {
    const interaction = test.prompts.at(-1)
    if (!interaction) throw new Error('nobody was asked')
    return interaction
  }
  const resolve = (result: Parameters<typeof test.server.interactions.resolve>[2], id = last().id) => {
    const cookie = [...test.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    return test.server.interactions.resolve(
      { method: 'POST', url: '/', headers: new Headers({ cookie }), body: async () => '' },
      id,
      result
    )
  }
  const allow = (subject = 'alice') => resolve({ consent: { subject, scope: last().scope } })
  const back = () => test.fetch(last().returnTo)
  return { test, signIn, last, resolve, allow, back }
}

const codeOf = (response: Response) => new URL(response.headers.get('location') ?? 'about:blank').searchParams.get('code')

describe('interactions', () => {
  test('sign-in, then consent, then the code; the request is judged again from the start each time', async () => {
    const { test, signIn, last, allow, back } = await ready()
    expect(await (await test.authorize()).text()).toBe('page login')
    expect(last()).toMatchObject({
      prompt: 'login',
      reason: 'no_session',
      scope: ['read'],
      newScope: ['read'],
      redirectUri: 'https://client.example.com/cb'
    })
    signIn()
    await back()
    expect(last()).toMatchObject({ prompt: 'consent', reason: 'new_scope', subject: 'alice' })
    await allow()
    expect(codeOf(await back())).toMatch(/^gac_/)
    expect(test.prompts.map(({ id }) => id)).toEqual([last().id, last().id])
    const about = { clientId: 'app', interactionId: last().id }
    expect(test.eventsOf('interaction.started')).toMatchObject([about, about])
    expect(test.eventsOf('interaction.finished')).toMatchObject([{ ...about, outcome: 'granted', subject: 'alice' }])
    expect(test.cookies.size).toBe(0)
  })

  test('remembered consent is derived from live grants: only what is new is asked', async () => {
    const { test, signIn, last, allow, back } = await ready()
    signIn()
    await test.authorize()
    await allow()
    await back()
    expect(codeOf(await test.authorize())).toMatch(/^gac_/)
    await test.authorize({ scope: 'read write' })
    expect(last()).toMatchObject({ reason: 'new_scope', newScope: ['write'] })
    await test.server.store.grants.revoke({ subject: 'alice' }, test.now)
    await test.authorize()
    expect(last()).toMatchObject({ reason: 'new_scope', newScope: ['read'] })
  })

  test('consent to more is remembered behind more than a hundred newer grants of less, and dies with its grant', async () => {
    const { test, signIn, last, allow, back } = await ready()
    signIn()
    await test.authorize({ scope: 'read write' })
    await allow()
    await back()
    for (let count = 0; count < 101; count++) expect(codeOf(await test.authorize({ scope: 'read' }))).not.toBeNull()
    expect(codeOf(await test.authorize({ scope: 'write' }))).not.toBeNull()
    await test.server.store.grants.revoke({ subject: 'alice' }, test.now)
    expect(codeOf(await test.authorize({ scope: 'read' }))).toBeNull()
    expect(last()).toMatchObject({ reason: 'new_scope', newScope: ['read'] })
  })

  test('CO-01 CO-05 a person may grant less, and nobody may grant more than was asked', async () => {
    const { test, signIn, resolve, back } = await ready()
    const client = { client_id: 'app', client_secret: await test.server.clients.addSecret('app') }
    signIn()
    await test.authorize({ scope: 'read write' })
    await expect(resolve({ consent: { subject: 'alice', scope: ['read', 'admin'] } })).rejects.toMatchObject({ error: 'invalid_request' })
    await resolve({ consent: { subject: 'alice', scope: ['write'] } })
    const tokens = await (await test.redeem(client, codeOf(await back()) ?? '')).json()
    expect(tokens.scope).toBe('write')
  })

  test('AZ-14 CO-01 scope that the client lost while the person was asked is not granted', async () => {
    const { test, signIn, allow, back } = await ready()
    signIn()
    await test.authorize({ scope: undefined })
    await allow()
    await test.server.clients.update('app', { scope: 'read' })
    expect(codeOf(await back())).toMatch(/^gac_/)
    expect((await test.server.store.grants.list({ subject: 'alice' }, test.now))[0]?.scope).toEqual(['read'])
  })

  test('CO-04 denial is told to the client, and ends the interaction', async () => {
    const { test, signIn, resolve, back } = await ready()
    signIn()
    await test.authorize()
    await resolve({ denied: true })
    expectRedirectError(await back(), 'access_denied')
    await expectPage(await back())
    expect(test.eventsOf('interaction.finished')).toMatchObject([{ clientId: 'app', outcome: 'denied' }])
  })

  test('CO-04 one interaction yields one code, however often it is finished at once', async () => {
    const { test, signIn, allow, last } = await ready()
    signIn()
    await test.authorize()
    await allow()
    const cookie = [...test.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const finish = () => test.server.handle(new Request(last().returnTo, { headers: { cookie } }))
    const responses = await Promise.all(Array.from({ length: 20 }, finish))
    expect(responses.filter((response) => codeOf(response) !== null)).toHaveLength(1)
    expect(await test.server.store.grants.list({ subject: 'alice' }, test.now)).toHaveLength(1)
  })

  test('SE-02 AP-25 an interaction belongs to the browser that began it, ends once, and expires', async () => {
    const { test, signIn, allow, last, back } = await ready()
    await test.authorize()
    const { returnTo, id } = last()
    signIn()
    const stranger = (cookie: string) => test.server.handle(new Request(returnTo, { headers: { cookie } }))
    await expectPage(await stranger(''))
    await expectPage(await stranger(`__Host-grantor-interaction-${id}=guess`))
    const own = [...test.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    await expectPage(await stranger(`${own}; ${own}`))
    await back()
    await allow()
    expect(codeOf(await back())).not.toBe(null)
    await expectPage(await stranger(own))
    await test.authorize({ prompt: 'consent' })
    test.now += 1800
    await expectPage(await back())
  })

  test('SE-12 SE-14 consent counts for the person who gave it, not for whoever is signed in later', async () => {
    const { test, signIn, allow, last, back } = await ready()
    signIn('alice')
    await test.authorize()
    await allow('alice')
    signIn('bob', 's3')
    await back()
    expect(last()).toMatchObject({ prompt: 'consent', subject: 'bob' })
    expect(await test.server.store.grants.list({ clientId: 'app' }, test.now)).toEqual([])
  })

  test('AP-28 many at once in one browser end each with its own state; the cookies are bounded', async () => {
    const { test, signIn } = await ready({ require_consent: false })
    for (let i = 0; i < 50; i++) {
      test.now += 1
      await test.authorize({ state: `state-${i}` })
    }
    expect(test.cookies.size).toBe(10)
    expect([...test.cookies].map((pair) => pair.join('=')).join('; ').length).toBeLessThan(8192)
    signIn()
    const codes = []
    for (const i of [49, 42, 45, 40, 48, 41, 43, 47, 44, 46]) {
      const { searchParams } = new URL((await test.fetch(test.prompts[i]?.returnTo ?? '')).headers.get('location') ?? '')
      expect(searchParams.get('state')).toBe(`state-${i}`)
      codes.push(searchParams.get('code'))
    }
    expect(new Set(codes).size).toBe(10)
    expect(codes).not.toContain(null)
    await expectPage(await test.fetch(test.prompts[39]?.returnTo ?? ''))
  })

  test('SE-07 the cookie is __Host-, Secure, HttpOnly, Lax, and without a domain', async () => {
    const { test } = await ready()
    const response = await test.server.handle(new Request(`${ISSUER}/authorize?${query(AUTHORIZATION)}`))
    expect(response.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^__Host-grantor-interaction-[\w-]{24}=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=1800; Secure$/)
    ])
  })

  test('CO-03 a native client that cannot prove itself is never passed silently (RFC 8252 §8.6)', async () => {
    const { test, signIn, last, allow, back } = await ready({
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      redirect_uris: ['http://127.0.0.1/cb'],
      grant_types: ['authorization_code']
    })
    const request = { redirect_uri: 'http://127.0.0.1:5000/cb' }
    signIn()
    for (let i = 0; i < 2; i++) {
      await test.authorize(request)
      expect(last().reason).toBe('unproven_client')
      await allow()
      expect(codeOf(await back())).not.toBe(null)
    }
    expectRedirectError(await test.authorize({ ...request, prompt: 'none' }), 'consent_required', { to: request.redirect_uri })
  })
})

describe('prompt and max_age', () => {
  test('AP-08 prompt=none never shows a page', async () => {
    const { test, signIn } = await ready()
    expectRedirectError(await test.authorize({ prompt: 'none' }), 'login_required')
    signIn()
    expectRedirectError(await test.authorize({ prompt: 'none' }), 'consent_required')
    test.now += 100
    expectRedirectError(await test.authorize({ prompt: 'none', max_age: '50' }), 'login_required')
    expect(test.prompts).toEqual([])
  })

  test('AP-09 none stands alone, and unknown prompts are refused', async () => {
    const { test } = await ready()
    for (const prompt of ['none login', 'login none', 'bogus', 'create', 'LOGIN', 'login  consent'])
      expectRedirectError(await test.authorize({ prompt }), 'invalid_request')
  })

  test('AP-09 prompt=login asks once for a fresh sign-in', async () => {
    const { test, signIn, last, back } = await ready({ require_consent: false })
    signIn()
    await test.authorize({ prompt: 'login' })
    expect(last()).toMatchObject({ prompt: 'login', reason: 'prompt=login', subject: 'alice' })
    await back()
    expect(test.prompts).toHaveLength(2)
    signIn('alice', 's3')
    expect(codeOf(await back())).not.toBe(null)
  })

  test('AP-09 prompt=consent asks although consent is remembered, prompt=select_account lets the person choose', async () => {
    const { test, signIn, last, allow, back, resolve } = await ready()
    signIn()
    await test.authorize({ prompt: 'consent' })
    await allow()
    expect(codeOf(await back())).not.toBe(null)
    await test.authorize({ prompt: 'consent' })
    expect(last().reason).toBe('prompt=consent')
    await test.authorize({ prompt: 'select_account' })
    expect(last()).toMatchObject({ prompt: 'select_account', reason: 'prompt=select_account' })
    await resolve({ account: { subject: 'alice' } })
    expect(codeOf(await back())).not.toBe(null)
  })

  test('AP-10 AP-11 max_age asks when this session is older, and 0 always', async () => {
    const { test, signIn, last, back } = await ready({ require_consent: false })
    signIn()
    test.now += 100
    expect(codeOf(await test.authorize({ max_age: '100' }))).not.toBe(null)
    await test.authorize({ max_age: '1' })
    expect(last().reason).toBe('max_age')
    await test.authorize({ max_age: '99' })
    expect(last().reason).toBe('max_age')
    signIn('alice', 's3')
    expect(codeOf(await back())).not.toBe(null)
    await test.authorize({ max_age: '0' })
    expect(last().reason).toBe('max_age')
    for (const max_age of ['-1', 'abc', '1e9', '1.5', '99999999999999999999'])
      expectRedirectError(await test.authorize({ max_age }), 'invalid_request')
  })

  test('AP-13 hints reach the page as they came', async () => {
    const { test, last } = await ready()
    await test.authorize({ login_hint: '<script>', ui_locales: 'fr en', acr_values: 'gold' })
    expect(last()).toMatchObject({ loginHint: '<script>', uiLocales: ['fr', 'en'], acrValues: ['gold'] })
  })

  test('acr_values that is no list of at most 20 values is invalid_request, whoever heeds it', async () => {
    const { test } = await ready()
    for (const acr_values of ['a"b', 'a\u{e4}', Array.from({ length: 21 }, (_, i) => `${i}`).join(' ')])
      expectRedirectError(await test.authorize({ acr_values }), 'invalid_request')
    expect(test.prompts).toEqual([])
  })
})
