import type { AuthorizationServer, HttpRequest, Kind, Session } from 'grantor'
import { readCookie } from 'grantor'
import type { User } from './users.ts'

/** Seconds until the person must sign in again. */
const LIFETIME = 12 * 3600

interface SessionRecord {
  subject: string
  name: string
  authTime: number
}

/** Who is signed in, with what the pages show of them. */
export interface SignedIn extends Session {
  name: string
}

const SESSION: Kind<SessionRecord> = 'session'

/** Browser sessions: a random cookie, of which the store knows only the keyed hash. */
export class Sessions {
  readonly #server: AuthorizationServer

  constructor(server: AuthorizationServer) {
    this.#server = server
  }

  async find(request: HttpRequest): Promise<SignedIn | undefined> {
    const cookie = readCookie(request, this.#cookieName())
    const found = cookie === undefined ? undefined : await this.#server.opaque.find(SESSION, cookie)
    return found && { id: found.id, ...found.value }
  }

  /** A new session at every sign-in, so that none that was planted before is ever signed in. @returns the cookie */
  async start(request: HttpRequest, { subject, name }: User): Promise<string> {
    await this.end(request)
    const now = this.#server.now()
    const { token, id, secretHash } = await this.#server.opaque.mint(SESSION)
    await this.#server.store.artifacts.insert({
      kind: SESSION,
      id,
      secretHash,
      value: { subject, name, authTime: now },
      expiresAt: now + LIFETIME
    })
    return this.#cookie(token, LIFETIME)
  }

  /** @returns the cookie that forgets it */
  async end(request: HttpRequest): Promise<string> {
    const session = await this.find(request)
    if (session) await this.#server.store.artifacts.delete(SESSION, session.id)
    return this.#cookie('', 0)
  }

  #cookieName(): string {
    return this.#isSecure() ? '__Host-grantor-session' : 'grantor-session'
  }

  #cookie(value: string, maxAge: number): string {
    return `${this.#cookieName()}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAge}${this.#isSecure() ? '; Secure' : ''}`
  }

  #isSecure(): boolean {
    return this.#server.settings.issuer.startsWith('https:')
  }
}
