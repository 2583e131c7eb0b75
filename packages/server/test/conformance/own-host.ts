import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Listener } from '../../../grantor/test/listener.ts'
import { createAuthority } from '../certificates.ts'
import { temporaryFolder } from '../support.ts'

/** What the suite publishes on a host of its own, over TLS: keys, request objects, lists of redirect URIs. */
export class OwnHost {
  readonly origin: string
  /** What lets the server fetch from there. */
  readonly outbound: { allow: string[]; caFile: string }
  readonly #listener: Listener
  readonly #documents: Map<string, string>

  private constructor(listener: Listener, documents: Map<string, string>, caFile: string) {
    this.#listener = listener
    this.#documents = documents
    this.origin = `https://localhost:${listener.port}`
    this.outbound = { allow: [this.origin], caFile }
  }

  static async start(): Promise<OwnHost> {
    const { certificate, issue } = await createAuthority()
    const documents = new Map<string, string>()
    const listener = await Listener.https(await issue(['localhost']), ({ url = '' }, response) => {
      const document = documents.get(url)
      response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' }).end(document)
    })
    const caFile = join(temporaryFolder(), 'authorities.pem')
    writeFileSync(caFile, certificate)
    return new OwnHost(listener, documents, caFile)
  }

  /** @returns where it is */
  publish(path: string, document: unknown): string {
    this.#documents.set(path, typeof document === 'string' ? document : JSON.stringify(document))
    return `${this.origin}${path}`
  }

  close(): Promise<void> {
    return this.#listener.close()
  }
}
