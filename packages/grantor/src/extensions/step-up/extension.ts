import { LoginRequiredError, UnmetAuthenticationRequirementsError } from '../../errors.ts'
import type { Extension } from '../../extension.ts'
import type { InteractionCheck } from '../../interactions/checks.ts'
import { refuseUnknown } from '../../setting-rules.ts'

/** What sign-ins here can reach. */
export interface StepUpOptions {
  /** The authentication context class references that your pages know, for the metadata; a request for others only is refused at once. */
  acrValues: readonly string[]
}

/**
 * What an API asks of the sign-in reaches it (RFC 9470): `acr_values` of an authorization request, with and without OpenID Connect, must be
 * met. `max_age` is every server's, and so are `acr` and `auth_time` of tokens.
 * @throws ConfigurationError if an option is unknown
 */
export function stepUp({ acrValues, ...unknown }: StepUpOptions): Extension {
  refuseUnknown(Object.keys(unknown), ['acrValues'], 'stepUp')
  return () => ({
    metadata: { acr_values_supported: acrValues },
    interactionChecks: [ACR_VALUES],
    async validateAuthorizationRequest({ acrValues: wanted }) {
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
    const { acrValues: wanted } = request
    if (!session || wanted.length === 0 || (session.acr !== undefined && wanted.includes(session.acr))) return false
    // RFC 9470 §5: who signed in anew and did not reach it is not asked for ever.
    if (freshLogin) throw new UnmetAuthenticationRequirementsError()
    return true
  }
}
