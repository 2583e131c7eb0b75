import { request as sendRequest } from 'node:https'
import { buffer } from 'node:stream/consumers'
import * as oidc from 'openid-client'
import { Browser } from './browser.ts'
import type { TestCertificate } from './certificates.ts'
import { PASSWORD } from './support.ts'

export const REDIRECT_URI = 'https://client.example.com/cb'

/** A `fetch` over TLS that trusts this authority, and comes with a certificate, if there is one. Each request has a connection of its own. */
export function fetchOverTls(ca: string, client?: TestCertificate): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init)
    const body = Buffer.from(await request.arrayBuffer())
    const { method } = request
    const headers = { ...Object.fromEntries(request.headers), ...(body.length > 0 && { 'content-length': String(body.length) }) }
    const tls = { ca, agent: false, ...(client && { cert: client.certificate, key: client.key }) } as const
    return new Promise((resolve, reject) => {
      const sent = sendRequest(request.url, { method, headers, ...tls }, (answer) => {
        const list = Object.entries(answer.headersDistinct).flatMap(([name, values = []]) =>
          values.map((value): [string, string] => [name, value])
        )
        buffer(answer).then(
          (bytes) =>
            resolve(new Response(bytes.length > 0 ? new Uint8Array(bytes) : null, { status: answer.statusCode ?? 0, headers: list })),
          reject
        )
      })
      sent.on('error', reject).end(body)
    })
  }
}

/** Alice signs in at the pages, over TLS that this authority vouches for, and allows what openid-client asks for, at the URL that `build` makes of it. */
export async function authorizeOverTls(ca: string, build: (asked: Record<string, string>) => URL | Promise<URL>) {
  const [pkceCodeVerifier, expectedState] = [oidc.randomPKCECodeVerifier(), oidc.randomState()]
  const url = await build({
    ...{ redirect_uri: REDIRECT_URI, scope: 'openid offline_access', state: expectedState, prompt: 'consent' },
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256'
  })
  const browser = new Browser(fetchOverTls(ca))
  await browser.open(url.href)
  await browser.submit({ login: 'alice', password: PASSWORD, decision: 'login' })
  await browser.submit({ decision: 'allow' })
  return { callback: new URL(browser.stoppedAt ?? ''), checks: { pkceCodeVerifier, expectedState, idTokenExpected: true } }
}
