import { challenged } from '../../bearer.ts'
import { runtimeCrypto } from '../../crypto/runtime.ts'
import { InvalidTokenError } from '../../errors.ts'
import { checkBinding } from './binding.ts'

/** How an API takes tokens over mutual TLS. */
export interface CertificateCheckOptions {
  /** A token that is bound to no key is refused, too. Default false. */
  required?: boolean
}

/**
 * For an API: that whoever sends an access token has the certificate which it is bound to (RFC 8705 §3).
 * @param claims of a token that is genuine, or what introspection says of it: `cnf` is what counts
 * @param certificate of the TLS connection in DER, as `socket.getPeerX509Certificate()?.raw` has it; undefined if there is none
 * @throws InvalidTokenError (401): answer with its `status` and `headers`. A token that is bound in another way, such as by DPoP, is refused here
 */
export async function checkCertificateBinding(
  claims: { cnf?: unknown },
  certificate: Uint8Array | undefined,
  { required = false }: CertificateCheckOptions = {}
): Promise<void> {
  const { cnf } = claims
  try {
    if (cnf === undefined || cnf === null) {
      if (required) throw new InvalidTokenError('the token is not bound to a certificate')
    } else checkBinding(cnf, certificate && (await runtimeCrypto().sha256(certificate)))
  } catch (error) {
    throw challenged(error)
  }
}
