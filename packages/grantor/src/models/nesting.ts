/** Whether a JSON value has members within members for more than so many levels: what walks it then, may run out of stack. */
export function isDeeper(value: unknown, levels: number): boolean {
  if (value === null || typeof value !== 'object') return false
  return levels === 0 || Object.values(value).some((member) => isDeeper(member, levels - 1))
}
