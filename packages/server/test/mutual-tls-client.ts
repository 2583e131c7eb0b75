import { request as sendRequest } from 'node:https'
import { buffer } from 'node:stream/consumers'
import type { TestCertificate } from './certificates.ts'

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
