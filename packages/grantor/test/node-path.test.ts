import { once } from 'node:events'
import { createServer, type Server, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { runtimeCrypto } from '../src/crypto/runtime.ts'
import { type CryptoPort, nodeListener } from '../src/index.ts'
import { AUTHORIZATION, basic, ISSUER, query, REDIRECT_URI, TestServer, VERIFIER } from './support.ts'

/** What one request made the runtime do. */
const work = { hashes: 0, hmacs: 0, ciphers: 0, signatures: 0, parses: 0, webObjects: 0, webCrypto: 0 }
type Work = typeof work

function counted<A extends unknown[], R>(name: keyof Work, call: (...args: A) => R): (...args: A) => R {
  return (...args) => {
    work[name]++
    return call(...args)
  }
}

function countedCrypto(): CryptoPort {
  const port = runtimeCrypto()
  return {
    random: port.random,
    sha256: counted('hashes', port.sha256),
    hmac: (key) => counted('hmacs', port.hmac(key)),
    encrypt: counted('ciphers', port.encrypt),
    decrypt: counted('ciphers', port.decrypt),
    signer: async (jwk, alg) => counted('signatures', await port.signer(jwk, alg))
  }
}

const { parse } = JSON
const SECRET = 'a-secret-that-nobody-guesses'
let http: Server
let server: TestServer
let port: number

beforeEach(async () => {
  for (const name of ['Request', 'Response', 'Headers'] as const) {
    const construct = counted('webObjects', (target: object, args: unknown[]) => Reflect.construct(target as never, args) as object)
    vi.stubGlobal(name, new Proxy(globalThis[name], { construct }))
  }
  vi.spyOn(JSON, 'parse').mockImplementation(counted('parses', parse))
  for (const name of ['digest', 'sign', 'verify', 'importKey'] as const) {
    const call = crypto.subtle[name].bind(crypto.subtle) as (...args: unknown[]) => never
    vi.spyOn(crypto.subtle, name).mockImplementation(counted('webCrypto', call))
  }
  server = new TestServer({ crypto: countedCrypto() })
  await server.client({ client_secret: SECRET })
  await server.client({ client_id: 'signed', client_secret: SECRET, settings: { accessTokenFormat: 'jwt' } })
  await server.server.ready()
  http = createServer(nodeListener(server.server)).listen(0, '127.0.0.1')
  await once(http, 'listening')
  port = (http.address() as AddressInfo).port
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
  http.close()
})

interface Answer {
  status: number | undefined
  location: string
  body: string
  work: Partial<Work>
}

/** The answer, and the work that was done for it, without what was not. */
async function ask(path: string, client = 'app', form?: Record<string, string>): Promise<Answer> {
  for (const name of Object.keys(work) as (keyof Work)[]) work[name] = 0
  const headers = form && { 'content-type': 'application/x-www-form-urlencoded', ...basic(client, SECRET) }
  const request = send({ port, host: '127.0.0.1', path, method: form ? 'POST' : 'GET', ...(headers && { headers }) })
  request.end(form && query(form))
  const [response] = await once(request, 'response')
  let body = ''
  for await (const chunk of response.setEncoding('utf8')) body += chunk
  const done = Object.fromEntries(Object.entries(work).filter(([, count]) => count > 0))
  return { status: response.statusCode, location: response.headers.location ?? '', body, work: done }
}

const ISSUE = { grant_type: 'client_credentials', scope: 'read' }

async function redeemed(): Promise<[authorized: Answer, redeemed: Answer]> {
  const authorized = await ask(`/authorize?${query(AUTHORIZATION)}`)
  const code = new URL(authorized.location).searchParams.get('code') ?? ''
  const form = { grant_type: 'authorization_code', redirect_uri: REDIRECT_URI, code_verifier: VERIFIER, code }
  return [authorized, await ask('/token', 'app', form)]
}

// One keyed hash for the client's secret, and one for each secret that is made or proved; two for one that is made of another. No JSON is parsed, no web object is made, and
// nothing goes to WebCrypto, whose every call is a hop to another thread and back.
describe('the work that a request is on the node path, once keys and clients are known', () => {
  test('client_credentials, opaque', async () => {
    await ask('/token', 'app', ISSUE)
    const { status, work } = await ask('/token', 'app', ISSUE)
    expect([status, work]).toEqual([200, { hmacs: 2 }])
  })

  test('client_credentials, JWT', async () => {
    await ask('/token', 'signed', ISSUE)
    const { status, work } = await ask('/token', 'signed', ISSUE)
    expect([status, work]).toEqual([200, { hmacs: 1, signatures: 1 }])
  })

  test('introspection', async () => {
    const { access_token: token } = JSON.parse((await ask('/token', 'app', ISSUE)).body)
    const { status, body, work } = await ask('/introspect', 'app', { token })
    expect([status, work]).toEqual([200, { hmacs: 2 }])
    expect(JSON.parse(body)).toMatchObject({ active: true })
  })

  test('code flow, then a refresh', async () => {
    await redeemed()
    const [authorized, exchanged] = await redeemed()
    expect([authorized.status, authorized.work]).toEqual([303, { hmacs: 1 }])
    expect([exchanged.status, exchanged.work]).toEqual([200, { hmacs: 4, hashes: 1 }])
    const refresh = (before: Answer) =>
      ask('/token', 'app', { grant_type: 'refresh_token', refresh_token: JSON.parse(before.body).refresh_token })
    const refreshed = await refresh(await refresh(exchanged))
    expect([refreshed.status, refreshed.work]).toEqual([200, { hmacs: 6 }])
  })

  test('metadata and keys', async () => {
    const paths = ['/.well-known/oauth-authorization-server', '/jwks']
    for (const path of paths) await ask(path)
    for (const path of paths) {
      const { status, work } = await ask(path)
      expect([status, work]).toEqual([200, {}])
    }
  })

  test('on the web path, web objects are counted', async () => {
    work.webObjects = 0
    await server.server.handle(new Request(`${ISSUER}/jwks`))
    expect(work.webObjects).toBe(2)
  })
})
