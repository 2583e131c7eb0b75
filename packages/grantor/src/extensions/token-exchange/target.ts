import type { ServerContext } from '../../context.ts'
import { InvalidScopeError, InvalidTargetError } from '../../errors.ts'
import { mayAsk } from '../../models/resource.ts'
import { isWithin, parseScope } from '../../models/scope.ts'
import type { TokenRequest } from '../../requests.ts'
import type { ExchangeAllowance } from './options.ts'
import type { SubjectToken } from './subject-tokens.ts'

const MAX_TARGETS = 20

interface Bounds {
  subject: SubjectToken
  allowance: ExchangeAllowance
}

/**
 * Whom the new token is for: what `resource` and `audience` name together (RFC 8693 §2.1), or whom the subject token is for.
 * @throws InvalidTargetError
 */
export function audienceOf(server: ServerContext, { client, params }: TokenRequest, { subject, allowance }: Bounds): readonly string[] {
  const named = [...new Set([...params.all('resource'), ...params.all('audience')])]
  if (named.length > MAX_TARGETS) throw new InvalidTargetError(`more than ${MAX_TARGETS} targets`)
  const wanted = named.length > 0 ? named : subject.audience
  const allowed = [...subject.audience, ...(allowance.audience ?? [])]
  const refused = wanted.find((identifier) => !allowed.includes(identifier) || !mayAsk(identifier, client, server.settings))
  if (refused !== undefined)
    throw new InvalidTargetError('no token is issued for this target', { detail: { received: refused.slice(0, 200), allowed } })
  return wanted
}

/**
 * What the new token is good for.
 * @throws InvalidScopeError if it exceeds the subject token or the allowance, or if nothing is left.
 */
export function scopeOf({ client, params, scope }: TokenRequest, { subject, allowance }: Bounds): readonly string[] {
  const registered = parseScope(client.scope) ?? []
  const within = parseScope(allowance.scope) ?? []
  const own = subject.scope ?? within
  const allowed = own.filter((token) => registered.includes(token) && (allowance.scope === undefined || within.includes(token)))
  const wanted = params.has('scope') ? scope : allowed
  if (!isWithin(wanted, allowed) || (wanted.length === 0 && own.length > 0))
    throw new InvalidScopeError('the scope exceeds what the subject token may be exchanged for', { detail: { allowed } })
  return wanted
}
