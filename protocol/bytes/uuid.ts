// A UUID travels as 16 bytes and is handled as Kafka prints it: base64url without padding, 22 characters.

export type Uuid = string

/** Stands for "none" wherever Kafka has a UUID field. */
export const zeroUuid: Uuid = 'AAAAAAAAAAAAAAAAAAAAAA'

/** True for exactly the texts that `uuidFromBytes` can produce: the last character has only two bits of value. */
export function isUuid(text: string): boolean {
  return /^[A-Za-z0-9_-]{21}[AQgw]$/.test(text)
}

export function uuidFromBytes(bytes: Buffer, at = 0): Uuid {
  return bytes.toString('base64url', at, at + 16)
}

/** 16 random bytes make a UUID of version 4; these never start with "-", so that command lines take them as they are. */
export function uuidFromRandom(randomBytes: (size: number) => Buffer): Uuid {
  for (;;) {
    const bytes = randomBytes(16)
    bytes[6] = (bytes[6]! & 0x0f) | 0x40
    bytes[8] = (bytes[8]! & 0x3f) | 0x80
    const uuid = uuidFromBytes(bytes)
    if (!uuid.startsWith('-')) return uuid
  }
}
