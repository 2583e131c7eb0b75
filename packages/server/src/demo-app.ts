import { type HttpRequest, type HttpResponse, type Responder, readCookie, seeOther } from 'grantor'
import * as oidc from 'openid-client'
import { discovery } from './demo-discovery.ts'
import { DemoPage } from './pages/demo.tsx'
import { page, withHeaders } from './pages/page.ts'

const COOKIE = 'grantor-demo'
const PATH = '/demo'
export const DEMO_APP = 'demo-app'
export const DEMO_SCOPE = 'openid profile email phone address offline_access'

/** What the application remembers while the person is away. */
interface Journey {
  verifier: string
  state: string
  nonce: string
}

/** An application that signs people in at this server, as any other would: through its public endpoints, with openid-client. For `grantor dev`. */
export class DemoApp implements Responder {
  readonly #issuer: string
  readonly #discovered: () => Promise<oidc.Configuration>

  constructor(issuer: string) {
    this.#issuer = issuer
    this.#discovered = discovery(issuer, DEMO_APP)
  }

  async respond(request: HttpRequest): Promise<HttpResponse | undefined> {
    const { pathname } = new URL(request.url, this.#issuer)
    if (request.method !== 'GET' || (pathname !== PATH && pathname !== `${PATH}/callback`)) return undefined
    return pathname === PATH ? this.#begin() : this.#finish(request).catch((error: unknown) => this.#failed(error))
  }

  async #begin(): Promise<HttpResponse> {
    const journey: Journey = { verifier: oidc.randomPKCECodeVerifier(), state: oidc.randomState(), nonce: oidc.randomNonce() }
    const url = oidc.buildAuthorizationUrl(await this.#discovered(), {
      redirect_uri: `${this.#issuer}${PATH}/callback`,
      scope: DEMO_SCOPE,
      code_challenge: await oidc.calculatePKCECodeChallenge(journey.verifier),
      code_challenge_method: 'S256',
      state: journey.state,
      nonce: journey.nonce
    })
    const value = Buffer.from(JSON.stringify(journey)).toString('base64url')
    return withHeaders(seeOther(url.href), { 'set-cookie': this.#cookie(value, 1800) })
  }

  async #finish(request: HttpRequest): Promise<HttpResponse> {
    const cookie = readCookie(request, COOKIE)
    if (cookie === undefined) return seeOther(PATH)
    const { verifier, state, nonce } = JSON.parse(Buffer.from(cookie, 'base64url').toString()) as Journey
    const configuration = await this.#discovered()
    const tokens = await oidc.authorizationCodeGrant(configuration, new URL(request.url, this.#issuer), {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true
    })
    const claims = tokens.claims()
    const userinfo = await oidc.fetchUserInfo(configuration, tokens.access_token, claims?.sub ?? '')
    const signOut = configuration.serverMetadata().end_session_endpoint
      ? oidc.buildEndSessionUrl(configuration, { id_token_hint: tokens.id_token ?? '', post_logout_redirect_uri: this.#issuer }).href
      : undefined
    const response = page(200, DemoPage({ claims: claims ?? {}, userinfo, hasRefreshToken: tokens.refresh_token !== undefined, signOut }))
    return withHeaders(response, { 'set-cookie': this.#cookie('', 0) })
  }

  #failed(error: unknown): HttpResponse {
    const { message, error: code } = error as { message?: string; error?: string }
    return withHeaders(page(400, DemoPage({ fault: code ?? message ?? 'the sign-in failed' })), { 'set-cookie': this.#cookie('', 0) })
  }

  #cookie(value: string, maxAge: number): string {
    return `${COOKIE}=${value}; Path=${PATH}; HttpOnly; SameSite=Lax; Max-Age=${maxAge}`
  }
}
