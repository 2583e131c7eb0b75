import { dpop } from '../../extensions/dpop/extension.ts'
import { jarm } from '../../extensions/jarm.ts'
import { jwtIntrospection } from '../../extensions/jwt-introspection.ts'
import { requestObjects } from '../../extensions/jwt-secured-requests/extension.ts'
import { mutualTls } from '../../extensions/mutual-tls/extension.ts'
import { openid } from '../../extensions/openid/openid.ts'
import { pushedAuthorizationRequests } from '../../extensions/pushed-authorization-requests/extension.ts'
import type { Preset } from '../base.ts'
import { enforcement, PROFILE } from './enforcement.ts'
import { bindingOf, checkOptions, type Fapi2Options, LONGEST_REQUEST_OBJECT } from './options.ts'
import { ALGORITHMS } from './rules.ts'

/**
 * FAPI 2.0 Security Profile, and Message Signing if asked for: requests are pushed, clients authenticate by a key of their own, tokens are
 * bound to one. A server that is made of what contradicts it is not built, a client that does is not registered; both are told the sentence.
 * @throws ConfigurationError if an option cannot work
 */
export function fapi2(options: Fapi2Options = {}): Preset {
  checkOptions(options)
  const { messageSigning = false, extensions = [] } = options
  const binding = bindingOf(options)
  return {
    profile: PROFILE,
    requirePkce: true,
    refreshTokenRotation: 'public-clients',
    assertionAudience: 'issuer',
    authorizationCodeLifetime: 60,
    allowedAlgorithms: ALGORITHMS,
    extensions: [
      enforcement({ signed: messageSigning, binding }),
      pushedAuthorizationRequests({ ...options.pushedAuthorizationRequests, required: true }),
      ...(options.dpop || !options.mutualTls ? [dpop({ ...options.dpop, ...(binding === 'key' && { required: true }) })] : []),
      ...(options.mutualTls ? [mutualTls({ ...options.mutualTls, ...(binding === 'certificate' && { required: true }) })] : []),
      ...(options.openid ? [openid(options.openid)] : []),
      ...(messageSigning
        ? [requestObjects({ maxLifetime: LONGEST_REQUEST_OBJECT, ...options.requestObjects, required: true }), jarm, jwtIntrospection]
        : []),
      ...extensions
    ]
  }
}
