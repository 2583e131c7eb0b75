import { createServer } from 'node:http'
import { AuthorizationServer, type Extension, LoginRequiredError, MemoryStore, nodeListener, seeOther } from 'grantor'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Forms } from '../src/forms.ts'
import type { GrantorServer } from '../src/index.ts'
import { LoginLimiter } from '../src/login-limiter.ts'
import { PagesResponder } from '../src/pages-responder.ts'
import { Sessions } from '../src/sessions.ts'
import { SignUp } from '../src/sign-up.ts'
import { Users } from '../src/users.ts'
import { Browser } from './browser.ts'
import { freePort, PASSWORD, startServer } from './support.ts'

const NEWCOMER = { name: 'New Comer', login: 'newcomer', email: '', password: PASSWORD, decision: 'create' }
const CLIENT = { client_id: 'app', redirect_uris: ['https://client.example.com/cb'], scope: 'read' }
const authorizeUrl = (issuer: string) =>
  `${issuer}/authorize?client_id=app&response_type=code&redirect_uri=https://client.example.com/cb&code_challenge=${'x'.repeat(43)}&code_challenge_method=S256`

describe('creating an account', () => {
  let server: GrantorServer
  let issuer: string
  let browser: Browser

  async function start(settings: Record<string, unknown> = {}) {
    ;({ server, issuer } = await startServer({ signUp: true, ...settings }))
    await server.authorization.clients.create(CLIENT)
    browser = new Browser()
    await browser.open(authorizeUrl(issuer))
    return browser.url
  }
  afterEach(() => server.close())

  test('begins on the sign-in page, and the new person is signed in and goes on', async () => {
    const signIn = await start()
    expect(await browser.open(signIn)).toContain(`href="${new URL(signIn).pathname}/sign-up"`)
    const form = await browser.open(`${signIn}/sign-up`)
    expect(form).toContain(`href="${new URL(signIn).pathname}/sign-in"`)
    expect(await browser.submit(NEWCOMER)).toContain('You are signed in as New Comer.')
    await browser.submit({ decision: 'allow' })
    expect(new URL(browser.stoppedAt ?? '').searchParams.get('code')).toMatch(/^gac_/)
    expect((await server.users.authenticate('newcomer', PASSWORD))?.claims).toMatchObject({ name: 'New Comer' })
  })

  test('is not there unless the operator allows it', async () => {
    const signIn = await start({ signUp: undefined })
    expect(await browser.open(signIn)).not.toContain('Create an account')
    expect(await browser.open(`${signIn}/sign-up`)).toBe('Not found\n')
    await browser.open(signIn)
    await browser.submit(NEWCOMER)
    await browser.submit(NEWCOMER, `${signIn}/sign-up`)
    expect(await server.users.findByLogin('newcomer')).toBeUndefined()
  })

  test.each([
    ['no name', { name: ' ' }, 400, 'Say what to call you.'],
    ['no login', { login: '' }, 400, 'A user has a login name.'],
    ['a login with something that cannot be seen', { login: 'new\u202ecomer' }, 400, 'A login name has visible characters only.'],
    ['a short password', { password: '1234567' }, 400, 'A password has at least 8 characters.'],
    ['an address that is none', { email: 'me at home' }, 400, 'This is not an e-mail address.'],
    ['a login that is taken, however it is written', { login: ' Ａlice ' }, 409, 'Somebody has this name already.']
  ])('with %s is refused; what was typed stays, except the password', async (_, change, status, message) => {
    const signIn = await start()
    await browser.open(`${signIn}/sign-up`)
    const typed = { ...browser.fields(), ...NEWCOMER, email: 'kept@example.com', ...change }
    const response = await fetch(browser.url, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: browser.cookie() },
      body: new URLSearchParams(typed)
    })
    const page = await response.text()
    expect(response.status).toBe(status)
    expect(page).toContain(message)
    expect(page.match(/role="alert"/g)).toHaveLength(1)
    expect(page.match(/aria-invalid="true"/g)).toHaveLength(1)
    expect(page).toContain(`value="${typed.email}"`)
    expect(page).not.toContain(typed.password)
    expect(response.headers.getSetCookie()).toEqual([])
    expect(await server.users.findByLogin('newcomer')).toBeUndefined()
  })

  test('SE-03, SE-04 by a form that did not come from its own page is refused', async () => {
    const signIn = await start()
    await browser.open(`${signIn}/sign-up`)
    const post = async (fields: Record<string, string>, headers: Record<string, string> = {}) => {
      const init = { method: 'POST', redirect: 'manual', headers: { cookie: browser.cookie(), ...headers } } as const
      return (await fetch(browser.url, { ...init, body: new URLSearchParams(fields) })).status
    }
    expect(await post(NEWCOMER)).toBe(403)
    expect(await post({ ...NEWCOMER, csrf: 'guessed' })).toBe(403)
    expect(await post({ ...NEWCOMER, ...browser.fields() }, { origin: 'https://evil.example' })).toBe(403)
    expect(await server.users.findByLogin('newcomer')).toBeUndefined()
  })

  test('and asking which names are taken are limited for each address, many at once as well', async () => {
    const signIn = await start({ limits: { signUpsPerAddress: 3 } })
    await browser.open(`${signIn}/sign-up`)
    const ask = async (login: string) => {
      const init = { method: 'POST', redirect: 'manual', headers: { cookie: browser.cookie() } } as const
      return fetch(browser.url, { ...init, body: new URLSearchParams({ ...browser.fields(), ...NEWCOMER, login }) })
    }
    const responses = await Promise.all(Array.from({ length: 8 }, () => ask('alice')))
    expect(responses.map(({ status }) => status).sort()).toEqual([409, 409, 409, 429, 429, 429, 429, 429])
    const refused = await ask('nobody-yet')
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(600)
    expect(await refused.text()).toContain('Too many attempts.')
    expect(await server.users.findByLogin('nobody-yet')).toBeUndefined()
    // Those who have an account are not kept out by it.
    await browser.open(`${signIn}/sign-in`)
    expect(await browser.submit({ login: 'alice', password: PASSWORD })).toContain('You are signed in as')
  })

  test('SE-01 leaves a planted session cookie unsigned', async () => {
    const signIn = await start()
    browser.setCookie('grantor-session', 'planted')
    await browser.open(`${signIn}/sign-up`)
    await browser.submit(NEWCOMER)
    expect(browser.getCookie('grantor-session')).toMatch(/^session_/)
  })
})

