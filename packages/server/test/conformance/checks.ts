import { createHash } from 'node:crypto'
import { createLocalJWKSet, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose'
import { expect } from 'vitest'

/** RFC 6749 §4.1.2, RFC 9207 §2; in a fragment or form also what tokens come with. */
const IN_QUERY = ['code', 'state', 'iss', 'session_state', 'error', 'error_description', 'error_uri']
const IN_FRAGMENT = [...IN_QUERY, 'access_token', 'token_type', 'expires_in', 'scope', 'id_token']
const IN_ID_TOKEN = [
  ...[
    'iss',
    'sub',
    'aud',
    'exp',
    'iat',
    'auth_time',
    'nonce',
    'acr',
    'amr',
    'azp',
    'at_hash',
    'c_hash',
    'nbf',
    'jti',
    'sid',
    's_hash',
    'txn'
  ]
]
// RFC 6749 §4.1.2.1, §5.2.
const DESCRIPTION = /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/
const YEAR = 366 * 86_400

/** 3.0, 1: as the suite computes it, Shannon's entropy of the characters times the length. */
export function expectEntropy(token: string): void {
  const counts = new Map<string, number>()
  for (const character of token) counts.set(character, (counts.get(character) ?? 0) + 1)
  const perCharacter = [...counts.values()].reduce((sum, count) => sum - (count / token.length) * Math.log2(count / token.length), 0)
  expect(token.length * 8).toBeGreaterThanOrEqual(128)
  expect(perCharacter * token.length).toBeGreaterThan(96)
}

/** 3.0, 3: what a client is told of an error. */
export function expectError(members: Readonly<Record<string, unknown>>): void {
  expect(members['error']).toMatch(/^[a-z_]+$/)
  expect(members['error_description'] ?? '').toMatch(DESCRIPTION)
  if (members['error_uri'] !== undefined) expect(URL.canParse(String(members['error_uri']))).toBe(true)
}

/** What came to the client: its address, a form's fields if there was one, and where the answer must be. */
export interface Answer {
  location: string
  form: Readonly<Record<string, string>> | undefined
  place: 'query' | 'fragment' | 'form'
  redirectUri: string
  issuer: string
  state: string | undefined
}

/** 3.0, 2–4: only registered parameters, in the one place, the registered query kept. @returns the parameters */
export function checkAnswer({ location, form, place, redirectUri, issuer, state }: Answer): Record<string, string> {
  const [beforeFragment = '', fragment = ''] = location.split(/#(.*)/s)
  const [path = '', query = ''] = beforeFragment.split(/\?(.*)/s)
  const [registeredPath = '', registeredQuery = ''] = redirectUri.split(/\?(.*)/s)
  expect(path).toBe(registeredPath)
  if (place !== 'fragment') expect(fragment).toBe('')
  if (place === 'query') expect(query.startsWith(registeredQuery)).toBe(true)
  else expect(query).toBe(registeredQuery)
  const answer = new URLSearchParams(place === 'fragment' ? fragment : query.slice(registeredQuery.length).replace(/^&/, ''))
  const params = form ? { ...form } : Object.fromEntries(answer)
  expect(form !== undefined).toBe(place === 'form')
  if (!form) expect([...answer.keys()].length).toBe(Object.keys(params).length)
  const allowed = place === 'query' ? IN_QUERY : IN_FRAGMENT
  expect(Object.keys(params).filter((name) => !allowed.includes(name))).toEqual([])
  expect([params['iss'], params['state']]).toEqual([issuer, state])
  if (params['error'] !== undefined) expectError(params)
  for (const token of [params['code'], params['access_token']]) if (token !== undefined) expectEntropy(token)
  if (params['access_token'] !== undefined) {
    expect(params['token_type']?.toLowerCase()).toBe('bearer')
    expect(params['expires_in']).toMatch(/^\d+$/)
  }
  return params
}

/** 3.0, 5: a successful token response. @returns its members */
export async function checkTokens(response: Response): Promise<Record<string, string>> {
  const body = await response.json()
  expect([response.status, body]).toEqual([200, expect.anything()])
  expect(response.headers.get('content-type')).toMatch(/^application\/json(;|$)/)
  expect((response.headers.get('cache-control') ?? '').split(/, ?/)).toContain('no-store')
  expect(body.token_type.toLowerCase()).toBe('bearer')
  expect(typeof body.expires_in).toBe('number')
  expectEntropy(body.access_token)
  if (body.refresh_token !== undefined) {
    expectEntropy(body.refresh_token)
    expect(body.refresh_token).toMatch(/^[\x20-\x7e]+$/)
  }
  return body
}

/** 3.0, 6: a failed request of a client. @returns the error */
export async function checkRefusal(response: Response): Promise<string> {
  const body = await response.json()
  expect(response.headers.get('content-type')).toMatch(/^application\/json(;|$)/)
  expect([400, ...(body.error === 'invalid_client' ? [401] : [])]).toContain(response.status)
  expectError(body)
  return body.error
}

/** What an ID token must say. */
export interface ExpectedIdToken {
  jwks: JSONWebKeySet
  issuer: string
  clientId: string
  /** Undefined: there must be none. */
  nonce: string | undefined
  accessToken?: string | undefined
  code?: string | undefined
  /** Claims that were asked for. */
  requested?: readonly string[]
  /** Default: RS256. */
  alg?: string | undefined
}

/** 3.0, 7. @returns its claims */
export async function checkIdToken(token: string, expected: ExpectedIdToken): Promise<JWTPayload> {
  const { jwks, issuer, clientId: audience, nonce, accessToken, code, requested = [], alg = 'RS256' } = expected
  const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(jwks), { issuer, audience, algorithms: [alg] })
  expect(jwks.keys.filter(({ kid }) => kid === protectedHeader.kid)).toHaveLength(1)
  const now = Date.now() / 1000
  const { sub = '', iat = 0, exp = 0, auth_time, acr, at_hash, c_hash } = payload
  expect(payload.aud).toBe(audience)
  expect(payload['nonce']).toBe(nonce)
  expect(sub).toMatch(/^[\x21-\x7e]{1,255}$/)
  expect([iat > now - 300, iat < now + 10, exp > now, exp < now + 50 * YEAR]).toEqual([true, true, true, true])
  expect(Number(auth_time)).toBeLessThanOrEqual(now)
  expect(Number(auth_time)).toBeGreaterThan(now - YEAR)
  expect(acr).toMatch(/./)
  const half = (value: string) => createHash('sha256').update(value).digest().subarray(0, 16).toString('base64url')
  if (accessToken !== undefined) expect(at_hash).toBe(half(accessToken))
  if (code !== undefined) expect(c_hash).toBe(half(code))
  expect(Object.keys(payload).filter((name) => !IN_ID_TOKEN.includes(name) && !requested.includes(name))).toEqual([])
  return payload
}
