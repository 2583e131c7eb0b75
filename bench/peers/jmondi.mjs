// As the documentation of @jmondi/oauth2-server has it: repositories over one's own storage; its access tokens are always JWTs, with HS256
// unless one writes a JwtInterface of one's own, as here for ES256.
import { generateKeyPairSync } from 'node:crypto'
import { AuthorizationServer, DateInterval, generateRandomToken, OAuthException, OAuthRequest } from '@jmondi/oauth2-server'
import jsonwebtoken from 'jsonwebtoken'
import { serve } from '../contenders/serve.ts'
import { codeFlow, form, REDIRECT_URI } from '../workloads/plan.ts'
import { People, readParams } from './people.mjs'

const secret = 'a-secret-of-the-benchmark-which-is-none'
const [machine, app] = ['machine', 'app'].map((id) => ({ id, secret }))
const SCOPES = [{ name: 'read' }]
const CLIENTS = new Map([
  [machine.id, { ...machine, name: machine.id, redirectUris: [], allowedGrants: ['client_credentials'], scopes: SCOPES }],
  [app.id, { ...app, name: app.id, redirectUris: [REDIRECT_URI], allowedGrants: ['authorization_code', 'refresh_token'], scopes: SCOPES }]
])
const inAnHour = () => new DateInterval('1h').getEndDate()

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const es256 = {
  sign: async (payload) => jsonwebtoken.sign(payload, privateKey, { algorithm: 'ES256' }),
  verify: async (token) => jsonwebtoken.verify(token, publicKey, { algorithms: ['ES256'] }),
  decode: (token) => jsonwebtoken.decode(token)
}

const clients = {
  getByIdentifier: async (id) => CLIENTS.get(id),
  isClientValid: async (grant, client, presented) => client.secret === presented && client.allowedGrants.includes(grant)
}
const scopes = {
  getAllByIdentifiers: async (names) => SCOPES.filter(({ name }) => names.includes(name)),
  finalize: async (asked) => asked
}
const [byAccess, byRefresh, codes] = [new Map(), new Map(), new Map()]
const tokens = {
  issueToken: async (client, asked, user) => ({
    accessToken: generateRandomToken(),
    accessTokenExpiresAt: inAnHour(),
    refreshToken: null,
    refreshTokenExpiresAt: null,
    client,
    user,
    scopes: asked
  }),
  async issueRefreshToken(token) {
    Object.assign(token, { refreshToken: generateRandomToken(), refreshTokenExpiresAt: inAnHour() })
    byRefresh.set(token.refreshToken, token)
    return token
  },
  async persist(token) {
    byAccess.set(token.accessToken, token)
  },
  async revoke(token) {
    Object.assign(token, { accessTokenExpiresAt: new Date(0), refreshTokenExpiresAt: new Date(0) })
  },
  isRefreshTokenRevoked: async ({ refreshTokenExpiresAt }) => Date.now() > (refreshTokenExpiresAt?.getTime() ?? 0),
  getByRefreshToken: async (token) => byRefresh.get(token),
  getByAccessToken: async (token) => byAccess.get(token)
}
const authCodes = {
  getByIdentifier: async (code) => codes.get(code),
  issueAuthCode: (client, user, asked) => ({ code: generateRandomToken(), expiresAt: inAnHour(), client, user, scopes: asked }),
  async persist(code) {
    codes.set(code.code, code)
  },
  isRevoked: async (code) => Date.now() > codes.get(code).expiresAt.getTime(),
  async revoke(code) {
    codes.get(code).expiresAt = new Date(0)
  }
}

await serve(async ({ people, counter }) => {
  const known = new People(people)
  const users = { getUserByCredentials: async (id) => ({ id }) }
  const reads = /^(get|is(?!sueRefresh)|finalize)/
  const create = (jwt) => {
    const server = new AuthorizationServer(counter.count(clients, reads), counter.count(tokens, reads), counter.count(scopes, reads), jwt, {
      authenticateIntrospect: true
    })
    const authCodeRepository = counter.count(authCodes, reads)
    server.enableGrantTypes(
      ['client_credentials', new DateInterval('1h')],
      ['refresh_token', new DateInterval('1h')],
      [{ grant: 'authorization_code', authCodeRepository, userRepository: users }, new DateInterval('1h')]
    )
    return server
  }
  const [server, signing] = [create('a secret that signs the tokens of the benchmark'), create(es256)]

  async function answer(request, pathname, params) {
    switch (pathname) {
      case '/token':
        return server.respondToAccessTokenRequest(params)
      case '/signed/token':
        return signing.respondToAccessTokenRequest(params)
      case '/introspect':
        return server.introspect(params)
      default: {
        const authorizationRequest = await server.validateAuthorizationRequest(params)
        authorizationRequest.user = known.find(request.headers.cookie)
        authorizationRequest.isAuthorizationApproved = authorizationRequest.user !== undefined
        return server.completeAuthorizationRequest(authorizationRequest)
      }
    }
  }

  return {
    async listener(request, response) {
      const { pathname, query, body } = await readParams(request)
      const result = await answer(request, pathname, new OAuthRequest({ headers: request.headers, query, body })).catch((error) => ({
        status: error instanceof OAuthException ? error.status : 500,
        headers: {},
        body: { error: error.errorType ?? 'server_error', error_description: error.message }
      }))
      const text = JSON.stringify(result.body)
      response.writeHead(result.status, {
        'content-type': 'application/json',
        ...result.headers,
        'content-length': Buffer.byteLength(text)
      })
      response.end(text)
    },
    plan: async () => {
      const params = { grant_type: 'client_credentials', scope: 'read' }
      return {
        opaque: form('/token', machine, params),
        jwt: form('/signed/token', machine, params),
        introspect: form('/introspect', machine, { token_type_hint: 'access_token', grant_type: 'client_credentials' }),
        code: codeFlow(app, 'read', { authorize: '/authorize', token: '/token' }),
        refresh: form('/token', app, { grant_type: 'refresh_token' }),
        people: known.cookies
      }
    }
  }
})
