import { execFile } from 'node:child_process'
import crypto from 'node:crypto'
import dns from 'node:dns/promises'
import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import tls from 'node:tls'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createAuthority, type TestCertificate } from '../../server/test/certificates.ts'
import { ConfigurationError, OutboundError, type OutboundOptions } from '../src/index.ts'
import { isPublicAddress } from '../src/outbound/addresses.ts'
import { type NodeModules, nodeTransport } from '../src/outbound/node.ts'
import { createOutbound, type OutboundPorts, type OutboundRefusal } from '../src/outbound/outbound.ts'
import { webTransport } from '../src/outbound/web.ts'
import { Held, Listener } from './listener.ts'
import { TestServer } from './support.ts'

const NAME = 'rp.example.com'
const PUBLIC = '93.184.215.14'
const modules: NodeModules = { http, https, tls, crypto, lookup: dns.lookup }

let authority: string
let certificate: TestCertificate
beforeAll(async () => {
  const { certificate: root, issue } = await createAuthority()
  authority = root
  certificate = await issue([NAME])
})

const listeners: Listener[] = []
afterEach(async () => {
  await Promise.all(listeners.splice(0).map((listener) => listener.close()))
})
async function listen(listener: Promise<Listener>): Promise<Listener> {
  listeners.push(await listener)
  return listener
}
const answering = (answer: http.RequestListener, host?: string) => listen(Listener.http(answer, host))
const greeting = () => answering((_request, response) => response.end('hello'))

/** A guard, and what it refused. */
function guard(options: OutboundOptions = {}, ports: Partial<OutboundPorts> = {}) {
  const refusals: OutboundRefusal[] = []
  return { outbound: createOutbound(options, (refusal) => refusals.push(refusal), ports), refusals }
}

/** A guard for which names have the addresses that the test says, and which comes out at the listener whatever the port. */
function resolving(answers: readonly string[][], { port }: Listener, options: OutboundOptions = {}) {
  const asked: string[] = []
  const transport = nodeTransport(
    {
      ...modules,
      https: { request: (options, onAnswer) => https.request(onPort(options, port), onAnswer) },
      async lookup(name) {
        const addresses = answers[Math.min(asked.push(name), answers.length) - 1] ?? []
        return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
      }
    },
    options.ca ?? [authority]
  )
  return { ...guard(options, { transport }), asked }
}

/** Another port than 443 in its place, so that the request looks the same. */
const onPort = (options: https.RequestOptions, port: number) => (options.port === '' ? { ...options, port, defaultPort: port } : options)

/** A guard whose deadline comes when the test says. */
function untilCalledOff(options: OutboundOptions, ports: Partial<OutboundPorts> = {}) {
  const deadlines: (() => void)[] = []
  const after = (_milliseconds: number, callback: () => void) => {
    deadlines.push(callback)
    return () => {}
  }
  return { ...guard(options, { after, ...ports }), deadlines }
}

const refusal = (reason: string) => ({ name: 'OutboundError', message: 'the URL could not be fetched', reason })

