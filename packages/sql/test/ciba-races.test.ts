import {
  AuthorizationServer,
  BackchannelRequests,
  CIBA_GRANT_TYPE,
  ciba,
  type NewClient,
  type OutboundRequest,
  openid,
  type Store
} from 'grantor'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openStore } from '../src/index.ts'
import { PostgresServer } from './postgres.ts'

const START = 1_800_000_000
const ISSUER = 'https://id.example.com'
const RACERS = 20
const TRIALS = 5
const ALICE = { subject: 'alice', authTime: START - 10 }
const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })

/** What clients were told, in order. */
const told: string[] = []

function node(store: Store): AuthorizationServer {
  return new AuthorizationServer({
    issuer: ISSUER,
    store,
    secret: 'a root secret that all nodes have in common',
    extensions: [openid({ claims: async () => ({}) }), ciba({ findUser: async () => 'alice', limit: 0, userLimit: 0 })],
    clock: () => START * 1000,
    outbound: async ({ body = '' }: OutboundRequest) => {
      told.push(JSON.parse(body).auth_req_id)
      return { status: 204, headers: new Headers(), contentType: '', body: '' }
    }
  })
}

async function post(server: AuthorizationServer, path: string, form: Record<string, string>) {
  const response = await server.handle(new Request(ISSUER + path, { method: 'POST', body: new URLSearchParams(form) }))
  return { status: response.status, body: await response.json() }
}

describe('CIBA on two nodes and one PostgreSQL', () => {
  let postgres: PostgresServer
  let stores: Awaited<ReturnType<typeof openStore>>[]
  let nodes: readonly AuthorizationServer[]
  beforeAll(async () => {
    postgres = await PostgresServer.start()
    const location = await postgres.createDatabase()
    stores = [await openStore(location), await openStore(location)]
    nodes = stores.map(node)
  }, 60_000)
  afterAll(async () => {
    await Promise.all(stores.map((store) => store.close()))
    await postgres.stop()
  })

  const nodeOf = (turn: number) => nodes[turn % nodes.length] as AuthorizationServer
  const race = <T>(request: (server: AuthorizationServer, racer: number) => Promise<T>) =>
    Promise.all(Array.from({ length: RACERS }, (_, racer) => request(nodeOf(racer), racer)))

  async function client(metadata: NewClient) {
    const { client_id, client_secret = '' } = await nodeOf(0).clients.create({
      ...{ grant_types: [CIBA_GRANT_TYPE], scope: 'openid', token_endpoint_auth_method: 'client_secret_post' },
      ...{ backchannel_token_delivery_mode: 'poll' as const },
      ...metadata
    })
    return { client_id, client_secret }
  }

  test(`CI-01 of ${RACERS} polls for what the person allowed one gets tokens, which are dead everywhere`, async () => {
    const credentials = await client({})
    for (let trial = 0; trial < TRIALS; trial++) {
      const asked = await post(nodeOf(trial), '/bc-authorize', { ...credentials, scope: 'openid', login_hint: 'alice' })
      const requests = new BackchannelRequests(nodeOf(trial + 1))
      const [request] = await requests.list('alice')
      expect(await requests.approve(request?.id ?? '', ALICE)).toBe(true)
      const form = { ...credentials, grant_type: CIBA_GRANT_TYPE, auth_req_id: asked.body.auth_req_id }
      const answers = await race((server) => post(server, '/token', form))
      expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: RACERS - 1 }, () => 400)])
      const token = answers.find(({ status }) => status === 200)?.body.access_token
      const states = await Promise.all(nodes.map((server) => post(server, '/introspect', { ...credentials, token })))
      expect(states.map(({ body }) => body.active)).toEqual([false, false])
    }
  })

  test(`of ${RACERS} decisions one counts, and the client is told once`, async () => {
    const url = 'https://client.example.com/cb'
    const credentials = await client({ backchannel_token_delivery_mode: 'ping', backchannel_client_notification_endpoint: url })
    for (let trial = 0; trial < TRIALS; trial++) {
      const form = { ...credentials, scope: 'openid', login_hint: 'alice', client_notification_token: 'token' }
      const asked = await post(nodeOf(trial), '/bc-authorize', form)
      const [request] = await new BackchannelRequests(nodeOf(0)).list('alice')
      const outcomes = await race((server, racer) => {
        const requests = new BackchannelRequests(server)
        return racer % 3 === 0 ? requests.deny(request?.id ?? '', 'alice') : requests.approve(request?.id ?? '', ALICE)
      })
      expect(outcomes.filter((isFirst) => isFirst)).toHaveLength(1)
      await expect.poll(() => told.filter((one) => one === asked.body.auth_req_id), { timeout: 5000 }).toHaveLength(1)
      const grants = await nodeOf(0).store.grants.list({ clientId: credentials.client_id }, START)
      expect(grants.length).toBeLessThanOrEqual(trial + 1)
    }
    expect(new Set(told).size).toBe(TRIALS)
    expect(told).toHaveLength(TRIALS)
  })

  test(`of ${RACERS} times the same signed request one counts`, async () => {
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256' } as JsonWebKey] }
    const credentials = await client({ jwks, backchannel_authentication_request_signing_alg: 'ES256' })
    const claims = { iss: credentials.client_id, aud: ISSUER, iat: START, nbf: START, exp: START + 60, jti: 'j' }
    const request = await new SignJWT({ ...claims, scope: 'openid', login_hint: 'alice' })
      .setProtectedHeader({ alg: 'ES256' })
      .sign(privateKey)
    const answers = await race((server) => post(server, '/bc-authorize', { ...credentials, request }))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: RACERS - 1 }, () => 400)])
  })
})
