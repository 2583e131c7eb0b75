import {
  type AuthorizationDetailTypes,
  type AuthorizationServer,
  BackchannelRequests,
  describeAuthorizationDetails,
  type HttpRequest,
  type HttpResponse,
  InvalidRequestError,
  seeOther
} from 'grantor'
import type { Forms } from './forms.ts'
import type { LoginLimiter } from './login-limiter.ts'
import { page, withHeaders } from './pages/page.ts'
import { resourcesOf } from './pages/permissions.ts'
import { RequestDecidedPage, RequestsPage, RequestsSignInPage } from './pages/requests.tsx'
import { retryAfter, signInByPassword } from './password-sign-in.ts'
import type { Sessions, SignedIn } from './sessions.ts'
import type { Users } from './users.ts'

/** What the pages work with; `detailTypes` describe what a client asks for besides scope. */
export interface RequestPagesParts {
  users: Users
  sessions: Sessions
  limiter: LoginLimiter
  forms: Forms
  detailTypes: AuthorizationDetailTypes
}

const SIGN_IN = 'sign in to requests'

/** What clients ask of people who are not at their browser: shown to whom it is for, who allows or denies. */
export class RequestPages {
  readonly #server: AuthorizationServer
  readonly #parts: RequestPagesParts
  readonly #requests: BackchannelRequests

  constructor(server: AuthorizationServer, parts: RequestPagesParts) {
    this.#server = server
    this.#parts = parts
    this.#requests = new BackchannelRequests(server)
  }

  async show(http: HttpRequest): Promise<HttpResponse> {
    const session = await this.#parts.sessions.find(http)
    if (!session) return page(200, RequestsSignInPage({ csrf: await this.#parts.forms.csrf(SIGN_IN) }))
    const requests = await this.#requests.list(session.subject)
    const shown = requests.map(async (request) => ({
      request,
      resources: resourcesOf(request, this.#server.settings.resources),
      details: describeAuthorizationDetails(request, this.#parts.detailTypes),
      csrf: await this.#parts.forms.csrf(contextOf(session, request.id))
    }))
    return page(200, RequestsPage({ name: session.name, waiting: await Promise.all(shown) }))
  }

  async signIn(http: HttpRequest): Promise<HttpResponse> {
    const { forms, sessions } = this.#parts
    if (await sessions.find(http)) return seeOther('/requests')
    const outcome = await signInByPassword(this.#parts, http, await forms.read(http, SIGN_IN))
    if (!outcome.user) {
      const { status, fault, login, wait } = outcome
      return withHeaders(page(status, RequestsSignInPage({ csrf: await forms.csrf(SIGN_IN), fault, login })), retryAfter(wait))
    }
    const { cookie } = await sessions.start(http, outcome.user)
    return withHeaders(seeOther('/requests'), { 'set-cookie': cookie })
  }

  async decide(http: HttpRequest, id: string, requestId: string): Promise<HttpResponse> {
    const session = await this.#parts.sessions.find(http)
    if (!session) return seeOther('/requests')
    const form = await this.#parts.forms.read(http, contextOf(session, id))
    const decision = form.get('decision')
    if (decision !== 'approve' && decision !== 'deny') throw new InvalidRequestError('this is not what was asked; go back and try again')
    const request = await this.#requests.find(id, session.subject)
    const approved = decision === 'approve'
    const isFirst =
      request !== undefined &&
      (await (approved ? this.#requests.approve(id, session, requestId) : this.#requests.deny(id, session.subject, requestId)))
    if (!isFirst) throw new InvalidRequestError('this was decided before, or not in time')
    return page(200, RequestDecidedPage({ request, approved }))
  }
}

/** A decision is that of the person to whom the request was shown. */
function contextOf({ id }: SignedIn, request: string): string {
  return JSON.stringify(['request', id, request])
}