test.each([
  ['endless', (response: http.ServerResponse) => void response.writeHead(200).write('x'.repeat(100_000))],
  ['compressed', (response: http.ServerResponse) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x'))],
  ['in Latin 1', (response: http.ServerResponse) => void response.writeHead(200).end(Buffer.from([0xe9]))]
])('LO-05 where only the status counts, a body that is %s is not read', async (_, answer) => {
  const listener = await answering((_request, response) => answer(response))
  const { outbound, refusals } = guard({ allow: [listener.origin] })
  expect(await outbound({ url: listener.origin, statusOnly: true })).toMatchObject({ status: 200, body: '' })
  expect(refusals).toEqual([])
  const redirecting = await answering((_request, response) => void response.writeHead(302, { location: '/' }).end())
  const other = guard({ allow: [redirecting.origin] })
  await expect(other.outbound({ url: redirecting.origin, statusOnly: true })).rejects.toMatchObject({ reason: 'redirect' })
})

describe('SS-01: only public servers are reached', () => {
  const LITERALS = [
    '127.0.0.1',
    '127.1',
    '0x7f000001',
    '2130706433',
    '0177.0.0.1',
    '127%2e0.0.1',
    '127.0.0.1.',
    '0.0.0.0',
    '0',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::ffff:169.254.169.254]',
    '[::7f00:1]',
    '[64:ff9b::7f00:1]',
    '[64:ff9b::a9fe:a9fe]',
    '[64:ff9b:1::7f00:1]',
    '[2002:7f00:1::]',
    '[fec0::1]',
    '[fe80::1]',
    '[fd00:ec2::254]',
    '[ff02::1]',
    '10.0.0.1',
    '100.64.0.1',
    '100.100.100.200',
    '172.16.0.1',
    '192.168.0.1',
    '169.254.169.254',
    '168.63.129.16',
    '192.0.0.192',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255'
  ]
  const NAMES = [
    'localhost',
    'LOCALHOST',
    'localhost.',
    'a.localhost',
    'metadata.google.internal',
    'printer.local',
    'router.home.arpa',
    'keycloak',
    'app.corp',
    'example.com.'
  ]

  test('a literal address in any spelling, a name that only a private network knows: no connection is opened', async () => {
    const four = await greeting()
    const six = await answering((_request, response) => response.end('hello'), '::1')
    const { outbound, refusals } = guard()
    for (const { port } of [four, six]) {
      for (const host of LITERALS)
        await expect(outbound({ url: `https://${host}:${port}/` })).rejects.toMatchObject(refusal('blocked_address'))
      for (const host of NAMES) await expect(outbound({ url: `https://${host}:${port}/` })).rejects.toMatchObject(refusal('blocked_name'))
    }
    expect(refusals).toHaveLength(2 * (LITERALS.length + NAMES.length))
    expect(refusals[0]).toEqual({ origin: `https://127.0.0.1:${four.port}`, reason: 'blocked_address' })
    const origins = [four.origin, `http://[::1]:${six.port}`]
    for (const url of origins) expect(await guard({ allow: origins }).outbound({ url })).toMatchObject({ status: 200, body: 'hello' })
    expect([four.connections, six.connections]).toEqual([1, 1])
  })

  test.each([
    ['http', 'http://rp.example.com/', 'blocked_scheme'],
    ['ftp', 'ftp://rp.example.com/', 'blocked_scheme'],
    ['a socket', 'unix:///var/run/docker.sock', 'malformed_url'],
    ['a socket within http', 'http+unix://null/v1/containers', 'blocked_scheme'],
    ['a file', 'file:///etc/passwd', 'malformed_url'],
    ['data', 'data:,x', 'malformed_url'],
    ['user information', 'https://user:password@rp.example.com/', 'malformed_url'],
    ['a host behind user information', 'https://rp.example.com@127.0.0.1/', 'malformed_url'],
    ['a zone', 'https://[fe80::1%25eth0]/', 'malformed_url'],
    ['no slashes', 'https:rp.example.com', 'malformed_url'],
    ['three slashes', 'https:///rp.example.com', 'malformed_url'],
    ['a backslash', 'https://rp.example.com\\@127.0.0.1/', 'malformed_url'],
    ['a tab', 'https://rp.exa\tmple.com/', 'malformed_url'],
    ['a line break', 'https://rp.example.com/\r\nx', 'malformed_url'],
    ['another alphabet', 'https://①②⑦.0.0.1/', 'malformed_url'],
    ['a relative reference', '/keys', 'malformed_url'],
    ['nothing', '', 'malformed_url'],
    ['2049 characters', `https://rp.example.com/${'x'.repeat(2026)}`, 'malformed_url'],
    ['ssh', 'https://rp.example.com:22/', 'blocked_port'],
    ['smtp', 'https://rp.example.com:25/', 'blocked_port'],
    ['redis', 'https://rp.example.com:6379/', 'blocked_port']
  ])('%s is refused before any name is resolved', async (_, url, reason) => {
    const listener = await greeting()
    const { outbound, asked } = resolving([['127.0.0.1']], listener, { allow: ['null'] })
    await expect(outbound({ url })).rejects.toMatchObject(refusal(reason))
    expect([asked, listener.connections]).toEqual([[], 0])
  })

  test.each([
    ['is private', ['10.0.0.1']],
    ['is this machine', ['127.0.0.1']],
    ['has one public and one private address', [PUBLIC, '127.0.0.1']],
    ['has a private IPv6 address beside a public one', [PUBLIC, '::1']],
    ['is an alias of the metadata service', ['169.254.169.254']],
    ['has an IPv4 address dressed as IPv6', ['::ffff:127.0.0.1']],
    ['has an address with a zone', ['fe80::1%lo']]
  ])('a name that %s: every address is judged, no connection is opened', async (_, addresses) => {
    const listener = await listen(Listener.https(certificate, (_request, response) => response.end('hello')))
    const { outbound, asked, refusals } = resolving([addresses], listener)
    await expect(outbound({ url: `https://${NAME}/keys?secret=1` })).rejects.toMatchObject(refusal('blocked_address'))
    expect(asked).toEqual([NAME])
    expect(refusals).toEqual([{ origin: `https://${NAME}`, reason: 'blocked_address' }])
    const named = resolving([['127.0.0.1']], listener, { allow: [NAME] })
    expect(await named.outbound({ url: `https://${NAME}/` })).toMatchObject({ body: 'hello' })
    expect(listener.connections).toBe(1)
  })

  test('a name is resolved once, so that a second answer (DNS rebinding) leads nowhere; SNI and Host keep the name', async () => {
    const listener = await listen(Listener.https(certificate, (_request, response) => response.end('hello')))
    const { outbound, asked } = resolving([['127.0.0.1'], ['127.0.0.255']], listener, { allow: [NAME] })
    expect(await outbound({ url: `https://${NAME}/keys` })).toMatchObject({ status: 200, body: 'hello' })
    expect(asked).toEqual([NAME])
    expect(listener.names).toEqual([NAME])
    expect(listener.requests[0]?.headers.host).toBe(NAME)
    await expect(outbound({ url: `https://${NAME}/keys` })).rejects.toMatchObject(refusal('connection_failed'))
  })

  test('a name that has no address is told like everything else', async () => {
    const listener = await greeting()
    await expect(resolving([[]], listener).outbound({ url: `https://${NAME}/` })).rejects.toMatchObject(refusal('unresolved_name'))
    const lookup = () => Promise.reject(Object.assign(new Error('ENOTFOUND'), { code: 'ENOTFOUND' }))
    const { outbound } = guard({}, { transport: nodeTransport({ ...modules, lookup }, []) })
    await expect(outbound({ url: `https://${NAME}/` })).rejects.toMatchObject(refusal('unresolved_name'))
  })

  test('every special-purpose block ends where its registry says', () => {
    const inside = [
      '0.255.255.255',
      '100.127.255.255',
      '172.31.255.255',
      '192.0.2.1',
      '192.88.99.1',
      '198.19.255.255',
      '198.51.100.1',
      '203.0.113.1',
      '240.0.0.1'
    ]
    const insideSix = [
      '2001::1',
      '2001:1ff:ffff::',
      '2001:db8::1',
      '2002::',
      '3fff:fff::',
      '4000::',
      '1fff::',
      '::8.8.8.8',
      '::ffff:8.8.8.8',
      'fc00::'
    ]
    const none = ['', 'example.com', '1.2.3', '1.2.3.4.5', '::1::', 'fe80::1%eth0', '2606:4700::1111%1']
    for (const address of [...inside, ...insideSix, ...none.filter((text) => text !== '1.2.3')])
      expect([address, isPublicAddress(address)]).toEqual([address, false])
    const outside = [
      '1.0.0.0',
      '9.255.255.255',
      '11.0.0.0',
      '100.63.255.255',
      '100.128.0.0',
      '126.255.255.255',
      '128.0.0.0',
      '168.63.129.17',
      '172.15.255.255',
      '172.32.0.0',
      '192.0.1.0',
      '192.167.255.255',
      '198.17.255.255',
      '198.20.0.0',
      '223.255.255.255'
    ]
    const outsideSix = [
      '2000::',
      '2001:200::',
      '2001:db7:ffff::',
      '2003::',
      '2606:4700:4700::1111',
      '3ffe::',
      '3fff:1000::',
      '64:ff9b::8.8.8.8'
    ]
    for (const address of [...outside, ...outsideSix]) expect([address, isPublicAddress(address)]).toEqual([address, true])
  })

  test('the allow list: an origin for itself alone, a host for https on every port', async () => {
    const [listener, other] = [await greeting(), await greeting()]
    const { outbound } = guard({ allow: [listener.origin] })
    expect(await outbound({ url: `${listener.origin}/path` })).toMatchObject({ status: 200 })
    await expect(outbound({ url: other.origin })).rejects.toMatchObject(refusal('blocked_scheme'))
    await expect(outbound({ url: `http://localhost:${listener.port}` })).rejects.toMatchObject(refusal('blocked_scheme'))
    await expect(outbound({ url: `https://127.0.0.1:${listener.port}` })).rejects.toMatchObject(refusal('blocked_address'))
    await expect(guard({ allow: ['127.0.0.1'] }).outbound({ url: other.origin })).rejects.toMatchObject(refusal('blocked_scheme'))
    expect([listener.connections, other.connections]).toEqual([1, 0])
  })

  test.each([
    '*.internal',
    'http://*.internal',
    'idp.internal:8080',
    'https://idp.internal/',
    'IDP.internal',
    '::1',
    'idp.internal/x',
    'ftp://a',
    '',
    '127.1'
  ])('the allow list refuses %j, which could be read in two ways', (entry) =>
    expect(() => guard({ allow: [entry] })).toThrow(ConfigurationError)
  )

  test('no proxy of the environment is asked', async () => {
    const [proxy, target] = [await greeting(), await greeting()]
    const program = `
      import http from 'node:http'
      import { createOutbound } from ${JSON.stringify(new URL('../src/outbound/outbound.ts', import.meta.url).href)}
      const outbound = createOutbound({ allow: [process.argv[1]] }, () => {})
      await outbound({ url: process.argv[1] })
      await new Promise((resolve) => http.get(process.argv[1], (answer) => answer.resume().on('end', resolve)))
    `
    const env = { ...process.env, NODE_USE_ENV_PROXY: '1', HTTP_PROXY: proxy.origin, http_proxy: proxy.origin, NO_PROXY: '', no_proxy: '' }
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, target.origin], { env })
    // The second request is the program's own, and shows that there was a proxy to be asked.
    expect([target.requests.map(({ url }) => url), proxy.requests.map(({ url }) => url)]).toEqual([['/'], [`${target.origin}/`]])
  })
})

