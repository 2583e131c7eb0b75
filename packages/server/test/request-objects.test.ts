import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as oidc from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Listener } from '../../grantor/test/listener.ts'
import type { GrantorServer } from '../src/index.ts'
import { Browser } from './browser.ts'
import { createAuthority } from './certificates.ts'
import { PASSWORD, startServer, temporaryFolder } from './support.ts'

const REDIRECT_URI = 'http://127.0.0.1:5555/callback'

let server: GrantorServer
let client: oidc.Configuration
let key: CryptoKey
/** Where the client has its request object, and what it is. */
let host: Listener
let hosted = ''
let requestUri: string

beforeAll(async () => {
  const { certificate: root, issue } = await createAuthority()
  host = await Listener.https(await issue(['localhost']), (_request, response) => response.end(hosted))
  requestUri = `https://localhost:${host.port}/request.jwt`
  const caFile = join(temporaryFolder(), 'authorities.pem')
  writeFileSync(caFile, root)
  const started = await startServer({
    extensions: ['request_objects'],
    requestObjects: { byReference: true, encrypted: true, maxLifetime: 3600 },
    outbound: { allow: [new URL(requestUri).origin], caFile }
  })
  server = started.server
  const { publicKey, privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const { client_id, client_secret } = await server.authorization.clients.create({
    application_type: 'native',
    redirect_uris: [REDIRECT_URI],
    scope: 'read',
    jwks: { keys: [await crypto.subtle.exportKey('jwk', publicKey)] },
    request_uris: [requestUri],
    require_signed_request_object: true
  })
  key = privateKey
  const options: oidc.DiscoveryRequestOptions = { algorithm: 'oauth2', execute: [oidc.allowInsecureRequests] }
  client = await oidc.discovery(new URL(started.issuer), client_id, undefined, oidc.ClientSecretBasic(client_secret), options)
})
afterAll(async () => {
  await server.close()
  await host.close()
})

/** The URL with a signed request; a person signs in and allows; tokens for the code. */
async function flow(change: (url: URL) => Promise<void>): Promise<oidc.TokenEndpointResponse> {
  const [pkceCodeVerifier, expectedState] = [oidc.randomPKCECodeVerifier(), oidc.randomState()]
  const code_challenge = await oidc.calculatePKCECodeChallenge(pkceCodeVerifier)
  const params = { redirect_uri: REDIRECT_URI, scope: 'read', state: expectedState, code_challenge, code_challenge_method: 'S256' }
  const url = await oidc.buildAuthorizationUrlWithJAR(client, params, key)
  await change(url)
  const browser = new Browser()
  expect(await browser.open(url.href)).toContain('Sign in')
  await browser.submit({ login: 'alice', password: PASSWORD, decision: 'login' })
  await browser.submit({ decision: 'allow' })
  return oidc.authorizationCodeGrant(client, new URL(browser.stoppedAt ?? ''), { pkceCodeVerifier, expectedState })
}

test('openid-client sends a signed request to the running server', async () => {
  expect(await flow(async () => {})).toMatchObject({ scope: 'read' })
})

test('the JWKS has keys that it may be encrypted to', async () => {
  const { jwks_uri = '' } = client.serverMetadata()
  const { keys } = await (await fetch(jwks_uri)).json()
  const algorithms = keys.filter(({ use }: JsonWebKey) => use === 'enc').map(({ alg }: JsonWebKey) => alg)
  expect(algorithms.sort()).toEqual(['ECDH-ES', 'RSA-OAEP-256'])
  expect(client.serverMetadata()['request_object_encryption_alg_values_supported']).toEqual(['RSA-OAEP-256', 'ECDH-ES'])
})

test('it is fetched from where the client keeps it', async () => {
  const fetched = flow(async ({ searchParams }) => {
    hosted = searchParams.get('request') ?? ''
    searchParams.delete('request')
    searchParams.set('request_uri', requestUri)
  })
  expect(await fetched).toMatchObject({ scope: 'read' })
  expect(host.requests).toHaveLength(1)
})
