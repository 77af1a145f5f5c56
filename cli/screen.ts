/** Where `up` writes: lines that stay, and on a terminal below them a block that is drawn again and again in place. */
import { styleText } from 'node:util'

export interface Screen {
  readonly isLive: boolean
  /** A line that stays. */
  print(line: string): void
  /** The block, as it is now. Without effect where nothing can be drawn in place. */
  show(block: readonly string[]): void
  /** Takes the block away. */
  clear(): void
}

export interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

export function openScreen(output: Output): Screen {
  return output.isTTY === true ? new LiveScreen(output) : new PlainScreen(output)
}

class PlainScreen implements Screen {
  readonly isLive = false
  readonly #output: Output

  constructor(output: Output) {
    this.#output = output
  }

  print(line: string): void {
    this.#output.write(`${line}\n`)
  }

  show(): void {}

  clear(): void {}
}

class LiveScreen implements Screen {
  readonly isLive = true
  readonly #output: Output
  #drawn: readonly string[] = []

  constructor(output: Output) {
    this.#output = output
  }

  print(line: string): void {
    const block = this.#drawn
    this.#output.write(`${this.#erase()}${line}\n`)
    this.#drawn = []
    this.show(block)
  }

  show(block: readonly string[]): void {
    // A line that wraps would be two lines to go back over.
    const width = Math.max(20, (this.#output.columns || 80) - 1)
    const fitting = block.map(line => (line.length > width ? `${line.slice(0, width - 1)}…` : line))
    if (fitting.length === this.#drawn.length && fitting.every((line, index) => line === this.#drawn[index]))
      return
    this.#output.write(this.#erase() + fitting.map(line => `${highlight(line)}\n`).join(''))
    this.#drawn = fitting
  }

  clear(): void {
    this.#output.write(this.#erase())
    this.#drawn = []
  }

  #erase(): string {
    return this.#drawn.length === 0 ? '' : `\u001b[${this.#drawn.length}A\u001b[J`
  }
}

/** The first word of a line of the block says what the line is about. */
function highlight(line: string): string {
  const match = /^(\s*\S+)(.*)$/.exec(line)
  return match === null ? line : `${styleText('bold', match[1] ?? '')}${match[2] ?? ''}`
}
