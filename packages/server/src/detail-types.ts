import { type AuthorizationDetail, type AuthorizationDetailTypes, type DetailDescription, richAuthorizationRequests } from 'grantor'
import { z } from 'zod'
import { judgedBy } from './library-judged.ts'

const DetailTypeConfig = z.strictObject({
  /** A JSON Schema of the fields beside `type`; those that it does not name are refused. */
  schema: z.record(z.string(), z.unknown()),
  /** What the consent page says: `Pay {instructedAmount.amount} to {creditorName}`. */
  title: z.string().exactOptional(),
  /** A line that names a field which is not there is left out. Without `lines` each field is one. */
  lines: z.array(z.string()).exactOptional(),
  remembered: z.boolean().exactOptional()
})

/** The types of authorization details (RFC 9396), as far as JSON can say what they are. */
export const DetailTypesConfig = z
  .strictObject({ types: z.record(z.string(), DetailTypeConfig).default({}) })
  .superRefine(judgedBy((config) => Object.keys(config.types).length === 0 || richAuthorizationRequests({ types: detailTypesOf(config) })))

/** @throws Error if a schema is none that can be judged by. */
export function detailTypesOf({ types }: z.infer<typeof DetailTypesConfig>): AuthorizationDetailTypes {
  return Object.fromEntries(
    Object.entries(types).map(([name, { schema, title = name, lines, remembered = false }]) => [
      name,
      { schema: schemaOf(name, schema), remembered, describe: (detail) => described(detail, title, lines) }
    ])
  )
}

/** RFC 9396 §5: unknown fields are refused; JSON Schema alone would let them pass. */
function schemaOf(name: string, { properties = {}, required = [], ...schema }: Record<string, unknown>): z.ZodType {
  return z.fromJSONSchema({
    additionalProperties: false,
    ...schema,
    type: 'object',
    properties: { ...(properties as object), type: { const: name } },
    required: [...(required as string[]), 'type']
  })
}

function described(detail: AuthorizationDetail, title: string, lines: readonly string[] | undefined): DetailDescription {
  return { title: filled(title, detail) ?? title, ...(lines && { lines: lines.flatMap((line) => filled(line, detail) ?? []) }) }
}

/** The text with the values that it names; undefined if one of them is not there. */
function filled(text: string, detail: AuthorizationDetail): string | undefined {
  const parts = text.split(/\{([^{}]+)\}/).map((part, i) => (i % 2 === 0 ? part : valueAt(detail, part)))
  return parts.includes(undefined) ? undefined : parts.join('')
}

function valueAt(detail: AuthorizationDetail, path: string): string | undefined {
  let value: unknown = detail
  for (const name of path.split('.')) value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
  if (value === undefined || typeof value === 'string') return value
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string') ? value.join(', ') : JSON.stringify(value)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object'
}