describe('an interaction whose prompt is create', () => {
  let issuer: string
  let close: () => Promise<unknown>

  // As Initiating User Registration via OpenID Connect 1.0 asks for the page.
  const registration: Extension = () => ({
    interactionChecks: [
      {
        reason: 'prompt=create',
        prompt: 'create',
        error: LoginRequiredError,
        isNeeded: ({ prompts, freshLogin }) => prompts.includes('create') && !freshLogin
      }
    ]
  })

  beforeEach(async () => {
    const port = await freePort()
    issuer = `http://localhost:${port}`
    const authorization: AuthorizationServer = new AuthorizationServer({
      issuer,
      store: new MemoryStore(),
      extensions: [registration],
      interactions: {
        session: (request) => sessions.find(request),
        prompt: async ({ id }) => seeOther(`/interaction/${id}`)
      }
    })
    const users = new Users(authorization)
    const sessions = new Sessions(authorization, users)
    const limiter = new LoginLimiter({ signInsPerAccount: 10, signInsPerAddress: 10, signUpsPerAddress: 10 })
    const parts = {
      users,
      sessions,
      limiter,
      popups: true,
      forms: new Forms(authorization),
      detailTypes: {},
      signUp: new SignUp(users, limiter)
    }
    const pages = new PagesResponder(authorization, parts)
    const http = createServer(
      nodeListener({ respond: async (request) => (await authorization.respond(request)) ?? pages.respond(request) })
    )
    await new Promise<void>((resolve) => http.listen(port, 'localhost', resolve))
    close = () => new Promise((resolve) => http.close(resolve).closeAllConnections())
    await authorization.clients.create({ ...CLIENT, require_consent: false })
    await users.create({ login: 'alice', password: PASSWORD })
  })
  afterEach(() => close())

  async function signedIn(): Promise<Browser> {
    const browser = new Browser()
    await browser.open(authorizeUrl(issuer))
    await browser.submit({ login: 'alice', password: PASSWORD })
    return browser
  }

  test('shows the page at once, also to who is signed in, and is over when the account is there', async () => {
    const browser = await signedIn()
    expect(await browser.open(`${authorizeUrl(issuer)}&prompt=create`)).toContain('<h1>Create an account</h1>')
    const before = browser.getCookie('grantor-session')
    await browser.submit(NEWCOMER)
    expect(new URL(browser.stoppedAt ?? '').searchParams.get('code')).toMatch(/^gac_/)
    expect(browser.getCookie('grantor-session')).not.toBe(before)
    expect(await browser.open(`${authorizeUrl(issuer)}&prompt=create`)).toContain('<h1>Create an account</h1>')
  })

  test('lets who has an account already sign in instead, or cancel', async () => {
    const browser = await signedIn()
    await browser.open(`${authorizeUrl(issuer)}&prompt=create`)
    const page = browser.url
    expect(await browser.open(`${page}/sign-in`)).toContain('<h1>Sign in</h1>')
    await browser.submit({ login: 'alice', password: PASSWORD })
    expect(browser.stoppedAt).toContain('code=')
    const other = await signedIn()
    await other.open(`${authorizeUrl(issuer)}&prompt=create`)
    await other.submit({ decision: 'deny' })
    expect(other.stoppedAt).toContain('error=access_denied')
  })
})
