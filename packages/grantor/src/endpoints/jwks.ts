import type { ServerContext } from '../context.ts'
import type { Endpoint } from '../extension.ts'
import type { HttpResponse } from '../http.ts'

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
    return { status: 200, headers: { 'content-type': 'application/jwk-set+json', 'cache-control': 'public, max-age=900', etag }, body }
  }
}
