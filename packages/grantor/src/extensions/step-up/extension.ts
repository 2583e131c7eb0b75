import { InvalidRequestError, LoginRequiredError, UnmetAuthenticationRequirementsError } from '../../errors.ts'
import type { Extension } from '../../extension.ts'
import type { InteractionCheck } from '../../interactions/checks.ts'
import { parseScope } from '../../models/scope.ts'
import type { AuthorizationRequest } from '../../requests.ts'

const MAX_VALUES = 20

/** What sign-ins here can reach. */
export interface StepUpOptions {
  /** The authentication context class references that your pages know, for the metadata; a request for others only is refused at once. */
  acrValues: readonly string[]
}

/**
 * What an API asks of the sign-in reaches it (RFC 9470): `acr_values` of an authorization request, with and without OpenID Connect, must be
 * met. `max_age` is every server's, and so are `acr` and `auth_time` of tokens.
 */
export function stepUp({ acrValues }: StepUpOptions): Extension {
  return () => ({
    metadata: { acr_values_supported: acrValues },
    interactionChecks: [ACR_VALUES],
    async validateAuthorizationRequest(request) {
      const wanted = wantedBy(request)
      if (wanted.length > 0 && !wanted.some((acr) => acrValues.includes(acr)))
        throw new UnmetAuthenticationRequirementsError(undefined, { detail: { wanted, supported: acrValues } })
      return undefined
    }
  })
}

const ACR_VALUES: InteractionCheck = {
  reason: 'acr_values',
  prompt: 'login',
  error: LoginRequiredError,
  isNeeded({ request, session, freshLogin }) {
    const wanted = wantedBy(request)
    if (!session || wanted.length === 0 || (session.acr !== undefined && wanted.includes(session.acr))) return false
    // RFC 9470 §5: who signed in anew and did not reach it is not asked for ever.
    if (freshLogin) throw new UnmetAuthenticationRequirementsError()
    return true
  }
}

/** OpenID Connect Core §3.1.2.1: "a space-separated list of the Authentication Context Class Reference values". */
function wantedBy({ params, client }: AuthorizationRequest): readonly string[] {
  if (!params.has('acr_values')) return client.default_acr_values ?? []
  const wanted = parseScope(params.get('acr_values'), MAX_VALUES)
  if (!wanted) throw new InvalidRequestError(`acr_values is a list of at most ${MAX_VALUES} values`)
  return wanted
}
