import { constantTimeEqual } from '../../crypto/constant-time.ts'
import { InvalidTokenError } from '../../errors.ts'

/**
 * @param cnf of an access token
 * @param thumbprint of the certificate that its sender came with, if any
 * @throws InvalidTokenError if the token is bound to another key than that of the certificate, or to none (RFC 8705 §3)
 */
export function checkBinding(cnf: unknown, thumbprint: string | undefined): void {
  const { 'x5t#S256': bound } = (cnf ?? {}) as { 'x5t#S256'?: unknown }
  if (typeof bound !== 'string') throw new InvalidTokenError('the token is not bound to a certificate')
  if (thumbprint === undefined) throw new InvalidTokenError('the token is bound to a certificate, and the request has none')
  // RFC 8705 §3: "the resource access attempt MUST be rejected … using an HTTP 401 status code and the invalid_token error code".
  if (!constantTimeEqual(bound, thumbprint)) throw new InvalidTokenError('the token is bound to another certificate')
}
