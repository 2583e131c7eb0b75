import type { Interaction } from '../../interactions/base.ts'
import { type AuthorizationDetail, grantedDetails } from '../../models/authorization-detail.ts'
import { plainLine } from '../../models/plain-line.ts'
import type { AuthorizationDetailTypes, DetailDescription } from './options.ts'

/** For a consent page: what of `authorization_details` a person must read, as plain text that the page escapes. */
export function describeAuthorizationDetails(
  { details, uiLocales }: Pick<Interaction, 'details' | 'uiLocales'>,
  types: AuthorizationDetailTypes
): readonly Required<DetailDescription>[] {
  return grantedDetails({ details }).map((detail) => {
    const type = Object.hasOwn(types, detail.type) ? types[detail.type] : undefined
    const { title, lines } = type?.describe?.(detail, uiLocales) ?? { title: detail.type }
    return { title: plainLine(title), lines: (lines ?? linesOf(detail)).map(plainLine) }
  })
}

function linesOf({ type: _, ...fields }: AuthorizationDetail): readonly string[] {
  return Object.entries(fields).map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
}
