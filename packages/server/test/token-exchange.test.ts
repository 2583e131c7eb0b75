import * as oauth from 'oauth4webapi'
import * as oidc from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { GrantorServer } from '../src/index.ts'
import { Browser } from './browser.ts'
import { PASSWORD, startServer } from './support.ts'

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token'
const ORDERS = 'https://orders.example.com'
const REDIRECT_URI = 'http://127.0.0.1:5557/callback'

let server: GrantorServer
let issuer: string
let gateway: { client_id: string; client_secret?: string }
beforeAll(async () => {
  ;({ server, issuer } = await startServer({
    extensions: ['token_exchange', 'dpop'],
    resources: [{ identifier: ORDERS }],
    tokenExchange: { allow: [{ client: 'gateway', from: ['shop'], audience: [ORDERS], scope: 'openid read' }] }
  }))
  gateway = await server.authorization.clients.create({
    client_id: 'gateway',
    grant_types: ['client_credentials', EXCHANGE],
    scope: 'openid read write'
  })
})
afterAll(() => server.close())

function discover({ client_id, client_secret }: { client_id: string; client_secret?: string }): Promise<oidc.Configuration> {
  const options = { execute: [oidc.allowInsecureRequests] }
  return oidc.discovery(new URL(issuer), client_id, undefined, oidc.ClientSecretBasic(client_secret), options)
}

/** What the shop has, of a person who signed in and allowed it. */
async function shopTokens() {
  const client = await discover(
    await server.authorization.clients.create({
      client_id: 'shop',
      application_type: 'native',
      redirect_uris: [REDIRECT_URI],
      scope: 'openid read write'
    })
  )
  const [pkceCodeVerifier, expectedState] = [oidc.randomPKCECodeVerifier(), oidc.randomState()]
  const url = oidc.buildAuthorizationUrl(client, {
    ...{ redirect_uri: REDIRECT_URI, scope: 'openid read write', state: expectedState },
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256'
  })
  const browser = new Browser()
  await browser.open(url.href)
  await browser.submit({ login: 'alice', password: PASSWORD, decision: 'login' })
  await browser.submit({ decision: 'allow' })
  return oidc.authorizationCodeGrant(client, new URL(browser.stoppedAt ?? ''), { pkceCodeVerifier, expectedState })
}

test('openid-client and oauth4webapi exchange a person’s token at the running server, which sees who acts; all ends with the person', async () => {
  const { access_token: subject_token, id_token = '' } = await shopTokens()
  const config = await discover(gateway)
  const { access_token: actor_token } = await oidc.clientCredentialsGrant(config)
  const actor = { actor_token, actor_token_type: ACCESS_TOKEN }
  const subject = { subject_token, subject_token_type: ACCESS_TOKEN }
  const exchange = (params: Record<string, string>) => oidc.genericGrantRequest(config, EXCHANGE, { ...subject, ...actor, ...params })
  await expect(exchange({ scope: 'write' })).rejects.toMatchObject({ error: 'invalid_scope' })
  await expect(exchange({ audience: 'https://mail.example.com' })).rejects.toMatchObject({ error: 'invalid_target' })
  const tokens = await exchange({ audience: ORDERS, scope: 'read' })
  expect(tokens).toMatchObject({ issued_token_type: ACCESS_TOKEN, token_type: 'bearer', scope: 'read' })
  const act = { sub: 'gateway', client_id: 'gateway' }
  expect({ ...(await oidc.tokenIntrospection(config, tokens.access_token)) }).toMatchObject({ active: true, aud: ORDERS, act })

  const insecure = { [oauth.allowInsecureRequests]: true }
  const as = await oauth.processDiscoveryResponse(new URL(issuer), await oauth.discoveryRequest(new URL(issuer), insecure))
  const client: oauth.Client = { client_id: gateway.client_id }
  const authentication = oauth.ClientSecretPost(gateway.client_secret ?? '')
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
  const byIdToken = { ...actor, subject_token: id_token, subject_token_type: ID_TOKEN }
  const response = await oauth.genericTokenEndpointRequest(as, client, authentication, EXCHANGE, byIdToken, { DPoP, ...insecure })
  const bound = await oauth.processGenericTokenEndpointResponse(as, client, response)
  expect(bound).toMatchObject({ token_type: 'dpop', scope: 'openid read' })
  const user = await server.users.findByLogin('alice')
  expect(await server.users.disable(user?.subject ?? '')).toBe(true)
  for (const { access_token } of [tokens, bound])
    expect({ ...(await oidc.tokenIntrospection(config, access_token)) }).toEqual({ active: false })
})