describe('TLS', () => {
  const secure = () => listen(Listener.https(certificate, (_request, response) => response.end('hello')))

  test('a certificate of an authority that was added, beside those of the system', async () => {
    const listener = await secure()
    const { outbound } = resolving([['127.0.0.1']], listener, { allow: [NAME], ca: [authority] })
    expect(await outbound({ url: `https://${NAME}:${listener.port}/` })).toMatchObject({ body: 'hello' })
    expect(listener.requests[0]?.headers.host).toBe(`${NAME}:${listener.port}`)
  })

  test('no other authority, no other name, not even if the environment says that certificates do not count', async () => {
    const listener = await secure()
    const stranger = resolving([['127.0.0.1']], listener, { allow: [NAME], ca: [] })
    const other = resolving([['127.0.0.1']], listener, { allow: ['other.example.com'] })
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    try {
      await expect(stranger.outbound({ url: `https://${NAME}/` })).rejects.toMatchObject(refusal('connection_failed'))
      await expect(other.outbound({ url: 'https://other.example.com/' })).rejects.toMatchObject({
        ...refusal('connection_failed'),
        cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }
      })
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
    }
    expect(listener.requests).toHaveLength(0)
  })

  test('what is not a certificate is refused at the start', () => {
    expect(() => guard({ ca: ['./authority.pem'] })).toThrow('outbound: ca has something that is not a certificate in PEM')
  })
})

