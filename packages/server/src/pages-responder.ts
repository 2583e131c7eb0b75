import type { AuthorizationServer, HttpRequest, HttpResponse, Responder } from 'grantor'
import { CIBA_GRANT_TYPE, DEVICE_GRANT_TYPE, frameSources, OAuthError, seeOther, withOpener } from 'grantor'
import { InteractionPages, type InteractionParts, type View } from './interaction-pages.ts'
import { page, withHeaders } from './pages/page.ts'
import { SignedOutPage, SignOutPage } from './pages/sign-out.tsx'
import { ErrorPage, HomePage } from './pages/site.tsx'
import { STYLE } from './pages/style.ts'
import { RequestPages } from './request-pages.ts'

const INTERACTION = /^\/interaction\/([\w-]{24})(?:\/(sign-in|sign-up))?$/
const REQUEST = /^\/requests\/([\w-]{24})$/

/** What the pages work with. `popups`: those of an interaction stay within reach of the window that opened them. */
export interface PagesParts extends InteractionParts {
  popups: boolean
}

/** The pages for people: sign in, create an account, consent, choose an account, sign out. They work without scripts. */
export class PagesResponder implements Responder {
  readonly #server: AuthorizationServer
  readonly #parts: PagesParts
  readonly #interactions: InteractionPages
  readonly #requests: RequestPages | undefined

  constructor(server: AuthorizationServer, parts: PagesParts) {
    this.#server = server
    this.#parts = parts
    this.#interactions = new InteractionPages(server, parts)
    this.#requests = server.hasGrantType(CIBA_GRANT_TYPE) ? new RequestPages(server, parts) : undefined
  }

  async respond(request: HttpRequest): Promise<HttpResponse | undefined> {
    const requestId = request.id ?? this.#server.crypto.random(9)
    const route = this.#route(request, requestId)
    if (!route) return undefined
    const response = await route().catch((cause: unknown) => this.#failure(cause, request, requestId))
    return withHeaders(response, { 'x-request-id': requestId })
  }

  #route(request: HttpRequest, requestId: string): (() => Promise<HttpResponse>) | undefined {
    const path = pathOf(request)
    const requests = this.#requests
    const [, decided] = REQUEST.exec(path) ?? []
    if (requests && decided !== undefined && request.method === 'POST') return () => requests.decide(request, decided, requestId)
    const [, id, view] = INTERACTION.exec(path) ?? []
    if (id !== undefined) return this.#interaction(request, id, (view as View | undefined) ?? 'asked')
    const routes: Record<string, () => Promise<HttpResponse>> = {
      'GET /': () => this.#home(request),
      'GET /assets/style.css': async () => STYLE_SHEET,
      'GET /sign-out': () => this.#confirmSignOut(request),
      'POST /sign-out': () => this.#signOut(request),
      'GET /signed-out': async () => page(200, SignedOutPage({})),
      ...(requests && { 'GET /requests': () => requests.show(request), 'POST /requests': () => requests.signIn(request) })
    }
    const key = `${request.method} ${path}`
    return Object.hasOwn(routes, key) ? routes[key] : undefined
  }

  #interaction(request: HttpRequest, id: string, view: View): (() => Promise<HttpResponse>) | undefined {
    if (view === 'sign-up' && !this.#parts.signUp) return undefined
    const shown = (response: HttpResponse) => (this.#parts.popups ? withOpener(response) : response)
    if (request.method === 'GET') return async () => shown(await this.#interactions.show(request, id, view))
    return request.method === 'POST' ? async () => shown(await this.#interactions.submit(request, id, view)) : undefined
  }

  async #home(request: HttpRequest): Promise<HttpResponse> {
    const session = await this.#parts.sessions.find(request)
    const { settings } = this.#server
    const device = this.#server.hasGrantType(DEVICE_GRANT_TYPE) ? this.#server.endpoint('device_verification') : undefined
    const links = { metadata: this.#server.endpoint('metadata'), device, requests: this.#requests && '/requests' }
    return page(200, HomePage({ issuer: settings.issuer, ...links, name: session?.name }))
  }

  async #confirmSignOut(request: HttpRequest): Promise<HttpResponse> {
    const session = await this.#parts.sessions.find(request)
    if (!session) return page(200, SignedOutPage({}))
    const fields = { csrf: await this.#parts.forms.csrf(session.id) }
    return page(200, SignOutPage({ name: session.name, action: '/sign-out', fields }))
  }

  async #signOut(request: HttpRequest): Promise<HttpResponse> {
    const session = await this.#parts.sessions.find(request)
    if (session) await this.#parts.forms.read(request, session.id)
    const { cookie, frames } = await this.#parts.sessions.end(request)
    const response = frames.length > 0 ? page(200, SignedOutPage({ frames }), frameSources(frames)) : seeOther('/signed-out')
    return withHeaders(response, { 'set-cookie': cookie })
  }

  #failure(cause: unknown, request: HttpRequest, requestId: string): HttpResponse {
    const known = cause instanceof OAuthError
    const { error, message, status, headers } = known
      ? cause
      : { error: 'server_error', message: 'something broke here', status: 500, headers: {} }
    if (known) this.#server.report(cause, { endpoint: 'pages', requestId })
    else this.#server.emit('request.failed', { endpoint: 'pages', error, status, reason: message, cause }, requestId)
    const heading = pathOf(request) === '/sign-out' ? 'Sign-out request rejected' : 'Request rejected'
    return withHeaders(page(status, ErrorPage({ heading, error, description: message, requestId })), headers)
  }
}

const STYLE_SHEET: HttpResponse = {
  status: 200,
  headers: { 'content-type': 'text/css; charset=utf-8', 'cache-control': 'public, max-age=3600', 'x-content-type-options': 'nosniff' },
  body: STYLE
}

function pathOf({ url }: HttpRequest): string {
  return url.split('?')[0] ?? ''
}
