/** The key that the sender of a token must prove to hold (RFC 7800 §3.1; RFC 9449 §6.1; RFC 8705 §3.1). */
export type Confirmation = { jkt: string } | { 'x5t#S256': string }

/** Whether two confirmations name the same key; both absent is the same too. */
export function sameConfirmation(a: Confirmation | undefined, b: Confirmation | undefined): boolean {
  return JSON.stringify(a ?? null) === JSON.stringify(b ?? null)
}
