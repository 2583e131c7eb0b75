// The library on node:http, as the README embeds it, in memory, or in the DATABASE that is named.
import { openStore } from '@grantor/sql'
import { AuthorizationServer, type Interactions, MemoryStore, nodeListener, readCookie, type Session, type Store } from 'grantor'
import { openidProvider } from 'grantor/presets'
import type { Plan } from '../workloads/plan.ts'
import { APP, grantorPlan, MACHINE, OPENID_APP, registerClients, SCOPE } from './grantor-plan.ts'
import type { Surroundings } from './serve.ts'
import { serve } from './serve.ts'

const { DATABASE } = process.env

await serve(async ({ origin, people, counter }) => {
  const store: Store = DATABASE === undefined ? new MemoryStore() : await openStore(DATABASE)
  const sessions = new Map<string, Session>()
  const interactions: Interactions = {
    session: async (request) => sessions.get(readCookie(request, 'session') ?? ''),
    prompt: async ({ reason }) => ({ status: 500, headers: {}, body: `nobody is here to answer: ${reason}` }),
    endSession: async () => []
  }
  const server = new AuthorizationServer({
    issuer: origin,
    store: {
      durable: store.durable,
      clients: counter.count(store.clients, /find|list/),
      grants: counter.count(store.grants, /find|list/),
      artifacts: counter.count(store.artifacts, /find|list/),
      realm: (name) => store.realm(name),
      purge: (now, limit) => store.purge(now, limit)
    },
    secret: 'a secret of the benchmark, which is not one',
    interactions,
    ...openidProvider({ claims: async (subject) => ({ name: subject, email: `${subject}@example.com` }) })
  })
  await server.ready()
  await registerClients(server.clients)
  return { listener: nodeListener(server), plan: () => planWithPeople(server, store, sessions, people) }
})

/** Signs people in, who allowed the client what it asks for. */
async function planWithPeople(
  server: AuthorizationServer,
  store: Store,
  sessions: Map<string, Session>,
  people: Surroundings['people']
): Promise<Plan> {
  const cookies: string[] = []
  for (let index = 0; index < people; index++) {
    const [subject, now] = [`person-${index}`, server.now()]
    const cookie = server.crypto.random(32)
    sessions.set(cookie, { id: server.identifier(), subject, authTime: now })
    for (const [{ id: clientId }, scope] of [
      [APP, ['read']],
      [OPENID_APP, SCOPE.split(' ')]
    ] as const) {
      const grant = { id: server.identifier(), clientId, subject, scope, createdAt: now, expiresAt: now + 86_400 }
      await store.grants.insert(grant, [])
    }
    cookies.push(`session=${cookie}`)
  }
  return grantorPlan(MACHINE, cookies)
}
