import fc from 'fast-check'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import {
  CIBA_GRANT_TYPE,
  ciba,
  DEVICE_GRANT_TYPE,
  deviceAuthorization,
  type HttpResponse,
  openid,
  pushedAuthorizationRequests,
  requestObjects,
  richAuthorizationRequests
} from '../src/index.ts'
import { AUTHORIZATION, basic, REDIRECT_URI, TestServer, VERIFIER } from './support.ts'

// To each endpoint.
const RUNS = 10_000
/** Milliseconds. */
const DEADLINE = 2000

const FORM = 'application/x-www-form-urlencoded'
const NAMES = [
  ...['client_id', 'client_secret', 'grant_type', 'scope', 'code', 'code_verifier', 'redirect_uri', 'refresh_token', 'token', 'state'],
  ...['token_type_hint', 'response_type', 'response_mode', 'code_challenge', 'code_challenge_method', 'prompt', 'max_age', 'nonce'],
  ...['client_assertion', 'client_assertion_type', 'interaction', 'request', 'request_uri', 'resource', 'username', 'password'],
  ...[
    'login_hint',
    'login_hint_token',
    'id_token_hint',
    'binding_message',
    'requested_expiry',
    'user_code',
    'decision',
    'ui_locales',
    'acr_values',
    'claims',
    'authorization_details',
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    ''
  ]
]
const VALUES = [
  ...Object.values(AUTHORIZATION),
  ...[
    'authorization_code',
    'client_credentials',
    'refresh_token',
    'password',
    'none',
    'login',
    'consent',
    'select_account',
    'login consent'
  ],
  ...['query', 'fragment', 'form_post', 'plain', 'code token', 'none code', 'write', 'read write', 'openid', VERIFIER, REDIRECT_URI],
  ...[
    'urn:ietf:params:oauth:request_uri:par_x',
    '[{"type":"note"}]',
    '[{"type":"__proto__"}]',
    '[[',
    `[{"type":"note","x":${'['.repeat(2000)}`
  ],
  ...['urn:ietf:params:oauth:client-assertion-type:jwt-bearer', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhcHAifQ.', 'a.b.c', '{}', 'null'],
  ...['%', '%zz', '%ff', '%00', '\u2028', '💥', '0', '-1', '1e9', '', ' ', '"', '\\', 'x'.repeat(5000)]
]
const RARE_METHODS = ['PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH', 'get']
const RARE_TYPES = ['application/json', 'text/plain', `${FORM}; charset=utf-16`, `${FORM};charset=utf-8`, '']

interface Sketch {
  method: string
  path: string
  params: [name: string, value: string][]
  headers: Record<string, string>
  /** Pairs that are sent as they are, encoded or not. */
  raw: string[]
}
type Mutation = (sketch: Sketch) => void

const value = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...VALUES) }, fc.string({ unit: 'binary', maxLength: 80 }))
const name = fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...NAMES) }, fc.string({ maxLength: 12 }))
const ascii = fc.string({ unit: 'grapheme-ascii', maxLength: 40 })
const at = fc.nat({ max: 20 })

/** One thing that is changed in a request that would be right. */
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(at, value).map(
      ([i, text]) =>
        (sketch: Sketch) =>
          sketch.params.splice(i % sketch.params.length, 1, [sketch.params[i % sketch.params.length]?.[0] ?? 'x', text])
    )
  },
  {
    weight: 5,
    arbitrary: fc.tuple(name, value).map(
      ([key, text]) =>
        (sketch: Sketch) =>
          sketch.params.push([key, text])
    )
  },
  { weight: 3, arbitrary: at.map((i) => (sketch: Sketch) => sketch.params.splice(i % sketch.params.length, 1)) },
  {
    weight: 2,
    arbitrary: fc.tuple(at, at, fc.constantFrom('x', '=', '%', ' ')).map(([i, j, character]) => (sketch: Sketch) => {
      const pair = sketch.params[i % sketch.params.length]
      if (pair) pair[1] = pair[1].slice(0, j) + character + pair[1].slice(j + 1)
    })
  },
  {
    weight: 1,
    arbitrary: fc.tuple(name, value).map(
      ([key, text]) =>
        (sketch: Sketch) =>
          sketch.raw.push(`${key}=${text.toWellFormed()}`)
    )
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('GET', 'POST', ...RARE_METHODS).map((method) => (sketch: Sketch) => {
      sketch.method = method
    })
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...RARE_TYPES).map((type) => (sketch: Sketch) => {
      sketch.headers['content-type'] = type
    })
  },
  {
    weight: 1,
    arbitrary: ascii.map((text) => (sketch: Sketch) => {
      sketch.headers.authorization = `Basic ${text}`
    })
  },
  { weight: 1, arbitrary: ascii.map((text) => (sketch: Sketch) => Object.assign(sketch.headers, { cookie: text, origin: text })) }
)
const mutations = fc.array(mutation, { maxLength: 3 })
const NOTE = { '~standard': { version: 1 as const, vendor: 'test', validate: (value: unknown) => ({ value }) } }
const SIGNED_IN = { id: 's1', subject: 'alice', authTime: 1_799_999_000 }

