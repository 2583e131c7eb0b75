import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type GrantorServer, parseConfig } from '../src/index.ts'
import { Browser } from './browser.ts'
import { grantor } from './process.ts'
import { PASSWORD, startServer } from './support.ts'

const REDIRECT_URI = 'https://photos.example.com/cb'

let server: GrantorServer
let issuer: string
let file: string
beforeAll(async () => {
  const registration = { allow: { scopes: ['read'] }, unusedLifetime: 3600 }
  const started = await startServer({ registration })
  ;({ server, issuer } = started)
  file = join(started.folder, 'grantor.json')
  writeFileSync(file, JSON.stringify({ issuer, database: 'grantor.db', secretFile: 'secret', registration }))
})
afterAll(() => server.close())

function register(token: string, metadata: object = {}): Promise<Response> {
  return fetch(`${issuer}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ redirect_uris: [REDIRECT_URI], ...metadata })
  })
}

const newToken = async (...options: string[]) => (await grantor(['registration-token', '--config', file, ...options])).trim()

describe('registration at the running server', () => {
  test('RG-01 grantor registration-token makes a token for so many clients, while the server runs', async () => {
    const token = await newToken('--uses', '2')
    expect(token).toMatch(/^gia_[\w-]{73}$/)
    const statuses = await Promise.all([1, 2, 3, 4].map(async () => (await register(token)).status))
    expect(statuses.sort()).toEqual([201, 201, 401, 401])
    await expect(newToken('--uses', 'many')).rejects.toThrow(/whole number of uses/)
    await expect(newToken('--expires', '0')).rejects.toThrow(/above 0/)
  })

  test('grantor registration-token --revoke ends a token by its id', async () => {
    const token = await newToken()
    const id = token.slice('gia_'.length, 'gia_'.length + 24)
    await grantor(['registration-token', '--config', file, '--revoke', id])
    expect((await register(token)).status).toBe(401)
    await expect(grantor(['registration-token', '--config', file, '--revoke', id])).rejects.toThrow(/there is no token/)
  })

  test('a client is read, updated and deleted over HTTP (RFC 7592)', async () => {
    const client = await (await register(await newToken(), { client_name: 'Photos' })).json()
    const request = (method: string, token: string, body?: object) =>
      fetch(client.registration_client_uri, {
        method,
        headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) })
      })
    expect(await (await request('GET', client.registration_access_token)).json()).toMatchObject({ client_name: 'Photos' })
    const body = { client_id: client.client_id, redirect_uris: [REDIRECT_URI], client_name: 'Pictures' }
    const updated = await (await request('PUT', client.registration_access_token, body)).json()
    expect(updated).toMatchObject({ client_name: 'Pictures' })
    const deleted = await request('DELETE', updated.registration_access_token)
    // RFC 9110 §8.6: no Content-Length with 204.
    expect([deleted.status, deleted.headers.get('content-length')]).toEqual([204, null])
    expect((await request('GET', updated.registration_access_token)).status).toBe(401)
  })

  test('RG-07 of eight updates with one token at once, one succeeds, on SQLite too', async () => {
    const client = await (await register(await newToken())).json()
    const body = JSON.stringify({ client_id: client.client_id, redirect_uris: [REDIRECT_URI] })
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${client.registration_access_token}` }
    const updates = Array.from({ length: 8 }, () => fetch(client.registration_client_uri, { method: 'PUT', headers, body }))
    expect((await Promise.all(updates)).map(({ status }) => status).sort()).toEqual([200, 401, 401, 401, 401, 401, 401, 401])
  })

  test('RG-03 the page for consent says that nobody verified the client, until the operator did', async () => {
    const client = await (await register(await newToken(), { client_name: '<b>Google</b>' })).json()
    const params = { client_id: client.client_id, response_type: 'code', redirect_uri: REDIRECT_URI, code_challenge_method: 'S256' }
    const url = `${issuer}/authorize?${new URLSearchParams({ ...params, code_challenge: 'x'.repeat(43) })}`
    const consent = async () => {
      const browser = new Browser()
      await browser.open(url)
      return browser.submit({ login: 'alice', password: PASSWORD, decision: 'login' })
    }
    const page = await consent()
    expect(page).toContain('registered itself')
    expect(page).toContain('photos.example.com')
    expect(page).not.toContain('<b>Google')
    await server.authorization.clients.update(client.client_id, { verified: true })
    expect(await consent()).not.toContain('registered itself')
  })

  test('without registration in the configuration there is no endpoint, and no token for it', async () => {
    const bare = await startServer()
    expect((await fetch(`${bare.issuer}/register`, { method: 'POST' })).status).toBe(404)
    await bare.server.close()
    const other = join(bare.folder, 'bare.json')
    writeFileSync(other, JSON.stringify({ issuer: bare.issuer, database: 'grantor.db', secretFile: 'secret' }))
    await expect(grantor(['registration-token', '--config', other])).rejects.toThrow(/no registration in this configuration/)
  })

  test.each([
    [{ acces: 'open' }, /acces/],
    [{ access: 'closed' }, /access/],
    [{ quota: { limt: 1 } }, /registration/],
    [{ softwareStatements: [{ issuer: 'https://a.example', jwks: [] }] }, /JWK set/]
  ])('%j is refused by name', (registration, message) => {
    expect(() => parseConfig({ issuer: 'https://id.example.com', registration })).toThrow(message)
  })
})
