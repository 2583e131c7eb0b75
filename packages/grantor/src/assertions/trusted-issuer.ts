import { keySetFault } from '../clients/key-set.ts'
import { httpsUrl } from '../clients/rules.ts'
import { PUBLIC_KEY_SIGNATURES } from '../crypto/algorithms.ts'
import { ConfigurationError } from '../errors.ts'
import type { JsonWebKeySet } from '../models/client.ts'
import { checkValues, defined, isRecord, listOf, oneOf, refuseUnknown, type SettingRule, text } from '../setting-rules.ts'

/** What a JWT of a trusted issuer says, when all that RFC 7523 §3 asks for was found right. `exp`: seconds since the epoch. */
export interface TrustedClaims {
  readonly iss: string
  readonly sub: string
  readonly exp: number
  readonly [claim: string]: unknown
}

/** Another server whose word on who somebody is counts here. */
export interface TrustedIssuer {
  /** The `iss` of its JWTs. */
  issuer: string
  /** Its public keys, or where they are; one of both. */
  jwks?: JsonWebKeySet
  jwksUri?: string
  /** JWS algorithms that it signs with. Default: every one for public keys. */
  algorithms?: readonly string[]
  /** Whom it means, by the name that grants of this server have; undefined: nobody here, or somebody who is locked. */
  subjectOf(claims: TrustedClaims): Promise<string | undefined>
}

const RULES: Readonly<Record<keyof TrustedIssuer, SettingRule>> = {
  issuer: text,
  jwks: keySetFault,
  jwksUri: httpsUrl,
  algorithms: listOf(oneOf(...PUBLIC_KEY_SIGNATURES)),
  subjectOf: (value) => (typeof value === 'function' ? undefined : 'a function')
}

/**
 * @param more rules for members besides those of every issuer, and which of them must be there
 * @throws ConfigurationError if an issuer cannot be trusted as it is described, or is there twice
 */
export function checkTrustedIssuers(
  issuers: unknown,
  where: string,
  more: { rules?: Readonly<Record<string, SettingRule>>; required?: readonly string[] } = {}
): void {
  if (!Array.isArray(issuers)) throw new ConfigurationError(`${where}: issuers is a list`)
  const rules = { ...RULES, ...more.rules }
  const required = ['issuer', 'subjectOf', ...(more.required ?? [])]
  issuers.forEach((issuer: unknown, index) => {
    const place = `${where}: issuer ${index + 1}`
    if (!isRecord(issuer)) throw new ConfigurationError(`${place} is an object`)
    refuseUnknown(Object.keys(issuer), Object.keys(rules), place)
    checkValues({ ...Object.fromEntries(required.map((name) => [name, null])), ...defined(issuer) }, rules, place)
    if ((issuer.jwks === undefined) === (issuer.jwksUri === undefined)) throw new ConfigurationError(`${place} has jwks or jwksUri`)
  })
  const names = issuers.map(({ issuer }: TrustedIssuer) => issuer)
  const repeated = names.find((name, index) => names.indexOf(name) < index)
  if (repeated !== undefined) throw new ConfigurationError(`${where}: ${repeated} is there twice`)
}
