import { ConsentRequiredError } from '../../errors.ts'
import { hasConsented, type InteractionCheck } from '../../interactions/checks.ts'
import { grantedResources } from '../../models/grant.ts'
import { defaultAudience, type KnownResources, scopeAt } from '../../models/resource.ts'
import { isWithin } from '../../models/scope.ts'

/** RFC 8707 §2.1: what the person allowed at one resource, nobody may do at another. */
export function newResource(known: KnownResources): InteractionCheck {
  return {
    reason: 'new_resource',
    prompt: 'consent',
    error: ConsentRequiredError,
    async isNeeded(situation) {
      const { request, details } = situation
      if (request.client.require_consent === false || hasConsented(situation)) return false
      const asked = grantedResources({ details }) ?? [defaultAudience(known)]
      const granted = await situation.granted()
      return asked.some((identifier) => {
        const grants = granted.filter((grant) => (grantedResources(grant) ?? [defaultAudience(known)]).includes(identifier))
        const agreed = grants.flatMap(({ scope }) => scope)
        return grants.length === 0 || !isWithin(scopeAt(request.scope, [identifier], known), agreed)
      })
    }
  }
}
