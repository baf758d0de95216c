/*
 * Finding whole phrases in speech, whatever the case, accents, punctuation or apostrophes of the transcriber.
 */

/** Lower case, no accents, no apostrophes, one blank between words and one at each end. */
export const plain = (text: string): string =>
  ` ${text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[\p{M}'’‘ʼ`´]/gu, '')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()} `

/** Phrases in plain form by their first word: a transcript has 100,000 words, and only few of them begin a phrase. */
export type Phrasebook = ReadonlyMap<string, readonly string[]>

export function phrasebook(phrases: readonly string[]): Phrasebook {
  const book = new Map<string, string[]>()
  for (const phrase of new Set(phrases.map(plain))) {
    const word = phrase.slice(1, phrase.indexOf(' ', 1))
    book.set(word, [...(book.get(word) ?? []), phrase])
  }
  return book
}

/** Every way to take one text of each list, in order. */
export const combined = (...parts: string[][]): string[] =>
  parts.reduce((phrases, words) => phrases.flatMap((phrase) => words.map((word) => `${phrase} ${word}`)), [''])

/** Whether a phrase of the book stands in a plain text, not right after one of `after`. */
export function contains(text: string, book: Phrasebook, after: ReadonlySet<string> = new Set()): boolean {
  let before = ''
  for (let at = 0; at < text.length - 1; ) {
    const end = text.indexOf(' ', at + 1)
    const word = text.slice(at + 1, end)
    if (!after.has(before) && book.get(word)?.some((phrase) => text.startsWith(phrase, at))) return true
    before = word
    at = end
  }
  return false
}
