import { ConsentRequiredError } from '../../errors.ts'
import { hasConsented, type InteractionCheck } from '../../interactions/checks.ts'
import { grantedDetails } from '../../models/authorization-detail.ts'
import { isWithinGranted } from './comparison.ts'
import type { AuthorizationDetailType } from './options.ts'

/** RFC 9396 §4: "the AS will ask the user for consent to the requested access"; for a payment, say, each time. */
export function newAuthorizationDetails(types: ReadonlyMap<string, AuthorizationDetailType>): InteractionCheck {
  return {
    reason: 'new_authorization_details',
    prompt: 'consent',
    error: ConsentRequiredError,
    async isNeeded(situation) {
      const { request, details } = situation
      const asked = grantedDetails({ details })
      if (asked.length === 0 || request.client.require_consent === false || hasConsented(situation)) return false
      if (!asked.every(({ type }) => types.get(type)?.remembered)) return true
      const granted = (await situation.granted()).flatMap(grantedDetails)
      return !asked.every((detail) => isWithinGranted(detail, granted, types))
    }
  }
}
