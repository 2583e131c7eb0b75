import { createServer, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ClientAddresses, type TrustedProxies } from '../src/client-addresses.ts'
import { GrantorServer, parseConfig } from '../src/index.ts'
import { freePort, PASSWORD, temporaryFolder } from './support.ts'

const OF_PROXIES = '127.0.0.100'

/** A reverse proxy as it is usually configured: it adds whom it was called from, at the end of what was there. */
async function startProxy(target: { port: number }, from = OF_PROXIES) {
  const proxy = createServer((incoming, outgoing) => {
    const named = [incoming.headers['x-forwarded-for'] ?? [], incoming.socket.remoteAddress ?? ''].flat().join(', ')
    const headers = { ...incoming.headers, 'x-forwarded-for': named }
    const { method, url: path } = incoming
    const options = { host: '127.0.0.1', port: target.port, localAddress: from, method, path, headers }
    const forwarded = send(options, (answer) => answer.pipe(outgoing.writeHead(answer.statusCode ?? 502, answer.headers)))
    incoming.pipe(forwarded)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '0.0.0.0', resolve))
  return { port: (proxy.address() as AddressInfo).port, close: () => new Promise((resolve) => proxy.close(resolve).closeAllConnections()) }
}

async function start(trustedProxies: TrustedProxies) {
  const port = await freePort()
  const issuer = `http://127.0.0.1:${port}`
  const lines: { ip?: string; msg: string }[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const settings = { clientFailureLimit: 2, limits: { signInsPerAddress: 2 } }
  const config = { issuer, host: '0.0.0.0', port, database: 'grantor.db', secretFile: 'secret', trustedProxies, ...settings }
  const server = await GrantorServer.open(parseConfig(config, temporaryFolder()), log)
  await server.start()
  await server.authorization.clients.create({ client_id: 'app', redirect_uris: ['https://app.example.com/cb'], scope: 'read' })
  await server.users.create({ login: 'alice', password: PASSWORD })
  const outer = await startProxy({ port })
  const outermost = await startProxy(outer)
  /** What a wrong secret is answered, from an address, with what its sender pretends. */
  const fail = (at: { port: number }, from: string, pretended?: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const authorization = `Basic ${Buffer.from('app:wrong').toString('base64')}`
      const headers = {
        ...{ host: new URL(issuer).host, authorization, 'content-type': 'application/x-www-form-urlencoded' },
        ...(pretended !== undefined && { 'x-forwarded-for': pretended })
      }
      const options = { host: '127.0.0.1', port: at.port, localAddress: from, path: '/token', method: 'POST', headers }
      const request = send(options, (response) => text(response).then(() => resolve(response.statusCode), reject))
      request.on('error', reject).end('grant_type=client_credentials')
    })
  const logged = () => lines.filter(({ msg }) => msg === 'request').map(({ ip }) => ip)
  const close = async () => {
    await Promise.all([outermost.close(), outer.close()])
    await server.close()
  }
  return { direct: { port }, outer, outermost, fail, logged, close }
}

describe.each<[string, TrustedProxies, 'outer' | 'outermost']>([
  ['one proxy, by its network', ['127.0.0.96/28'], 'outer'],
  ['one proxy, by their number', 1, 'outer'],
  ['two proxies, by their addresses', [OF_PROXIES, '::1'], 'outermost'],
  ['two proxies, by their number', 2, 'outermost']
])('behind %s', (_, trusted, front) => {
  let running: Awaited<ReturnType<typeof start>>
  beforeAll(async () => {
    running = await start(trusted)
  })
  afterAll(() => running.close())

  test('each client has its own address: in its limit, in the log, and whatever it pretends', async () => {
    const { fail, logged } = running
    const through = running[front]
    const pretended = ['127.0.0.6', '127.0.0.6, 127.0.0.100', undefined, 'garbage']
    const answers: (number | undefined)[] = []
    for (const name of pretended) answers.push(await fail(through, '127.0.0.5', name))
    expect(answers).toEqual([401, 401, 429, 429])
    expect(await fail(through, '127.0.0.6')).toBe(401)
    expect(logged()).toEqual(['127.0.0.5', '127.0.0.5', '127.0.0.5', '127.0.0.5', '127.0.0.6'])
  })
})

test.each<[string, TrustedProxies]>([
  ['no proxy is trusted', []],
  ['no proxy stands in front', 0],
  ['another one is trusted', ['10.0.0.0/8', '2001:db8::/32']]
])('where %s nobody speaks for others', async (_, trusted) => {
  const { direct, fail, logged, close } = await start(trusted)
  const answers = [
    await fail(direct, '127.0.0.7', '127.0.0.8'),
    await fail(direct, '127.0.0.7', '127.0.0.9'),
    await fail(direct, '127.0.0.7')
  ]
  expect(answers).toEqual([401, 401, 429])
  expect(logged()).toEqual(['127.0.0.7', '127.0.0.7', '127.0.0.7'])
  await close()
})

test.each<[TrustedProxies, string, string | string[] | undefined, string]>([
  [['::1', '10.0.0.0/8'], '::ffff:10.1.2.3', '203.0.113.7', '203.0.113.7'],
  [['10.0.0.0/8'], '10.1.2.3', '203.0.113.7:4711', '203.0.113.7'],
  [['10.0.0.0/8'], '10.1.2.3', '[2001:db8::7]:4711', '2001:db8::7'],
  [['10.0.0.0/8'], '10.1.2.3', ['198.51.100.1', '203.0.113.7, 10.9.9.9'], '203.0.113.7'],
  [['10.0.0.0/8'], '10.1.2.3', 'unknown, 10.9.9.9', '10.9.9.9'],
  [['10.0.0.0/8'], '10.1.2.3', undefined, '10.1.2.3'],
  [['10.0.0.0/8'], '10.1.2.3', '10.2.2.2, 10.9.9.9', '10.2.2.2'],
  [['2001:db8::/32'], '2001:db8::1', '203.0.113.7', '203.0.113.7'],
  [2, '10.1.2.3', '198.51.100.1, 203.0.113.7, 10.9.9.9', '203.0.113.7']
])('proxies %j, called by %s for %j: %s', (trusted, remoteAddress, named, expected) => {
  const headers = named === undefined ? {} : { 'x-forwarded-for': named }
  expect(new ClientAddresses(trusted).of({ socket: { remoteAddress }, headers })).toBe(expected)
})

test('what is no address, network or number of proxies is refused at the start', () => {
  for (const trustedProxies of [
    ['proxy.example.com'],
    ['10.0.0.0/33'],
    ['::1/129'],
    ['10.0.0.0/8/8'],
    ['10.0.0.1/'],
    ['fe80::1%eth0'],
    -1,
    1.5,
    true
  ])
    expect(() => parseConfig({ issuer: 'https://id.example.com', trustedProxies })).toThrow(/trustedProxies/)
})
