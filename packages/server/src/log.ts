import { type DestinationStream, type Logger, pino } from 'pino'
import type { Config } from './config.ts'

/** The password of a URL. */
const PASSWORD = /(:\/\/[^\s:/@]*:)[^\s@]+@/g

/** Lines of JSON. Of an error they have what explains it; its other members may hold what it was made of. */
export function createLog(level: Config['logLevel'], destination?: DestinationStream): Logger {
  return pino({ level, serializers: { cause: describe, error: describe } }, destination)
}

function describe(value: unknown): unknown {
  if (!(value instanceof Error)) return value
  const { name, message, stack = '', cause } = value
  const { code } = value as { code?: unknown }
  return {
    type: name,
    message: message.replace(PASSWORD, '$1…@'),
    ...(code !== undefined && { code }),
    stack: stack.replace(PASSWORD, '$1…@'),
    ...(cause !== undefined && { cause: describe(cause) })
  }
}
