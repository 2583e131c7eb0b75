import type { ServerContext } from '../context.ts'
import { Counts } from '../counts.ts'
import { type OAuthError, TemporarilyUnavailableError } from '../errors.ts'
import { cookieName, type HttpRequest, readCookie, setCookie } from '../http.ts'

/** Seconds. */
const WINDOW = 30
const COOKIE = 'grantor-browser'
/** What a client hears about the person, and hears again if it asks again at once (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6). */
const ABOUT_THE_PERSON: readonly string[] = [
  'access_denied',
  'login_required',
  'consent_required',
  'account_selection_required',
  'interaction_required',
  'unmet_authentication_requirements'
]

/** Ends the loop of a client that sends the browser back here at each refusal. Counted in this process, for each browser and client. */
export class RefusalLimit {
  readonly #server: ServerContext
  readonly #counts: Counts

  constructor(server: ServerContext) {
    this.#server = server
    this.#counts = new Counts(server.settings.authorizationRefusalLimit, WINDOW)
  }

  /**
   * Counts a refusal that is about to go to the client.
   * @returns the cookie by which the browser is known again, if it has none
   * @throws TemporarilyUnavailableError (429) if this client had too many of this browser
   */
  count({ error }: OAuthError, http: HttpRequest, clientId: string): readonly string[] {
    const { issuer, authorizationRefusalLimit: limit } = this.#server.settings
    if (limit === 0 || !ABOUT_THE_PERSON.includes(error)) return []
    const known = readCookie(http, cookieName(issuer, COOKIE))
    const isKnown = known !== undefined && /^[\w-]{22}$/.test(known)
    const browser = isKnown ? known : this.#server.crypto.random(16)
    const [name, now] = [JSON.stringify([browser, clientId]), this.#server.now()]
    const wait = this.#counts.wait(name, now)
    const count = this.#counts.count(name, now)
    if (wait === 0) return isKnown ? [] : [setCookie(issuer, COOKIE, browser, WINDOW)]
    throw new TemporarilyUnavailableError(
      'the application sent your browser here again and again, and was answered each time; wait a moment, then start again there',
      { status: 429, retryAfter: wait, repeated: count > limit + 1, detail: { clientId, error } }
    )
  }
}
