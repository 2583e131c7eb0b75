import { AuthorizationServer, clientSecretJwt, MemoryStore, type NewClient } from 'grantor'
import { calculatePKCECodeChallenge, generateRandomCodeVerifier } from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GrantorServer } from '../src/index.ts'
import { Browser } from './browser.ts'
import { type Connect, oauth4webapi, openidClient } from './clients.ts'
import { PASSWORD, startServer } from './support.ts'

const REDIRECT_URI = 'http://127.0.0.1:5555/callback'
const METHODS = ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt'] as const

/** Something to be a client of. */
interface Target {
  authorization: AuthorizationServer
  fetch: typeof fetch
  /** Takes a person through the authorization request, and the answer back to the client. */
  authorize(url: URL): Promise<URL | Request>
}

function formRequest(fields: Record<string, string>): Request {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return new Request(REDIRECT_URI, { method: 'POST', headers, body: new URLSearchParams(fields) })
}

/** The server as it runs, on SQLite: the person signs in with a password and allows. */
async function runningServer(): Promise<Target & { server: GrantorServer }> {
  const { server } = await startServer({ extensions: ['client_secret_jwt'] })
  return {
    server,
    authorization: server.authorization,
    fetch,
    async authorize(url) {
      const browser = new Browser()
      expect(await browser.open(url.href)).toContain('Sign in')
      expect(await browser.submit({ login: 'alice', password: PASSWORD, decision: 'login' })).toContain('wants access to your account')
      await browser.submit({ decision: 'allow' })
      return url.searchParams.get('response_mode') === 'form_post' ? formRequest(browser.fields()) : new URL(browser.stoppedAt ?? '')
    }
  }
}

/** The library behind a web `Request`: there is no socket. */
function library(): Target {
  const authorization: AuthorizationServer = new AuthorizationServer({
    issuer: 'https://id.example.com',
    store: new MemoryStore(),
    extensions: [clientSecretJwt],
    interactions: {
      session: async () => ({ id: 's1', subject: 'alice', authTime: authorization.now() }),
      prompt: async ({ prompt }) => ({ status: 200, headers: {}, body: prompt })
    }
  })
  return {
    authorization,
    fetch: (input, init) => authorization.handle(new Request(input, init)),
    async authorize(url) {
      const response = await authorization.handle(new Request(url))
      const location = response.headers.get('location')
      if (location !== null) return new URL(location)
      const page = await response.text()
      const fields = [...page.matchAll(/name="([^"]*)" value="([^"]*)"/g)].map(([, name, value]) => [name, value])
      return formRequest(Object.fromEntries(fields))
    }
  }
}

const clients: [string, Connect][] = [
  ['openid-client', openidClient],
  ['oauth4webapi', oauth4webapi]
]

let running: Target & { server: GrantorServer }
beforeAll(async () => {
  running = await runningServer()
})
afterAll(() => running.server.close())

describe.each(clients)('%s', (_, connect) => {
  describe.each([
    ['against the running server on SQLite', () => running],
    ['against the library through fetch', library]
  ])('%s', (_, open) => {
    async function register(metadata: NewClient, key?: CryptoKey) {
      const target = open()
      const registration = await target.authorization.clients.create({
        application_type: 'native',
        redirect_uris: ['http://127.0.0.1/callback'],
        grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
        scope: 'read write',
        require_consent: target === running,
        ...metadata
      })
      return { target, client: await connect(target.authorization.settings.issuer, registration, target.fetch, key) }
    }

    test.each(['query', 'form_post'])('code and PKCE by %s, refresh, introspection, revocation', async (responseMode) => {
      const { target, client } = await register({})
      const [verifier, state] = [generateRandomCodeVerifier(), generateRandomCodeVerifier()]
      const url = await client.authorizationUrl({
        redirect_uri: REDIRECT_URI,
        scope: 'read',
        state,
        response_mode: responseMode,
        code_challenge: await calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256'
      })
      const tokens = await client.redeem(await target.authorize(url), { verifier, state, redirectUri: REDIRECT_URI })
      expect(tokens.scope).toBe('read')
      const refreshed = await client.refresh(tokens.refresh_token ?? '')
      expect(refreshed.refresh_token).not.toBe(tokens.refresh_token)
      expect(await client.introspect(refreshed.access_token)).toMatchObject({ active: true, scope: 'read' })
      await client.revoke(refreshed.refresh_token ?? '')
      expect(await client.introspect(refreshed.access_token)).toEqual({ active: false })
    })

    test.each(METHODS)('client_credentials, introspection and revocation by %s', async (method) => {
      const { publicKey, privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
      const jwks = { keys: [await crypto.subtle.exportKey('jwk', publicKey)] }
      const metadata = { token_endpoint_auth_method: method, ...(method === 'private_key_jwt' && { jwks }) }
      const { client } = await register(metadata as NewClient, privateKey)
      const { access_token } = await client.clientCredentials('read')
      expect(await client.introspect(access_token)).toMatchObject({ active: true, scope: 'read' })
      await client.revoke(access_token)
      expect(await client.introspect(access_token)).toEqual({ active: false })
    })

    test('code and refresh of a public client', async () => {
      const { target, client } = await register({
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token']
      })
      const [verifier, state] = [generateRandomCodeVerifier(), generateRandomCodeVerifier()]
      const url = await client.authorizationUrl({
        redirect_uri: REDIRECT_URI,
        state,
        code_challenge: await calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256'
      })
      const tokens = await client.redeem(await target.authorize(url), { verifier, state, redirectUri: REDIRECT_URI })
      expect((await client.refresh(tokens.refresh_token ?? '')).access_token).not.toBe(tokens.access_token)
    })
  })
})
