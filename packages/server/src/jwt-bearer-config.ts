import { jwtBearer } from 'grantor'
import { z } from 'zod'
import { TrustedIssuerConfig } from './trusted-issuer-config.ts'

const AssertionIssuerConfig = TrustedIssuerConfig.extend({
  clients: z.array(z.string()),
  scope: z.string().exactOptional(),
  refreshToken: z.boolean().exactOptional()
})

/** `JwtBearerOptions`, as far as JSON can say them; what an issuer may be is the library's to judge. */
export const JwtBearerConfig = z.strictObject({ issuers: z.array(AssertionIssuerConfig).default([]) }).superRefine((options, context) => {
  try {
    jwtBearer({ issuers: options.issuers.map(({ loginClaim: _claim, ...issuer }) => ({ ...issuer, subjectOf: async () => undefined })) })
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message })
  }
})
