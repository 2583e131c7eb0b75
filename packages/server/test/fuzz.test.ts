import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { GrantorServer } from '../src/index.ts'
import { Browser } from './browser.ts'
import { PASSWORD, startServer } from './support.ts'

const RUNS = 1500
/** Milliseconds. */
const DEADLINE = 5000
const VALUES = [
  '',
  'alice',
  'x',
  PASSWORD,
  'login',
  'allow',
  'deny',
  'continue',
  'switch',
  'create',
  '\0',
  '💥',
  '%',
  '"><script>',
  'x'.repeat(5000)
]
const NAMES = ['decision', 'csrf', 'login', 'password', 'name', 'email', '__proto__', 'constructor', 'x']
const PATHS = ['', '/sign-in', '/sign-up', '/x', '?a=b', '%2f']

let server: GrantorServer
let issuer: string

beforeAll(async () => {
  ;({ server, issuer } = await startServer({ signUp: true, limits: { signInsPerAccount: 5, signInsPerAddress: 30, signUpsPerAddress: 5 } }))
  await server.authorization.clients.create({ client_id: 'app', redirect_uris: ['https://client.example.com/cb'], scope: 'read' })
})
afterAll(() => server.close())

const field = fc.tuple(fc.constantFrom(...NAMES), fc.oneof(fc.constantFrom(...VALUES), fc.string({ unit: 'binary', maxLength: 40 })))
const request = fc.record({
  method: fc.constantFrom('GET', 'POST', 'POST', 'POST', 'PUT', 'DELETE'),
  /** The page's own form, or whatever. */
  own: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.constant(false)),
  fields: fc.oneof(fc.constant([]), fc.array(field, { maxLength: 3 })),
  decision: fc.option(fc.constantFrom('login', 'allow', 'deny', 'switch', 'continue'), { nil: undefined }),
  path: fc.oneof({ weight: 6, arbitrary: fc.constant('') }, fc.constantFrom(...PATHS)),
  elsewhere: fc.oneof(
    { weight: 8, arbitrary: fc.constant(undefined) },
    fc.constantFrom('/', '/sign-out', '/signed-out', '/assets/style.css')
  ),
  headers: fc.oneof(
    { weight: 6, arbitrary: fc.constant({}) },
    fc.constantFrom(
      { origin: 'null' },
      { origin: 'https://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
      { 'content-type': 'text/plain' }
    )
  )
})

test(`${RUNS} requests to the pages of a person who signs in and consents: no 5xx, no hang, no redirect to elsewhere`, {
  timeout: 60_000
}, async () => {
  const authorization = `${issuer}/authorize?client_id=app&response_type=code&redirect_uri=https://client.example.com/cb&prompt=consent&code_challenge=${'x'.repeat(43)}&code_challenge_method=S256`
  const begin = async (signedIn: boolean) => {
    const browser = new Browser()
    await browser.open(authorization)
    if (signedIn) await browser.submit({ login: 'alice', password: PASSWORD, decision: 'login' })
    return browser
  }
  // Before the limits are reached.
  const session = (await begin(true)).getCookie('grantor-session') ?? ''
  let browser = await begin(false)
  const seen = new Map<number, number>()
  let run = 0
  await fc.assert(
    fc.asyncProperty(request, async ({ method, own, fields, decision, path, elsewhere, headers }) => {
      run += 1
      // An interaction ends with its first decision; every other one has a person signed in.
      if (run % 3 === 0) {
        browser = new Browser()
        if (run % 2 === 0) browser.setCookie('grantor-session', session)
        await browser.open(authorization)
      }
      const form = new URLSearchParams({ ...(own && browser.fields()), ...(decision !== undefined && { decision }) })
      for (const [name, value] of fields) form.set(name, value)
      const response = await fetch(elsewhere === undefined ? browser.url + path : issuer + elsewhere, {
        method,
        redirect: 'manual',
        headers: { cookie: browser.cookie(), ...headers },
        ...(method !== 'GET' && { body: form }),
        signal: AbortSignal.timeout(DEADLINE)
      })
      const body = await response.text()
      seen.set(response.status, (seen.get(response.status) ?? 0) + 1)
      if (response.status >= 500) throw new Error(`${response.status} ${method} ${form}`)
      if (response.headers.get('x-request-id') === null) throw new Error('no request id')
      if (body.includes('<script')) throw new Error(`a script on the page: ${form}`)
      const location = response.headers.get('location')
      if (location !== null && !['/signed-out', `${issuer}/authorize`].some((own) => location.startsWith(own)))
        throw new Error(`to ${location}`)
    }),
    { numRuns: RUNS }
  )
  for (const [status, least] of [
    [200, 100],
    [303, 40],
    [400, 50],
    [403, 50],
    [404, 50],
    [429, 10]
  ] as const)
    expect([status, seen.get(status) ?? 0]).toEqual([status, expect.toSatisfy((times: number) => times >= least)])
})
