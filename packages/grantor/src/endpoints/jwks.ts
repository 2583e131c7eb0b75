import type { ServerContext } from '../context.ts'
import type { Endpoint } from '../extension.ts'
import type { HttpResponse } from '../http.ts'

/** Seconds. */
const MAX_AGE = 900

/** The public keys (RFC 7517 §5). The next key is listed long before it signs, so this may be cached. */
export class JwksEndpoint implements Endpoint {
  readonly name = 'jwks'
  readonly path = '/jwks'
  readonly methods: readonly string[] = ['GET', 'HEAD']
  readonly cors = 'any'
  readonly always = true
  readonly #server: ServerContext
  #signing: readonly JsonWebKey[] = []
  #encryption: readonly JsonWebKey[] = []
  #response: HttpResponse | undefined

  constructor(server: ServerContext) {
    this.#server = server
  }

  async handle(): Promise<HttpResponse> {
    const [signing, encryption] = [await this.#server.keys.publicKeys(), await this.#server.encryptionKeys.publicKeys()]
    if (!this.#response || signing !== this.#signing || encryption !== this.#encryption)
      this.#response = await this.#render([...signing, ...encryption])
    this.#signing = signing
    this.#encryption = encryption
    return this.#response
  }

  async #render(keys: readonly JsonWebKey[]): Promise<HttpResponse> {
    const body = JSON.stringify({ keys })
    const etag = `"${await this.#server.crypto.sha256(body)}"`
    const headers = { 'content-type': 'application/jwk-set+json', 'cache-control': `public, max-age=${this.#maxAge()}`, etag }
    return { status: 200, headers, body }
  }

  /** Whoever fetched the set just before the next key was in it fetches again before that key signs; other nodes may be late by seconds. */
  #maxAge(): number {
    return Math.min(MAX_AGE, Math.floor(this.#server.settings.signingKeyLead / 2))
  }
}
