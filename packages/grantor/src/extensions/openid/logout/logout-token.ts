import type { ServerContext } from '../../../context.ts'
import type { Client } from '../../../models/client.ts'
import { encryptTo } from '../../../tokens/encrypt-to.ts'
import { responseSigner } from '../../../tokens/response-algorithms.ts'
import { signJwt } from '../../../tokens/sign-jwt.ts'

/** Back-Channel Logout §2.4 */
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
/** Seconds; §2.4: "preferably at most two minutes in the future, to prevent captured Logout Tokens from being replayable". */
const LIFETIME = 120

/** A logout token (Back-Channel Logout §2.4), encrypted as the client's ID tokens are. Never a `nonce`: it must not pass for an ID token. */
export async function logoutToken(
  server: ServerContext,
  client: Client,
  { subject, sid }: { subject: string; sid: string }
): Promise<string> {
  const now = server.now()
  const signer = await responseSigner(server, client.id_token_signed_response_alg)
  const iss = server.settings.issuer
  const token = await signJwt(signer, 'logout+jwt', {
    iss,
    sub: await server.subjectFor(client, subject),
    aud: client.client_id,
    iat: now,
    exp: now + LIFETIME,
    jti: server.identifier(),
    events: { [EVENT]: {} },
    sid
  })
  // §2.6: "If ID Token encryption was negotiated … and the Logout Token is not encrypted, the RP SHOULD reject it."
  const { id_token_encrypted_response_alg: alg, id_token_encrypted_response_enc: enc } = client
  return alg === undefined ? token : encryptTo(server, client, token, { alg, enc, cty: 'JWT', iss })
}
