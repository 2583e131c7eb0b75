import { ClientSecretJwt } from '../client-authentication/client-secret-jwt.ts'
import type { Extension } from '../extension.ts'

/** Client authentication with a JWT under the client secret (OpenID Connect Core §9). The secrets of such clients are stored encrypted instead of hashed only. */
export const clientSecretJwt: Extension = (server) => ({ clientAuthentications: [new ClientSecretJwt(server)] })
