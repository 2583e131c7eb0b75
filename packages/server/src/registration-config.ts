import type { JsonWebKeySet, PolicyOverrides } from 'grantor'
import { z } from 'zod'

const names = z.array(z.string()).exactOptional()
// What is in them is the library's to judge.
const settings = z.custom<PolicyOverrides>((value) => value !== null && typeof value === 'object', 'expected an object')
const jwks = z.custom<JsonWebKeySet>((value) => Array.isArray((value as JsonWebKeySet | null)?.keys), 'expected a JWK set')

/** Who may register clients over the network, and what these may have: `DynamicRegistrationOptions`, as far as JSON can say it. */
export const RegistrationConfig = z.strictObject({
  access: z.enum(['open', 'initial-access-token']).default('initial-access-token'),
  allow: z.strictObject({ scopes: names, grantTypes: names, responseTypes: names, authMethods: names }).exactOptional(),
  settings: settings.exactOptional(),
  softwareStatements: z.array(z.strictObject({ issuer: z.string(), jwks, algorithms: names })).exactOptional(),
  requireSoftwareStatement: z.boolean().exactOptional(),
  /** Seconds. */
  unusedLifetime: z.number().exactOptional(),
  quota: z
    .union([z.literal(false), z.strictObject({ limit: z.number().exactOptional(), window: z.number().exactOptional() })])
    .exactOptional()
})
