import type { AuthorizationServer, HttpRequest, Kind, Session } from 'grantor'
import { cookieName, readCookie, setCookie } from 'grantor'
import { displayName, type User, type Users } from './users.ts'

/** How people prove who they are here: by a password and nothing else. */
export const ACR = 'urn:grantor:acr:password'
const AMR: readonly string[] = ['pwd']
/** Seconds until the person must sign in again. */
const LIFETIME = 12 * 3600

interface SessionRecord {
  /** What applications know it by, if it goes on with an earlier one. */
  sid?: string
  subject: string
  /** That of the user when it began. */
  generation: number
  authTime: number
}

/** Who is signed in, with what the pages show of them. */
export interface SignedIn extends Session {
  name: string
}

/** What the browser must be told: a cookie, and by which frames applications learn of a session that ended. */
export interface SessionChange {
  cookie: string
  frames: readonly string[]
}

const SESSION: Kind<SessionRecord> = 'session'
const COOKIE = 'grantor-session'

/** Browser sessions: a random cookie, of which the store knows only the keyed hash. */
export class Sessions {
  readonly #server: AuthorizationServer
  readonly #users: Users

  constructor(server: AuthorizationServer, users: Users) {
    this.#server = server
    this.#users = users
  }

  /** Undefined: nobody, or somebody who was disabled or deleted, or whose sessions were all ended. */
  async find(request: HttpRequest): Promise<SignedIn | undefined> {
    const session = await this.#load(request)
    const user = session && (await this.#users.find(session.value.subject))
    if (!user || user.disabled || user.generation !== session.value.generation) return undefined
    const { sid, subject, authTime } = session.value
    return { id: session.id, ...(sid !== undefined && { sid }), subject, authTime, acr: ACR, amr: AMR, name: displayName(user) }
  }

  /**
   * A new session at every sign-in, so that none that was planted before is ever signed in. For applications it goes on with the one
   * that the same person had; that of anybody else ends. @returns the cookie, and what the browser must load in frames for what ended
   */
  async start(request: HttpRequest, { subject, generation }: User): Promise<SessionChange> {
    const before = await this.#load(request)
    const goesOn = before?.value.subject === subject && before.value.generation === generation
    const frames = goesOn ? [] : (await this.end(request)).frames
    if (goesOn) await this.forget(request)
    const now = this.#server.now()
    const { token, id, secretHash } = await this.#server.opaque.mint(SESSION)
    await this.#server.store.artifacts.insert({
      kind: SESSION,
      id,
      secretHash,
      value: { ...(goesOn && { sid: sidOf(before) }), subject, generation, authTime: now },
      expiresAt: now + LIFETIME
    })
    return { cookie: this.#cookie(token, LIFETIME), frames }
  }

  /** With all that depends on it. @returns the cookie that forgets it, and what the browser must load in frames */
  async end(request: HttpRequest): Promise<SessionChange> {
    const session = await this.#load(request)
    const frames = session ? await this.#server.endSession({ id: sidOf(session), subject: session.value.subject }) : []
    return { cookie: await this.forget(request), frames }
  }

  /** The session alone. @returns the cookie that forgets it */
  async forget(request: HttpRequest): Promise<string> {
    const session = await this.#load(request)
    if (session) await this.#server.store.artifacts.delete(SESSION, session.id)
    return this.#cookie('', 0)
  }

  async #load(request: HttpRequest) {
    const cookie = readCookie(request, cookieName(this.#server.settings.issuer, COOKIE))
    return cookie === undefined ? undefined : this.#server.opaque.find(SESSION, cookie)
  }

  #cookie(value: string, maxAge: number): string {
    return setCookie(this.#server.settings.issuer, COOKIE, value, maxAge)
  }
}

function sidOf({ id, value }: { id: string; value: SessionRecord }): string {
  return value.sid ?? id
}
