// The authorization code flow with openid-client, as a program on somebody's computer does it (RFC 8252).
// Start the server with `npm start`, then: CLIENT_SECRET=… npm run example:code-flow
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as client from 'openid-client'

const { ISSUER = 'http://localhost:9400', CLIENT_ID = 'demo', CLIENT_SECRET = '' } = process.env

const config = await client.discovery(new URL(ISSUER), CLIENT_ID, undefined, client.ClientSecretBasic(CLIENT_SECRET), {
  algorithm: 'oauth2',
  execute: ISSUER.startsWith('http:') ? [client.allowInsecureRequests] : []
})

const listener = createServer().listen(0, '127.0.0.1')
await new Promise((resolve) => listener.once('listening', resolve))
const redirectUri = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/callback`

const verifier = client.randomPKCECodeVerifier()
const state = client.randomState()
const address = client.buildAuthorizationUrl(config, {
  redirect_uri: redirectUri,
  scope: 'read',
  state,
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256'
})
console.log(`Open ${address.href}`)

listener.on('request', async (request, response) => {
  try {
    const callback = new URL(request.url ?? '/', redirectUri)
    if (callback.pathname !== '/callback') return void response.writeHead(404).end()
    const tokens = await client.authorizationCodeGrant(config, callback, { pkceCodeVerifier: verifier, expectedState: state })
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? '')
    const introspection = await client.tokenIntrospection(config, refreshed.access_token)
    await client.tokenRevocation(config, refreshed.refresh_token ?? '')
    response.end('Done. You may close this window.\n')
    console.log(JSON.stringify({ tokens, refreshed, introspection }, undefined, 2))
  } catch (error) {
    response.writeHead(400).end(`${error instanceof Error ? error.message : error}\n`)
    console.error(error)
    process.exitCode = 1
  } finally {
    listener.close()
    listener.closeAllConnections()
  }
})
