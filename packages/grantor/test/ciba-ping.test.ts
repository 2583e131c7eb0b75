import type { IncomingMessage, RequestListener } from 'node:http'
import { describe, expect, test, vi } from 'vitest'
import { AuthorizationServer, BackchannelRequests, ciba, MemoryStore, openid } from '../src/index.ts'
import { ALICE, cibaServer } from './ciba-support.ts'
import { secureHosts } from './secure-hosts.ts'
import { expectTokenError, ISSUER } from './support.ts'

const TOKEN = '8d67dc78-7faa-4d41-aabd-67707b374255'
const SECRET = 'a root secret that all nodes have in common'

describe('3.5 ping (CIBA Core §10.2)', () => {
  const hosts = secureHosts()

  /** What the client's endpoint was told. */
  interface Told {
    method: string | undefined
    url: string | undefined
    authorization: string | undefined
    type: string | undefined
    body: string
  }

  /** A provider whose client is told at an endpoint that answers as `answer` does. */
  async function pinged(answer: RequestListener, { path = '/cb', store = new MemoryStore() } = {}) {
    const told: Told[] = []
    const { origin, ca } = await hosts.open(async (request: IncomingMessage, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      const { method, url, headers } = request
      told.push({
        method,
        url,
        authorization: headers.authorization,
        type: headers['content-type'],
        body: Buffer.concat(chunks).toString()
      })
      answer(request, response)
    })
    const metadata = { backchannel_token_delivery_mode: 'ping', backchannel_client_notification_endpoint: origin + path } as const
    const options = { outbound: { allow: [origin], ca }, store, secret: SECRET }
    const server = await cibaServer({}, { metadata, ...options })
    const begin = () => server.begin({ client_notification_token: TOKEN })
    const outcomes = () => server.test.events.filter(({ type }) => type.startsWith('notification.'))
    const settled = (count = 1) => vi.waitFor(() => expect(outcomes()).toHaveLength(count), { timeout: 5000 })
    return { ...server, begin, told, outcomes, settled, options }
  }

  test.each(['approve', 'deny'] as const)('after %s the client is told, with its own token, which request it was', async (decision) => {
    const { begin, told, settled, outcomes, poll, ...server } = await pinged((_, response) => response.writeHead(204).end())
    const { auth_req_id } = await begin()
    expect(told).toEqual([])
    await server[decision]()
    await settled()
    expect(told).toEqual([
      { method: 'POST', url: '/cb', authorization: `Bearer ${TOKEN}`, type: 'application/json', body: JSON.stringify({ auth_req_id }) }
    ])
    expect(outcomes()).toMatchObject([{ type: 'notification.delivered', clientId: 'till', attempts: 1 }])
    const redeemed = await poll(auth_req_id)
    if (decision === 'approve') expect(redeemed.status).toBe(200)
    else await expectTokenError(redeemed, 400, 'access_denied')
  })

  test.each<[string, RequestListener, object]>([
    ['401', (_, response) => response.writeHead(401).end(), { reason: 'http_401' }],
    ['403', (_, response) => response.writeHead(403).end(), { reason: 'http_403' }],
    ['404', (_, response) => response.writeHead(404).end(), { reason: 'http_404' }],
    ['a redirect', (_, response) => response.writeHead(307, { location: '/elsewhere' }).end(), { reason: 'redirect' }],
    ['a redirect by GET', (_, response) => response.writeHead(303, { location: '/elsewhere' }).end(), { reason: 'redirect' }]
  ])('an answer of %s is neither followed nor tried again', async (_, answer, expected) => {
    const { test, begin, told, settled, outcomes, approve } = await pinged(answer)
    await begin()
    await approve()
    await settled()
    expect(outcomes()).toMatchObject([{ type: 'notification.failed', attempts: 1, ...expected }])
    expect(outcomes()[0]).not.toHaveProperty('retryAt')
    for (const seconds of [30, 60, 120, 600]) {
      test.now += seconds
      await test.server.maintain()
    }
    expect(told).toHaveLength(1)
  })

  test.each<[string, RequestListener]>([
    ['200', (_, response) => response.end()],
    ['200 with a body', (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>hello</h1>'.repeat(10_000))],
    ['204', (_, response) => response.writeHead(204).end()]
  ])('an answer of %s is taken, whatever its body', async (_, answer) => {
    const { begin, settled, outcomes, approve } = await pinged(answer)
    await begin()
    await approve()
    await settled()
    expect(outcomes()).toMatchObject([{ type: 'notification.delivered' }])
  })

  test('a client that is down is told again after 30, 60 and 120 seconds, by whichever node is there', async () => {
    let status = 503
    const { test, begin, told, settled, outcomes, approve, options } = await pinged((_, response) => response.writeHead(status).end())
    await begin()
    await approve()
    await settled()
    expect(outcomes()).toMatchObject([{ type: 'notification.failed', reason: 'http_503', attempts: 1, retryAt: test.now + 30 }])
    const extensions = [openid({ claims: async () => ({}) }), ciba({ findUser: async () => undefined })]
    const restarted = new AuthorizationServer({ issuer: ISSUER, ...options, extensions, clock: () => test.now * 1000 })
    for (const [seconds, count] of [
      [29, 1],
      [1, 2],
      [60, 3]
    ] as const) {
      test.now += seconds
      await restarted.maintain()
      expect(told).toHaveLength(count)
    }
    status = 204
    test.now += 120
    await Promise.all([restarted.maintain(), test.server.maintain()])
    expect(told).toHaveLength(4)
    test.now += 600
    await restarted.maintain()
    expect(told).toHaveLength(4)
  })

  test('a node that dies between the decision and the call leaves it to another; what it did not decide is not told', async () => {
    const store = new MemoryStore()
    const { test, begin, told, outcomes, waiting } = await pinged((_, response) => response.writeHead(204).end(), { store })
    await begin()
    const { id } = await waiting()
    // The node dies with its next statement: before the decision is stored, and at another time with everything after it.
    const { update, delete: remove } = store.artifacts
    const die = async () => Promise.reject(new Error('dead'))
    const dying = new BackchannelRequests(test.server)
    store.artifacts.update = die as never
    await expect(dying.approve(id, ALICE)).rejects.toThrow('dead')
    store.artifacts.update = update
    test.now += 30
    await test.server.maintain()
    expect([told.length, outcomes()]).toMatchObject([0, [{ type: 'notification.failed', reason: 'undecided' }]])
    let updates = 0
    store.artifacts.update = ((...args: Parameters<typeof update>) =>
      ++updates === 1 ? update.apply(store.artifacts, args) : die()) as never
    expect(await dying.approve(id, ALICE)).toBe(true)
    store.artifacts.update = update
    store.artifacts.delete = remove
    expect(told).toHaveLength(0)
    test.now += 30
    await test.server.maintain()
    expect(told).toHaveLength(1)
  })

  test('a node that looks late for what another left makes every attempt, and says when the last has failed', async () => {
    const { test, begin, told, settled, outcomes, approve } = await pinged((_, response) => response.writeHead(503).end())
    await begin()
    await approve()
    await settled()
    for (const seconds of [50, 90, 150]) {
      test.now += seconds
      await test.server.maintain()
    }
    expect(told).toHaveLength(4)
    expect(outcomes().at(-1)).toEqual(expect.not.objectContaining({ retryAt: expect.anything() }))
  })

  test('of many decisions at once the client is told one', async () => {
    const { test, begin, told, settled, waiting, requests } = await pinged((_, response) => response.writeHead(204).end())
    await begin()
    const { id } = await waiting()
    await Promise.all(Array.from({ length: 10 }, (_, racer) => (racer % 2 ? requests.approve(id, ALICE) : requests.deny(id, 'alice'))))
    await settled()
    test.now += 30
    await test.server.maintain()
    expect(told).toHaveLength(1)
  })

  test('CI-01 an endpoint on an internal host is never called', async () => {
    const { test, begin, told, settled, outcomes, approve } = await pinged((_, response) => response.writeHead(204).end())
    const { port } = hosts.opened[0] ?? expect.fail('no listener')
    await test.server.clients.update('till', { backchannel_client_notification_endpoint: `https://127.0.0.1:${port}/cb` })
    test.now += 2
    await begin()
    await approve()
    await settled()
    expect(outcomes()).toMatchObject([{ type: 'notification.failed', reason: 'blocked_address' }])
    expect([told, hosts.opened[0]?.connections]).toEqual([[], 0])
  })

  test('§7.1 client_notification_token is required, at most 1024 characters long, and a bearer token', async () => {
    const { ask } = await pinged((_, response) => response.end())
    await expectTokenError(await ask(), 400, 'invalid_request')
    for (const client_notification_token of ['x'.repeat(1025), 'two words', 'ü', 'a=b', '"'])
      await expectTokenError(await ask({ client_notification_token }), 400, 'invalid_request')
    for (const client_notification_token of ['x'.repeat(1024), 'aB9-._~+/=='])
      expect((await ask({ client_notification_token })).status).toBe(200)
  })

  test('a client that polls is not told', async () => {
    const { test, begin, approve } = await cibaServer()
    await begin({ client_notification_token: 'ignored' })
    await approve()
    await test.server.maintain()
    expect(test.events.filter(({ type }) => type.startsWith('notification.'))).toEqual([])
  })
})
