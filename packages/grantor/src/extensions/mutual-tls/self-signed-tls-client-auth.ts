import { ClientAuthenticationBase, namedClient, type PresentedClient } from '../../client-authentication/base.ts'
import type { ServerContext } from '../../context.ts'
import type { Client } from '../../models/client.ts'
import type { OAuthRequest } from '../../requests.ts'
import { hasCertificate } from './certificate-keys.ts'
import type { ClientCertificates } from './client-certificates.ts'

/** A client authenticates with a certificate that is in its registered keys, whoever signed it (RFC 8705 §2.2). */
export class SelfSignedTlsClientAuth extends ClientAuthenticationBase {
  readonly method = 'self_signed_tls_client_auth'
  readonly #certificates: ClientCertificates

  constructor(server: ServerContext, certificates: ClientCertificates) {
    super(server)
    this.#certificates = certificates
  }

  read(request: OAuthRequest): PresentedClient | undefined {
    return namedClient(request)
  }

  async verify(client: Client, _credential: string | undefined, request: OAuthRequest): Promise<boolean> {
    const { clientKeys, crypto } = this.server
    const thumbprint = await this.#certificates.thumbprint(request)
    if (thumbprint === undefined) return this.#certificates.refuse(client.client_id, 'there is no certificate', request)
    const isRegistered = await clientKeys.some(client, (key) => hasCertificate(crypto, key, thumbprint))
    return isRegistered || this.#certificates.refuse(client.client_id, 'the certificate is not one of the registered ones', request)
  }
}
