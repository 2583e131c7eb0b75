import { ConfigurationError } from '../../errors.ts'
import type { AuthorizationDetail } from '../../models/authorization-detail.ts'
import { checkValues, flag, isRecord, refuseUnknown, type SettingRule } from '../../setting-rules.ts'
import type { StandardSchemaV1 } from './standard-schema.ts'

/** What a person reads of one detail: plain text, never markup. */
export interface DetailDescription {
  title: string
  lines?: readonly string[]
}

/** What the details of one type are, and what is done with them. */
export interface AuthorizationDetailType {
  /**
   * What a whole detail is, its `type` included; what it makes of one is kept. The same must come of the same, since a request is judged again
   * after each page. A field that does not come out of it is an unknown one, and refused (RFC 9396 §5).
   */
  schema: StandardSchemaV1
  /** What the consent page says of it, in the first of these languages that you have. Default: the type, and a line for each field. */
  describe?(detail: AuthorizationDetail, locales?: readonly string[]): DetailDescription
  /** Whether one that is asked for at the token endpoint is no more than one that was granted (§6.1). Default: it is the same. */
  isWithin?(detail: AuthorizationDetail, granted: AuthorizationDetail): boolean
  /** True: what the person allowed before, to this client, is not asked about again while the grant lives. Default false: each request is. */
  remembered?: boolean
}

/** The types that are known here, by name. */
export type AuthorizationDetailTypes = Readonly<Record<string, AuthorizationDetailType>>

/** How rich authorization requests are taken. */
export interface RichAuthorizationRequestOptions {
  types: AuthorizationDetailTypes
}

const aFunction: SettingRule = (value) => (typeof value === 'function' ? undefined : 'a function')

const RULES: Readonly<Record<keyof AuthorizationDetailType, SettingRule>> = {
  schema: (value) =>
    typeof (value as Partial<StandardSchemaV1> | undefined)?.['~standard']?.validate === 'function'
      ? undefined
      : 'a schema with the Standard Schema interface',
  describe: aFunction,
  isWithin: aFunction,
  remembered: flag
}

/** @throws ConfigurationError if there is no type, or one cannot work. */
export function checkTypes(options: RichAuthorizationRequestOptions): ReadonlyMap<string, AuthorizationDetailType> {
  const where = 'richAuthorizationRequests'
  refuseUnknown(Object.keys(options), ['types'], where)
  const types = Object.entries(isRecord(options.types) ? options.types : {}) as [string, AuthorizationDetailType][]
  if (types.length === 0) throw new ConfigurationError(`${where}: types is an object with at least one type`)
  for (const [name, type] of types) {
    if (!isRecord(type)) throw new ConfigurationError(`${where}: ${name} is an object`)
    refuseUnknown(Object.keys(type), Object.keys(RULES), `${where}: ${name}`)
    checkValues({ ...type, schema: type.schema ?? null }, RULES, `${where}: ${name}`)
  }
  return new Map(types)
}
