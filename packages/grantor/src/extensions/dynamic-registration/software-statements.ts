import { createLocalJWKSet, type JWK, type JWTPayload, jwtVerify } from 'jose'
import type { ServerContext } from '../../context.ts'
import { allowedOf, namesOf, PUBLIC_KEY_SIGNATURES } from '../../crypto/algorithms.ts'
import { InvalidSoftwareStatementError, UnapprovedSoftwareStatementError } from '../../errors.ts'
import type { SoftwareStatementIssuer } from './options.ts'

const MAX_LENGTH = 16_384

type Verify = (statement: string) => Promise<JWTPayload>

/** Software statements: metadata that somebody else vouches for (RFC 7591 §2.3). */
export class SoftwareStatements {
  readonly #server: ServerContext
  readonly #issuers: readonly Verify[]
  readonly #required: boolean

  constructor(server: ServerContext, issuers: readonly SoftwareStatementIssuer[], required: boolean) {
    this.#server = server
    this.#issuers = issuers.map((issuer) => verifier(server, issuer))
    this.#required = required
  }

  /**
   * What is asked for, with what its software statement says in place of what the client says.
   * @throws InvalidSoftwareStatementError, UnapprovedSoftwareStatementError
   */
  async applied(asked: Record<string, unknown>): Promise<Record<string, unknown>> {
    const { software_statement: statement } = asked
    if (statement === undefined) {
      if (this.#required) throw new InvalidSoftwareStatementError('a software_statement is required here')
      return asked
    }
    if (typeof statement !== 'string' || statement.length > MAX_LENGTH)
      throw new InvalidSoftwareStatementError('software_statement is a JWT')
    const claims = Object.fromEntries(Object.entries(await this.#verified(statement)).filter(([, claim]) => claim !== null))
    // RFC 7591 §2.3: "the values in the software statement MUST take precedence." In another language the same would be said otherwise.
    const own = Object.entries(asked).filter(([name]) => !Object.hasOwn(claims, name.split('#', 1)[0] ?? ''))
    return { ...Object.fromEntries(own), ...claims, software_statement: statement }
  }

  async #verified(statement: string): Promise<JWTPayload> {
    for (const verify of this.#issuers) {
      const claims = await verify(statement).catch(() => undefined)
      if (!claims) continue
      const { issuer } = this.#server.settings
      const audience = [claims.aud ?? issuer].flat()
      if (!audience.includes(issuer) && !audience.includes(this.#server.endpoint('registration')))
        throw new UnapprovedSoftwareStatementError('the software statement is for another server')
      return claims
    }
    throw new InvalidSoftwareStatementError('the software statement is not of an issuer that is trusted here, has expired or is forged')
  }
}

function verifier(server: ServerContext, { issuer, jwks, algorithms = PUBLIC_KEY_SIGNATURES }: SoftwareStatementIssuer): Verify {
  const keys = createLocalJWKSet({ keys: jwks.keys.map(underEitherName) })
  const accepted = allowedOf(algorithms.flatMap(namesOf), server.settings.allowedAlgorithms)
  return async (statement) => {
    const currentDate = new Date(server.now() * 1000)
    const options = { issuer, algorithms: [...accepted], clockTolerance: server.settings.clockSkew, currentDate }
    return (await jwtVerify(statement, keys, options)).payload
  }
}

/** jose compares names: a key whose algorithm has two must say none, and its curve says it all. */
function underEitherName(key: JWK): JWK {
  const { alg, ...unnamed } = key
  return alg !== undefined && namesOf(alg).length > 1 ? unnamed : key
}
