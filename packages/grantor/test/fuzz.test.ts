import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { AUTHORIZATION, basic, ISSUER, REDIRECT_URI, TestServer, VERIFIER } from './support.ts'

// To each endpoint.
const RUNS = 10_000

const PATHS = ['/authorize', '/token', '/introspect', '/revoke', '/jwks', '/.well-known/oauth-authorization-server']
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH']
const NAMES = [
  ...[
    'client_id',
    'client_secret',
    'grant_type',
    'scope',
    'code',
    'code_verifier',
    'redirect_uri',
    'refresh_token',
    'token',
    'token_type_hint',
    'state'
  ],
  ...[
    'response_type',
    'response_mode',
    'code_challenge',
    'code_challenge_method',
    'prompt',
    'max_age',
    'client_assertion',
    'client_assertion_type',
    'interaction'
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'resource',
    'username',
    'password',
    'login_hint',
    'ui_locales',
    'acr_values',
    'claims'
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
    'fragment',
    'form_post',
    'plain',
    VERIFIER,
    REDIRECT_URI
  ],
  ...[
    'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhcHAifQ.',
    '%',
    '%zz',
    '%ff',
    '%00',
    '\u2028',
    '💥',
    '0',
    '-1',
    '1e9'
  ]
]

const value = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...VALUES) },
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.constant('x'.repeat(5000))
)
const name = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...NAMES) }, fc.string({ maxLength: 12 }))
const encoded = fc
  .array(fc.tuple(name, value, fc.boolean()), { maxLength: 12 })
  .map((pairs) =>
    pairs
      .map(([key, text, raw]) =>
        raw ? `${key}=${text.toWellFormed()}` : `${encodeURIComponent(key.toWellFormed())}=${encodeURIComponent(text.toWellFormed())}`
      )
      .join('&')
  )

describe('fuzz', () => {
  const server = new TestServer()
  let authorization: Record<string, string>

  beforeAll(async () => {
    const { client_secret = '' } = await server.client()
    authorization = basic('app', client_secret)
  })

  test.each(PATHS)('no request to %s breaks the server', { timeout: 120_000 }, async (path) => {
    const header = fc.oneof(
      fc.constant({}),
      fc.constant('right').map(() => authorization),
      fc.string({ unit: 'grapheme-ascii', maxLength: 40 }).map((text) => ({ authorization: `Basic ${text}` })),
      fc.string({ unit: 'grapheme-ascii', maxLength: 40 }).map((text) => ({ cookie: text, origin: text }))
    )
    const type = fc.constantFrom(
      'application/x-www-form-urlencoded',
      'application/json',
      'text/plain',
      'application/x-www-form-urlencoded; charset=utf-16'
    )
    const request = fc.record({ method: fc.constantFrom('GET', 'POST', 'POST', ...METHODS), query: encoded, body: encoded, header, type })
    await fc.assert(
      fc.asyncProperty(request, async ({ method, query, body, header, type }) => {
        const headers = new Map(Object.entries({ 'content-type': type, ...header }))
        const response = await server.server.respond({
          method,
          url: `${path}?${query}`,
          headers: { get: (key) => headers.get(key) ?? null },
          body: async () => body
        })
        expect(response?.status).toBeLessThan(500)
        expect(response?.headers['x-request-id']).toBeDefined()
        const location = response?.headers.location
        if (location !== undefined) expect(String(location)).toMatch(/^https:\/\/client\.example\.com\/cb[?#][\x21-\x7e]*$/)
      }),
      { numRuns: RUNS }
    )
    expect(server.eventsOf('request.failed')).toEqual([])
    expect(({} as Record<string, unknown>).isAdmin).toBeUndefined()
    expect(ISSUER).toMatch(/^https/)
  })
})