describe('fuzz: requests that are right but for three things at most', () => {
  const server = new TestServer({
    codeFailureLimit: 1000,
    extensions: [
      pushedAuthorizationRequests({ limit: 0 }),
      requestObjects(),
      richAuthorizationRequests({ types: { note: { schema: NOTE } } }),
      openid({ claims: async () => ({}) }),
      deviceAuthorization({ limit: 0 }),
      ciba({ findUser: async ({ value: hint }) => (hint === 'alice' ? hint : undefined), limit: 0, userLimit: 0 })
    ]
  })
  let secret: string | undefined
  /** A request object. */
  let signed = ''
  const answers = new Map<string, number>()
  const count = (what: string) => answers.set(what, (answers.get(what) ?? 0) + 1)

  async function send({ method, path, params, headers, raw }: Sketch): Promise<HttpResponse> {
    const pairs = params.map(([key, text]) => `${encodeURIComponent(key.toWellFormed())}=${encodeURIComponent(text.toWellFormed())}`)
    const encoded = [...pairs, ...raw].join('&')
    const all = new Map(Object.entries({ 'content-type': FORM, ...headers }))
    const response = server.server.respond({
      method,
      url: method === 'POST' ? path : `${path}?${encoded}`,
      headers: { get: (key) => all.get(key) ?? null },
      body: async () => encoded
    })
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer to ${path} in ${DEADLINE} ms: ${encoded}`)), DEADLINE)
    })
    const answer = await Promise.race([response, late]).finally(() => clearTimeout(timer))
    if (!answer) throw new Error(`${path} is not routed`)
    return answer
  }

  async function credentials(): Promise<Record<string, string>> {
    secret ??= await register()
    return basic('app', secret)
  }

  async function register(): Promise<string> {
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const { client_secret = '' } = await server.client({
      jwks: { keys: [(await exportJWK(publicKey)) as JsonWebKey] },
      grant_types: ['authorization_code', 'client_credentials', 'refresh_token', DEVICE_GRANT_TYPE, CIBA_GRANT_TYPE],
      scope: 'read write openid',
      backchannel_token_delivery_mode: 'poll'
    })
    signed = await new SignJWT(AUTHORIZATION).setProtectedHeader({ alg: 'ES256' }).sign(privateKey)
    return client_secret
  }

  async function codeOf(): Promise<string> {
    const response = await send({ method: 'GET', path: '/authorize', params: Object.entries(AUTHORIZATION), headers: {}, raw: [] })
    return new URL(String(response.headers.location)).searchParams.get('code') ?? ''
  }

  async function tokens(): Promise<{ access_token: string; refresh_token: string }> {
    const params = { grant_type: 'authorization_code', code: await codeOf(), redirect_uri: REDIRECT_URI, code_verifier: VERIFIER }
    const { body = '' } = await send({
      method: 'POST',
      path: '/token',
      params: Object.entries(params),
      headers: await credentials(),
      raw: []
    })
    return JSON.parse(body)
  }

  const post = async (path: string, params: Record<string, string>): Promise<Sketch> => ({
    method: 'POST',
    path,
    params: Object.entries(params),
    headers: await credentials(),
    raw: []
  })
  let kept: { access_token: string; refresh_token: string } | undefined

  /** A request that is right, by the number of the run. */
  const templates: Record<string, readonly ((run: number) => Promise<Sketch>)[]> = {
    '/authorize': [
      async (run) => ({
        method: run % 4 === 0 ? 'POST' : 'GET',
        path: '/authorize',
        params: Object.entries(AUTHORIZATION),
        headers: {},
        raw: []
      }),
      async () => {
        server.session = undefined
        return { method: 'GET', path: '/authorize', params: Object.entries(AUTHORIZATION), headers: {}, raw: [] }
      }
    ],
    '/token': [
      async () =>
        post('/token', { grant_type: 'authorization_code', code: await codeOf(), redirect_uri: REDIRECT_URI, code_verifier: VERIFIER }),
      async () => post('/token', { grant_type: 'client_credentials', scope: 'read' }),
      async () => {
        kept ??= await tokens()
        const refresh = await post('/token', { grant_type: 'refresh_token', refresh_token: kept.refresh_token })
        kept = undefined
        return refresh
      }
    ],
    '/introspect': [
      async (run) => {
        kept = run % 100 === 0 ? await tokens() : (kept ?? (await tokens()))
        return post('/introspect', { token: run % 3 === 0 ? kept.refresh_token : kept.access_token })
      }
    ],
    '/revoke': [async (run) => post('/revoke', { token: (await tokens())[run % 2 === 0 ? 'access_token' : 'refresh_token'] })],
    '/par': [
      async () => post('/par', AUTHORIZATION),
      async () => post('/par', { ...AUTHORIZATION, authorization_details: '[{"type":"note","x":{"y":[1]}}]' }),
      async () => post('/par', { client_id: 'app', request: signed })
    ],
    '/device_authorization': [
      async () => post('/device_authorization', { scope: 'read' }),
      async () => post('/device_authorization', { scope: 'openid', authorization_details: '[{"type":"note"}]' })
    ],
    '/device': [
      async (run) => {
        // The budgets of guesses are full again after a while.
        server.now += 60
        const { body = '' } = await send(await post('/device_authorization', { scope: 'read' }))
        const { user_code } = JSON.parse(body)
        const page = await server.post('/device', { user_code })
        const [, confirmation = ''] = /name="confirmation" value="([^"]+)"/.exec(await page.text()) ?? []
        const params = Object.entries({ user_code, confirmation, ...(run % 2 === 0 && { decision: run % 4 === 0 ? 'approve' : 'deny' }) })
        return { method: run % 3 === 0 ? 'GET' : 'POST', path: '/device', params, headers: {}, raw: [] }
      }
    ],
    '/bc-authorize': [
      async () => post('/bc-authorize', { scope: 'openid', login_hint: 'alice', binding_message: '1234', requested_expiry: '60' }),
      async () => post('/bc-authorize', { scope: 'openid read', login_hint: 'alice', authorization_details: '[{"type":"note"}]' })
    ],
    '/jwks': [async () => ({ method: 'GET', path: '/jwks', params: [['x', 'y']], headers: {}, raw: [] })],
    '/.well-known/oauth-authorization-server': [
      async () => ({ method: 'GET', path: '/.well-known/oauth-authorization-server', params: [['x', 'y']], headers: {}, raw: [] })
    ]
  }

  test.each(Object.keys(templates))(
    `${RUNS} requests to %s: no 5xx, no hang, no redirect to elsewhere`,
    { timeout: 60_000 },
    async (path) => {
      const made = templates[path] ?? []
      await credentials()
      let run = 0
      await fc.assert(
        fc.asyncProperty(mutations, async (changes) => {
          run += 1
          server.session = SIGNED_IN
          server.prompts.length = 0
          server.events.length = 0
          const sketch = (await made[run % made.length]?.(run)) as Sketch
          for (const change of changes) if (sketch.params.length > 0) change(sketch)
          const { status, headers, body = '' } = await send(sketch)
          if (status >= 500) throw new Error(`${status} ${JSON.stringify(server.eventsOf('request.failed'))}`)
          if (headers['x-request-id'] === undefined) throw new Error('no request id')
          const location = headers.location
          if (location !== undefined && !/^https:\/\/client\.example\.com\/cb[?#][\x21-\x7e]*$/.test(String(location)))
            throw new Error(`to ${location}`)
          count(`${path} ${status}`)
          if (server.prompts.length > 0) count(`${path} page`)
          if (String(location).includes('code=gac_')) count(`${path} code`)
          if (body.includes('"active":true')) count(`${path} active`)
        }),
        { numRuns: RUNS }
      )
      expect(({} as Record<string, unknown>).isAdmin).toBeUndefined()
    }
  )

  test('what is fuzzed gets through often enough to meet what lies behind, and is refused often enough to meet what guards it', () => {
    for (const [what, least] of Object.entries({
      ...{ '/authorize code': 1000, '/authorize page': 1000, '/authorize 303': 3000, '/authorize 400': 300, '/authorize 405': 30 },
      ...{ '/token 200': 2000, '/token 400': 2000, '/token 401': 300, '/token 405': 30 },
      ...{ '/par 201': 2000, '/par 400': 2000, '/par 401': 300, '/par 405': 30 },
      ...{ '/device_authorization 200': 2000, '/device_authorization 400': 1000, '/device_authorization 401': 300 },
      ...{ '/device 200': 2000, '/device 400': 1000, '/device 403': 100 },
      ...{ '/bc-authorize 200': 2000, '/bc-authorize 400': 2000, '/bc-authorize 401': 300 },
      ...{ '/introspect active': 2000, '/introspect 400': 300, '/introspect 401': 300 },
      ...{ '/revoke 200': 3000, '/revoke 400': 300, '/revoke 401': 300, '/jwks 200': 5000 }
    })) {
      expect([what, answers.get(what) ?? 0]).toEqual([what, expect.toSatisfy((times: number) => times >= least)])
    }
  })
})
