import * as oauth from 'oauth4webapi'
import { expect } from 'vitest'
import {
  AuthorizationServer,
  type AuthorizationServerOptions,
  type Client,
  type ClientCertificate,
  type Event,
  type Interaction,
  MemoryStore,
  type NewClient,
  type Session
} from '../src/index.ts'
import { fromWebRequest, toWebResponse } from '../src/web.ts'

export const ISSUER = 'https://id.example.com'
export const REDIRECT_URI = 'https://client.example.com/cb'
export const VERIFIER = 'a-verifier-of-forty-three-characters-or-more'
export const CHALLENGE = await oauth.calculatePKCECodeChallenge(VERIFIER)
export const START = 1_800_000_000

/** A server whose clock is turned by hand and whose person is whoever the test says. */
export class TestServer {
  readonly server: AuthorizationServer
  readonly events: Event[] = []
  /** What was asked of the person, in order. */
  readonly prompts: Interaction[] = []
  /** Seconds since the epoch. */
  now = START
  session: Session | undefined = { id: 's1', subject: 'alice', authTime: START - 10 }
  /** What the next requests come with, as TLS would tell. */
  certificate: ClientCertificate | undefined
  /** The browser's cookies. */
  readonly cookies = new Map<string, string>()

  constructor(options: Partial<AuthorizationServerOptions> = {}) {
    this.server = new AuthorizationServer({
      issuer: ISSUER,
      store: new MemoryStore(),
      interactions: {
        session: async () => this.session,
        prompt: async (interaction) => {
          this.prompts.push(interaction)
          return { status: 200, headers: { 'content-type': 'text/html' }, body: `page ${interaction.prompt}` }
        },
        endSession: async () => {
          this.session = undefined
          return ['session=; Max-Age=0']
        }
      },
      clock: () => this.now * 1000,
      onEvent: (event) => this.events.push(event),
      ...options
    })
  }

  /** A confidential client that may do everything, and its secret. */
  client(metadata: NewClient = {}) {
    return this.server.clients.create({
      client_id: 'app',
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      scope: 'read write',
      require_consent: false,
      ...metadata
    })
  }

  publicClient(metadata: NewClient = {}) {
    return this.client({
      client_id: 'spa',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      ...metadata
    })
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    if (this.cookies.size > 0) headers.set('cookie', [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; '))
    const response = await this.#send(new Request(new URL(path, ISSUER), { redirect: 'manual', ...init, headers }))
    for (const cookie of response.headers.getSetCookie()) {
      const [name = '', value = ''] = cookie.split(';')[0]?.split('=') ?? []
      if (value === '') this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    return response
  }

  async #send(request: Request): Promise<Response> {
    if (!this.certificate) return this.server.handle(request)
    const response = await this.server.respond({ ...fromWebRequest(request), clientCertificate: () => this.certificate })
    return toWebResponse(response ?? { status: 404, headers: {} }, request.method)
  }

  post(path: string, params: Record<string, string> | string, headers: Record<string, string> = {}): Promise<Response> {
    const body = typeof params === 'string' ? params : new URLSearchParams(params).toString()
    return this.fetch(path, { method: 'POST', body, headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers } })
  }

  authorize(params: Record<string, string | undefined> = {}): Promise<Response> {
    return this.fetch(`/authorize?${query({ ...AUTHORIZATION, ...params })}`)
  }

  /** A code for the client, by a person who is signed in and need not be asked. */
  async code(params: Record<string, string | undefined> = {}): Promise<string> {
    const response = await this.authorize(params)
    const code = new URL(response.headers.get('location') ?? 'about:blank').searchParams.get('code')
    if (code === null) throw new Error(`no code: ${response.status} ${response.headers.get('location')} ${await response.text()}`)
    return code
  }

  redeem(
    client: Pick<Client, 'client_id'> & { client_secret?: string },
    code: string,
    params: Record<string, string> = {}
  ): Promise<Response> {
    return this.token(client, { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, code_verifier: VERIFIER, ...params })
  }

  token({ client_id, client_secret }: { client_id: string; client_secret?: string }, params: Record<string, string>): Promise<Response> {
    return client_secret === undefined
      ? this.post('/token', { client_id, ...params })
      : this.post('/token', params, basic(client_id, client_secret))
  }

  async introspect(
    { client_id, client_secret = '' }: { client_id: string; client_secret?: string },
    token: string
  ): Promise<Record<string, unknown>> {
    const response = await this.post('/introspect', { token }, basic(client_id, client_secret))
    expect(response.status).toBe(200)
    return response.json()
  }

  eventsOf(type: Event['type']): Event[] {
    return this.events.filter((event) => event.type === type)
  }
}

export const AUTHORIZATION = {
  client_id: 'app',
  response_type: 'code',
  redirect_uri: REDIRECT_URI,
  scope: 'read',
  state: 'xyz',
  code_challenge: CHALLENGE,
  code_challenge_method: 'S256'
}

export function query(params: Record<string, string | undefined>): string {
  return new URLSearchParams(Object.entries(params).filter((entry): entry is [string, string] => entry[1] !== undefined)).toString()
}

export function basic(id: string, secret: string): Record<string, string> {
  const encode = (text: string) => encodeURIComponent(text).replace(/%20/g, '+')
  return { authorization: `Basic ${btoa(`${encode(id)}:${encode(secret)}`)}` }
}

/** TOK(status, error) of the catalogue. */
export async function expectTokenError(response: Response, status: number, error: string): Promise<void> {
  const body = await response.json()
  expect({ status: response.status, error: body.error }).toEqual({ status, error })
  expect(response.headers.get('content-type')).toBe('application/json')
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(response.headers.get('pragma')).toBe('no-cache')
  expect(response.headers.get('x-request-id')).toMatch(/^[\w-]{12}$/)
  expect(body.error_description ?? '').toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/)
}

/** PAGE(status) of the catalogue: our own page, and no way for the browser to be sent on. */
export async function expectPage(response: Response, status = 400): Promise<string> {
  const text = await response.text()
  expect({ status: response.status, location: response.headers.get('location'), text }).toMatchObject({ status, location: null })
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  expect(response.headers.get('referrer-policy')).toBe('no-referrer')
  expect(response.headers.get('cross-origin-opener-policy')).toBe('same-origin')
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(text).toContain('Request rejected')
  expect(text).not.toMatch(/http-equiv|<script/i)
  return text
}

/** REDIR(error) of the catalogue. */
export function expectRedirectError(
  response: Response,
  error: string,
  { state = 'xyz' as string | null, to = REDIRECT_URI } = {}
): URLSearchParams {
  expect(response.status).toBe(303)
  const location = response.headers.get('location') ?? ''
  expect(location.startsWith(to)).toBe(true)
  const { searchParams, hash } = new URL(location)
  const params = searchParams.has('error') ? searchParams : new URLSearchParams(hash.slice(1))
  expect({ error: params.get('error'), state: params.get('state'), iss: params.get('iss') }).toEqual({ error, state, iss: ISSUER })
  expect(params.has('code')).toBe(false)
  return params
}
