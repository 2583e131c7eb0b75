import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { GrantorServer, parseConfig } from '../src/index.ts'
import { createLog } from '../src/log.ts'
import { freePort, temporaryFolder } from './support.ts'

test('IN-02 IN-18 whatever is sent, the log has one line of JSON for each request and event, and no value of a parameter in it', async () => {
  const lines: string[] = []
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const config = parseConfig({ issuer, host: 'localhost', port, database: 'grantor.db', secretFile: 'secret' }, temporaryFolder())
  const server = await GrantorServer.open(config, createLog('trace', { write: (line) => void lines.push(line) }))
  await server.start()
  await server.authorization.clients.create({ client_id: 'app', redirect_uris: ['https://client.example.com/cb'], scope: 'read' })
  const hostile = 'canary\r\n{"level":"info"}\n\t\u0085\u2028\u2029\u001b[31m'
  const request = { client_id: 'app', redirect_uri: 'https://client.example.com/cb', response_type: 'code', scope: 'read' }
  const fetched: string[] = []
  const ask = async (path: string, init: RequestInit = {}) => {
    fetched.push(path)
    await (await fetch(issuer + path, { redirect: 'manual', ...init })).text()
  }
  for (const name of ['state', 'nonce', 'login_hint', 'ui_locales', 'display', 'realm', 'error_description', 'code_challenge', 'prompt'])
    await ask(`/authorize?${new URLSearchParams({ ...request, [name]: hostile })}`)
  for (const name of ['client_secret', 'code', 'code_verifier', 'refresh_token', 'password', 'token', 'client_assertion', 'username']) {
    const params = { grant_type: 'authorization_code', client_id: 'app', [name]: hostile }
    for (const path of ['/token', '/revoke', '/introspect']) {
      await ask(path, { method: 'POST', body: new URLSearchParams(params) })
      await ask(`${path}?${new URLSearchParams(params)}`, { method: 'POST', body: new URLSearchParams({ client_id: 'app' }) })
    }
  }
  for (const name of ['user-agent', 'referer', 'cookie', 'authorization', 'x-request-id'])
    await ask('/token', { method: 'POST', headers: { [name]: 'canary secret' }, body: new URLSearchParams(request) })
  const socket = connect(port, 'localhost')
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.resume().write(`GET /\u001b[31m%0d%0acanary?canary HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\n\r\n`)
  await closed
  await server.close()
  for (const line of lines) {
    expect(line).toMatch(/^\{[\x20-\x7e]*\}\n$/)
    expect(JSON.parse(line)).toMatchObject({ level: expect.anything() })
  }
  expect(lines.filter((line) => JSON.parse(line).msg === 'request').length).toBeGreaterThanOrEqual(fetched.length)
  expect(lines.filter((line) => line.includes('canary') && JSON.parse(line).msg !== 'request')).toEqual([])
  for (const line of lines.filter((one) => one.includes('canary'))) expect(JSON.parse(line).path).toContain('%0d%0acanary')
})
