import { describe, expect, test } from 'vitest'
import { dynamicRegistration, MemoryStore, type Store } from '../src/index.ts'
import { TestServer } from './support.ts'

/** Counts the calls that reach the store, each a round trip to a database, and the bytes of JSON in those that write. */
function counting(store: Store): { store: Store; calls: string[]; written: { bytes: number } } {
  const calls: string[] = []
  const written = { bytes: 0 }
  const counted = <T extends object>(name: string, part: T): T =>
    new Proxy(part, {
      get(target, method) {
        const value = Reflect.get(target, method)
        return typeof value === 'function'
          ? (...args: unknown[]) => {
              calls.push(`${name}.${String(method)}`)
              if (!/find|list/.test(String(method))) written.bytes += JSON.stringify(args).length
              return value.apply(target, args)
            }
          : value
      }
    })
  const { clients, grants, artifacts } = store
  return {
    calls,
    written,
    store: {
      durable: false,
      clients: counted('clients', clients),
      grants: counted('grants', grants),
      artifacts: counted('artifacts', artifacts),
      realm: (name) => store.realm(name),
      purge: (...args) => store.purge(...args)
    }
  }
}

async function ready(options = {}) {
  const { store, calls, written } = counting(new MemoryStore())
  const test = new TestServer({ store, ...options })
  const client = await test.client({ require_consent: true })
  await test.server.ready()
  // The client is cached from here on.
  await test.server.clients.find('app')
  const cost = async <T>(work: () => Promise<T>) => {
    calls.length = 0
    written.bytes = 0
    const result = await work()
    return { result, calls: [...calls], bytes: written.bytes }
  }
  return { test, client, cost }
}

describe('round trips to the store, and bytes that they write (ARCHITECTURE §5.8)', () => {
  test('client_credentials: none for a JWT, one for an opaque token', async () => {
    const jwt = await ready({ accessTokenFormat: 'jwt' })
    expect((await jwt.cost(() => jwt.test.token(jwt.client, { grant_type: 'client_credentials' }))).calls).toEqual([])
    const opaque = await ready()
    const issued = await opaque.cost(() => opaque.test.token(opaque.client, { grant_type: 'client_credentials' }))
    expect(issued.calls).toEqual(['artifacts.insert'])
    expect(issued.bytes).toBeLessThan(260)
  })

  test('client_credentials of a client that registered itself: one more, once in a tenth of the time after which it is unused', async () => {
    const extensions = [dynamicRegistration({ access: 'open', allow: { grantTypes: ['client_credentials'] }, unusedLifetime: 1000 })]
    const { test, cost } = await ready({ extensions, accessTokenFormat: 'jwt' })
    const metadata = { grant_types: ['client_credentials'], response_types: [] }
    const headers = { 'content-type': 'application/json' }
    const client = await (await test.fetch('/register', { method: 'POST', headers, body: JSON.stringify(metadata) })).json()
    const ask = async () => {
      await test.server.ready()
      await test.server.clients.find(client.client_id)
      return (await cost(() => test.token(client, { grant_type: 'client_credentials' }))).calls
    }
    expect([await ask(), await ask()]).toEqual([[], []])
    test.now += 100
    expect([await ask(), await ask()]).toEqual([['artifacts.update', 'artifacts.insert'], []])
    test.now += 99
    expect(await ask()).toEqual([])
    test.now += 1
    expect([await ask(), await ask()]).toEqual([['artifacts.update'], []])
  })

  test('authorize with remembered consent at most three with the session, code exchange two, refresh two, introspection one', async () => {
    const { test, client, cost } = await ready()
    await test.authorize()
    const cookie = [...test.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const id = test.prompts[0]?.id ?? ''
    await test.server.interactions.resolve({ method: 'POST', url: '/', headers: new Headers({ cookie }), body: async () => '' }, id, {
      consent: { subject: 'alice', scope: ['read'] }
    })
    await test.fetch(test.prompts[0]?.returnTo ?? '')
    const authorized = await cost(() => test.code())
    expect(authorized.calls).toEqual(['grants.list', 'grants.insert'])
    expect(authorized.bytes).toBeLessThan(620)
    const exchanged = await cost(() => test.redeem(client, authorized.result))
    expect(exchanged.calls).toEqual(['artifacts.find', 'artifacts.consume'])
    expect(exchanged.bytes).toBeLessThan(720)
    const tokens = await exchanged.result.json()
    const refreshed = await cost(() => test.token(client, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }))
    expect(refreshed.calls).toEqual(['artifacts.find', 'artifacts.consume'])
    expect(refreshed.bytes).toBeLessThan(900)
    const { access_token } = await refreshed.result.json()
    expect((await cost(() => test.introspect(client, access_token))).calls).toEqual(['artifacts.find'])
    expect((await cost(() => test.introspect(client, 'gat_malformed'))).calls).toEqual([])
  })

  test('a refusal of prompt=none: none, nor when a loop of them ends', async () => {
    const { test, cost } = await ready()
    test.session = undefined
    const { calls, result } = await cost(async () => {
      const statuses = []
      for (let i = 0; i < 11; i++) statuses.push((await test.authorize({ prompt: 'none' })).status)
      return statuses
    })
    expect([calls, result.at(-1)]).toEqual([[], 429])
  })

  test('a client is looked up once a second', async () => {
    const { test, client, cost } = await ready({ accessTokenFormat: 'jwt' })
    test.now += 1
    const ask = () => test.token(client, { grant_type: 'client_credentials' })
    expect((await cost(ask)).calls).toEqual(['clients.find'])
    expect((await cost(ask)).calls).toEqual([])
  })
})
