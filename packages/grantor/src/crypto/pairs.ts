/** Every two of 64 digits, by their value of twelve bits: each piece of a text is a string of its own, and so there are half as many. */
export function pairsOf(digits: string): readonly string[] {
  return Array.from({ length: 4096 }, (_, value) => digits.charAt(value >> 6) + digits.charAt(value & 63))
}
