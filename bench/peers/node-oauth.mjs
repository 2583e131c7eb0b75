// As the documentation of @node-oauth/oauth2-server has it: a model of functions over one's own storage, a Request and a Response for each call.
import { generateKeyPairSync } from 'node:crypto'
import OAuth2Server from '@node-oauth/oauth2-server'
import jsonwebtoken from 'jsonwebtoken'
import { serve } from '../contenders/serve.ts'
import { codeFlow, form, REDIRECT_URI } from '../workloads/plan.ts'
import { People, readParams } from './people.mjs'

const { Request, Response } = OAuth2Server
const secret = 'a-secret-of-the-benchmark-which-is-none'
const [machine, app] = ['machine', 'app'].map((id) => ({ id, secret }))
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const CLIENTS = new Map([
  [machine.id, { ...machine, grants: ['client_credentials'], redirectUris: [] }],
  [app.id, { ...app, grants: ['authorization_code', 'refresh_token'], redirectUris: [REDIRECT_URI] }]
])

const [tokens, refreshTokens, codes] = [new Map(), new Map(), new Map()]
const MODEL = {
  async getClient(id, presented) {
    const client = CLIENTS.get(id)
    return client && (presented === null || client.secret === presented) ? client : undefined
  },
  getUserFromClient: async (client) => ({ id: client.id }),
  validateScope: async (_user, _client, scope = ['read']) => (scope.every((one) => one === 'read') ? scope : false),
  verifyScope: async () => true,
  async saveToken(token, client, user) {
    const saved = { ...token, client, user }
    tokens.set(token.accessToken, saved)
    if (token.refreshToken) refreshTokens.set(token.refreshToken, saved)
    return saved
  },
  getAccessToken: async (token) => tokens.get(token),
  getRefreshToken: async (token) => refreshTokens.get(token),
  async revokeToken({ refreshToken, accessToken }) {
    tokens.delete(accessToken)
    return refreshTokens.delete(refreshToken)
  },
  async saveAuthorizationCode(code, client, user) {
    const saved = { ...code, client, user }
    codes.set(code.authorizationCode, saved)
    return saved
  },
  getAuthorizationCode: async (code) => codes.get(code),
  revokeAuthorizationCode: async ({ authorizationCode }) => codes.delete(authorizationCode)
}

function signedToken({ id }, _user, scope) {
  const jwtid = crypto.randomUUID()
  return jsonwebtoken.sign({ scope: scope.join(' ') }, privateKey, { algorithm: 'ES256', subject: id, expiresIn: 3600, jwtid })
}

const READS = /^(get|verify|validate|generate)/

await serve(async ({ people, counter }) => {
  const model = counter.count(MODEL, READS)
  const oauth = new OAuth2Server({ model, accessTokenLifetime: 3600 })
  const signing = new OAuth2Server({
    model: counter.count({ ...MODEL, generateAccessToken: async (...args) => signedToken(...args) }, READS),
    accessTokenLifetime: 3600
  })
  const known = new People(people)
  const authenticateHandler = { handle: (request) => known.find(request.headers.cookie) }

  async function answer(pathname, params, response) {
    switch (pathname) {
      case '/token':
        return oauth.token(params, response)
      case '/signed/token':
        return signing.token(params, response)
      case '/authorize':
        return oauth.authorize(params, response, { authenticateHandler })
      default: {
        const { user } = await oauth.authenticate(params, response)
        response.body = { sub: user.id, name: user.name, email: user.email }
        response.headers['content-type'] = 'application/json'
      }
    }
  }

  return {
    async listener(request, outgoing) {
      const { pathname, query, body } = await readParams(request)
      const response = new Response()
      try {
        await answer(pathname, new Request({ method: request.method, headers: request.headers, query, body }), response)
      } catch (error) {
        Object.assign(response, { status: error.code ?? 500, body: { error: error.name, error_description: error.message } })
      }
      const text = JSON.stringify(response.body)
      outgoing.writeHead(response.status, {
        'content-type': 'application/json',
        ...response.headers,
        'content-length': Buffer.byteLength(text)
      })
      outgoing.end(text)
    },
    plan: async () => {
      const params = { grant_type: 'client_credentials', scope: 'read' }
      return {
        opaque: form('/token', machine, params),
        jwt: form('/signed/token', machine, params),
        code: codeFlow(app, 'read', { authorize: '/authorize', token: '/token' }),
        refresh: form('/token', app, { grant_type: 'refresh_token' }),
        userinfo: '/userinfo',
        people: known.cookies
      }
    }
  }
})
