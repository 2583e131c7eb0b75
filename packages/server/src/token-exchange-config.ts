import { tokenExchange } from 'grantor'
import { z } from 'zod'
import { judgedBy } from './library-judged.ts'
import { TrustedIssuerConfig, unasked, withSubjects } from './trusted-issuer-config.ts'

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
  .superRefine(judgedBy(({ allow, issuers }) => tokenExchange({ allow, issuers: withSubjects(issuers, unasked) })))
