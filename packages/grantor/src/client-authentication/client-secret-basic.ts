import type { Awaitable } from '../crypto/port.ts'
import { InvalidClientError, InvalidRequestError } from '../errors.ts'
import type { Client } from '../models/client.ts'
import { decode } from '../params.ts'
import type { OAuthRequest } from '../requests.ts'
import { ClientAuthenticationBase, type PresentedClient } from './base.ts'
import { matchesSecret } from './secret.ts'

/** `Authorization: Basic`, id and secret form-encoded before they are joined (RFC 6749 §2.3.1). */
export class ClientSecretBasic extends ClientAuthenticationBase {
  readonly method: string = 'client_secret_basic'

  read({ headers }: OAuthRequest): PresentedClient | undefined {
    const authorization = headers.get('authorization')
    if (authorization === null || !/^basic(?: |$)/i.test(authorization)) return undefined
    const [clientId, credential] = decodeBasic(authorization.slice('basic '.length))
    return { clientId, credential }
  }

  verify(client: Client, credential = ''): Awaitable<boolean> {
    return matchesSecret(this.server, client, credential)
  }
}

function decodeBasic(encoded: string): [clientId: string, secret: string] {
  try {
    const binary = atob(encoded)
    // Only the one canonical encoding: a loose decoder would make two credentials of one.
    if (encoded === '' || btoa(binary) !== encoded) throw new InvalidClientError()
    const text = decodeUtf8(binary)
    const colon = text.indexOf(':')
    if (colon < 1 || colon === text.length - 1) throw new InvalidRequestError('a part is empty')
    return [decode(text.slice(0, colon)), decode(text.slice(colon + 1))]
  } catch (cause) {
    throw new InvalidClientError('the Basic credentials are malformed', { cause })
  }
}

/** A string of octets as text; ASCII, which nearly all credentials are, is that already. @throws TypeError if it is not UTF-8 */
function decodeUtf8(octets: string): string {
  if (!/[\x80-\xff]/.test(octets)) return octets
  const bytes = Uint8Array.from(octets, (octet) => octet.charCodeAt(0))
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
}
