import { AuthorizationServer, type AuthorizationServerOptions, deviceAuthorization, pushedAuthorizationRequests, type Store } from 'grantor'

export const ISSUER = 'https://id.example.com'

/** A server on the store, at which alice is always signed in. */
export function openServer(store: Store, settings: Partial<AuthorizationServerOptions> = {}): AuthorizationServer {
  const server: AuthorizationServer = new AuthorizationServer({
    issuer: ISSUER,
    secret: 'a secret of at least thirty-two characters',
    extensions: [pushedAuthorizationRequests(), deviceAuthorization({ limit: 0 })],
    ...settings,
    store,
    interactions: {
      session: async () => ({ id: 's1', subject: 'alice', authTime: server.now() }),
      prompt: async ({ prompt }) => ({ status: 200, headers: {}, body: prompt })
    }
  })
  return server
}
