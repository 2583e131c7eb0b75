import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TLSSocket } from 'node:tls'
import { Listener } from '../../../grantor/test/listener.ts'
import { createAuthority } from '../certificates.ts'
import { temporaryFolder } from '../support.ts'

/** What was posted there. */
export interface Posted {
  path: string
  type: string | undefined
  body: string
  protocol: string | null
}

/** What the suite publishes on a host of its own, over TLS: keys, request objects, lists of redirect URIs. */
export class OwnHost {
  readonly origin: string
  /** What lets the server fetch from there. */
  readonly outbound: { allow: string[]; caFile: string }
  readonly #listener: Listener
  readonly #documents: Map<string, string>
  readonly #posted: ReadableStreamDefaultReader<Posted>

  private constructor(listener: Listener, documents: Map<string, string>, posted: ReadableStream<Posted>, caFile: string) {
    this.#listener = listener
    this.#documents = documents
    this.#posted = posted.getReader()
    this.origin = `https://localhost:${listener.port}`
    this.outbound = { allow: [this.origin], caFile }
  }

  static async start(): Promise<OwnHost> {
    const { certificate, issue } = await createAuthority()
    const documents = new Map<string, string>()
    const { readable, writable } = new TransformStream<Posted, Posted>(undefined, undefined, { highWaterMark: 100 })
    const inbox = writable.getWriter()
    const listener = await Listener.https(await issue(['localhost']), async (request, response) => {
      const { url = '', method, headers, socket } = request
      if (method === 'POST') {
        const protocol = (socket as TLSSocket).getProtocol()
        void inbox.write({ path: url, type: headers['content-type'], body: await text(request), protocol })
        return void response.writeHead(200).end()
      }
      const document = documents.get(url)
      response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' }).end(document)
    })
    const caFile = join(temporaryFolder(), 'authorities.pem')
    writeFileSync(caFile, certificate)
    return new OwnHost(listener, documents, readable, caFile)
  }

  /** @returns where it is */
  publish(path: string, document: unknown): string {
    this.#documents.set(path, typeof document === 'string' ? document : JSON.stringify(document))
    return `${this.origin}${path}`
  }

  /** What is posted next, or was posted and not yet taken. */
  async posted(): Promise<Posted | undefined> {
    return (await this.#posted.read()).value
  }

  close(): Promise<void> {
    return this.#listener.close()
  }
}
