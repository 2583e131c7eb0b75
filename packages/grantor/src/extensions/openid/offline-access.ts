import type { ServerContext } from '../../context.ts'
import type { AuthorizationRequest } from '../../requests.ts'

const OFFLINE_ACCESS = 'offline_access'

/**
 * OpenID Connect Core §11: the server "MUST ignore the offline_access request unless the Client is using a response_type value that would
 * result in an Authorization Code being returned". Nor is it of use to a client that gets no refresh token. That the person consents, which
 * §11 asks for as well, is for the interaction checks: only an operator's own software (`require_consent`) is exempt.
 */
export function withoutUselessOfflineAccess(
  server: ServerContext,
  { scope, responseType, client }: AuthorizationRequest
): readonly string[] {
  if (!scope.includes('openid') || !scope.includes(OFFLINE_ACCESS)) return scope
  const isOfUse =
    responseType.split(' ').includes('code') && client.grant_types.includes('refresh_token') && server.hasGrantType('refresh_token')
  return isOfUse ? scope : scope.filter((token) => token !== OFFLINE_ACCESS)
}
