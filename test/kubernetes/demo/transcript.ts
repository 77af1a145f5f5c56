/** What a person reads while the demonstration runs: numbered steps, commands as one would type them, what they said, the time. */
import { styleText } from 'node:util'

interface Output {
  readonly isTTY?: boolean
  write(text: string): unknown
}

export class Transcript {
  readonly #output: Output
  readonly #now: () => number
  readonly #began: number
  #steps = 0

  /** `now` in milliseconds. */
  constructor(output: Output, now: () => number) {
    this.#output = output
    this.#now = now
    this.#began = now()
  }

  /** A part with a title; how long it took is said when it ended well. */
  async step<T>(title: string, work: () => Promise<T>): Promise<T> {
    const began = this.#now()
    this.#steps += 1
    this.line('')
    this.line(this.#styled('bold', `${this.#steps}  ${title}`))
    const result = await work()
    this.line(this.#styled('green', `   ${this.#seconds(began)}`))
    return result
  }

  note(sentence: string): void {
    this.line(`   ${sentence}`)
  }

  command(line: string): void {
    this.line(this.#styled('cyan', `   $ ${line}`))
  }

  /** What a command printed. */
  answer(text: string): void {
    for (const line of text.trimEnd().split('\n')) if (line.trim() !== '') this.line(`     ${line}`)
  }

  failed(sentence: string): void {
    this.line('')
    this.line(this.#styled('red', sentence))
  }

  /** The last line: how it went, and the time of it all. */
  ended(sentence: string): void {
    this.line('')
    this.line(`${sentence} ${this.#seconds(this.#began)} in all.`)
  }

  line(text: string): void {
    this.#output.write(`${text}\n`)
  }

  #seconds(since: number): string {
    const seconds = (this.#now() - since) / 1_000
    return seconds < 100
      ? `${seconds.toFixed(1)} s`
      : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
  }

  #styled(style: 'bold' | 'green' | 'cyan' | 'red', text: string): string {
    return this.#output.isTTY === true && process.env['NO_COLOR'] === undefined
      ? styleText(style, text)
      : text
  }
}
