import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import * as oidc from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { GrantorServer } from '../src/index.ts'
import { startServer } from './support.ts'

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const COMPANY = 'https://login.company.example'

let server: GrantorServer
let issuer: string
let privateKey: CryptoKey
let registration: { client_id: string; client_secret?: string }
beforeAll(async () => {
  const keys = await generateKeyPair('ES256')
  privateKey = keys.privateKey
  const company = { issuer: COMPANY, jwks: { keys: [await exportJWK(keys.publicKey)] }, loginClaim: 'preferred_username' }
  const started = await startServer({
    extensions: ['jwt_bearer', 'token_exchange'],
    jwtBearer: { issuers: [{ ...company, clients: ['desktop'], scope: 'read' }] },
    tokenExchange: { allow: [{ client: 'desktop', from: [COMPANY], scope: 'read', impersonation: true }], issuers: [company] }
  })
  server = started.server
  issuer = started.issuer
  registration = await server.authorization.clients.create({
    client_id: 'desktop',
    grant_types: [JWT_BEARER, EXCHANGE],
    scope: 'read write',
    require_consent: false
  })
})
afterAll(() => server.close())

/** What the company says of somebody whom it calls by a number and this server by a login. */
function assertionFor(login: string): Promise<string> {
  return new SignJWT({ preferred_username: login, jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: 'ES256', typ: 'authorization-grant+jwt' })
    .setIssuer(COMPANY)
    .setSubject('7')
    .setAudience(issuer)
    .setExpirationTime('60s')
    .sign(privateKey)
}

test('openid-client and oauth4webapi get a token of the running server for a person whom a company names, until they are disabled', async () => {
  const options = { execute: [oidc.allowInsecureRequests] }
  const { client_id, client_secret = '' } = registration
  const config = await oidc.discovery(new URL(issuer), client_id, undefined, oidc.ClientSecretBasic(client_secret), options)
  const ask = async (assertion: string) => oidc.genericGrantRequest(config, JWT_BEARER, { assertion, scope: 'read' })
  const shown = async (token: string) => ({ ...(await oidc.tokenIntrospection(config, token)) })
  const assertion = await assertionFor('Alice')
  const tokens = await ask(assertion)
  const user = await server.users.findByLogin('alice')
  expect(await shown(tokens.access_token)).toMatchObject({ active: true, sub: user?.subject, scope: 'read' })
  await expect(ask(assertion)).rejects.toMatchObject({ error: 'invalid_grant', error_description: 'the assertion was used before' })
  await expect(ask(await assertionFor('bob'))).rejects.toMatchObject({ error: 'invalid_grant' })

  const insecure = { [oauth.allowInsecureRequests]: true }
  const as = await oauth.processDiscoveryResponse(new URL(issuer), await oauth.discoveryRequest(new URL(issuer), insecure))
  const client: oauth.Client = { client_id }
  const authentication = oauth.ClientSecretPost(client_secret)
  const params = { assertion: await assertionFor('alice') }
  const response = await oauth.genericTokenEndpointRequest(as, client, authentication, JWT_BEARER, params, insecure)
  const more = await oauth.processGenericTokenEndpointResponse(as, client, response)
  expect(await shown(more.access_token)).toMatchObject({ active: true, scope: 'read' })

  const subject = { subject_token: await assertionFor('alice'), subject_token_type: 'urn:ietf:params:oauth:token-type:jwt' }
  const exchanged = await oidc.genericGrantRequest(config, EXCHANGE, subject)
  expect(await shown(exchanged.access_token)).toMatchObject({ active: true, sub: user?.subject })

  await server.users.disable(user?.subject ?? '')
  for (const { access_token } of [tokens, more, exchanged]) expect(await shown(access_token)).toEqual({ active: false })
  await expect(ask(await assertionFor('alice'))).rejects.toMatchObject({ error: 'invalid_grant' })
})
