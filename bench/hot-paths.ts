// What the hot requests cost in the library, without sockets, beside a floor in the same rounds:
// parse the form, make a random token, hash it, keep it. Comparison with other servers comes with the side-by-side benchmark.
import { createHmac, randomBytes } from 'node:crypto'
import { AuthorizationServer, type HttpRequest, MemoryStore } from 'grantor'

const ROUNDS = 7
const REQUESTS = 2_000

const issuer = 'https://id.example.com'
const store = new MemoryStore()
const server = new AuthorizationServer({
  issuer,
  store
})
const jwt = new AuthorizationServer({ issuer, store: new MemoryStore(), accessTokenFormat: 'jwt' })
const registration = { client_id: 'app', client_secret: 'x'.repeat(43), grant_types: ['client_credentials'], scope: 'read' }
await server.clients.create(registration)
await jwt.clients.create(registration)

const headers = new Headers({
  'content-type': 'application/x-www-form-urlencoded',
  authorization: `Basic ${btoa(`app:${'x'.repeat(43)}`)}`
})
const post = (url: string, form: string): HttpRequest => ({ method: 'POST', url, headers, body: async () => form })
async function answer(target: AuthorizationServer, request: HttpRequest): Promise<string> {
  const response = await target.respond(request)
  if (response?.status !== 200) throw new Error(`${request.url}: ${response?.status} ${response?.body}`)
  return response.body ?? ''
}

const { access_token } = JSON.parse(await answer(server, post('/token', 'grant_type=client_credentials')))
const kept = new Map<string, string>()
const workloads: Record<string, () => Promise<unknown> | unknown> = {
  'floor: form, random, hash, keep': () => {
    const params = new URLSearchParams('grant_type=client_credentials&scope=read')
    const token = randomBytes(32).toString('base64url')
    kept.set(createHmac('sha256', 'key').update(token).digest('base64url'), params.get('scope') ?? '')
    return JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: 3600 })
  },
  'client_credentials, opaque': () => answer(server, post('/token', 'grant_type=client_credentials&scope=read')),
  'client_credentials, JWT ES256': () => answer(jwt, post('/token', 'grant_type=client_credentials&scope=read')),
  'introspection, opaque': () => answer(server, post('/introspect', `token=${access_token}`)),
  metadata: () => answer(server, { method: 'GET', url: '/.well-known/oauth-authorization-server', headers, body: async () => '' })
}

const times = new Map<string, number[]>(Object.keys(workloads).map((name) => [name, []]))
for (let round = 0; round <= ROUNDS; round++) {
  for (const [name, run] of Object.entries(workloads)) {
    const start = performance.now()
    for (let request = 0; request < REQUESTS; request++) await run()
    // The first round warms up.
    if (round > 0) times.get(name)?.push(((performance.now() - start) * 1000) / REQUESTS)
  }
}

const [floor = [], ...rest] = times.values()
for (const [index, name] of [...times.keys()].entries()) {
  const own = index === 0 ? floor : (rest[index - 1] ?? [])
  const ratio = median(own.map((time, round) => time / (floor[round] ?? time)))
  console.log(`${name.padEnd(34)} ${median(own).toFixed(1).padStart(7)} µs  ${ratio.toFixed(2).padStart(6)} × floor`)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
