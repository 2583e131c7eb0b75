import { listOf, type MetadataRule } from '../../clients/rules.ts'
import type { Extension } from '../../extension.ts'
import { absoluteUri, refuseUnknown } from '../../setting-rules.ts'
import { newResource } from './check.ts'
import { TargetRequests } from './target-requests.ts'

/** How resources are made known. */
export interface ResourceIndicatorOptions {
  /** The metadata lists the resources that have an https URL (`protected_resources`, RFC 9728 §4), for everybody to read. Default false. */
  advertised?: boolean
}

const identifier: MetadataRule = absoluteUri

/**
 * Clients say which API a token is for, and get it for that alone (RFC 8707). The APIs are those of `settings.resources`.
 * @throws ConfigurationError if an option is unknown
 */
export function resourceIndicators({ advertised = false, ...unknown }: ResourceIndicatorOptions = {}): Extension {
  refuseUnknown(Object.keys(unknown), ['advertised'], 'resourceIndicators')
  return (server) => {
    const targets = new TargetRequests(server)
    const published = server.settings.resources.map((resource) => resource.identifier).filter((uri) => uri.startsWith('https://'))
    return {
      ...(advertised && { metadata: { protected_resources: published } }),
      clientMetadata: { resources: listOf(identifier) },
      interactionChecks: [newResource(server.settings)],
      limitScope: (request) => targets.limitScope(request),
      async validateAuthorizationRequest(request) {
        const resource = targets.authorized(request)
        return resource && { resource }
      },
      limitTokenRequest: async (request, issuance) => targets.limit(request, issuance)
    }
  }
}
