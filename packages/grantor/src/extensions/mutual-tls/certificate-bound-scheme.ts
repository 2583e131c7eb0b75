import type { PresentedToken } from '../../context.ts'
import type { OAuthRequest } from '../../requests.ts'
import { BearerScheme } from '../../tokens/bearer-scheme.ts'
import { checkBinding } from './binding.ts'
import type { ClientCertificates } from './client-certificates.ts'

/** Tokens that are bound to a certificate come as others do, over mutual TLS (RFC 8705 §3). */
export class CertificateBoundScheme extends BearerScheme {
  readonly #certificates: ClientCertificates

  constructor(certificates: ClientCertificates) {
    super()
    this.#certificates = certificates
  }

  override async prove(request: OAuthRequest, value: string, presented: PresentedToken): Promise<void> {
    const { cnf } = presented.token
    if (!cnf || !('x5t#S256' in cnf)) return super.prove(request, value, presented)
    checkBinding(cnf, await this.#certificates.thumbprint(request))
  }
}
