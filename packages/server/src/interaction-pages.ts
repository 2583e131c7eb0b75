import type { AuthorizationDetailTypes, AuthorizationServer, HttpRequest, HttpResponse, Interaction, Params } from 'grantor'
import { describeAuthorizationDetails, frameSources, InvalidRequestError, seeOther } from 'grantor'
import type { Forms } from './forms.ts'
import type { LoginLimiter } from './login-limiter.ts'
import { page, withHeaders } from './pages/page.ts'
import { AccountPage, ConsentPage, LoginPage } from './pages/pages.tsx'
import { resourcesOf } from './pages/permissions.ts'
import { SwitchedPage } from './pages/sign-out.tsx'
import { SignUpPage } from './pages/sign-up.tsx'
import { retryAfter, signInByPassword, tooMany } from './password-sign-in.ts'
import type { SessionChange, Sessions, SignedIn } from './sessions.ts'
import { readAccount, type SignUp } from './sign-up.ts'
import type { User, Users } from './users.ts'

/** What the pages of an interaction work with. Without `signUp` nobody creates an account; `detailTypes` describe what an application asks for. */
export interface InteractionParts {
  users: Users
  sessions: Sessions
  limiter: LoginLimiter
  forms: Forms
  signUp: SignUp | undefined
  detailTypes: AuthorizationDetailTypes
}

/** Which page of an interaction: the one that is asked for, or one that the person went to from there. */
export type View = 'asked' | 'sign-in' | 'sign-up'

/** Seconds that the applications in the frames have before the browser goes on. */
const FRAME_TIME = 2

type Shown = 'login' | 'create' | 'select_account' | 'consent'

/** What can be decided on each page; the first is meant where the button is not named. */
const DECISIONS: Readonly<Record<Shown, readonly [string, ...string[]]>> = {
  login: ['login', 'deny'],
  create: ['create', 'deny'],
  select_account: ['continue', 'switch'],
  consent: ['deny', 'allow', 'switch']
}

/** What a person is asked in the midst of an authorization request: sign in, create an account, choose one, consent. */
export class InteractionPages {
  readonly #server: AuthorizationServer
  readonly #parts: InteractionParts

  constructor(server: AuthorizationServer, parts: InteractionParts) {
    this.#server = server
    this.#parts = parts
  }

  async show(request: HttpRequest, id: string, view: View): Promise<HttpResponse> {
    const interaction = await this.#server.interactions.find(request, id)
    const { forms, sessions, signUp } = this.#parts
    const session = await sessions.find(request)
    const shown = this.#shown(interaction, view, session)
    const csrf = await forms.csrf(contextOf(interaction, shown, session))
    switch (shown) {
      case 'create':
        return page(200, SignUpPage({ interaction, csrf }))
      case 'select_account':
        return page(200, AccountPage({ interaction, csrf, name: session?.name ?? '' }))
      case 'consent':
        return page(200, this.#consentPage(interaction, csrf, session))
      default:
        return page(200, LoginPage({ interaction, csrf, signUp: signUp !== undefined }))
    }
  }

  async submit(request: HttpRequest, id: string, view: View): Promise<HttpResponse> {
    const interaction = await this.#server.interactions.find(request, id)
    const { forms, sessions, signUp } = this.#parts
    const session = await sessions.find(request)
    const shown = this.#shown(interaction, view, session)
    const form = await forms.read(request, contextOf(interaction, shown, session))
    const decision = form.get('decision') ?? DECISIONS[shown][0]
    if (!DECISIONS[shown].includes(decision)) throw new InvalidRequestError('this is not what was asked; go back and try again')
    const back = seeOther(interaction.returnTo)
    switch (decision) {
      case 'deny':
        await this.#server.interactions.resolve(request, id, { denied: true })
        return back
      case 'switch':
        return goOn(interaction, await sessions.end(request))
      case 'allow':
        if (session)
          await this.#server.interactions.resolve(request, id, { consent: { subject: session.subject, scope: interaction.scope } })
        return back
      case 'continue':
        if (session) await this.#server.interactions.resolve(request, id, { account: { subject: session.subject } })
        return back
      case 'create':
        return signUp ? this.#create(request, interaction, form, signUp) : back
      default:
        return this.#login(request, interaction, form)
    }
  }

  #consentPage(interaction: Interaction, csrf: string, session: SignedIn | undefined): ReturnType<typeof ConsentPage> {
    const resources = resourcesOf(interaction, this.#server.settings.resources)
    const details = describeAuthorizationDetails(interaction, this.#parts.detailTypes)
    return ConsentPage({ interaction, csrf, name: session?.name ?? '', resources, details })
  }

  /** Who is not signed in signs in first, whatever is asked. */
  #shown({ prompt }: Interaction, view: View, session: SignedIn | undefined): Shown {
    if (this.#parts.signUp && (view === 'sign-up' || (view === 'asked' && prompt === 'create'))) return 'create'
    if (view !== 'asked' || !session) return 'login'
    return prompt === 'select_account' || prompt === 'consent' ? prompt : 'login'
  }

  async #login(request: HttpRequest, interaction: Interaction, form: Params): Promise<HttpResponse> {
    const outcome = await signInByPassword(this.#parts, request, form)
    if (outcome.user) return this.#signedIn(request, interaction, outcome.user)
    const { status, fault, login, wait } = outcome
    const csrf = await this.#parts.forms.csrf(contextOf(interaction, 'login'))
    const body = LoginPage({ interaction, csrf, fault, login, signUp: this.#parts.signUp !== undefined })
    return withHeaders(page(status, body), retryAfter(wait))
  }

  async #create(request: HttpRequest, interaction: Interaction, form: Params, signUp: SignUp): Promise<HttpResponse> {
    const account = readAccount(form)
    const outcome = await signUp.create(account, request.remote?.address)
    if (outcome.user) return this.#signedIn(request, interaction, outcome.user)
    const { status, faults, wait = 0 } = outcome
    const csrf = await this.#parts.forms.csrf(contextOf(interaction, 'create'))
    const body = SignUpPage({ interaction, csrf, account, faults, ...(wait > 0 && { alarm: tooMany(wait) }) })
    return withHeaders(page(status, body), retryAfter(wait))
  }

  async #signedIn(request: HttpRequest, interaction: Interaction, user: User): Promise<HttpResponse> {
    return goOn(interaction, await this.#parts.sessions.start(request, user))
  }
}

/** Back to the request; after applications of another session that ended had their time to learn of it in frames (Front-Channel Logout §3). */
function goOn(interaction: Interaction, { cookie, frames }: SessionChange): HttpResponse {
  const { returnTo } = interaction
  if (frames.length === 0) return withHeaders(seeOther(returnTo), { 'set-cookie': cookie })
  const response = page(200, SwitchedPage({ interaction, frames }), frameSources(frames))
  return withHeaders(response, { 'set-cookie': cookie, refresh: `${FRAME_TIME}; url=${returnTo}` })
}

/** A decision is that of the person to whom the page was shown, and about what it showed. */
function contextOf({ id }: Interaction, shown: Shown, session?: SignedIn): string {
  return JSON.stringify([id, shown, shown === 'consent' || shown === 'select_account' ? session?.id : null])
}
