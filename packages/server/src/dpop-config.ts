import { dpop } from 'grantor'
import { z } from 'zod'
import { judgedBy } from './library-judged.ts'

/** `DpopOptions`; their ranges are the library's to judge. */
export const DpopConfig = z
  .strictObject({
    algorithms: z.array(z.string()).exactOptional(),
    /** Seconds. */
    proofLifetime: z.number().exactOptional(),
    required: z.boolean().exactOptional(),
    nonces: z.boolean().exactOptional(),
    /** Seconds. */
    nonceLifetime: z.number().exactOptional(),
    proofLimit: z.number().exactOptional()
  })
  .superRefine(judgedBy(dpop))
