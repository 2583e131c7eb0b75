// What would make one line look like two, or run in another direction than it is written.
const DISTURBING = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]+/gu

/** A text of somebody else as one line of a page; to be escaped there. */
export function plainLine(text: string): string {
  return text.replace(DISTURBING, ' ')
}
