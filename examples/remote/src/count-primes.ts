/**
 * Counts the prime numbers from `from` to below `to`. This module is sent to other machines, so it must not import any other
 * file.
 */
export function countPrimes(from: number, to: number): number {
  let count = 0
  for (let number = Math.max(from, 2); number < to; number++) if (isPrime(number)) count++
  return count
}

function isPrime(number: number): boolean {
  for (let divisor = 2; divisor * divisor <= number; divisor++) if (number % divisor === 0) return false
  return true
}