describe('SS-02: no redirect is followed', () => {
  test.each([300, 301, 302, 303, 304, 307, 308])('%i is an error', async (status) => {
    const inside = await greeting()
    const redirect: http.RequestListener = (_request, response) => response.writeHead(status, { location: inside.origin }).end()
    const plain = await answering(redirect)
    await expect(guard({ allow: [plain.origin, inside.origin] }).outbound({ url: plain.origin })).rejects.toMatchObject(refusal('redirect'))
    const secure = await listen(Listener.https(certificate, redirect))
    const { outbound } = resolving([['127.0.0.1']], secure, { allow: [NAME, inside.origin] })
    await expect(outbound({ url: `https://${NAME}/` })).rejects.toMatchObject(refusal('redirect'))
    expect([plain.connections, secure.connections, inside.connections]).toEqual([1, 1, 0])
  })

  test('a Refresh header or element is text like any other', async () => {
    const inside = await greeting()
    const body = `<meta http-equiv="refresh" content="0;url=${inside.origin}">`
    const listener = await answering((_request, response) => response.writeHead(200, { refresh: `0;url=${inside.origin}` }).end(body))
    expect(await guard({ allow: [listener.origin, inside.origin] }).outbound({ url: listener.origin })).toMatchObject({ body })
    expect([listener.connections, inside.connections]).toEqual([1, 0])
  })
})

