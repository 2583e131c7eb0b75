import type { Params } from 'grantor'
import { isEmail } from './claims.ts'
import type { LoginLimiter } from './login-limiter.ts'
import { loginFault, passwordFault, type User, type Users } from './users.ts'

/** What a person types to get an account. */
export interface Account {
  name: string
  login: string
  /** Empty: none. */
  email: string
  password: string
}

/** What is wrong with it, in words for the person. */
export type AccountFaults = Partial<Record<keyof Account, string>>

/** The new user, or the status of the page that says why there is none. `wait`: seconds until the next attempt. */
export type SignUpOutcome = { user: User } | { user?: never; status: number; faults: AccountFaults; wait?: number }

const MAX_NAME = 200

/** Accounts that people make for themselves. */
export class SignUp {
  readonly #users: Users
  readonly #limiter: LoginLimiter

  constructor(users: Users, limiter: LoginLimiter) {
    this.#users = users
    this.#limiter = limiter
  }

  /** Who asks whether a name is taken is told, as it cannot be otherwise; so the asking is limited, for each address. */
  async create({ name, login, email, password }: Account, address: string | undefined): Promise<SignUpOutcome> {
    const faults = faultsOf({ name, login, email, password })
    if (Object.keys(faults).length > 0) return { status: 400, faults }
    const wait = await this.#limiter.reserveSignUp(address)
    if (wait > 0) return { status: 429, faults: {}, wait }
    const user = await this.#users.create({ login, password, claims: { name, ...(email !== '' && { email, email_verified: false }) } })
    return user ? { user } : { status: 409, faults: { login: 'Somebody has this name already. Choose another one.' } }
  }
}

/** The fields of the form, without spaces around them; the password as it is. */
export function readAccount(form: Params): Account {
  const field = (name: string) => (form.get(name) ?? '').trim()
  return { name: field('name'), login: field('login'), email: field('email'), password: form.get('password') ?? '' }
}

function faultsOf({ name, login, email, password }: Account): AccountFaults {
  const faults = {
    name: name === '' ? 'Say what to call you.' : name.length > MAX_NAME ? `At most ${MAX_NAME} characters.` : undefined,
    login: sentence(loginFault(login)),
    email: email === '' || isEmail(email) ? undefined : 'This is not an e-mail address.',
    password: sentence(passwordFault(password))
  }
  return Object.fromEntries(Object.entries(faults).filter(([, fault]) => fault !== undefined))
}

function sentence(fault: string | undefined): string | undefined {
  return fault && `${fault.charAt(0).toUpperCase()}${fault.slice(1)}.`
}
