// As docs/README.md of oidc-provider has it: a Provider with a configuration and an adapter; `callback()` on node:http.
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { Provider } from 'oidc-provider'
import { serve } from '../contenders/serve.ts'
import { codeFlow, form, REDIRECT_URI } from '../workloads/plan.ts'
import { Browser } from './browser.mjs'

const secret = 'a-secret-of-the-benchmark-which-is-none'
const [machine, app] = ['machine', 'app'].map((id) => ({ id, secret }))
const RESOURCE = 'https://api.example.com'
const scope = 'openid profile email read'

/** Its example of an adapter, on a Map: its own for development forgets all but the newest thousand. */
const kept = new Map()
class MapAdapter {
  #name
  constructor(name) {
    this.#name = name
  }
  #key(id) {
    return `${this.#name}:${id}`
  }
  async upsert(id, payload) {
    kept.set(this.#key(id), payload)
    if (payload.grantId !== undefined) this.#ofGrant(payload.grantId).push(this.#key(id))
    if (payload.uid !== undefined) kept.set(`uid:${payload.uid}`, id)
  }
  async find(id) {
    return kept.get(this.#key(id))
  }
  async findByUid(uid) {
    return this.find(kept.get(`uid:${uid}`))
  }
  async consume(id) {
    kept.get(this.#key(id)).consumed = Math.floor(Date.now() / 1000)
  }
  async destroy(id) {
    kept.delete(this.#key(id))
  }
  async revokeByGrantId(grantId) {
    for (const key of this.#ofGrant(grantId)) kept.delete(key)
    kept.delete(`grant:${grantId}`)
  }
  #ofGrant(grantId) {
    const keys = kept.get(`grant:${grantId}`) ?? []
    kept.set(`grant:${grantId}`, keys)
    return keys
  }
}

function keys() {
  return [
    { ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig' },
    { ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig' }
  ]
}

await serve(async ({ origin, people, counter }) => {
  const provider = new Provider(origin, {
    adapter: (name) => counter.count(new MapAdapter(name), /^find/),
    clients: [
      { client_id: machine.id, client_secret: secret, grant_types: ['client_credentials'], redirect_uris: [], response_types: [] },
      {
        client_id: app.id,
        client_secret: secret,
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [REDIRECT_URI],
        id_token_signed_response_alg: 'ES256'
      }
    ],
    jwks: { keys: keys() },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    scopes: ['openid', 'offline_access', 'read'],
    claims: { openid: ['sub'], profile: ['name'], email: ['email'] },
    pkce: { required: () => true },
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    ttl: {
      AccessToken: 3600,
      ClientCredentials: 3600,
      IdToken: 3600,
      Grant: 86_400,
      Interaction: 3600,
      RefreshToken: 86_400,
      Session: 86_400
    },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: async () => ({ sub, name: sub, email: `${sub}@example.com` }) }),
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({ scope: 'read', audience: RESOURCE, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } })
      }
    }
  })
  const callback = provider.callback()
  let login = 0
  const interact = async (request, response) => {
    const { prompt, params, session, grantId } = await provider.interactionDetails(request, response)
    if (prompt.name === 'login') return provider.interactionFinished(request, response, { login: { accountId: `person-${login++}` } })
    const grant = grantId
      ? await provider.Grant.find(grantId)
      : new provider.Grant({ accountId: session.accountId, clientId: params.client_id })
    grant.addOIDCScope(scope)
    return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true })
  }
  return {
    listener: (request, response) => (request.url.startsWith('/interaction/') ? interact(request, response) : callback(request, response)),
    async plan() {
      const paths = { authorize: '/auth', token: '/token' }
      const openid = codeFlow(app, scope, paths)
      const cookies = []
      for (let index = 0; index < people; index++) {
        const browser = new Browser()
        await browser.open(origin + openid.authorize)
        cookies.push(browser.cookie())
      }
      const params = { grant_type: 'client_credentials', scope: 'read' }
      return {
        opaque: form('/token', machine, params),
        jwt: form('/token', machine, { ...params, resource: RESOURCE }),
        introspect: form('/token/introspection', machine, { token_type_hint: 'client_credentials' }),
        code: codeFlow(app, 'read', paths),
        openid,
        refresh: form('/token', app, { grant_type: 'refresh_token' }),
        userinfo: '/me',
        documents: ['/.well-known/openid-configuration', '/jwks'],
        people: cookies
      }
    }
  }
})
