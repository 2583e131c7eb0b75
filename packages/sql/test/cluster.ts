import { DEVICE_GRANT_TYPE } from 'grantor'
import { importJWK, SignJWT } from 'jose'
import { calculatePKCECodeChallenge } from 'oauth4webapi'
import { openStore } from '../src/index.ts'
import { ELSEWHERE, ISSUER, ISSUER_KEY, openServer } from './authorization-server.ts'
import { RemoteNode } from './support.ts'

const VERIFIER = 'a-verifier-of-forty-three-characters-or-more'
const REDIRECT_URI = 'https://client.example.com/cb'
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

export interface Tokens {
  access_token: string
  refresh_token: string
}

/** Processes that share one database, and a client that talks to each. */
export class Cluster {
  readonly nodes: readonly RemoteNode[]
  readonly clientSecret: string
  readonly #clientId: string
  readonly #authorization: Record<string, string>

  private constructor(nodes: readonly RemoteNode[], client: { client_id: string; client_secret?: string }, challenge: string) {
    this.nodes = nodes
    this.#clientId = client.client_id
    this.clientSecret = client.client_secret ?? ''
    this.#authorization = {
      response_type: 'code',
      redirect_uri: REDIRECT_URI,
      scope: 'read',
      code_challenge: challenge,
      code_challenge_method: 'S256'
    }
  }

  /** @param location a path of SQLite or a URL of PostgreSQL, where there is nothing yet: all nodes start on it at the same moment. */
  static async start(location: string, size: number, settings: Record<string, unknown> = {}): Promise<Cluster> {
    const nodes = await Promise.all(Array.from({ length: size }, () => RemoteNode.start(location, settings)))
    const store = await openStore(location)
    const client = await openServer(store).clients.create({
      client_id: 'app',
      token_endpoint_auth_method: 'client_secret_post',
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token', DEVICE_GRANT_TYPE, JWT_BEARER],
      scope: 'read',
      require_consent: false
    })
    await store.close()
    return new Cluster(nodes, client, await calculatePKCECodeChallenge(VERIFIER))
  }

  node(turn: number): RemoteNode {
    return this.nodes[turn % this.nodes.length] as RemoteNode
  }

  async code(node: RemoteNode = this.node(0)): Promise<string> {
    return (await this.#authorize(node, this.#authorization)) ?? ''
  }

  /** The name of an authorization request that the client pushed (RFC 9126 §2.2). */
  async push(node: RemoteNode = this.node(0)): Promise<string> {
    return JSON.parse((await this.#post(node, '/par', this.#authorization)).body).request_uri
  }

  /** What the browser gets for it: a code, or nothing. */
  open(node: RemoteNode, request_uri: string): Promise<string | undefined> {
    return this.#authorize(node, { request_uri })
  }

  /** The code of a device that its person allowed to have access (RFC 8628 §3.2). */
  async allowedDevice(): Promise<string> {
    const { device_code, verification_uri_complete } = JSON.parse((await this.#post(this.node(0), '/device_authorization', {})).body)
    const { body } = await this.node(1).send(verification_uri_complete)
    const fields = [...body.matchAll(/type="hidden" name="([^"]+)" value="([^"]+)"/g)].map(([, name, value]) => [name, value])
    await this.node(2).send('/device', { ...Object.fromEntries(fields), decision: 'approve' })
    return device_code
  }

  poll(node: RemoteNode, device_code: string) {
    return this.#post(node, '/token', { grant_type: DEVICE_GRANT_TYPE, device_code })
  }

  redeem(node: RemoteNode, code: string) {
    return this.#post(node, '/token', { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, code_verifier: VERIFIER })
  }

  refresh(node: RemoteNode, refresh_token: string) {
    return this.#post(node, '/token', { grant_type: 'refresh_token', refresh_token })
  }

  /** What another server says of alice, once. */
  async assertion(): Promise<string> {
    const key = await importJWK(ISSUER_KEY, 'EdDSA')
    const claims = { iss: ELSEWHERE, sub: 'alice', aud: ISSUER, jti: crypto.randomUUID() }
    return new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA' }).setExpirationTime('60s').sign(key)
  }

  assert(node: RemoteNode, assertion: string) {
    return this.#post(node, '/token', { grant_type: JWT_BEARER, assertion })
  }

  revoke(node: RemoteNode, token: string) {
    return this.#post(node, '/revoke', { token })
  }

  async isActive(node: RemoteNode, token: string): Promise<boolean> {
    return JSON.parse((await this.#post(node, '/introspect', { token })).body).active
  }

  /** Tokens that nobody used yet. */
  async tokens(node: RemoteNode = this.node(0)): Promise<Tokens> {
    return JSON.parse((await this.redeem(node, await this.code(node))).body)
  }

  /** The same request many times at once, spread over the nodes. */
  race<T>(racers: number, request: (node: RemoteNode) => Promise<T>): Promise<T[]> {
    return Promise.all(Array.from({ length: racers }, (_, index) => request(this.node(index))))
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()))
  }

  async #authorize(node: RemoteNode, params: Record<string, string>): Promise<string | undefined> {
    const { location } = await node.send(`/authorize?${new URLSearchParams({ client_id: this.#clientId, ...params })}`)
    return new URL(location ?? 'about:blank').searchParams.get('code') ?? undefined
  }

  #post(node: RemoteNode, path: string, form: Record<string, string>) {
    return node.send(path, { client_id: this.#clientId, client_secret: this.clientSecret, ...form })
  }
}
