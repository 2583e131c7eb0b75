import { randomUUID } from 'node:crypto'
import type { AuthorizationServer, Kind } from 'grantor'
import { type Claims, parseClaims, patchClaims } from './claims.ts'
import { EmailAddresses } from './email-addresses.ts'
import { hashPassword, MAX_PASSWORD, MIN_PASSWORD, verifyPassword } from './passwords.ts'

/** A person who may sign in. */
export interface User {
  /** Never changes and never used again; what clients see as `sub`. */
  subject: string
  /** In canonical form. */
  login: string
  claims: Claims
  /** True: cannot sign in. */
  disabled: boolean
  /** Grows when all sessions of the person end: one counts only with the number that it began with. */
  generation: number
  /** Grows with every change, so that of two at once none is lost. */
  revision: number
}

/** What a sign-in is judged by; kept under the login, so that a person may get another one and stay the same subject. */
interface Credential {
  subject: string
  passwordHash: string
}

const USER: Kind<User> = 'user'
const CREDENTIAL: Kind<Credential> = 'credential'
const NEVER = 253_402_300_799
const MAX_LOGIN = 200

/** The people of one server, in its store. */
export class Users {
  readonly #server: AuthorizationServer
  // What a password is compared with when there is no such user, so that time does not tell.
  readonly #nobody: Promise<string> = hashPassword(randomUUID())

  readonly #addresses: EmailAddresses<User>

  constructor(server: AuthorizationServer) {
    this.#server = server
    this.#addresses = new EmailAddresses(server, (subject) => this.find(subject))
  }

