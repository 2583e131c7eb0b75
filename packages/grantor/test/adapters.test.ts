import { createServer, request as httpRequest, type RequestListener } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import express from 'express'
import { afterEach, describe, expect, test } from 'vitest'
import { AuthorizationServer, type Event, MemoryStore, mutualTls, nodeListener, type Responder } from '../src/index.ts'
import { newCertificate } from './mutual-tls-support.ts'
import { basic } from './support.ts'

const ISSUER = 'http://localhost:9400'
const closing: (() => void)[] = []

afterEach(() => {
  for (const close of closing.splice(0)) close()
})

async function listen(listener: RequestListener): Promise<string> {
  const http = createServer(listener).listen(0, '127.0.0.1')
  closing.push(() => {
    http.close()
    http.closeAllConnections()
  })
  await new Promise((resolve) => http.once('listening', resolve))
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`
}

async function ready(issuer = ISSUER) {
  const events: Event[] = []
  const server = new AuthorizationServer({ issuer, store: new MemoryStore(), onEvent: (event) => events.push(event) })
  const { client_id, client_secret = '' } = await server.clients.create({ grant_types: ['client_credentials'], scope: 'read' })
  const token = (
    url: string,
    body: string | Uint8Array<ArrayBuffer> = 'grant_type=client_credentials',
    headers: Record<string, string> = {}
  ) =>
    fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...basic(client_id, client_secret), ...headers }
    })
  return { server, token, events }
}

describe('nodeListener', () => {
  test('answers behind node:http, with 404 for what is not its own', async () => {
    const { server, token } = await ready()
    const url = await listen(nodeListener(server))
    expect((await token(`${url}/token`)).status).toBe(200)
    const missing = await fetch(`${url}/other`)
    expect([missing.status, missing.headers.get('x-request-id')]).toEqual([404, expect.stringMatching(/^[\w-]{12}$/)])
    expect(missing.headers.get('cache-control')).toBe('no-store')
    const head = await fetch(`${url}/jwks`, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  test.each([
    ['no body parser', () => express()],
    ['a urlencoded body parser', () => express().use(express.urlencoded({ extended: true }))],
    ['a simple urlencoded and a JSON body parser', () => express().use(express.json(), express.urlencoded({ extended: false }))]
  ])('answers behind Express with %s, and passes unknown paths on', async (_, app) => {
    const { server, token } = await ready('http://localhost:9400/auth')
    const url = await listen(
      app()
        .use(nodeListener(server))
        .get('/other', (_request, response) => void response.send('other'))
    )
    expect((await token(`${url}/auth/token`)).status).toBe(200)
    const repeated = await token(`${url}/auth/token`, 'grant_type=client_credentials&grant_type=client_credentials')
    expect(await repeated.json()).toMatchObject({ error: 'invalid_request' })
    expect(await (await fetch(`${url}/other`)).text()).toBe('other')
    expect((await (await fetch(`${url}/.well-known/oauth-authorization-server/auth`)).json()).issuer).toBe('http://localhost:9400/auth')
  })

  test('answers when it is mounted under a prefix, by the path of the issuer', async () => {
    const { server, token } = await ready('http://localhost:9400/auth')
    const url = await listen(express().use('/auth', nodeListener(server)))
    expect((await token(`${url}/auth/token`)).status).toBe(200)
  })

  test('IN-10 a body beyond 64 KiB is refused as soon as that shows, with a length and without', async () => {
    const { server, token } = await ready()
    const url = await listen(nodeListener(server))
    expect((await token(`${url}/token`, 'a'.repeat(65_537))).status).toBe(413)
    const { status, sent } = await new Promise<{ status: number; sent: number }>((resolve, reject) => {
      let sent = 0
      const request = httpRequest(
        `${url}/token`,
        { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
        (response) => {
          resolve({ status: response.statusCode ?? 0, sent })
          request.destroy()
        }
      )
      request.on('error', reject)
      const more = () => {
        if (request.destroyed) return
        sent += 16_384
        request.write('a'.repeat(16_384), () => setImmediate(more))
      }
      more()
    })
    expect(status).toBe(413)
    expect(sent).toBeLessThan(64 * 65_536)
  })

  test('IN-10 a compressed body is refused', async () => {
    const { server, token } = await ready()
    const url = await listen(nodeListener(server))
    expect((await token(`${url}/token`, new Uint8Array([31, 139]), { 'content-encoding': 'gzip' })).status).toBe(415)
  })
})

// An unhandled rejection, which would end the host's process, fails the whole run of vitest.
describe('nodeListener among others', () => {
  const slow: { release: () => void } & Responder = {
    release: () => {},
    respond() {
      return new Promise((resolve) => {
        this.release = () => resolve({ status: 200, headers: {}, body: 'late' })
      })
    }
  }
  const failing: Responder = { respond: () => Promise.reject(new Error('the store burns')) }
  const absent: Responder = { respond: async () => undefined }

  test('F-44 what a middleware answered before is left alone', async () => {
    const url = await listen((request, response) => {
      nodeListener(slow)(request, response)
      response.writeHead(504).end('too late', () => slow.release())
    })
    const response = await fetch(url)
    expect([response.status, await response.text()]).toEqual([504, 'too late'])
    await new Promise((resolve) => setImmediate(resolve))
  })

  test('F-44 a host whose next middleware throws gets an answer, not the end of its process', async () => {
    const broken = () => {
      throw new Error('the next middleware throws')
    }
    for (const server of [absent, failing]) {
      const url = await listen((request, response) => nodeListener(server)(request, response, broken))
      const response = await fetch(url)
      expect([response.status, await response.text()]).toEqual([500, 'Internal server error\n'])
      expect(response.headers.get('x-request-id')).toMatch(/^[\w-]{12}$/)
    }
  })

  test('F-44 a host is told of a failure once', async () => {
    const told: unknown[] = []
    const url = await listen((request, response) =>
      nodeListener(failing)(request, response, (error) => {
        told.push(error)
        response.writeHead(502).end()
      })
    )
    expect((await fetch(url)).status).toBe(502)
    expect(told).toEqual([new Error('the store burns')])
  })

  test('a client that goes away in the middle of its body is no failure of the server', async () => {
    const { server, events } = await ready()
    let done = () => {}
    const ended = new Promise<void>((resolve) => {
      done = resolve
    })
    const watched: Responder = { respond: (request) => server.respond(request).finally(done) }
    const url = new URL(await listen(nodeListener(watched)))
    const socket = connect(Number(url.port), url.hostname)
    socket.write(
      'POST /token HTTP/1.1\r\nHost: localhost:9400\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\ngrant_type='
    )
    await new Promise<void>((resolve) => socket.write('client', () => resolve()))
    setImmediate(() => socket.destroy())
    await ended
    expect(events.filter(({ type }) => type === 'request.failed')).toEqual([])
    expect(events.find(({ type }) => type === 'request.refused')).toMatchObject({ status: 400, reason: expect.stringMatching(/went away/) })
  })

  test('F-44 a body that somebody read and kept is said to be read, not waited for', async () => {
    const { server, token, events } = await ready()
    const url = await listen((request, response) => {
      request.on('end', () => nodeListener(server)(request, response)).resume()
    })
    const response = await token(`${url}/token`)
    expect([response.status, await response.json()]).toMatchObject([
      500,
      { error: 'server_error', error_description: expect.stringMatching(/was read/) }
    ])
    expect(events.find(({ type }) => type === 'request.failed')).toMatchObject({ reason: expect.stringMatching(/was read before/) })
  })
})

describe('handle', () => {
  test('a body that breaks off is no failure of the server; one that was read before is said to be', async () => {
    const { server, events } = await ready()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const body = new ReadableStream({ pull: (controller) => controller.error(new Error('aborted')) })
    const init = { method: 'POST', headers, body, duplex: 'half' }
    expect((await server.handle(new Request(`${ISSUER}/token`, init))).status).toBe(400)
    expect(events.map(({ type }) => type)).toEqual(['client.created', 'request.refused'])
    const read = new Request(`${ISSUER}/token`, { method: 'POST', headers, body: 'grant_type=client_credentials' })
    await read.text()
    const response = await server.handle(read)
    expect([response.status, (await response.json()).error_description]).toEqual([500, expect.stringMatching(/was read before/)])
  })

  test('answers web requests, and refuses large and compressed ones', async () => {
    const { server } = await ready()
    const post = (body: string, headers = {}) =>
      server.handle(
        new Request(`${ISSUER}/token`, {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers }
        })
      )
    expect((await post('a'.repeat(65_537))).status).toBe(413)
    expect((await post('a=b', { 'content-encoding': 'gzip' })).status).toBe(415)
    const other = await server.handle(new Request(`${ISSUER}/other`))
    expect([other.status, other.headers.get('cache-control')]).toEqual([404, 'no-store'])
    expect((await server.handle(new Request(`${ISSUER}/jwks`, { method: 'HEAD' }))).body).toBe(null)
  })
})

test('RFC 9110 §13.1.2 whoever has the key set is told that it is the same, until another key is in it', async () => {
  const { server } = await ready()
  const url = await listen(nodeListener(server))
  const etag = (await fetch(`${url}/jwks`)).headers.get('etag') ?? ''
  const byNode = (tags: string) => fetch(`${url}/jwks`, { headers: { 'if-none-match': tags } })
  const byWeb = (tags: string) => server.handle(new Request(`${ISSUER}/jwks`, { headers: { 'if-none-match': tags } }))
  for (const ask of [byNode, byWeb]) {
    for (const tags of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const { status, headers, body } = await ask(tags)
      expect([status, headers.get('etag'), headers.get('cache-control')]).toEqual([304, etag, 'public, max-age=900'])
      expect([headers.has('content-type'), headers.has('content-length'), body]).toEqual([false, false, null])
    }
    for (const tags of ['"other"', etag.slice(1), '']) expect((await ask(tags)).status).toBe(200)
  }
  await server.keys.rotate({ compromised: true })
  for (const ask of [byNode, byWeb]) expect((await ask(etag)).status).toBe(200)
})

test('a listener says what the certificate of a client is, and is asked only where it counts', async () => {
  const server = new AuthorizationServer({ issuer: ISSUER, store: new MemoryStore(), extensions: [mutualTls()] })
  const certificate = await newCertificate({}, true)
  let asked = 0
  const clientCertificate = () => {
    asked++
    return certificate
  }
  const url = await listen(nodeListener(server, { clientCertificate }))
  const grants = { grant_types: ['client_credentials'], scope: 'read' }
  const { client_id, client_secret = '' } = await server.clients.create(grants)
  const byCertificate = { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'CN=client,O=Example,C=NZ' }
  await server.clients.create({ client_id: 'certified', ...byCertificate, ...grants })
  const post = async (params: Record<string, string>) => {
    const body = new URLSearchParams({ grant_type: 'client_credentials', ...params })
    return (await fetch(`${url}/token`, { method: 'POST', body })).status
  }
  expect([await post({ client_id, client_secret }), asked]).toEqual([200, 0])
  expect([await post({ client_id: 'certified' }), asked]).toEqual([200, 1])
})
