import { randomBytes } from 'node:crypto'
import type { JSONWebKeySet } from 'jose'
import { expect } from 'vitest'
import type { GrantorServer } from '../../src/index.ts'
import { PASSWORD, startServer } from '../support.ts'
import { CLAIMS, LOGIN } from './person.ts'
import { RelyingParty } from './relying-party.ts'

export const REDIRECT_URI = 'https://suite.example.com/test/a/grantor/callback'

/** The server with the certification profile, and the clients that a module registers at it. */
export class Suite {
  readonly server: GrantorServer
  readonly issuer: string
  /** What is discovered. */
  readonly metadata: Readonly<Record<string, unknown>>
  readonly #clients: RelyingParty[] = []

  private constructor(server: GrantorServer, issuer: string, metadata: Record<string, unknown>) {
    this.server = server
    this.issuer = issuer
    this.metadata = metadata
  }

  static async start(settings: Record<string, unknown> = {}): Promise<Suite> {
    const { server, issuer } = await startServer({ profile: 'openid-certification', ...settings })
    await server.users.create({ login: LOGIN, password: PASSWORD, claims: CLAIMS })
    const response = await fetch(`${issuer}/.well-known/openid-configuration`)
    return new Suite(server, issuer, await response.json())
  }

  /** Of an endpoint, by the name of the metadata. */
  url(name: string): string {
    return String(this.metadata[name])
  }

  /** 3.0, 8: names of their own, no private or symmetric members. */
  async jwks(): Promise<JSONWebKeySet> {
    const jwks: JSONWebKeySet = await (await fetch(this.url('jwks_uri'))).json()
    expect(new Set(jwks.keys.map(({ kid }) => kid)).size).toBe(jwks.keys.length)
    for (const key of jwks.keys) {
      expect(['RSA', 'EC', 'OKP']).toContain(key.kty)
      expect(Object.keys(key).filter((name) => ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'].includes(name))).toEqual([])
    }
    return jwks
  }

  requestRegistration(metadata: object): Promise<Response> {
    const headers = { 'content-type': 'application/json' }
    return fetch(this.url('registration_endpoint'), { method: 'POST', headers, body: JSON.stringify(metadata) })
  }

  /** 3.0, 9: a client that registered itself. */
  async register(metadata: Record<string, unknown> = {}, key?: CryptoKey): Promise<RelyingParty> {
    const asked = { client_name: `Suite ${randomBytes(4).toString('hex')}`, redirect_uris: [REDIRECT_URI], ...metadata }
    const response = await this.requestRegistration(asked)
    const registration = await response.json()
    expect({ status: response.status, registration }).toMatchObject({ status: 201, registration: asked })
    expect(response.headers.get('content-type')).toMatch(/^application\/json(;|$)/)
    expect('client_secret' in registration).toBe('client_secret_expires_at' in registration)
    expect(registration).toMatchObject({ registration_access_token: expect.any(String), registration_client_uri: expect.any(String) })
    const client = new RelyingParty(this, registration, key)
    this.#clients.push(client)
    return client
  }

  /** 3.0, 9: at the end of a module the suite deletes its clients. */
  async cleanUp(): Promise<void> {
    for (const { registration } of this.#clients.splice(0)) {
      const headers = { authorization: `Bearer ${registration.registration_access_token}` }
      expect((await fetch(registration.registration_client_uri, { method: 'DELETE', headers })).status).toBe(204)
    }
  }
}
