import type { AuthorizationServer, HttpRequest, HttpResponse, Interaction, Params, Responder } from 'grantor'
import { html, InvalidRequestError, OAuthError, readForm, seeOther } from 'grantor'
import type { FC } from 'hono/jsx'
import type { LoginLimiter } from './login-limiter.ts'
import { AccountPage, ConsentPage, ErrorPage, HomePage, LoginPage } from './pages/pages.tsx'
import { STYLE } from './pages/style.ts'
import type { Sessions } from './sessions.ts'
import type { Users } from './users.ts'

const INTERACTION = /^\/interaction\/([\w-]{24})$/
const CSRF = 'csrf'

/** A page of ours: styles from here, images from where clients keep their logos, no script at all. */
export function page(status: number, body: ReturnType<FC>): HttpResponse {
  // No form-action: browsers apply it to the redirects that follow the form, which lead to the client.
  return html(status, `<!doctype html>${body}`, "style-src 'self'; img-src https: data:")
}

/** The pages for people: sign in, consent, choose an account, sign out. They work without scripts. */
export class PagesResponder implements Responder {
  readonly #server: AuthorizationServer
  readonly #users: Users
  readonly #sessions: Sessions
  readonly #limiter: LoginLimiter

  constructor(server: AuthorizationServer, parts: { users: Users; sessions: Sessions; limiter: LoginLimiter }) {
    this.#server = server
    this.#users = parts.users
    this.#sessions = parts.sessions
    this.#limiter = parts.limiter
  }

  async respond(request: HttpRequest): Promise<HttpResponse | undefined> {
    const route = this.#route(request)
    if (!route) return undefined
    const requestId = request.id ?? this.#server.crypto.random(9)
    const response = await route().catch((cause: unknown) => this.#failure(cause, requestId))
    return { ...response, headers: { ...response.headers, 'x-request-id': requestId } }
  }

  #route(request: HttpRequest): (() => Promise<HttpResponse>) | undefined {
    const path = request.url.split('?')[0] ?? ''
    const id = INTERACTION.exec(path)?.[1]
    const key = `${request.method} ${id === undefined ? path : '/interaction'}`
    const routes: Record<string, () => Promise<HttpResponse>> = {
      'GET /': () => this.#home(request),
      'GET /assets/style.css': async () => STYLE_SHEET,
      'POST /sign-out': () => this.#signOut(request),
      'GET /interaction': () => this.#show(request, id ?? ''),
      'POST /interaction': () => this.#submit(request, id ?? '')
    }
    return Object.hasOwn(routes, key) ? routes[key] : undefined
  }

  async #home(request: HttpRequest): Promise<HttpResponse> {
    const session = await this.#sessions.find(request)
    const csrf = session ? await this.#csrf(session.id) : ''
    return page(
      200,
      HomePage({ issuer: this.#server.settings.issuer, metadata: this.#server.endpoint('metadata'), name: session?.name, csrf })
    )
  }

  async #signOut(request: HttpRequest): Promise<HttpResponse> {
    const session = await this.#sessions.find(request)
    if (session) await this.#form(request, session.id)
    return withCookie(seeOther('/'), await this.#sessions.end(request))
  }

  async #show(request: HttpRequest, id: string): Promise<HttpResponse> {
    const interaction = await this.#server.interactions.find(request, id)
    return this.#page(interaction, request, await this.#csrf(id))
  }

