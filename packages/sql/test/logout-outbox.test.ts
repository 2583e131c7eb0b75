import { AuthorizationServer, type AuthorizationServerOptions, backChannelLogout, type OutboundRequest, openid, type Store } from 'grantor'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openStore } from '../src/index.ts'
import { PostgresServer } from './postgres.ts'
import { temporaryFile } from './support.ts'

const START = 1_800_000_000
const SECRET = 'a root secret that all nodes have in common'

/** The applications of all nodes: which were told of which session, by how many requests. */
class Applications {
  readonly told: string[] = []
  status = 200

  readonly outbound = async ({ url, body = '' }: OutboundRequest) => {
    const [, payload = ''] = body.split('.')
    this.told.push(`${url} ${JSON.parse(Buffer.from(payload, 'base64url').toString()).sid}`)
    return { status: this.status, headers: new Headers(), contentType: '', body: '' }
  }
}

function node(store: Store, { outbound }: Applications, options: Partial<AuthorizationServerOptions> = {}): AuthorizationServer {
  const extensions = [openid({ claims: async () => ({}) }), backChannelLogout()]
  return new AuthorizationServer({
    issuer: 'https://id.example.com',
    store,
    secret: SECRET,
    outbound,
    extensions,
    clock: () => START * 1000,
    ...options
  })
}

/** A session in which the person signed in to two applications. */
async function signIn({ store }: AuthorizationServer, sessionId: string): Promise<void> {
  for (const clientId of ['one', 'two'])
    await store.grants.insert(
      { id: `${sessionId}-${clientId}`, clientId, subject: 'alice', scope: ['openid'], sessionId, createdAt: START },
      []
    )
}

async function register({ clients }: AuthorizationServer): Promise<void> {
  for (const name of ['one', 'two']) {
    const metadata = { grant_types: ['refresh_token'], backchannel_logout_uri: `https://${name}.example` }
    await clients.create({ client_id: name, scope: 'openid', ...metadata })
  }
}

const expected = (sessions: readonly string[]) =>
  sessions.flatMap((sid) => [`https://one.example ${sid}`, `https://two.example ${sid}`]).sort()

describe('the outbox of logout tokens', () => {
  let postgres: PostgresServer
  beforeAll(async () => {
    postgres = await PostgresServer.start()
  }, 60_000)
  afterAll(() => postgres.stop())

  test.each([
    ['SQLite', async () => temporaryFile()],
    ['PostgreSQL', () => postgres.createDatabase()]
  ])('LO-05 survives a restart on %s', async (_, create) => {
    const location = await create()
    const before = await openStore(location)
    const applications = new Applications()
    applications.status = 500
    const first = node(before, applications)
    await register(first)
    await signIn(first, 's1')
    await first.endSession({ id: 's1', subject: 'alice' })
    await first.maintain()
    await before.close()
    expect(applications.told.splice(0).sort()).toEqual(expected(['s1']))
    applications.status = 200
    const after = await openStore(location)
    for (const [seconds, told] of [
      [59, []],
      [60, expected(['s1'])],
      [9000, []]
    ] as const) {
      await node(after, applications, { clock: () => (START + seconds) * 1000 }).maintain()
      expect(applications.told.splice(0).sort()).toEqual(told)
    }
    await after.close()
  })

  test('LO-08 four nodes on one PostgreSQL end the same sessions and maintain all the while: each application is told once of each', async () => {
    const location = await postgres.createDatabase()
    const stores = await Promise.all(Array.from({ length: 4 }, () => openStore(location)))
    const applications = new Applications()
    const nodes = stores.map((store) => node(store, applications))
    const [first] = nodes as [AuthorizationServer]
    await register(first)
    await Promise.all(nodes.map((one) => one.ready()))
    const sessions = Array.from({ length: 50 }, (_, index) => `s${index}`)
    await Promise.all(sessions.map((id) => signIn(first, id)))
    const work = sessions.flatMap((id) => nodes.flatMap((one) => [one.endSession({ id, subject: 'alice' }), one.maintain()]))
    await Promise.all(work)
    await Promise.all(nodes.map((one) => one.maintain()))
    expect(applications.told.toSorted()).toEqual(expected(sessions))
    const alive = await first.store.grants.list({ subject: 'alice' }, START, 1000)
    expect(alive.filter(({ sessionId }) => sessionId !== undefined)).toEqual([])
    expect(new Set(alive.map(({ clientId }) => clientId))).toEqual(new Set(['one', 'two']))
    await Promise.all(stores.map((store) => store.close()))
  })
})
