import type { AuthorizationDetail } from '../../models/authorization-detail.ts'
import type { AuthorizationDetailType } from './options.ts'

/** Whether two JSON values are the same, in whatever order their members stand. */
export function isEqual(one: unknown, other: unknown): boolean {
  if (!isComposite(one) || !isComposite(other)) return one === other
  const names = Object.keys(one)
  return (
    Array.isArray(one) === Array.isArray(other) &&
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && isEqual(one[name], other[name]))
  )
}

/** Whether every field of what came is in what was made of it. */
export function keepsFields(came: unknown, made: unknown): boolean {
  if (!isComposite(came) || !isComposite(made)) return true
  return Object.entries(came).every(([name, value]) => Object.hasOwn(made, name) && keepsFields(value, made[name]))
}

/** Whether a detail is no more than one of those granted, in the judgement of its type (RFC 9396 §6.1). */
export function isWithinGranted(
  detail: AuthorizationDetail,
  granted: readonly AuthorizationDetail[],
  types: ReadonlyMap<string, AuthorizationDetailType>
): boolean {
  const type = types.get(detail.type)
  return granted.some((one) => one.type === detail.type && (isEqual(detail, one) || type?.isWithin?.(detail, one) === true))
}

function isComposite(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object'
}
