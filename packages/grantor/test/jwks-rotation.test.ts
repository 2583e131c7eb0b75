import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { expect, test } from 'vitest'
import { MemoryStore, openid } from '../src/index.ts'
import { AUTHENTICATION, SCOPE } from './openid-support.ts'
import { ISSUER, START, TestServer } from './support.ts'

const MINUTE = 60
const HOUR = 3600
const ALGORITHMS = ['RS256', 'ES256']
const PARALLEL = 4
const LIFETIME = 600

/** A key set as a client keeps it: for the whole max-age, whatever it meets in the meantime. */
interface Cache {
  keys: ReturnType<typeof createLocalJWKSet>
  expiresAt: number
}

/** Two nodes of one server, on one store and one clock. */
class Cluster {
  now = START
  readonly nodes: readonly TestServer[]

  constructor(settings: { signingKeyLifetime: number; signingKeyLead: number }) {
    const shared = { ...settings, store: new MemoryStore(), secret: 's'.repeat(32), clock: () => this.now * 1000 }
    const node = () => new TestServer({ ...shared, extensions: [openid({ claims: async () => ({}), idTokenLifetime: LIFETIME })] })
    this.nodes = [node(), node()]
  }

  async fetchKeys(node: TestServer): Promise<Cache> {
    const response = await node.fetch('/jwks')
    const maxAge = Number(/max-age=(\d+)/.exec(response.headers.get('cache-control') ?? '')?.[1])
    return { keys: createLocalJWKSet(await response.json()), expiresAt: this.now + maxAge }
  }

  verify(token: string, { keys }: Cache) {
    return jwtVerify(token, keys, { issuer: ISSUER, currentDate: new Date(this.now * 1000) })
  }
}

test.each([
  ['an hour', 4 * HOUR, HOUR, 5 * MINUTE],
  ['shorter than keys are usually cached', 2 * HOUR, 10 * MINUTE, 119]
])(
  'a client that caches the key set for its whole max-age verifies every ID token over three rotations, published before: %s',
  async (_, signingKeyLifetime, signingKeyLead, step) => {
    const cluster = new Cluster({ signingKeyLifetime, signingKeyLead })
    const [first] = cluster.nodes as [TestServer]
    const clients = await Promise.all(
      ALGORITHMS.map((alg) => first.client({ client_id: alg, scope: SCOPE, id_token_signed_response_alg: alg }))
    )
    const signIn = async (node: TestServer, client: (typeof clients)[number]): Promise<string> => {
      const code = await node.code({ ...AUTHENTICATION, client_id: client.client_id })
      return (await (await node.redeem(client, code)).json()).id_token
    }
    let caches: Cache[] = []
    let recent: { token: string; expiresAt: number }[] = []
    const signers = new Set<string | undefined>()
    let verified = 0
    // The first keys sign from the start; three rotations later the fourth do.
    for (; signers.size < 4 * ALGORITHMS.length; cluster.now += step) {
      expect(cluster.now).toBeLessThan(START + 5 * signingKeyLifetime)
      caches = caches.filter(({ expiresAt }) => expiresAt >= cluster.now)
      recent = recent.filter(({ expiresAt }) => expiresAt > cluster.now)
      for (const node of cluster.nodes) caches.push(await cluster.fetchKeys(node))
      const wanted = cluster.nodes.flatMap((node) =>
        clients.flatMap((client) => Array.from({ length: PARALLEL }, () => ({ node, client })))
      )
      const tokens = await Promise.all(wanted.map(({ node, client }) => signIn(node, client)))
      for (const token of tokens) signers.add(decodeProtectedHeader(token).kid)
      // The oldest caches verify what is new, the newest what is old.
      recent.push(...tokens.map((token) => ({ token, expiresAt: cluster.now + LIFETIME })))
      const pairs = [
        ...tokens.flatMap((token) => caches.map((cache) => ({ token, cache }))),
        ...recent.map(({ token }) => ({ token, cache: caches.at(-1) as Cache }))
      ]
      await Promise.all(pairs.map(({ token, cache }) => cluster.verify(token, cache)))
      verified += pairs.length
    }
    expect(verified).toBeGreaterThan(1000)
  }
)
