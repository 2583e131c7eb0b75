import type { ServerContext } from '../context.ts'
import type { Endpoint } from '../extension.ts'
import { type HttpResponse, NO_STORE } from '../http.ts'
import { REFRESH_TOKEN } from '../models/artifacts.ts'
import type { Client } from '../models/client.ts'
import type { OAuthRequest } from '../requests.ts'

/** The revocation endpoint (RFC 7009): a refresh token dies with its whole family, an access token alone. */
export class RevocationEndpoint implements Endpoint {
  readonly name = 'revocation'
  readonly path = '/revoke'
  readonly methods: readonly string[] = ['POST']
  readonly cors = 'client'
  readonly #server: ServerContext

  constructor(server: ServerContext) {
    this.#server = server
  }

  async handle(http: OAuthRequest): Promise<HttpResponse> {
    const client = await this.#server.authenticateClient(http)
    const token = http.params.require('token')
    // RFC 7009 §2.2: "invalid tokens do not cause an error response since the client cannot handle such an error in a reasonable way".
    if (!(await this.#refreshToken(token, client, http.id))) await this.#accessToken(token, client, http.id)
    return { status: 200, headers: { ...NO_STORE } }
  }

  async #refreshToken(value: string, client: Client, requestId: string): Promise<boolean> {
    const found = await this.#server.opaque.find(REFRESH_TOKEN, value)
    if (!found?.grantId) return false
    if (!this.#isOwn(found.value.client_id, client, requestId)) return true
    // RFC 7009 §2.1: "the authorization server SHOULD also invalidate all access tokens based on the same authorization grant"
    const revoked = await this.#server.store.grants.revoke({ id: found.grantId }, this.#server.now())
    if (revoked > 0)
      this.#server.emit('grant.revoked', { clientId: client.client_id, grantId: found.grantId, reason: 'revocation' }, requestId)
    return true
  }

  async #accessToken(value: string, client: Client, requestId: string): Promise<void> {
    const presented = await this.#server.tokens.find(value)
    if (!presented || presented.revoked || !this.#isOwn(presented.token.client_id, client, requestId)) return
    await this.#server.tokens.revoke(presented)
    this.#server.emit('token.revoked', { clientId: client.client_id, ...(presented.grant && { grantId: presented.grant.id }) }, requestId)
  }

  /** RFC 7009 §2.1: "verifies … that the token was issued to the client making the revocation request". */
  #isOwn(owner: string, client: Client, requestId: string): boolean {
    if (owner === client.client_id) return true
    this.#server.emit('token.foreign', { clientId: client.client_id, owner, endpoint: this.name }, requestId)
    return false
  }
}
