import type { ServerContext } from '../../../context.ts'
import type { Endpoint } from '../../../extension.ts'
import { frameSources, type HttpResponse, seeOther, withCookies } from '../../../http.ts'
import type { Interactions, Session } from '../../../interactions/base.ts'
import type { OAuthRequest } from '../../../requests.ts'
import { OwnIdTokens } from '../../../tokens/own-id-tokens.ts'
import { confirmPage, loggedOutPage } from './pages.ts'
import { readSignOutRequest, type SignOutRequest } from './sign-out-request.ts'

/** The parameters of RP-Initiated Logout §2, as far as a page must send them again. */
const PARAMETERS = ['id_token_hint', 'client_id', 'post_logout_redirect_uri', 'state', 'logout_hint', 'ui_locales']
const CONFIRMATION = 'confirmation'
const PURPOSE = 'logout'
/** Seconds that the applications in the frames have before the browser goes on. */
const FRAME_TIME = 2

/** The integrator's part, of which ending the session is the one thing that nobody else can do. */
export type LogoutInteractions = Interactions & Required<Pick<Interactions, 'endSession'>>

/** The logout endpoint (RP-Initiated Logout §2): asks the person unless it is certain whose session is meant, ends it, tells others, goes on. */
export class EndSessionEndpoint implements Endpoint {
  readonly name = 'end_session'
  readonly path = '/logout'
  readonly methods: readonly string[] = ['GET', 'POST']
  readonly cors = 'none'
  readonly forPeople = true
  readonly errorHeading = 'Sign-out request rejected'
  readonly #server: ServerContext
  readonly #interactions: LogoutInteractions
  readonly #hints: OwnIdTokens

  constructor(server: ServerContext, interactions: LogoutInteractions) {
    this.#server = server
    this.#interactions = interactions
    this.#hints = new OwnIdTokens(server)
  }

  async handle(http: OAuthRequest): Promise<HttpResponse> {
    const request = await readSignOutRequest(this.#server, this.#hints, http.params)
    const session = await this.#interactions.session(http)
    if (!session) return isForeignPost(http) ? this.#again(http) : this.#signedOut(request, [], http)
    if ((await this.#isCertain(request, session)) || (await this.#isConfirmed(http, session))) return this.#end(request, session, http)
    return this.#ask(request, session, http)
  }

  /** A form of another site comes without the cookie that is `SameSite=Lax`; the same request as a link comes with it. */
  #again(http: OAuthRequest): HttpResponse {
    return seeOther(`${this.#server.endpoint(this.name)}?${new URLSearchParams(fieldsOf(http))}`)
  }

  /**
   * §2: "the OP MUST ask the End-User this question if an id_token_hint was not provided or if the supplied ID Token does not belong to
   * the current OP session with the RP and/or currently logged in End-User".
   */
  async #isCertain({ hint, client }: SignOutRequest, session: Session): Promise<boolean> {
    if (!hint || !client) return false
    if (hint.sid !== undefined) return hint.sid === sidOf(session)
    return hint.sub === (await this.#server.subjectFor(client, session.subject))
  }

  /** By our own form, in this session, to exactly this request. */
  async #isConfirmed(http: OAuthRequest, session: Session): Promise<boolean> {
    const confirmation = http.method === 'POST' ? http.params.get(CONFIRMATION) : undefined
    return confirmation !== undefined && (await this.#server.secrets.matches(PURPOSE, context(http, session), confirmation))
  }

  async #ask({ client, logoutHint, uiLocales }: SignOutRequest, session: Session, http: OAuthRequest): Promise<HttpResponse> {
    const confirmation = await this.#server.secrets.hash(PURPOSE, context(http, session))
    const question = {
      session,
      action: this.#server.endpoint(this.name),
      fields: { ...fieldsOf(http), [CONFIRMATION]: confirmation },
      ...(client && { client }),
      ...(logoutHint !== undefined && { logoutHint }),
      ...(uiLocales && { uiLocales })
    }
    return this.#interactions.confirmLogout ? this.#interactions.confirmLogout(question, http) : confirmPage(question)
  }

  /** The session comes last: whoever is not answered can ask again, and nothing is forgotten. */
  async #end(request: SignOutRequest, session: Session, http: OAuthRequest): Promise<HttpResponse> {
    const frames = await this.#server.endSession({ id: sidOf(session), subject: session.subject })
    const cookies = await this.#interactions.endSession(session, http)
    return withCookies(await this.#signedOut(request, frames, http), cookies)
  }

  async #signedOut({ client, continueTo }: SignOutRequest, frames: readonly string[], http: OAuthRequest): Promise<HttpResponse> {
    if (continueTo !== undefined && frames.length === 0) return seeOther(continueTo)
    const page = {
      frames,
      csp: frameSources(frames),
      ...(client && { client }),
      ...(continueTo !== undefined && { continueTo })
    }
    const response = this.#interactions.loggedOut ? await this.#interactions.loggedOut(page, http) : loggedOutPage(page)
    return continueTo === undefined
      ? response
      : { ...response, headers: { ...response.headers, refresh: `${FRAME_TIME}; url=${continueTo}` } }
  }
}

function isForeignPost({ method, params }: OAuthRequest): boolean {
  return method === 'POST' && !params.has(CONFIRMATION)
}

function fieldsOf({ params }: OAuthRequest): Record<string, string> {
  return Object.fromEntries(PARAMETERS.flatMap((name) => params.all(name).map((value) => [name, value])))
}

/** What a confirmation is bound to. */
function context(http: OAuthRequest, { id }: Session): string {
  return JSON.stringify([id, fieldsOf(http)])
}

function sidOf({ id, sid = id }: Session): string {
  return sid
}
