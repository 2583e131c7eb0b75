/** The words of a response type in one order, whatever order they came in (OAuth 2.0 Multiple Response Type Encoding Practices §5). */
export function responseTypeName(value: string): string {
  return value.includes(' ') ? value.split(' ').sort().join(' ') : value
}
