// What no server can do without: hand-written on node:http, with fixed answers.
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { serve } from '../contenders/serve.ts'
import { readForm } from './form.ts'

const FIXED = JSON.stringify({ access_token: 'x'.repeat(76), token_type: 'Bearer', expires_in: 3600, scope: 'read' })
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const header = Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid: 'x'.repeat(43) })).toString('base64url')
const kept = new Map<string, string>()

await serve(async () => ({
  plan: async () => ({ people: [] }),
  listener: (request, response) => {
    if (request.url === '/get') answer(response, FIXED)
    else if (request.url === '/form') readForm(request, (params) => params.get('grant_type') && answer(response, FIXED))
    else if (request.url === '/keep') readForm(request, (params) => answer(response, keptToken(params)))
    else readForm(request, (params) => answer(response, signedToken(params)))
  }
}))

function answer(response: ServerResponse, body: string): void {
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store', 'content-length': body.length })
  response.end(body)
}

function keptToken(params: URLSearchParams): string {
  const token = randomBytes(32).toString('base64url')
  kept.set(createHash('sha256').update(token).digest('base64url'), params.get('scope') ?? '')
  return JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: 3600, scope: 'read' })
}

/** The signature stays in DER: what the conversion costs is not the floor's. */
function signedToken(params: URLSearchParams): string {
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: 'https://id.example.com', sub: 'machine', scope: params.get('scope'), iat: now, exp: now + 3600, jti: `${now}` }
  const data = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`
  const signature = sign('sha256', Buffer.from(data), privateKey).toString('base64url')
  return JSON.stringify({ access_token: `${data}.${signature}`, token_type: 'Bearer', expires_in: 3600, scope: 'read' })
}