describe('SS-03: an answer has limits', () => {
  const fetched = async (answer: http.RequestListener, maxBytes?: number) => {
    const listener = await answering(answer)
    const { outbound } = guard({ allow: [listener.origin] })
    return outbound({ url: listener.origin, ...(maxBytes !== undefined && { maxBytes }) })
  }
  const raw = async (head: string) => {
    const listener = await listen(Listener.raw((socket) => socket.end(head)))
    return guard({ allow: [listener.origin] }).outbound({ url: listener.origin })
  }

  test('64 KiB by default, otherwise what the caller says, counted as it comes', async () => {
    const send =
      (size: number): http.RequestListener =>
      (_request, response) => {
        response.write('x'.repeat(size - 1))
        response.end('x')
      }
    expect((await fetched(send(65_536))).body).toHaveLength(65_536)
    await expect(fetched(send(65_537))).rejects.toMatchObject(refusal('too_large'))
    expect((await fetched(send(10), 10)).body).toHaveLength(10)
    await expect(fetched(send(11), 10)).rejects.toMatchObject(refusal('too_large'))
  })

  test('a body that never ends is left, and the connection closed', async () => {
    let closed: Promise<unknown> = Promise.resolve()
    const endless: http.RequestListener = (_request, response) => {
      closed = once(response, 'close')
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(16_384)));
      }
      response.on('drain', more)
      more()
    }
    await expect(fetched(endless)).rejects.toMatchObject(refusal('too_large'))
    await closed
  })

  test.each([
    ['redirect', { status: 302 }],
    ['compressed', { status: 200, 'content-encoding': 'gzip' }]
  ])('an answer that is refused (%s) is not read: the connection is closed before its end', async (reason, { status, ...headers }) => {
    const held = new Held()
    const listener = await answering(held.hold)
    const answer = expect(guard({ allow: [listener.origin] }).outbound({ url: listener.origin })).rejects.toMatchObject(refusal(reason))
    const response = await held.next()
    response.writeHead(status, headers).write('x')
    await answer
    if (!response.closed) await once(response, 'close')
  })

  test.each([
    ['sends nothing', () => {}],
    ['sends a head and nothing more', (response: http.ServerResponse) => response.flushHeaders()],
    ['sends one byte at a time', (response: http.ServerResponse) => response.write('x')]
  ])('a server that %s is left when the time is up, and the connection closed', async (_, begin) => {
    const held = new Held()
    const listener = await answering(held.hold)
    const { outbound, deadlines, refusals } = untilCalledOff({ allow: [listener.origin] })
    const answer = expect(outbound({ url: listener.origin })).rejects.toMatchObject(refusal('timeout'))
    const response = await held.next()
    begin(response)
    deadlines[0]?.()
    await answer
    if (!response.closed) await once(response, 'close')
    expect(refusals).toEqual([{ origin: listener.origin, reason: 'timeout' }])
  })

  test('a resolver that does not answer is left when the time is up; what it says later opens no connection', async () => {
    const listener = await greeting()
    const resolver = Promise.withResolvers<{ address: string; family: number }[]>()
    const transport = nodeTransport({ ...modules, lookup: () => resolver.promise }, [])
    const { outbound, deadlines } = untilCalledOff({ allow: [listener.origin] }, { transport })
    const answer = expect(outbound({ url: listener.origin })).rejects.toMatchObject(refusal('timeout'))
    deadlines[0]?.()
    await answer
    resolver.resolve([{ address: '127.0.0.1', family: 4 }])
    expect(await guard({ allow: [listener.origin] }).outbound({ url: listener.origin })).toMatchObject({ status: 200 })
    expect(listener.connections).toBe(1)
  })

  test('the time is 5 seconds, or what the configuration says', () => {
    const times: number[] = []
    const after = (milliseconds: number) => {
      times.push(milliseconds)
      return () => {}
    }
    const transport = () => new Promise<never>(() => {})
    for (const options of [{}, { timeout: 20 }]) void guard(options, { after, transport }).outbound({ url: 'https://rp.example.com' })
    expect(times).toEqual([5000, 20])
  })

  test('the clock of the runtime ends a request', async () => {
    const listener = await answering(() => {})
    const { outbound } = guard({ allow: [listener.origin], timeout: 20 })
    await expect(outbound({ url: listener.origin })).rejects.toMatchObject(refusal('timeout'))
  })

  test.each(['gzip', 'br', 'deflate', 'identity, gzip', 'x'])('content-encoding %s is refused, before it is unfolded', async (encoding) => {
    const bomb = gzipSync('x'.repeat(1_000_000))
    await expect(
      fetched((_request, response) => response.writeHead(200, { 'content-encoding': encoding }).end(bomb))
    ).rejects.toMatchObject(refusal('compressed'))
  })

  test('UTF-8, or refused: nothing is replaced, and there is no byte order mark', async () => {
    const bytes =
      (...values: number[]): http.RequestListener =>
      (_request, response) => {
        for (const value of values) response.write(Uint8Array.of(value))
        response.end()
      }
    expect((await fetched(bytes(0xe2, 0x82, 0xac))).body).toBe('€')
    for (const wrong of [[0xff], [0xe2, 0x82], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xef, 0xbb, 0xbf, 0x7b, 0x7d]]) {
      await expect(fetched(bytes(...wrong))).rejects.toMatchObject(refusal('not_utf8'))
    }
  })

  test.each([
    ['a head of 20 KB', `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`],
    ['a head that never ends', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(10_000)}`],
    ['endless chunk extensions', `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;${'x'.repeat(20_000)}\r\nx\r\n0\r\n\r\n`],
    ['a body that is cut', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}!'],
    ['length and chunks', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n'],
    ['another protocol', '+PONG\r\n'],
    ['a change of protocol', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n']
  ])('%s is an error', async (_, answer) => {
    await expect(raw(answer)).rejects.toMatchObject(refusal('connection_failed'))
  })

  test('a server that has HTTP/2 only is not reached', async () => {
    const server = http2.createSecureServer({ cert: certificate.certificate, key: certificate.key })
    server.on('unknownProtocol', (socket) => socket.destroy())
    const listener = await listen(Listener.open(server))
    const { outbound } = resolving([['127.0.0.1']], listener, { allow: [NAME] })
    await expect(outbound({ url: `https://${NAME}/` })).rejects.toMatchObject(refusal('connection_failed'))
  })

  test('the caller learns status, headers and media type, and judges them', async () => {
    const answer = await fetched((_request, response) =>
      response.writeHead(404, { 'content-type': 'Application/JSON; charset=utf-8', link: ['<a>', '<b>'] }).end('{}')
    )
    expect(answer).toMatchObject({ status: 404, contentType: 'application/json', body: '{}' })
    expect([answer.headers.get('link'), answer.headers.get('etag')]).toEqual(['<a>, <b>', null])
    expect(await fetched((_request, response) => response.writeHead(204).end())).toMatchObject({ status: 204, contentType: '', body: '' })
  })
})

