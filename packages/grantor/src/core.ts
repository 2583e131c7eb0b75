import { ClientSecretBasic } from './client-authentication/client-secret-basic.ts'
import { ClientSecretPost } from './client-authentication/client-secret-post.ts'
import { NoAuthentication } from './client-authentication/none.ts'
import { PrivateKeyJwt } from './client-authentication/private-key-jwt.ts'
import type { ServerContext } from './context.ts'
import { AuthorizationEndpoint } from './endpoints/authorization.ts'
import { IntrospectionEndpoint } from './endpoints/introspection.ts'
import { JwksEndpoint } from './endpoints/jwks.ts'
import { MetadataEndpoint } from './endpoints/metadata.ts'
import { RevocationEndpoint } from './endpoints/revocation.ts'
import { TokenEndpoint } from './endpoints/token.ts'
import type { Contribution, Registry } from './extension.ts'
import { AuthorizationCodeGrantType } from './grant-types/authorization-code.ts'
import { ClientCredentialsGrantType } from './grant-types/client-credentials.ts'
import { RefreshTokenGrantType } from './grant-types/refresh-token.ts'
import type { Interactions } from './interactions/base.ts'
import { CHECKS } from './interactions/checks.ts'
import type { InteractionService } from './interactions/service.ts'
import { FormPostResponseMode } from './response-modes/form-post.ts'
import { FragmentResponseMode } from './response-modes/fragment.ts'
import { QueryResponseMode } from './response-modes/query.ts'
import { CodeResponseType } from './response-types/code.ts'
import { NoneResponseType } from './response-types/none.ts'
import { BearerScheme } from './tokens/bearer-scheme.ts'
import { JwtAccessToken } from './tokens/jwt-access-token.ts'
import { OpaqueAccessToken } from './tokens/opaque-access-token.ts'

/** What every server has: OAuth 2.1 with RFC 9700. An extension that contributes the same name takes its place. */
export function core(
  server: ServerContext & { interactions: InteractionService },
  registry: Registry,
  interactions: Interactions | undefined
): Contribution {
  return {
    grantTypes: [
      new ClientCredentialsGrantType(server),
      ...(interactions ? [new AuthorizationCodeGrantType(server)] : []),
      new RefreshTokenGrantType(server)
    ],
    clientAuthentications: [
      new ClientSecretBasic(server),
      new ClientSecretPost(server),
      new PrivateKeyJwt(server),
      new NoAuthentication(server)
    ],
    tokenFormats: [new OpaqueAccessToken(server), new JwtAccessToken(server)],
    tokenSchemes: [new BearerScheme()],
    endpoints: [
      new MetadataEndpoint(server),
      new JwksEndpoint(server),
      new TokenEndpoint(server, registry),
      new IntrospectionEndpoint(server, registry),
      new RevocationEndpoint(server),
      ...(interactions ? [new AuthorizationEndpoint(server, registry, interactions, server.interactions)] : [])
    ],
    ...(interactions && {
      responseTypes: [new CodeResponseType(server), new NoneResponseType(server)],
      responseModes: [new QueryResponseMode(), new FragmentResponseMode(), new FormPostResponseMode()],
      interactionChecks: CHECKS
    })
  }
}