  async #page(interaction: Interaction, request: HttpRequest, csrf: string): Promise<HttpResponse> {
    const session = await this.#sessions.find(request)
    if (interaction.prompt === 'login' || !session) return page(200, LoginPage({ interaction, csrf }))
    const Page = interaction.prompt === 'select_account' ? AccountPage : ConsentPage
    return page(200, Page({ interaction, csrf, name: session.name }))
  }

  async #submit(request: HttpRequest, id: string): Promise<HttpResponse> {
    const interaction = await this.#server.interactions.find(request, id)
    const form = await this.#form(request, id)
    const session = await this.#sessions.find(request)
    const back = seeOther(interaction.returnTo)
    switch (form.get('decision') ?? 'login') {
      case 'deny':
        await this.#server.interactions.resolve(request, id, { denied: true })
        return back
      case 'switch':
        return withCookie(back, await this.#sessions.end(request))
      case 'allow':
        if (session)
          await this.#server.interactions.resolve(request, id, { consent: { subject: session.subject, scope: interaction.scope } })
        return back
      case 'continue':
        if (session) await this.#server.interactions.resolve(request, id, { account: { subject: session.subject } })
        return back
      default:
        return this.#login(request, interaction, form)
    }
  }

  async #login(request: HttpRequest, interaction: Interaction, form: Params): Promise<HttpResponse> {
    const login = form.get('login') ?? ''
    const attempt = await this.#limiter.reserve(login, request.remote?.address)
    if (attempt.wait > 0)
      return this.#tryAgain(interaction, login, 429, `Too many attempts. Try again in ${Math.ceil(attempt.wait / 60)} min.`, attempt.wait)
    const user = await this.#users.authenticate(login, form.get('password') ?? '')
    if (!user) return this.#tryAgain(interaction, login, 401, 'The name or the password is wrong.')
    await attempt.succeeded()
    return withCookie(seeOther(interaction.returnTo), await this.#sessions.start(request, user))
  }

  async #tryAgain(interaction: Interaction, login: string, status: number, fault: string, wait?: number): Promise<HttpResponse> {
    const response = page(status, LoginPage({ interaction, csrf: await this.#csrf(interaction.id), fault, login }))
    return wait === undefined ? response : { ...response, headers: { ...response.headers, 'retry-after': String(wait) } }
  }

  /** The fields of a form that one of our own pages sent. `context`: what the page was about, which only this browser may see. */
  async #form(request: HttpRequest, context: string): Promise<Params> {
    const form = await readForm(request)
    if (!this.#isOwnOrigin(request) || !(await this.#server.secrets.matches(CSRF, context, form.get(CSRF) ?? ''))) {
      throw new InvalidRequestError('this form did not come from its own page; go back and try again', { status: 403 })
    }
    return form
  }

  /** Under `Referrer-Policy: no-referrer` a browser sends `Origin: null` with our own forms; then only its Sec-Fetch-Site vouches for them. */
  #isOwnOrigin({ headers }: HttpRequest): boolean {
    const origin = headers.get('origin')
    const site = headers.get('sec-fetch-site')
    if (site !== null && site !== 'same-origin' && site !== 'none') return false
    return origin === null || origin === new URL(this.#server.settings.issuer).origin || (origin === 'null' && site === 'same-origin')
  }

  #csrf(context: string): Promise<string> {
    return this.#server.secrets.hash(CSRF, context)
  }

  #failure(cause: unknown, requestId: string): HttpResponse {
    const known = cause instanceof OAuthError
    const { error, message, status, headers } = known
      ? cause
      : { error: 'server_error', message: 'something broke here', status: 500, headers: {} }
    if (known) this.#server.report(cause, { endpoint: 'pages', requestId })
    else this.#server.emit('request.failed', { endpoint: 'pages', error, status, reason: message, cause }, requestId)
    const response = page(status, ErrorPage({ error, description: message, requestId }))
    return { ...response, headers: { ...response.headers, ...headers } }
  }
}

const STYLE_SHEET: HttpResponse = {
  status: 200,
  headers: { 'content-type': 'text/css; charset=utf-8', 'cache-control': 'public, max-age=3600', 'x-content-type-options': 'nosniff' },
  body: STYLE
}

function withCookie(response: HttpResponse, cookie: string): HttpResponse {
  return { ...response, headers: { ...response.headers, 'set-cookie': cookie } }
}