describe('SS-04: what runs at once', () => {
  test('no more to one origin, and no more in all, than was said; the others wait for their turn', async () => {
    const [one, two] = [new Held(), new Held()]
    const [first, second] = [await answering(one.hold), await answering(two.hold)]
    const { outbound } = guard({ allow: [first.origin, second.origin], concurrency: 3, originConcurrency: 2 })
    const answers = [first, second].flatMap(({ origin }) => Array.from({ length: 10 }, () => outbound({ url: origin })))
    const opened = [await one.next(), await one.next(), await two.next()]
    expect([first.connections, second.connections]).toEqual([2, 1])
    for (const [index, response] of opened.entries()) [one, one, two][index]?.answer(response)
    for (let left = 8; left > 0; left--) one.answer(await one.next())
    for (const response of [await two.next(), await two.next()]) two.answer(response)
    for (let left = 7; left > 0; left--) two.answer(await two.next())
    expect((await Promise.all(answers)).every(({ body }) => body === 'ok')).toBe(true)
    expect([one.peak, two.peak]).toEqual([2, 2])
  })

  test('an origin that is busy or slow keeps no other one waiting', async () => {
    const [slow, brief] = [new Held(), new Held()]
    const [one, two, three] = [await answering(slow.hold), await answering(brief.hold), await greeting()]
    const { outbound } = guard({ allow: [one.origin, two.origin, three.origin], concurrency: 2, originConcurrency: 1 })
    const answers = [one, two, one].map(({ origin }) => outbound({ url: origin }))
    const last = outbound({ url: three.origin })
    const response = await slow.next()
    brief.answer(await brief.next())
    // The second request to the slow origin came before, and still waits.
    expect(await last).toMatchObject({ body: 'hello' })
    slow.answer(response)
    slow.answer(await slow.next())
    await Promise.all(answers)
    expect(slow.peak).toBe(1)
  })

  test('a request that fails or is called off makes room; one whose time is up while it waits is never made', async () => {
    const held = new Held()
    const listener = await answering(held.hold)
    const { outbound, deadlines } = untilCalledOff({ allow: [listener.origin], concurrency: 1 })
    const [running, waiting, last] = [1, 2, 3].map((path) => outbound({ url: `${listener.origin}/${path}` }))
    await held.next()
    deadlines[1]?.()
    await expect(waiting).rejects.toMatchObject(refusal('timeout'))
    deadlines[0]?.()
    await expect(running).rejects.toMatchObject(refusal('timeout'))
    held.answer(await held.next())
    expect(await last).toMatchObject({ body: 'ok' })
    expect(listener.requests.map(({ url }) => url)).toEqual(['/1', '/3'])
  })

  test.each(['timeout', 'concurrency', 'originConcurrency'])('%s must be a positive number', (name) => {
    for (const value of [0, -1, Number.NaN]) expect(() => guard({ [name]: value })).toThrow(`outbound: ${name} must be a positive number`)
  })
})

