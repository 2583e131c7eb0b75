import * as oauth from 'oauth4webapi'
import * as oidc from 'openid-client'

/** What a client is: its registration, and the key of one that signs. */
export interface Registration {
  client_id: string
  client_secret?: string
  token_endpoint_auth_method?: string
}

export interface Tokens {
  access_token: string
  refresh_token?: string | undefined
  scope?: string | undefined
}

/** What a real client can do with us, in the words of its own library. */
export interface Driver {
  authorizationUrl(params: Record<string, string>): Promise<URL>
  /** `callback`: the URL that a query came with, or the request that a form came with. */
  redeem(callback: URL | Request, expected: { verifier: string; state: string; redirectUri: string }): Promise<Tokens>
  refresh(token: string): Promise<Tokens>
  clientCredentials(scope: string): Promise<Tokens>
  introspect(token: string): Promise<Record<string, unknown>>
  revoke(token: string): Promise<void>
}

export type Connect = (issuer: string, registration: Registration, fetch: typeof globalThis.fetch, key?: CryptoKey) => Promise<Driver>

export const openidClient: Connect = async (issuer, { client_id, client_secret, token_endpoint_auth_method }, fetch, key) => {
  const authentications: Record<string, () => oidc.ClientAuth> = {
    none: () => oidc.None(),
    client_secret_basic: () => oidc.ClientSecretBasic(client_secret),
    client_secret_post: () => oidc.ClientSecretPost(client_secret),
    client_secret_jwt: () => oidc.ClientSecretJwt(client_secret),
    private_key_jwt: () => oidc.PrivateKeyJwt(key as CryptoKey)
  }
  const config = await oidc.discovery(
    new URL(issuer),
    client_id,
    undefined,
    authentications[token_endpoint_auth_method ?? 'client_secret_basic']?.(),
    { algorithm: 'oauth2', execute: [oidc.allowInsecureRequests], [oidc.customFetch]: fetch as oidc.CustomFetch }
  )
  return {
    authorizationUrl: async (params) => oidc.buildAuthorizationUrl(config, params),
    redeem: (callback, { verifier, state }) =>
      oidc.authorizationCodeGrant(config, callback, { pkceCodeVerifier: verifier, expectedState: state }),
    refresh: (token) => oidc.refreshTokenGrant(config, token),
    clientCredentials: (scope) => oidc.clientCredentialsGrant(config, { scope }),
    introspect: async (token) => ({ ...(await oidc.tokenIntrospection(config, token)) }),
    revoke: (token) => oidc.tokenRevocation(config, token)
  }
}

export const oauth4webapi: Connect = async (issuer, registration, fetch, key) => {
  const { client_id, client_secret = '', token_endpoint_auth_method } = registration
  const authentications: Record<string, () => oauth.ClientAuth> = {
    none: () => oauth.None(),
    client_secret_basic: () => oauth.ClientSecretBasic(client_secret),
    client_secret_post: () => oauth.ClientSecretPost(client_secret),
    client_secret_jwt: () => oauth.ClientSecretJwt(client_secret),
    private_key_jwt: () => oauth.PrivateKeyJwt(key as CryptoKey)
  }
  const authentication = authentications[token_endpoint_auth_method ?? 'client_secret_basic']?.() ?? oauth.None()
  const options = { [oauth.customFetch]: fetch as never, [oauth.allowInsecureRequests]: true }
  const url = new URL(issuer)
  const server = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, { ...options, algorithm: 'oauth2' }))
  const client: oauth.Client = { client_id }
  return {
    async authorizationUrl(params) {
      const target = new URL(server.authorization_endpoint ?? '')
      for (const [name, value] of Object.entries({ client_id, response_type: 'code', ...params })) target.searchParams.set(name, value)
      return target
    },
    async redeem(callback, { verifier, state, redirectUri }) {
      const answer = callback instanceof Request ? new URLSearchParams(await callback.text()) : callback
      const params = oauth.validateAuthResponse(server, client, answer, state)
      const response = await oauth.authorizationCodeGrantRequest(server, client, authentication, params, redirectUri, verifier, options)
      return oauth.processAuthorizationCodeResponse(server, client, response)
    },
    async refresh(token) {
      const response = await oauth.refreshTokenGrantRequest(server, client, authentication, token, options)
      return oauth.processRefreshTokenResponse(server, client, response)
    },
    async clientCredentials(scope) {
      const response = await oauth.clientCredentialsGrantRequest(server, client, authentication, { scope }, options)
      return oauth.processClientCredentialsResponse(server, client, response)
    },
    async introspect(token) {
      const response = await oauth.introspectionRequest(server, client, authentication, token, options)
      return { ...(await oauth.processIntrospectionResponse(server, client, response)) }
    },
    async revoke(token) {
      await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, authentication, token, options))
    }
  }
}
