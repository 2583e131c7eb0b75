// What JSON.stringify writes for NUL and for half of a surrogate pair, behind an even number of backslashes.
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/

/** Whether every database can hold the text: PostgreSQL has no NUL, and UTF-8 no half of a surrogate pair. */
export function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

/** JSON as stores keep it. @throws TypeError if some text in it is not storable. */
export function storableJson(value: unknown): string {
  const text = JSON.stringify(value)
  // Nearly no text has an escape of that kind, and looking for one is quicker than the expression.
  if (text.includes('\\u') && UNSTORABLE.test(text)) throw new TypeError('text with NUL or half of a surrogate pair cannot be stored')
  return text
}

/** The JSON of members to merge or to compare. @throws TypeError also if one is undefined, which would say nothing. */
export function storableMembers(members: object): string {
  if (Object.values(members).includes(undefined)) throw new TypeError('undefined is no value of a member')
  return storableJson(members)
}