describe('SS-05: what is sent', () => {
  test('nothing but what the request needs: no cookie, credential, referrer or fragment, before and after a Set-Cookie', async () => {
    const bodies: string[] = []
    const listener = await answering(async (request, response) => {
      bodies.push(String(Buffer.concat(await request.toArray())))
      response.writeHead(200, { 'set-cookie': 'session=1', 'www-authenticate': 'Basic' }).end('ok')
    })
    const { outbound } = guard({ allow: [listener.origin] })
    for (let i = 0; i < 2; i++) await outbound({ url: `${listener.origin}/a%2Fb?c=d#fragment`, accept: 'application/json' })
    await outbound({ url: listener.origin, body: 'logout_token=x', contentType: 'application/x-www-form-urlencoded' })
    const common = { host: listener.origin.slice(7), connection: 'close', 'user-agent': 'grantor', 'accept-encoding': 'identity' }
    const get = { method: 'GET', url: '/a%2Fb?c=d', headers: { ...common, accept: 'application/json' } }
    const type = 'application/x-www-form-urlencoded'
    expect(listener.requests.map(({ method, url, headers }) => ({ method, url, headers }))).toEqual([
      get,
      get,
      { method: 'POST', url: '/', headers: { ...common, accept: '*/*', 'content-type': type, 'content-length': '14' } }
    ])
    expect(bodies).toEqual(['', '', 'logout_token=x'])
    expect(listener.connections).toBe(3)
  })
})