  /** Undefined: the name is taken. @throws TypeError if it, the password or the claims cannot be used. */
  async create({ login, password, claims = {} }: { login: string; password: string; claims?: Claims }): Promise<User | undefined> {
    const fault = loginFault(login) ?? passwordFault(password)
    if (fault !== undefined) throw new TypeError(fault)
    const { artifacts } = this.#server.store
    const subject = randomUUID()
    const user: User = {
      subject,
      login: canonicalLogin(login),
      claims: parseClaims({ updated_at: this.#server.now(), ...claims }),
      disabled: false,
      generation: 0,
      revision: 0
    }
    const credential: Credential = { subject, passwordHash: await hashPassword(password) }
    // In this order: what is left if the process dies in between is a record that nobody can reach, not a name that nobody can have.
    await artifacts.insert({ kind: USER, id: subject, value: user, expiresAt: NEVER })
    if (!(await artifacts.insert({ kind: CREDENTIAL, id: user.login, value: credential, expiresAt: NEVER }))) {
      await artifacts.delete(USER, subject)
      return undefined
    }
    await this.#addresses.note(user)
    return user
  }

  /** The user with this name and password; undefined if there is none or it is disabled, after the same work. */
  async authenticate(login: string, password: string): Promise<User | undefined> {
    const credential = await this.#credential(login)
    const matches = await verifyPassword(credential?.passwordHash ?? (await this.#nobody), password)
    const user = credential && matches ? await this.find(credential.subject) : undefined
    return user?.disabled ? undefined : user
  }

  async find(subject: string): Promise<User | undefined> {
    return (await this.#server.store.artifacts.find(USER, subject, this.#server.now()))?.value
  }

  async findByLogin(login: string): Promise<User | undefined> {
    const credential = await this.#credential(login)
    return credential && this.find(credential.subject)
  }

  /** By an address that is verified; undefined: it is nobody's. */
  findByEmail(address: string): Promise<User | undefined> {
    return this.#addresses.find(address)
  }

  /** In the order of `subject`, those after `after`. */
  async list(page: { limit: number; after?: string }): Promise<readonly User[]> {
    return (await this.#server.store.artifacts.list(USER, page, this.#server.now())).map(({ value }) => value)
  }

  /** Undefined: there is no such person any more, or they are disabled. */
  async claims(subject: string): Promise<Claims | undefined> {
    const user = await this.find(subject)
    return user?.disabled ? undefined : user?.claims
  }

  /** Replaces some claims as patchClaims does. Undefined: no such user. @throws TypeError if they cannot be used. */
  async updateClaims(subject: string, patch: unknown): Promise<User | undefined> {
    const now = this.#server.now()
    const user = await this.#change(subject, ({ claims }) => ({ claims: patchClaims({ ...claims, updated_at: now }, patch) }))
    if (user) await this.#addresses.note(user)
    return user
  }

  /** Ends every session and revokes every grant as well (RFC 9700 §4.14.2). False: no such user. @throws TypeError if it is too short or too long. */
  async setPassword(subject: string, password: string): Promise<boolean> {
    const fault = passwordFault(password)
    if (fault !== undefined) throw new TypeError(fault)
    const user = await this.find(subject)
    const patch = { passwordHash: await hashPassword(password) }
    if (!user || !(await this.#server.store.artifacts.update(CREDENTIAL, user.login, patch, { subject }, this.#server.now()))) return false
    return this.#expel(subject, {})
  }

  /** Nobody signs in as this person, every session ends, every grant is revoked. False: no such user. */
  disable(subject: string): Promise<boolean> {
    return this.#expel(subject, { disabled: true })
  }

  /** False: no such user. */
  async enable(subject: string): Promise<boolean> {
    return (await this.#change(subject, () => ({ disabled: false }))) !== undefined
  }

  /** As disable, for good; the name is free again, the subject never. False: no such user. */
  async delete(subject: string): Promise<boolean> {
    const user = await this.find(subject)
    // First, so that nothing of the person works if the process dies in between.
    if (!user || !(await this.disable(subject))) return false
    await this.#server.store.artifacts.delete(CREDENTIAL, user.login)
    return this.#server.store.artifacts.delete(USER, subject)
  }

  async #credential(login: string): Promise<Credential | undefined> {
    return (await this.#server.store.artifacts.find(CREDENTIAL, canonicalLogin(login), this.#server.now()))?.value
  }

  async #expel(subject: string, also: Partial<User>): Promise<boolean> {
    const user = await this.#change(subject, ({ generation }) => ({ ...also, generation: generation + 1 }))
    if (!user) return false
    await this.#server.endSessions(subject)
    await this.#server.store.grants.revoke({ subject }, this.#server.now())
    return true
  }

  async #change(subject: string, change: (user: User) => Partial<User>): Promise<User | undefined> {
    for (;;) {
      const user = await this.find(subject)
      if (!user) return undefined
      const { revision } = user
      const patch = { ...change(user), revision: revision + 1 }
      if (await this.#server.store.artifacts.update(USER, subject, patch, { revision }, this.#server.now())) return { ...user, ...patch }
    }
  }
}

/** What pages call the person. */
export function displayName({ claims, login }: User): string {
  return claims.name ?? login
}

/** Names that differ only in case or in how Unicode writes them are one (RFC 8265 §3.3). */
export function canonicalLogin(login: string): string {
  return login.trim().normalize('NFKC').toLowerCase().slice(0, MAX_LOGIN)
}

/** Why nobody can have this login; undefined if somebody can. */
export function loginFault(login: string): string | undefined {
  if (canonicalLogin(login) === '') return 'a user has a login name'
  if (login.trim().length > MAX_LOGIN) return `a login name has at most ${MAX_LOGIN} characters`
  // What cannot be seen would make two names look the same.
  return /[\p{C}\p{Zl}\p{Zp}]/u.test(login.trim()) ? 'a login name has visible characters only' : undefined
}

/** Why this cannot be a password; undefined if it can. */
export function passwordFault(password: string): string | undefined {
  if (password.length < MIN_PASSWORD) return `a password has at least ${MIN_PASSWORD} characters`
  return Buffer.byteLength(password) > MAX_PASSWORD ? `a password has at most ${MAX_PASSWORD} bytes` : undefined
}
