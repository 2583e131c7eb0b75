import { DEVICE_GRANT_TYPE, type HttpRequest, type HttpResponse, type Responder, readCookie } from 'grantor'
import * as oidc from 'openid-client'
import { discovery } from './demo-discovery.ts'
import { DemoDevicePage } from './pages/demo-device.tsx'
import { page, withHeaders } from './pages/page.ts'

const COOKIE = 'grantor-demo-device'
const PATH = '/demo/device'
export const DEMO_DEVICE = 'demo-device'
export const DEMO_DEVICE_SCOPE = 'openid profile'
const WAITING = ['authorization_pending', 'slow_down']
/** Seconds: RFC 8628 §3.5. */
const SLOWER = 5

type Codes = oidc.DeviceAuthorizationResponse

/** A device that wants access, as a page: its cookie is its memory, and each reload one poll. For `grantor dev`. */
export class DemoDevice implements Responder {
  readonly #issuer: string
  readonly #discovered: () => Promise<oidc.Configuration>

  constructor(issuer: string) {
    this.#issuer = issuer
    this.#discovered = discovery(issuer, DEMO_DEVICE)
  }

  async respond(request: HttpRequest): Promise<HttpResponse | undefined> {
    const { pathname } = new URL(request.url, this.#issuer)
    if (request.method !== 'GET' || pathname !== PATH) return undefined
    return this.#answer(request).catch((error: unknown) => this.#failed(error))
  }

  async #answer(request: HttpRequest): Promise<HttpResponse> {
    const cookie = readCookie(request, COOKIE)
    return cookie === undefined ? this.#begin() : this.#poll(JSON.parse(Buffer.from(cookie, 'base64url').toString()) as Codes)
  }

  async #begin(): Promise<HttpResponse> {
    return this.#wait(await oidc.initiateDeviceAuthorization(await this.#discovered(), { scope: DEMO_DEVICE_SCOPE }))
  }

  async #poll(codes: Codes): Promise<HttpResponse> {
    try {
      const { device_code } = codes
      const tokens = await oidc.genericGrantRequest(await this.#discovered(), DEVICE_GRANT_TYPE, { device_code })
      return this.#forget(200, DemoDevicePage({ claims: tokens.claims() ?? {} }))
    } catch (error) {
      const { error: code } = error as { error?: string }
      if (code === undefined || !WAITING.includes(code)) throw error
      return this.#wait(code === 'slow_down' ? { ...codes, interval: (codes.interval ?? 0) + SLOWER } : codes)
    }
  }

  #wait(codes: Codes): HttpResponse {
    const { expires_in, interval = SLOWER } = codes
    const value = Buffer.from(JSON.stringify(codes)).toString('base64url')
    const headers = { 'set-cookie': this.#cookie(value, expires_in), refresh: `${interval}; url=${PATH}` }
    return withHeaders(page(200, DemoDevicePage({ codes })), headers)
  }

  #failed(error: unknown): HttpResponse {
    const { message, error: code } = error as { message?: string; error?: string }
    return this.#forget(400, DemoDevicePage({ fault: code ?? message ?? 'it failed' }))
  }

  #forget(status: number, body: ReturnType<typeof DemoDevicePage>): HttpResponse {
    return withHeaders(page(status, body), { 'set-cookie': this.#cookie('', 0) })
  }

  #cookie(value: string, maxAge: number): string {
    return `${COOKIE}=${value}; Path=${PATH}; HttpOnly; SameSite=Lax; Max-Age=${maxAge}`
  }
}
