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
  if (text.includes('\\u') && UNSTORABLE.test(text)) throw unstorable()
  return text
}

/** The JSON of members to merge or to compare. @throws TypeError also if one is undefined, which would say nothing. */
export function storableMembers(members: object): string {
  checkDefined(members)
  return storableJson(members)
}

/** Judges a value as `storableJson` does, for a store that keeps no JSON: in half the time. @throws TypeError */
export function checkStorable(value: unknown): void {
  if (typeof value === 'string') {
    if (!isStorable(value)) throw unstorable()
  } else if (Array.isArray(value)) {
    for (const one of value) checkStorable(one)
  } else if (typeof value === 'bigint') {
    throw new TypeError('JSON has no bigint')
  } else if (value !== null && typeof value === 'object') {
    for (const name in value) {
      checkStorable(name)
      checkStorable((value as Record<string, unknown>)[name])
    }
  }
}

/** Judges members to merge or to compare as `storableMembers` does. @throws TypeError */
export function checkStorableMembers(members: object): void {
  checkDefined(members)
  checkStorable(members)
}

function checkDefined(members: object): void {
  for (const name in members)
    if ((members as Record<string, unknown>)[name] === undefined) throw new TypeError('undefined is no value of a member')
}

function unstorable(): TypeError {
  return new TypeError('text with NUL or half of a surrogate pair cannot be stored')
}
