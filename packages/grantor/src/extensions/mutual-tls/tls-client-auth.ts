import { ClientAuthenticationBase, namedClient, type PresentedClient } from '../../client-authentication/base.ts'
import type { ServerContext } from '../../context.ts'
import type { Client } from '../../models/client.ts'
import type { OAuthRequest } from '../../requests.ts'
import { namesIn } from './certificate-names.ts'
import type { ClientCertificates } from './client-certificates.ts'
import { isSubject } from './registered-subject.ts'

/** A client authenticates with a certificate of an authority that the operator trusts, for the subject that it registered (RFC 8705 §2.1). */
export class TlsClientAuth extends ClientAuthenticationBase {
  readonly method = 'tls_client_auth'
  readonly #certificates: ClientCertificates

  constructor(server: ServerContext, certificates: ClientCertificates) {
    super(server)
    this.#certificates = certificates
  }

  read(request: OAuthRequest): PresentedClient | undefined {
    return namedClient(request)
  }

  async verify(client: Client, _credential: string | undefined, request: OAuthRequest): Promise<boolean> {
    const certificate = request.clientCertificate?.()
    const refuse = (reason: string) => this.#certificates.refuse(client.client_id, reason, request)
    if (!certificate) return refuse('there is no certificate')
    if (!certificate.isTrusted) return refuse('the certificate is not valid, or not of an authority that is trusted for clients')
    const names = namesIn(certificate.der)
    if (!names) return refuse('the names in the certificate cannot be read')
    return isSubject(client, names) || refuse('the certificate is for another subject')
  }
}
