import { randomUUID } from 'node:crypto'
import type { AuthorizationServer, Kind } from 'grantor'
import { hashPassword, verifyPassword } from './passwords.ts'

/** A person who may sign in. */
export interface User {
  /** Never changes and never used again; what clients see as `sub`. */
  subject: string
  login: string
  name: string
  passwordHash: string
}

const USER: Kind<User> = 'user'
const NEVER = 253_402_300_799

/** The people of one server, in its store. */
export class Users {
  readonly #server: AuthorizationServer
  // What a password is compared with when there is no such user, so that time does not tell.
  readonly #nobody: Promise<string> = hashPassword(randomUUID())

  constructor(server: AuthorizationServer) {
    this.#server = server
  }

  /** False: the name is taken. `password` of at least 8 characters. */
  async create({ login, name, password }: { login: string; name?: string; password: string }): Promise<boolean> {
    const id = canonicalLogin(login)
    if (id === '' || password.length < 8) throw new TypeError('a user has a login name and a password of at least 8 characters')
    const user: User = { subject: randomUUID(), login: id, name: name ?? login, passwordHash: await hashPassword(password) }
    return this.#server.store.artifacts.insert({ kind: USER, id, value: user, expiresAt: NEVER })
  }

  /** The user with this name and password; undefined if there is none, after the same work. */
  async authenticate(login: string, password: string): Promise<User | undefined> {
    const found = await this.#server.store.artifacts.find(USER, canonicalLogin(login), this.#server.now())
    const matches = await verifyPassword(found?.value.passwordHash ?? (await this.#nobody), password)
    return found && matches ? found.value : undefined
  }
}

/** Names that differ only in case or in how Unicode writes them are one (RFC 8265 §3.3). */
export function canonicalLogin(login: string): string {
  return login.trim().normalize('NFKC').toLowerCase().slice(0, 200)
}
