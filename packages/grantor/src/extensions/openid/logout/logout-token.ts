import type { ServerContext } from '../../../context.ts'
import type { Client } from '../../../models/client.ts'
import { signJwt } from '../../../tokens/sign-jwt.ts'
import { DEFAULT_ALGORITHM } from '../id-tokens.ts'

/** Back-Channel Logout §2.4 */
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
/** Seconds; §2.4: "preferably at most two minutes in the future, to prevent captured Logout Tokens from being replayable". */
const LIFETIME = 120

/** A logout token (Back-Channel Logout §2.4). Never a `nonce`: it must not pass for an ID token. */
export async function logoutToken(
  server: ServerContext,
  client: Client,
  { subject, sid }: { subject: string; sid: string }
): Promise<string> {
  const now = server.now()
  const signer = await server.keys.signer(client.id_token_signed_response_alg ?? DEFAULT_ALGORITHM)
  return signJwt(signer, 'logout+jwt', {
    iss: server.settings.issuer,
    sub: await server.subjectFor(client, subject),
    aud: client.client_id,
    iat: now,
    exp: now + LIFETIME,
    jti: server.identifier(),
    events: { [EVENT]: {} },
    sid
  })
}
