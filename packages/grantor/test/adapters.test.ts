import { createServer, request as httpRequest, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { afterEach, describe, expect, test } from 'vitest'
import { AuthorizationServer, MemoryStore, nodeListener } from '../src/index.ts'
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
  const server = new AuthorizationServer({ issuer, store: new MemoryStore() })
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
  return { server, token }
}

describe('nodeListener', () => {
  test('answers behind node:http, with 404 for what is not its own', async () => {
    const { server, token } = await ready()
    const url = await listen(nodeListener(server))
    expect((await token(`${url}/token`)).status).toBe(200)
    expect((await fetch(`${url}/other`)).status).toBe(404)
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

describe('handle', () => {
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
    expect((await server.handle(new Request(`${ISSUER}/other`))).status).toBe(404)
    expect((await server.handle(new Request(`${ISSUER}/jwks`, { method: 'HEAD' }))).body).toBe(null)
  })
})
