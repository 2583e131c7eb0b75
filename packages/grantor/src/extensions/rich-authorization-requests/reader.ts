import { InvalidAuthorizationDetailsError } from '../../errors.ts'
import { AUTHORIZATION_DETAILS, type AuthorizationDetail } from '../../models/authorization-detail.ts'
import type { Client } from '../../models/client.ts'
import { isDeeper } from '../../models/nesting.ts'
import { isRecord } from '../../setting-rules.ts'
import { storableJson } from '../../stores/storable.ts'
import { isEqual, keepsFields } from './comparison.ts'
import type { AuthorizationDetailType } from './options.ts'
import { pathOf, type SchemaIssue } from './standard-schema.ts'

/** Characters. */
const MAX_LENGTH = 16_384
const MAX_DETAILS = 20
const MAX_DEPTH = 10
const MAX_ISSUES = 10

/** Reads `authorization_details`, and judges each by its type (RFC 9396 §5, §8). */
export class AuthorizationDetailsReader {
  readonly #types: ReadonlyMap<string, AuthorizationDetailType>

  constructor(types: ReadonlyMap<string, AuthorizationDetailType>) {
    this.#types = types
  }

  /** @throws InvalidAuthorizationDetailsError */
  async read(text: string, client: Client): Promise<readonly AuthorizationDetail[]> {
    if (text.length > MAX_LENGTH)
      throw new InvalidAuthorizationDetailsError(`${AUTHORIZATION_DETAILS} is longer than ${MAX_LENGTH} characters`)
    return this.judge(parse(text), client)
  }

  /** @throws InvalidAuthorizationDetailsError */
  async judge(values: unknown, client: Client): Promise<readonly AuthorizationDetail[]> {
    if (!Array.isArray(values) || values.length === 0 || values.length > MAX_DETAILS)
      throw new InvalidAuthorizationDetailsError(`${AUTHORIZATION_DETAILS} is a JSON array with 1 to ${MAX_DETAILS} objects`)
    const details: AuthorizationDetail[] = []
    for (const [i, value] of values.entries()) {
      const where = `${AUTHORIZATION_DETAILS}[${i}]`
      const detail = await this.#detail(value, where, client)
      // Twice the same could mean one or two of it.
      if (details.some((other) => isEqual(other, detail))) throw new InvalidAuthorizationDetailsError(`${where} is there twice`)
      details.push(detail)
    }
    return details
  }

  /** Without those that are not known here any more, or not for this client. */
  still(details: readonly AuthorizationDetail[], client: Client): readonly AuthorizationDetail[] {
    return details.filter(({ type }) => this.#types.has(type) && isFor(client, type))
  }

  async #detail(value: unknown, where: string, client: Client): Promise<AuthorizationDetail> {
    if (!isRecord(value) || typeof value.type !== 'string')
      throw new InvalidAuthorizationDetailsError(`${where} is not an object with a type`)
    const { type: name } = value
    const type = this.#types.get(name)
    if (!type || !isFor(client, name))
      throw new InvalidAuthorizationDetailsError(`${where} has a type that is not known here, or not for this client`, {
        detail: { received: name.slice(0, 200), registered: client.authorization_details_types }
      })
    if (isDeeper(value, MAX_DEPTH)) throw new InvalidAuthorizationDetailsError(`${where} has more than ${MAX_DEPTH} levels`)
    const result = await type.schema['~standard'].validate(value)
    if (result.issues) throw nonconforming(where, name, result.issues)
    // RFC 9396 §5: "is an object of known type but containing unknown fields": a schema may leave out what it does not know.
    if (!isRecord(result.value) || !keepsFields(value, result.value))
      throw new InvalidAuthorizationDetailsError(`${where} has a field that its type does not know`, { detail: { type: name } })
    return { ...stored(result.value, where), type: name }
  }
}

function isFor({ authorization_details_types: allowed }: Client, type: string): boolean {
  return allowed?.includes(type) ?? true
}

function nonconforming(where: string, type: string, issues: readonly SchemaIssue[]): InvalidAuthorizationDetailsError {
  const told = issues.slice(0, MAX_ISSUES)
  const paths = [...new Set(told.map(pathOf).filter((path) => path !== ''))].join(', ').slice(0, 500)
  return new InvalidAuthorizationDetailsError(`${where} is not what its type says${paths && `: ${paths}`}`, {
    detail: { type, faults: told.map(({ message }) => message.slice(0, 200)) }
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new InvalidAuthorizationDetailsError(`${AUTHORIZATION_DETAILS} is not JSON`, { cause })
  }
}

/** As it will come out of the store and stand in tokens: a date, say, is a text there. */
function stored(value: unknown, where: string): object {
  try {
    return JSON.parse(storableJson(value)) as object
  } catch (cause) {
    throw new InvalidAuthorizationDetailsError(`${where} has NUL or half of a surrogate pair in it`, { cause })
  }
}
