import { baseName } from './claims.ts'

const MAX_LOCALES = 20

/** The languages of `claims_locales` (OpenID Connect Core §5.2); what is none is ignored, as "an error SHOULD NOT result". */
export function parseLocales(text: string | undefined): readonly string[] {
  if (text === undefined) return []
  const locales = text.split(' ').filter((locale) => /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/.test(locale))
  return locales.slice(0, MAX_LOCALES)
}

/**
 * What is known of a person, for a client that wants one language alone. §5.2: "it is RECOMMENDED that OPs return Claims without language
 * tags when they employ this language and script."
 */
export function inLanguage(
  known: Readonly<Record<string, unknown>>,
  [locale, ...others]: readonly string[]
): Readonly<Record<string, unknown>> {
  if (locale === undefined || others.length > 0) return known
  const entries = Object.entries(known)
  const localized = entries.filter(([name]) => isIn(locale, name.slice(baseName(name).length + 1)))
  const used = localized.map(([name]) => name)
  return Object.fromEntries([
    ...entries.filter(([name]) => !used.includes(name)),
    // The nearest last: of `ja` and `ja-Hani`, whichever is the locale itself.
    ...localized.sort(([a], [b]) => b.length - a.length).map(([name, value]) => [baseName(name), value])
  ])
}

/** RFC 4647 §3.3.1: the language, or a variety of it. */
function isIn(locale: string, tag: string): boolean {
  return `${tag}-`.toLowerCase().startsWith(`${locale}-`.toLowerCase())
}
