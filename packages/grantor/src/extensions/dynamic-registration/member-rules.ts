import { InvalidClientMetadataError, InvalidRedirectUriError } from '../../errors.ts'
import { isLoopback } from '../../models/redirect-uri.ts'

const MAX_REDIRECT_URIS = 20
const MAX_NAME = 64
// RFC 7591 §2.1, OpenID Connect Dynamic Client Registration §2.
const GRANT_TYPE_OF = new Map([
  ['code', 'authorization_code'],
  ['token', 'implicit'],
  ['id_token', 'implicit']
])
// Controls, direction overrides, zero-width and other characters that nobody sees; an emoji may have its variation selector.
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]|(?!\ufe0f)\p{Default_Ignorable_Code_Point}/u

/** @throws InvalidClientMetadataError if a name is not one that a stranger may have on our pages. */
export function checkNames(metadata: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(metadata)) {
    if (name.split('#', 1)[0] !== 'client_name' || typeof value !== 'string') continue
    const isPlain = value.length <= 1024 && value.trim() !== '' && !INVISIBLE.test(value)
    if (!isPlain || [...new Intl.Segmenter().segment(value)].length > MAX_NAME)
      throw new InvalidClientMetadataError(`${name} is a text of up to ${MAX_NAME} visible characters`)
  }
}

/** @throws InvalidClientMetadataError if a URL is not an https one; the members' own rules say the rest. */
export function checkUrls(metadata: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(metadata)) {
    if (/_uri(#|$)/.test(name) && typeof value === 'string' && !value.startsWith('https://'))
      throw new InvalidClientMetadataError(`${name} is an https URL`)
  }
}

/**
 * What kind of application it is. One that does not say is native as soon as it has a redirect URI that only a native one may have.
 * @throws InvalidRedirectUriError if the redirect URIs are not of that kind (OpenID Connect Dynamic Client Registration §2)
 */
export function applicationTypeOf({ application_type: type, redirect_uris: uris = [] }: Record<string, unknown>): unknown {
  if (!isListOfText(uris)) throw new InvalidRedirectUriError(`redirect_uris is a list of at most ${MAX_REDIRECT_URIS} URIs`)
  const kind = type ?? (uris.every(isWeb) ? 'web' : 'native')
  for (const uri of uris) {
    if (kind === 'web' && !isWeb(uri))
      throw new InvalidRedirectUriError(`${uri.slice(0, 200)}: a web client has https redirect URIs, not on localhost`)
    // "Native Clients MUST only register redirect_uris using custom URI schemes or loopback URLs using the http scheme"; RFC 8252 §7.2 adds
    // the https URI that an application claims, and applications register all of them at once.
    if (kind === 'native' && /^http:/i.test(uri) && !isLoopback(uri))
      throw new InvalidRedirectUriError(
        `${uri.slice(0, 200)}: a native client has redirect URIs on https, on http loopback or of its own scheme`
      )
  }
  return kind
}

/**
 * RFC 7591 §2.1: the server sees to it "that a client cannot register itself into an inconsistent state".
 * @throws InvalidClientMetadataError if a response type needs a grant type that is not registered
 */
export function checkCorrespondence(grantTypes: unknown, responseTypes: unknown): void {
  if (!Array.isArray(grantTypes) || !Array.isArray(responseTypes)) return
  for (const word of responseTypes.flatMap((name) => String(name).split(' '))) {
    const needed = GRANT_TYPE_OF.get(word)
    if (needed !== undefined && !grantTypes.includes(needed))
      throw new InvalidClientMetadataError(`the response type ${word} needs the grant type ${needed}`)
  }
}

function isListOfText(value: unknown): value is string[] {
  return Array.isArray(value) && value.length <= MAX_REDIRECT_URIS && value.every((entry) => typeof entry === 'string' && entry !== '')
}

/** "Web Clients … MUST only register URLs using the https scheme as redirect_uris; they MUST NOT use localhost as the hostname." */
function isWeb(uri: string): boolean {
  return uri.startsWith('https://') && !/^https:\/\/localhost(?=[:/?]|$)/i.test(uri)
}
