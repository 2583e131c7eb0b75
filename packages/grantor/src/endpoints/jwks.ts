import type { ServerContext } from '../context.ts'
import type { Endpoint } from '../extension.ts'
import type { HttpResponse } from '../http.ts'
import type { OAuthRequest } from '../requests.ts'

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

  async handle({ headers }: OAuthRequest): Promise<HttpResponse> {
    const [signing, encryption] = [await this.#server.keys.publicKeys(), await this.#server.encryptionKeys.publicKeys()]
    if (!this.#response || signing !== this.#signing || encryption !== this.#encryption)
      this.#response = await this.#render([...signing, ...encryption])
    this.#signing = signing
    this.#encryption = encryption
    const condition = headers.get('if-none-match')
    return condition !== null && names(condition, this.#response) ? unchanged(this.#response) : this.#response
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

/** RFC 9110 §13.1.2: the tags that the sender has, of which one is that of the response, however weakly it is compared; `*` is any. */
function names(condition: string, { headers: { etag } }: HttpResponse): boolean {
  return condition.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag)
}

/** RFC 9110 §15.4.5: 304 (Not Modified) has the fields by which a cache keeps what it has. */
function unchanged({ headers: { 'content-type': _, ...kept } }: HttpResponse): HttpResponse {
  return { status: 304, headers: kept }
}
