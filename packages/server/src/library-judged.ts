import type { z } from 'zod'

/** For `superRefine`: what the library refuses when it is asked with these options is refused in its own words, before anything is opened. */
export function judgedBy<T>(ask: (options: T) => unknown): (options: T, context: z.core.$RefinementCtx<T>) => void {
  return (options, context) => {
    try {
      ask(options)
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message })
    }
  }
}