describe('where there is fetch only', () => {
  const web = (options: OutboundOptions = {}) => guard(options, { transport: webTransport(fetch, []) })

  test('the same URLs are refused, no redirect is followed, and the same limits hold', async () => {
    const inside = await greeting()
    const listener = await answering((request, response) => {
      if (request.url === '/redirect') response.writeHead(302, { location: inside.origin }).end()
      else if (request.url === '/gzip') response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x'))
      else if (request.url === '/large') response.end('x'.repeat(65_537))
      else response.writeHead(200, { 'content-type': 'text/plain' }).end(request.method)
    })
    const { outbound } = web({ allow: [listener.origin] })
    expect(await outbound({ url: listener.origin })).toMatchObject({ status: 200, contentType: 'text/plain', body: 'GET' })
    expect(await outbound({ url: listener.origin, body: 'x' })).toMatchObject({ status: 200, body: 'POST' })
    await expect(outbound({ url: `${listener.origin}/redirect` })).rejects.toMatchObject(refusal('redirect'))
    await expect(outbound({ url: `${listener.origin}/gzip` })).rejects.toMatchObject(refusal('compressed'))
    await expect(outbound({ url: `${listener.origin}/large` })).rejects.toMatchObject(refusal('too_large'))
    await expect(outbound({ url: `https://[::1]:${inside.port}` })).rejects.toMatchObject(refusal('blocked_address'))
    await expect(outbound({ url: `https://localhost:${inside.port}` })).rejects.toMatchObject(refusal('blocked_name'))
    expect(inside.connections).toBe(0)
    for (const { headers } of listener.requests) {
      expect(headers).toMatchObject({ 'user-agent': 'grantor', 'accept-encoding': 'identity' })
      for (const name of ['cookie', 'authorization', 'referer', 'origin']) expect(headers).not.toHaveProperty(name)
    }
  })

  test('a server that does not answer is left when the time is up', async () => {
    const held = new Held()
    const listener = await answering(held.hold)
    const { outbound, deadlines } = untilCalledOff({ allow: [listener.origin] }, { transport: webTransport(fetch, []) })
    const answer = expect(outbound({ url: listener.origin })).rejects.toMatchObject(refusal('timeout'))
    const response = await held.next()
    deadlines[0]?.()
    await answer
    if (!response.closed) await once(response, 'close')
  })

  test('certificates cannot be added, and that is said at the start', () => {
    expect(() => webTransport(fetch, [authority])).toThrow(ConfigurationError)
  })
})

describe('the authorization server', () => {
  test('fetches through the guard and tells of what was refused, by origin only', async () => {
    const listener = await greeting()
    const test = new TestServer({ outbound: { allow: [listener.origin] } })
    expect(await test.server.outbound({ url: listener.origin })).toMatchObject({ body: 'hello' })
    await expect(test.server.outbound({ url: 'https://127.0.0.1/secret?secret' })).rejects.toThrow(OutboundError)
    await expect(test.server.outbound({ url: 'https://u:secret@rp.example.com' })).rejects.toThrow(OutboundError)
    expect(test.eventsOf('outbound.refused')).toEqual([
      { type: 'outbound.refused', time: test.now, origin: 'https://127.0.0.1', reason: 'blocked_address' },
      { type: 'outbound.refused', time: test.now, origin: '', reason: 'malformed_url' }
    ])
  })

  test('takes a function in place of the guard', async () => {
    const answer = { status: 200, headers: new Headers(), contentType: 'text/plain', body: 'from elsewhere' }
    const test = new TestServer({ outbound: async () => answer })
    expect(await test.server.outbound({ url: 'https://localhost' })).toBe(answer)
  })

  test('refuses an option that does not exist', () => {
    expect(() => new TestServer({ outbound: { alow: [] } as object })).toThrow('outbound: there is no alow; did you mean allow?')
  })
})
