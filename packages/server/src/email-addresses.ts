import type { AuthorizationServer, Kind } from 'grantor'
import type { Claims } from './claims.ts'

const EMAIL_ADDRESS: Kind<{ subject: string }> = 'email_address'
const NEVER = 253_402_300_799

/** Somebody who may have one. */
interface Addressee {
  subject: string
  claims: Claims
}

/** Whom a verified address leads to. One that is not verified is only what somebody says of themselves, and leads to nobody. */
export class EmailAddresses<T extends Addressee> {
  readonly #server: AuthorizationServer
  readonly #find: (subject: string) => Promise<T | undefined>

  /** @param find the user as they are now */
  constructor(server: AuthorizationServer, find: (subject: string) => Promise<T | undefined>) {
    this.#server = server
    this.#find = find
  }

  /** Undefined: nobody's, or not verified. */
  async find(address: string): Promise<T | undefined> {
    const holder = await this.#holder(canonicalAddress(address))
    const user = holder === undefined ? undefined : await this.#find(holder)
    return user && addressOf(user) === canonicalAddress(address) ? user : undefined
  }

  /** Takes note of the user's address. Of two who have the same, it leads to the one who had it first. */
  async note(user: T): Promise<void> {
    const { artifacts } = this.#server.store
    const id = addressOf(user)
    const value = { subject: user.subject }
    if (id === undefined || (await artifacts.insert({ kind: EMAIL_ADDRESS, id, value, expiresAt: NEVER }))) return
    const subject = await this.#holder(id)
    // Whoever gave it up, or is gone, does not hold it any more.
    if (subject !== undefined && !(await this.find(id))) await artifacts.update(EMAIL_ADDRESS, id, value, { subject }, this.#server.now())
  }

  async #holder(id: string): Promise<string | undefined> {
    return (await this.#server.store.artifacts.find(EMAIL_ADDRESS, id, this.#server.now()))?.value.subject
  }
}

function addressOf({ claims: { email, email_verified } }: Addressee): string | undefined {
  return email !== undefined && email_verified === true ? canonicalAddress(email) : undefined
}

/** Few mail systems tell the cases apart (RFC 5321 §2.4), and nobody who types an address does. */
function canonicalAddress(address: string): string {
  return address.trim().normalize('NFC').toLowerCase()
}
