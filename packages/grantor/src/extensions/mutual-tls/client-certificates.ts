import type { ServerContext } from '../../context.ts'
import type { OAuthRequest } from '../../requests.ts'

/** The certificates that requests come with. */
export class ClientCertificates {
  readonly #server: ServerContext

  constructor(server: ServerContext) {
    this.#server = server
  }

  /**
   * The SHA-256 of the certificate in DER (RFC 8705 §3.1), base64url. Undefined: the sender has none.
   * @throws InvalidRequestError if what a proxy says of it cannot be understood
   */
  async thumbprint(request: OAuthRequest): Promise<string | undefined> {
    const certificate = request.clientCertificate?.()
    return certificate && this.#server.crypto.sha256(certificate.der)
  }

  /** Tells the operator why a certificate does not authenticate a client, which learns that it does not. Always false. */
  async refuse(clientId: string, reason: string, request: OAuthRequest): Promise<false> {
    const thumbprint = await this.thumbprint(request)
    this.#server.emit('client_certificate.refused', { clientId, reason, ...(thumbprint !== undefined && { thumbprint }) }, request.id)
    return false
  }
}
