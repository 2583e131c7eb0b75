import {
  AuthorizationServer,
  type AuthorizationServerOptions,
  deviceAuthorization,
  jwtBearer,
  pushedAuthorizationRequests,
  type Store
} from 'grantor'

export const ISSUER = 'https://id.example.com'
export const ELSEWHERE = 'https://elsewhere.example.com'
/** The key of the server elsewhere: each node knows its public half. */
export const ISSUER_KEY = {
  kty: 'OKP',
  crv: 'Ed25519',
  x: 'mXnZRxiOWyxKctDsgrQaJxfGfrr8g5kIstWgYivZNB0',
  d: 'Gy6FeOmvU5nZ0HhVowcSMWh76bJ1F37MGJfFMiKn2DA'
}
const { kty, crv, x } = ISSUER_KEY

/** A server on the store, at which alice is always signed in. */
export function openServer(store: Store, settings: Partial<AuthorizationServerOptions> = {}): AuthorizationServer {
  const server: AuthorizationServer = new AuthorizationServer({
    issuer: ISSUER,
    secret: 'a secret of at least thirty-two characters',
    extensions: [
      pushedAuthorizationRequests(),
      deviceAuthorization({ limit: 0 }),
      jwtBearer({
        issuers: [{ issuer: ELSEWHERE, jwks: { keys: [{ kty, crv, x }] }, clients: ['app'], subjectOf: async ({ sub }) => sub }]
      })
    ],
    ...settings,
    store,
    interactions: {
      session: async () => ({ id: 's1', subject: 'alice', authTime: server.now() }),
      prompt: async ({ prompt }) => ({ status: 200, headers: {}, body: prompt })
    }
  })
  return server
}
