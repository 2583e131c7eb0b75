import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GrantorServer } from '../src/index.ts'
import { startServer } from './support.ts'

let server: GrantorServer
let issuer: string
let port: number

beforeAll(async () => {
  ;({ server, issuer } = await startServer({ registration: { access: 'open', quota: false } }))
  port = Number(new URL(issuer).port)
})
afterAll(() => server.close())

const host = () => `localhost:${port}`
const lines = (...text: string[]) => [...text, '', ''].join('\r\n')

/** Sends the bytes as they are. @returns all that came back until the server closed the connection */
async function exchange(text: string, socket: Socket = connect(port, 'localhost')): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => {})
  socket.write(text, 'latin1')
  await new Promise((resolve) => socket.once('close', resolve))
  return Buffer.concat(chunks).toString('latin1')
}

const statusOf = (answer: string) => Number(/^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1])

describe('HTTP', () => {
  test.each([
    ['Content-Length and Transfer-Encoding', ['Content-Length: 5', 'Transfer-Encoding: chunked']],
    ['two Content-Lengths', ['Content-Length: 5', 'Content-Length: 6']],
    ['chunked, identity', ['Transfer-Encoding: chunked, identity']],
    ['a folded header', ['X-A: one', ' two', 'Content-Length : 0']],
    ['a header name with a space', ['Transfer Encoding: chunked']]
  ])('IN-13 %s is refused and the connection closed', async (_, headers) => {
    const answer = await exchange(lines('POST /token HTTP/1.1', `Host: ${host()}`, ...headers))
    expect(statusOf(answer)).toBe(400)
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1)
  })

  test('IN-13 bare line feeds do not end a header', async () => {
    expect(statusOf(await exchange(`POST /token HTTP/1.1\nHost: ${host()}\nContent-Length: 0\n\n`))).toBe(400)
  })

  test.each([
    ['another', 'Host: evil.example'],
    ['another port', 'Host: localhost:99999'],
    ['no', 'X-No: host'],
    ['an empty', 'Host:'],
    ['a first one of two', 'Host: evil.example\r\nHost: localhost']
  ])('IN-16 %s Host is refused', async (_, header) => {
    const answer = await exchange(lines('GET /.well-known/oauth-authorization-server HTTP/1.1', header, 'Connection: close'))
    expect([400, 421]).toContain(statusOf(answer))
    expect(answer).not.toContain('evil.example')
  })

  test('IN-16 an absolute request line changes neither the issuer nor the route', async () => {
    const target = 'http://evil.example/.well-known/oauth-authorization-server'
    const answer = await exchange(lines(`GET ${target} HTTP/1.1`, `Host: ${host()}`, 'Connection: close'))
    expect(statusOf(answer)).toBe(200)
    expect(answer).toContain(`"issuer":"${issuer}"`)
    expect(answer).not.toContain('evil.example')
  })

  test('IN-17 forwarded headers of a stranger change nothing', async () => {
    const headers = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', forwarded: 'host=evil.example' }
    const metadata = await (await fetch(`${issuer}/.well-known/oauth-authorization-server`, { headers })).json()
    expect(metadata).toMatchObject({ issuer, token_endpoint: `${issuer}/token` })
  })

  test('IN-17 the address of a stranger is that of the connection, whatever forwarded headers and Connection say', async () => {
    await server.authorization.clients.create({ client_id: 'guessed', redirect_uris: ['https://client.example.com/cb'] })
    const guess = async (index: number) => {
      const headers = {
        'x-forwarded-for': `192.0.2.${index}`,
        x_forwarded_for: `192.0.2.${index}`,
        forwarded: `for=192.0.2.${index};host=evil.example;proto=https`,
        'x-real-ip': `192.0.2.${index}`,
        'true-client-ip': `192.0.2.${index}`,
        'x-original-url': '/livez',
        'x-rewrite-url': '/livez',
        authorization: `Basic ${btoa('guessed:wrong')}`
      }
      const body = new URLSearchParams({ grant_type: 'client_credentials' })
      return (await fetch(`${issuer}/token`, { method: 'POST', headers, body })).status
    }
    const statuses = []
    for (let i = 0; i < 61; i++) statuses.push(await guess(i))
    expect([statuses.slice(0, 60), statuses.at(60)]).toEqual([Array.from({ length: 60 }, () => 401), 429])
    const hop = ['Connection: close, X-Forwarded-For, Host', 'X-Forwarded-Host: evil.example', 'X-Forwarded-Prefix: /evil']
    const answer = await exchange(lines('GET /.well-known/oauth-authorization-server HTTP/1.1', `Host: ${host()}`, ...hop))
    expect([statusOf(answer), answer.includes('evil')]).toEqual([200, false])
  })

  test.each(['/token', '/sign-out', '/livez', '/authorize', '/register'])('IN-14 %s has one spelling', async (path) => {
    const name = path.slice(1)
    const encoded = `%${name.charCodeAt(0).toString(16)}${name.slice(1)}`
    for (const target of [
      `//${name}`,
      `/${name}/`,
      `/./${name}`,
      `/x/../${name}`,
      `/${encoded}`,
      `/${name};a=b`,
      `/${name.toUpperCase()}`,
      `/${name}%2f`,
      `/${name}\\`,
      `\\${name}`,
      `/${name}%00`,
      `/${name}.css`,
      `/${name}/x.js`
    ]) {
      for (const method of ['GET', 'POST']) {
        const answer = await exchange(lines(`${method} ${target} HTTP/1.1`, `Host: ${host()}`, 'Content-Length: 0', 'Connection: close'))
        expect([target, [400, 404].includes(statusOf(answer)), /^location:/im.test(answer)]).toEqual([target, true, false])
      }
    }
  })

  test('IN-24 IN-25 what a URL says of an error or a language is on no page', async () => {
    const errors = new URLSearchParams({
      error: 'access_denied',
      error_description: '<script>alert(1)</script>',
      error_hint: '<img src=x onerror=alert(1)>',
      error_debug: '<b>',
      error_uri: 'javascript:alert(1)'
    })
    for (const path of ['/', '/sign-out', '/signed-out', '/authorize', `/interaction/${'x'.repeat(24)}`]) {
      for (const language of ['../../etc/passwd', 'x'.repeat(10_240), '__proto__', 'de;q=x,*']) {
        const plain = await (await fetch(issuer + path)).text()
        const response = await fetch(`${issuer}${path}?${errors}&ui_locales=${encodeURIComponent(language)}`.slice(0, 12_000), {
          headers: { 'accept-language': language.slice(0, 4000) }
        })
        const strip = (html: string) => html.replace(/<code>[\w-]{12}<\/code>/g, '')
        expect([path, strip(await response.text())]).toEqual([path, strip(plain)])
      }
    }
  })

  test('IN-26 HTTP/1.0, without a Host and with one, is answered or refused, and closed', async () => {
    for (const [head, statuses] of [
      [['GET /livez HTTP/1.0'], [200]],
      [['GET /.well-known/oauth-authorization-server HTTP/1.0'], [400, 421]],
      [['GET /.well-known/oauth-authorization-server HTTP/1.0', `Host: ${host()}`], [200]],
      [['GET /livez HTTP/0.9'], [200, 400]],
      [['GET /livez HTTP/3.7'], [400]]
    ] as const)
      expect(statuses).toContain(statusOf(await exchange(lines(...head))))
  })

  test('IN-26 a thousand requests in a row are answered in their order', async () => {
    const request = (index: number) => lines(`GET /nothing-${index} HTTP/1.1`, `Host: ${host()}`)
    const metadata = lines('GET /.well-known/oauth-authorization-server HTTP/1.1', `Host: ${host()}`)
    const parts = Array.from({ length: 999 }, (_, i) => (i % 3 === 0 ? metadata : request(i)))
    const answer = await exchange(parts.join('') + lines('GET /livez HTTP/1.1', `Host: ${host()}`, 'Connection: close'))
    const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status))
    expect(statuses).toEqual([...parts.map((part) => (part === metadata ? 200 : 404)), 200])
  })

  test('IN-10 a body that is announced as too large is refused before it is sent', async () => {
    const answer = await exchange(
      lines('POST /token HTTP/1.1', `Host: ${host()}`, 'Content-Type: application/x-www-form-urlencoded', 'Content-Length: 65537')
    )
    expect(statusOf(answer)).toBe(413)
  })

  test('IN-10 a chunked body without end is cut off shortly after the limit', async () => {
    const socket = connect(port, 'localhost')
    let sent = 0
    const chunk = `1000\r\n${'a'.repeat(4096)}\r\n`
    const pump = () => {
      while (!socket.destroyed && sent < 64 * 1024 * 1024) {
        sent += chunk.length
        if (!socket.write(chunk)) break
      }
    }
    socket.on('drain', pump)
    socket.once('connect', pump)
    const answer = await exchange(
      lines('POST /token HTTP/1.1', `Host: ${host()}`, 'Content-Type: application/x-www-form-urlencoded', 'Transfer-Encoding: chunked'),
      socket
    )
    // Whoever still sends when the connection ends may find it reset before the answer.
    expect(answer === '' ? 413 : statusOf(answer)).toBe(413)
    // What was on its way in the buffers of two sockets when the answer went out.
    expect(sent).toBeLessThan(16 * 1024 * 1024)
  })

  test('IN-11 a URL, a header or a cookie of megabytes is refused, and no Location is ever long', async () => {
    const request = (target: string, ...headers: string[]) =>
      exchange(lines(`GET ${target} HTTP/1.1`, `Host: ${host()}`, 'Connection: close', ...headers))
    for (const size of [16, 64, 256]) {
      const answer = await request(`/authorize?state=${'x'.repeat(size * 1024)}`)
      expect(answer === '' ? 431 : statusOf(answer)).toBe(431)
    }
    const cookie = await request('/authorize', `Cookie: a=${'x'.repeat(1024 * 1024)}`)
    expect(cookie === '' ? 431 : statusOf(cookie)).toBe(431)
    const many = Array.from({ length: 2000 }, (_, index) => `p${index}=`).join('&')
    expect(statusOf(await request(`/authorize?${many}`))).toBe(400)
    await server.authorization.clients.create({ client_id: 'long', redirect_uris: ['https://client.example.com/cb'] })
    const known = `client_id=long&redirect_uri=https://client.example.com/cb&response_type=nonsense`
    const answer = await request(`/authorize?${known}&state=${'x'.repeat(15_000)}`)
    const location = /^location: (.*)$/im.exec(answer)?.[1] ?? ''
    expect(location).toMatch(/^https:\/\/client\.example\.com\/cb\?error=/)
    expect(location.length).toBeLessThan(8192)
  })

  test("AP-27 the pages for people are in no frame and in nobody's reach", async () => {
    for (const path of ['/', '/sign-out', '/signed-out', '/authorize']) {
      const { headers } = await fetch(issuer + path)
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
      expect([headers.get('x-frame-options'), headers.get('cross-origin-opener-policy')]).toEqual(['DENY', 'same-origin'])
    }
  })

  test('DI-04 no answer with a token, a person or an error in it is kept by anybody', async () => {
    const registration = { redirect_uris: ['https://client.example.com/cb'] }
    const json = (body: unknown) => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
    const registered = await fetch(`${issuer}/register`, json(registration))
    const { client_id, client_secret, registration_access_token, registration_client_uri } = await registered.clone().json()
    const basic = { authorization: `Basic ${btoa(`${client_id}:${client_secret}`)}` }
    const bearer = { authorization: `Bearer ${registration_access_token}` }
    const form = (params: Record<string, string>, headers = {}) => ({ method: 'POST', headers, body: new URLSearchParams(params) })
    const request = new URLSearchParams({
      client_id,
      response_type: 'code',
      redirect_uri: registration.redirect_uris[0] ?? '',
      scope: 'openid'
    })
    const signIn = await fetch(`${issuer}/authorize?${request}&code_challenge=${'x'.repeat(43)}&code_challenge_method=S256`, {
      redirect: 'manual'
    })
    const interaction = signIn.headers.get('location') ?? ''
    expect(interaction).toContain('/interaction/')
    const asked: readonly (readonly [string, RequestInit?])[] = [
      ['/token'],
      ['/token', form({})],
      ['/token', form({ grant_type: 'refresh_token', refresh_token: 'x' }, basic)],
      ['/introspect', form({ token: 'x' })],
      ['/introspect', form({ token: 'x' }, basic)],
      ['/revoke', form({ token: 'x' }, basic)],
      ['/userinfo'],
      ['/userinfo', { headers: { authorization: 'Bearer x' } }],
      ['/register', json({ redirect_uris: ['http://evil.example'] })],
      ['/register', json('x'.repeat(100_000))],
      ['/register', { method: 'POST', body: 'x' }],
      [registration_client_uri, { headers: bearer }],
      [registration_client_uri],
      ['/authorize'],
      [`/authorize?${request}`],
      [`/authorize?${request}&prompt=none`],
      [interaction],
      ['/interaction/unknown'],
      ['/'],
      [interaction, form({ login: 'alice', password: 'wrong' })],
      ['/sign-out', form({})],
      ['/sign-out'],
      ['/signed-out'],
      ['/logout'],
      ['/logout?id_token_hint=x'],
      ['/nothing'],
      ['/livez'],
      ['/readyz']
    ]
    const kept: unknown[] = []
    const responses = [registered, signIn]
    for (const [path, init] of asked) responses.push(await fetch(new URL(path, issuer), { redirect: 'manual', ...init }))
    for (const { url, status, headers } of responses) {
      const control = headers.get('cache-control')
      if (control !== 'no-store') kept.push([url, status, control])
    }
    expect(kept).toEqual([])
    expect(statusOf(await exchange(lines('GET /userinfo HTTP/1.1', 'Host: evil.example', 'Connection: close')))).toBe(421)
    expect(await exchange(lines('GET /userinfo HTTP/1.1', 'Host: evil.example', 'Connection: close'))).toMatch(/cache-control: no-store/i)
  })

  test('DI-10 there is nothing to look at but the protocol; whether it is well is all that it says of itself', async () => {
    const paths = [
      '/health',
      '/healthz',
      '/metrics',
      '/debug',
      '/debug/pprof',
      '/status',
      '/actuator',
      '/env',
      '/config',
      '/admin',
      '/api',
      '/swagger',
      '/swagger.json'
    ]
    const files = [
      '/openapi.json',
      '/docs',
      '/graphql',
      '/.git/HEAD',
      '/.git/config',
      '/.env',
      '/package.json',
      '/grantor.json',
      '/grantor.db',
      '/secret',
      '/server.js.map'
    ]
    const assets = [
      '/assets/style.css.map',
      '/assets/',
      '/assets/%2e%2e/package.json',
      '/%2e%2e/%2e%2e/etc/passwd',
      '/livez/x',
      '/readyz.json',
      '/.well-known/',
      '/.well-known/security.txt'
    ]
    for (const path of [...paths, ...files, ...assets]) {
      const response = await fetch(issuer + path, { redirect: 'manual' })
      expect({ path, status: response.status, text: (await response.text()).length < 1000 }).toEqual({ path, status: 404, text: true })
    }
    for (const path of ['/livez', '/readyz']) {
      const response = await fetch(issuer + path)
      expect([response.status, await response.text()]).toEqual([200, ''])
    }
    for (const path of ['/', '/livez', '/token', '/nothing', '/.well-known/openid-configuration']) {
      const { headers } = await fetch(issuer + path)
      for (const name of ['server', 'x-powered-by', 'via', 'sourcemap', 'x-runtime']) expect(headers.get(name)).toBeNull()
    }
  })

  test('what nothing answers is 404', async () => {
    for (const path of ['/nothing', '/token/x.css', '/interaction/x', '/assets/../secret']) {
      expect((await fetch(issuer + path)).status).toBe(404)
    }
  })
})
