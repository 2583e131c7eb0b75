import { calculatePKCECodeChallenge } from 'oauth4webapi'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { GrantorServer } from '../src/index.ts'
import { Browser } from './browser.ts'
import { PASSWORD, startServer } from './support.ts'

let server: GrantorServer
let issuer: string
let authorization: string
let browser: Browser

beforeAll(async () => {
  ;({ server, issuer } = await startServer())
  await server.authorization.clients.create({ client_id: 'app', redirect_uris: ['https://client.example.com/cb'], scope: 'read' })
  const challenge = await calculatePKCECodeChallenge('a-verifier-of-forty-three-characters-or-more')
  authorization = `${issuer}/authorize?client_id=app&response_type=code&redirect_uri=https://client.example.com/cb&code_challenge=${challenge}&code_challenge_method=S256`
})
afterAll(() => server.close())
beforeEach(() => {
  browser = new Browser()
})

const signIn = (login = 'alice', password = PASSWORD) => browser.submit({ login, password, decision: 'login' })

describe('signing in', () => {
  test('SE-01 a session cookie that was planted before never becomes signed in', async () => {
    await browser.open(authorization)
    browser.setCookie('grantor-session', 'planted')
    await signIn()
    const fresh = browser.getCookie('grantor-session')
    expect(fresh).toMatch(/^session_/)
    // The next sign-in makes another, and the one before is dead at the server.
    await browser.open(`${authorization}&prompt=login`)
    await signIn()
    expect(browser.getCookie('grantor-session')).not.toBe(fresh)
    const old = new Browser()
    old.setCookie('grantor-session', fresh ?? '')
    expect(await old.open(authorization)).toContain('Sign in')
  })

  test('SE-09 a cookie that was copied before signing out is dead after it', async () => {
    await browser.open(authorization)
    await signIn()
    const copied = browser.getCookie('grantor-session') ?? ''
    expect(await browser.open(`${issuer}/sign-out`)).toContain('Sign out?')
    expect(await browser.submit({})).toContain('You are signed out')
    expect(browser.getCookie('grantor-session')).toBeUndefined()
    const thief = new Browser()
    thief.setCookie('grantor-session', copied)
    expect(await thief.open(authorization)).toContain('Sign in')
  })

  test('SE-08 of two session cookies none counts', async () => {
    await browser.open(authorization)
    await signIn()
    const cookie = browser.getCookie('grantor-session') ?? ''
    const page = async (header: string) => (await fetch(`${issuer}/`, { headers: { cookie: header } })).text()
    expect(await page(`grantor-session=${cookie}`)).toContain('Sign out')
    expect(await page(`grantor-session=${cookie}; grantor-session=other`)).not.toContain('Sign out')
    expect(await page(`\u00a0grantor-session=${cookie}`)).not.toContain('Sign out')
    expect(await page(`Grantor-Session=${cookie}`)).not.toContain('Sign out')
    expect(await page(`grantor-session="${cookie}"`)).not.toContain('Sign out')
  })

  test('SE-03, SE-04 a form that did not come from its own page is refused', async () => {
    await browser.open(authorization)
    const own = { ...browser.fields(), login: 'alice', password: PASSWORD }
    const other = new Browser()
    await other.open(authorization)
    const post = async (fields: Record<string, string>, headers: Record<string, string> = {}) =>
      (
        await fetch(browser.url, {
          method: 'POST',
          redirect: 'manual',
          headers: { cookie: browser.cookie(), ...headers },
          body: new URLSearchParams(fields)
        })
      ).status
    const { csrf: _, ...without } = own as Record<string, string>
    expect(await post(without)).toBe(403)
    expect(await post({ ...own, csrf: 'wrong' })).toBe(403)
    expect(await post({ ...own, csrf: other.fields().csrf ?? '' })).toBe(403)
    expect(await post(own, { origin: 'https://evil.example' })).toBe(403)
    expect(await post(own, { origin: 'null' })).toBe(403)
    expect(await post(own, { 'sec-fetch-site': 'cross-site' })).toBe(403)
    expect(await post(own, { 'sec-fetch-site': 'same-site' })).toBe(403)
    expect(await post(own, { 'content-type': 'text/plain' })).toBe(400)
    expect(await post(own, { origin: issuer, 'sec-fetch-site': 'same-origin' })).toBe(303)
    // A scripted browser sends neither header.
    expect(await post(own)).toBe(303)
  })

  test('SE-12, SE-14 a decision is that of whom the page was shown, and about what it showed', async () => {
    await server.users.create({ login: 'bob', password: PASSWORD })
    const status = async (fields: Record<string, string>) =>
      (
        await fetch(browser.url, {
          method: 'POST',
          redirect: 'manual',
          headers: { cookie: browser.cookie() },
          body: new URLSearchParams(fields)
        })
      ).status
    await browser.open(`${authorization}&prompt=consent`)
    const login = browser.fields()
    for (const decision of ['allow', 'continue', 'switch', 'create']) expect(await status({ ...login, decision })).toBe(400)
    expect(await signIn()).toContain('signed in as')
    const consent = { url: browser.url, fields: browser.fields() }
    expect(await status({ ...login, decision: 'allow' })).toBe(403)
    for (const decision of ['continue', 'login', 'create']) expect(await status({ ...consent.fields, decision })).toBe(400)
    // Meanwhile, in another tab, somebody else signs in.
    await browser.open(`${authorization}&prompt=login`)
    await signIn('bob')
    browser.url = consent.url
    expect(await status({ ...consent.fields, decision: 'allow' })).toBe(403)
    expect(await browser.open(consent.url)).toContain('bob')
    await browser.submit({ decision: 'allow' })
    const bob = await server.users.authenticate('bob', PASSWORD)
    const grants = await server.authorization.store.grants.list({ clientId: 'app' }, server.authorization.now())
    expect(grants.map(({ subject }) => subject)).toEqual([bob?.subject])
  })

  test('CD-13 a code that waits while its person is given another password is dead', async () => {
    const carol = await server.users.create({ login: 'carol', password: PASSWORD })
    const { client_id, client_secret = '' } = await server.authorization.clients.create({
      redirect_uris: ['https://client.example.com/cb'],
      scope: 'read'
    })
    const codeFrom = async (own: Browser, password: string) => {
      await own.open(`${authorization.replace('client_id=app', `client_id=${client_id}`)}&prompt=consent`)
      await own.submit({ login: 'carol', password, decision: 'login' })
      await own.submit({ decision: 'allow' })
      return new URL(own.stoppedAt ?? '').searchParams.get('code') ?? ''
    }
    const redeem = async (code: string) => {
      const proof = { code_verifier: 'a-verifier-of-forty-three-characters-or-more', redirect_uri: 'https://client.example.com/cb' }
      const body = new URLSearchParams({ client_id, client_secret, grant_type: 'authorization_code', code, ...proof })
      const response = await fetch(`${issuer}/token`, { method: 'POST', body })
      return [response.status, (await response.json()).error]
    }
    const code = await codeFrom(new Browser(), PASSWORD)
    await server.users.setPassword(carol?.subject ?? '', 'another password')
    expect(await redeem(code)).toEqual([400, 'invalid_grant'])
    expect(await redeem(await codeFrom(new Browser(), 'another password'))).toEqual([200, undefined])
  })

  test('CD-12 RT-11 of a person who is disabled, deleted or given another password no code and no refresh token is good any more', async () => {
    const { client_id, client_secret = '' } = await server.authorization.clients.create({
      redirect_uris: ['https://client.example.com/cb'],
      grant_types: ['authorization_code', 'refresh_token'],
      scope: 'read'
    })
    const token = async (params: Record<string, string>) => {
      const response = await fetch(`${issuer}/token`, {
        method: 'POST',
        body: new URLSearchParams({ client_id, client_secret, ...params })
      })
      return { status: response.status, ...(await response.json()) }
    }
    const redeem = (code: string) =>
      token({
        grant_type: 'authorization_code',
        code,
        code_verifier: 'a-verifier-of-forty-three-characters-or-more',
        redirect_uri: 'https://client.example.com/cb'
      })
    const { users } = server
    const ends: [string, (subject: string) => Promise<unknown>][] = [
      ['ends-disabled', (subject) => users.disable(subject)],
      ['ends-deleted', (subject) => users.delete(subject)],
      ['ends-password', (subject) => users.setPassword(subject, 'another password')]
    ]
    for (const [login, end] of ends) {
      const person = await users.create({ login, password: PASSWORD })
      const codes = []
      const own = new Browser()
      for (let i = 0; i < 2; i++) {
        await own.open(`${authorization.replace('client_id=app', `client_id=${client_id}`)}&prompt=consent`)
        if (i === 0) await own.submit({ login, password: PASSWORD, decision: 'login' })
        await own.submit({ decision: 'allow' })
        codes.push(new URL(own.stoppedAt ?? '').searchParams.get('code') ?? '')
      }
      const { refresh_token, access_token } = await redeem(codes[0] ?? '')
      expect([login, access_token]).toEqual([login, expect.stringMatching(/^gat_/)])
      await end(person?.subject ?? '')
      expect(await redeem(codes[1] ?? '')).toMatchObject({ status: 400, error: 'invalid_grant' })
      expect(await token({ grant_type: 'refresh_token', refresh_token })).toMatchObject({ status: 400, error: 'invalid_grant' })
      const body = new URLSearchParams({ client_id, client_secret, token: access_token })
      expect(await (await fetch(`${issuer}/introspect`, { method: 'POST', body })).json()).toEqual({ active: false })
    }
  })

  test('AP-13 a login_hint fills in a field, whatever it is made of, and says nothing about who exists', async () => {
    const pageFor = (hint: string) => new Browser().open(`${authorization}&login_hint=${encodeURIComponent(hint)}`)
    const strip = (page: string, hint: string) =>
      page
        .replace(/name="csrf" value="[^"]*"/, '')
        .replaceAll(hint, '')
        .replace(/interaction\/[\w-]{24}/g, '')
    expect(strip(await pageFor('alice'), 'alice')).toBe(strip(await pageFor('nobody'), 'nobody'))
    for (const hint of [
      '<script>alert(1)</script>',
      '"><img src=x>',
      'a\r\nSet-Cookie: x=1',
      "' autofocus onfocus='alert(1)",
      'x'.repeat(9000)
    ]) {
      const page = await pageFor(hint)
      expect(page).toContain('Sign in')
      if (/[<"']/.test(hint)) expect(page).not.toContain(hint)
    }
  })

  test('AZ-15 the page that asks shows a host as ASCII, so that no letter passes for another', async () => {
    const { client_id } = await server.authorization.clients.create({
      client_name: 'Shop',
      redirect_uris: ['https://xn--pple-43d.com/cb'],
      scope: 'read'
    })
    const challenge = 'x'.repeat(43)
    const request = { client_id, response_type: 'code', redirect_uri: 'https://xn--pple-43d.com/cb', code_challenge: challenge }
    const page = await browser.open(`${issuer}/authorize?${new URLSearchParams({ ...request, code_challenge_method: 'S256' })}`)
    expect(page).toContain('Sign in')
    const consent = await signIn()
    expect(consent).toContain('xn--pple-43d.com')
    expect(consent).not.toMatch(/[^\0-\x7f]pple/)
  })

  test('a sign-out by a foreign form is refused', async () => {
    await browser.open(authorization)
    await signIn()
    const response = await fetch(`${issuer}/sign-out`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: browser.cookie() },
      body: new URLSearchParams({ csrf: 'guessed' })
    })
    expect(response.status).toBe(403)
    expect(await response.text()).toContain('<h1>Sign-out request rejected</h1>')
    expect(await browser.open(`${issuer}/`)).toContain('Sign out')
  })

  test.each([
    ['disabled', (subject: string) => server.users.disable(subject), (subject: string) => server.users.enable(subject)],
    ['deleted', (subject: string) => server.users.delete(subject), async () => true],
    ['given another password', (subject: string) => server.users.setPassword(subject, 'another password'), async () => true]
  ])('UI-03 who is %s is signed out everywhere, for good, and their tokens are dead', async (name, act, undo) => {
    const user = await server.users.create({ login: name, password: PASSWORD })
    const subject = user?.subject ?? ''
    const client = await server.authorization.clients.create({ redirect_uris: ['https://client.example.com/cb'], scope: 'read' })
    const url = authorization.replace('client_id=app', `client_id=${client.client_id}`)
    await browser.open(url)
    await signIn(name)
    await browser.submit({ decision: 'allow' })
    const code = new URL(browser.stoppedAt ?? '').searchParams.get('code') ?? ''
    const post = async (path: string, form: Record<string, string>) => {
      const headers = { authorization: `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}` }
      return (await fetch(issuer + path, { method: 'POST', headers, body: new URLSearchParams(form) })).json()
    }
    const redirect = { redirect_uri: 'https://client.example.com/cb', code_verifier: 'a-verifier-of-forty-three-characters-or-more' }
    const { access_token: token } = await post('/token', { grant_type: 'authorization_code', code, ...redirect })
    expect(await post('/introspect', { token })).toMatchObject({ active: true, sub: subject })
    expect(await browser.open(`${issuer}/`)).toContain('Sign out')

    expect(await act(subject)).toBe(true)
    expect(await post('/introspect', { token })).toEqual({ active: false })
    expect(await browser.open(`${issuer}/`)).not.toContain('Sign out')
    await undo(subject)
    expect(await browser.open(`${issuer}/`)).not.toContain('Sign out')
    expect(await browser.open(url)).toContain('Sign in')
  })

  test('SE-02 an interaction that belongs to another browser is not shown', async () => {
    await browser.open(authorization)
    const response = await fetch(browser.url)
    expect(response.status).toBe(400)
    expect(await response.text()).not.toContain('Sign in')
  })

  test('aioauth defect 12: a wrong password signs nobody in, and looks like an unknown name', async () => {
    await browser.open(authorization)
    const unknown = await signIn('nobody', PASSWORD)
    const wrong = await signIn('alice', 'wrong')
    const plain = (page: string) => page.replaceAll(/value="[^"]*"/g, '')
    expect(unknown).toContain('The name or the password is wrong.')
    expect(plain(unknown)).toBe(plain(wrong))
  })

  test('UI-03 a disabled person is told what anybody is told who types a wrong password', async () => {
    const user = await server.users.create({ login: 'disabled-one', password: PASSWORD })
    await server.users.disable(user?.subject ?? '')
    await browser.open(authorization)
    expect(await signIn('disabled-one')).toContain('The name or the password is wrong.')
    expect(browser.getCookie('grantor-session')).toBeUndefined()
  })

  test('guesses at one account are limited, many at once as well, and the right password is not heard meanwhile', async () => {
    await server.users.create({ login: 'mallorys-victim', password: PASSWORD })
    await browser.open(authorization)
    const fields = { ...browser.fields(), login: 'mallorys-victim', decision: 'login' }
    const guess = async (password: string) =>
      fetch(browser.url, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie: browser.cookie() },
        body: new URLSearchParams({ ...fields, password })
      })
    const responses = await Promise.all(Array.from({ length: 20 }, (_, index) => guess(`guess ${index}`)))
    expect(responses.filter(({ status }) => status === 401)).toHaveLength(10)
    expect(responses.filter(({ status }) => status === 429)).toHaveLength(10)
    const refused = await guess(PASSWORD)
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(600)
    expect(await refused.text()).toContain('Too many attempts')
  })

  test('SE-11, AP-27 no page is kept by a cache, framed, or held by the page that opened it', async () => {
    await browser.open(authorization)
    for (const url of [browser.url, `${issuer}/`, `${issuer}/signed-out`, `${issuer}/authorize`]) {
      const response = await fetch(url, { headers: { cookie: browser.cookie() } })
      expect(response.headers.get('cache-control')).toBe('no-store')
      expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'; frame-ancestors 'none'/)
      expect(response.headers.get('x-frame-options')).toBe('DENY')
      // AP-27: whoever opened it has no hold on it, but the application that waits for the end of a sign-in.
      const isOfSignIn = url === browser.url
      expect(response.headers.get('cross-origin-opener-policy')).toBe(isOfSignIn ? 'unsafe-none' : 'same-origin')
    }
  })
})

test('AP-27 without popups no page of a sign-in or sign-out is within reach of the window that opened it', async () => {
  const { server, issuer } = await startServer({ popups: false })
  const { client_id } = await server.authorization.clients.create({ redirect_uris: ['https://app.example.com/cb'], scope: 'openid' })
  const browser = new Browser()
  const policies: (string | null)[] = []
  const look = async (path: string) => {
    await browser.open(issuer + path)
    const { headers } = await fetch(browser.url, { headers: { cookie: browser.cookie() } })
    policies.push(headers.get('cross-origin-opener-policy'))
  }
  const challenge = { code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256' }
  const request = { client_id, response_type: 'code', redirect_uri: 'https://app.example.com/cb', scope: 'openid', ...challenge }
  await look(`/authorize?${new URLSearchParams(request)}`)
  await look('/logout')
  await browser.open(`${issuer}/authorize?${new URLSearchParams(request)}`)
  await browser.submit({ login: 'Alice', password: PASSWORD, decision: 'login' })
  await look('/logout')
  expect(policies).toEqual(['same-origin', 'same-origin', 'same-origin'])
  await server.close()
})
