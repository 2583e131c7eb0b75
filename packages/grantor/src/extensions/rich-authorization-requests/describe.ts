import type { Interaction } from '../../interactions/base.ts'
import { type AuthorizationDetail, grantedDetails } from '../../models/authorization-detail.ts'
import type { AuthorizationDetailTypes, DetailDescription } from './options.ts'

// A line of ours must not look like two, nor run in another direction than it is written.
const DISTURBING = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]+/gu

/** For a consent page: what of `authorization_details` a person must read, as plain text that the page escapes. */
export function describeAuthorizationDetails(
  { details, uiLocales }: Pick<Interaction, 'details' | 'uiLocales'>,
  types: AuthorizationDetailTypes
): readonly Required<DetailDescription>[] {
  return grantedDetails({ details }).map((detail) => {
    const type = Object.hasOwn(types, detail.type) ? types[detail.type] : undefined
    const { title, lines } = type?.describe?.(detail, uiLocales) ?? { title: detail.type }
    return { title: plain(title), lines: (lines ?? linesOf(detail)).map(plain) }
  })
}

function linesOf({ type: _, ...fields }: AuthorizationDetail): readonly string[] {
  return Object.entries(fields).map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
}

function plain(text: string): string {
  return text.replace(DISTURBING, ' ')
}
