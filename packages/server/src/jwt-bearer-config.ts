import { jwtBearer } from 'grantor'
import { z } from 'zod'
import { judgedBy } from './library-judged.ts'
import { TrustedIssuerConfig, unasked, withSubjects } from './trusted-issuer-config.ts'

const AssertionIssuerConfig = TrustedIssuerConfig.extend({
  clients: z.array(z.string()),
  scope: z.string().exactOptional(),
  refreshToken: z.boolean().exactOptional()
})

/** `JwtBearerOptions`, as far as JSON can say them; what an issuer may be is the library's to judge. */
export const JwtBearerConfig = z
  .strictObject({ issuers: z.array(AssertionIssuerConfig).default([]) })
  .superRefine(judgedBy(({ issuers }) => jwtBearer({ issuers: withSubjects(issuers, unasked) })))
