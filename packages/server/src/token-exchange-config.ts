import { tokenExchange } from 'grantor'
import { z } from 'zod'
import { TrustedIssuerConfig } from './trusted-issuer-config.ts'

/** `TokenExchangeOptions`, as far as JSON can say them; what a rule may say is the library's to judge. */
export const TokenExchangeConfig = z
  .strictObject({
    allow: z
      .array(
        z.strictObject({
          client: z.string(),
          from: z.array(z.string()),
          audience: z.array(z.string()).exactOptional(),
          scope: z.string().exactOptional(),
          impersonation: z.boolean().exactOptional()
        })
      )
      .default([]),
    issuers: z.array(TrustedIssuerConfig).default([])
  })
  .superRefine((options, context) => {
    try {
      tokenExchange({
        ...options,
        issuers: options.issuers.map(({ loginClaim: _claim, ...issuer }) => ({ ...issuer, subjectOf: async () => undefined }))
      })
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message })
    }
  })
