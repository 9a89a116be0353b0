/**
 * Log lines in the form redis-server uses: process id, role, time, level mark, message.
 *
 * @module
 */

/** Levels of `loglevel`, least to most important. */
export type LogLevel = "debug" | "verbose" | "notice" | "warning";

const LEVEL_MARKS: Record<LogLevel, string> = {
  debug: ".",
  verbose: "-",
  notice: "*",
  warning: "#",
};
const LEVELS: LogLevel[] = ["debug", "verbose", "notice", "warning"];
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** Writes lines of at least the given level to `sink`. */
export class Logger {
  /** The least important level that is written; may change at any time. */
  level: LogLevel;
  readonly #role: string;
  readonly #sink: (line: string) => void;

  /**
   * Writes the standard output unless told otherwise.
   *
   * @param role One letter: `M` for the supervisor and its workers, as redis-server marks a master.
   * @param sink Takes one line without its line end.
   */
  constructor(level: LogLevel, role = "M", sink: (line: string) => void = console.log) {
    this.level = level;
    this.#role = role;
    this.#sink = sink;
  }

  /** Logs what only a developer wants to see; `message` is one line, without its end. */
  debug(message: string): void {
    this.#write("debug", message);
  }

  /** Logs what happens often and is rarely of use. */
  verbose(message: string): void {
    this.#write("verbose", message);
  }

  /** Logs what an operator wants to know. */
  notice(message: string): void {
    this.#write("notice", message);
  }

  /** Logs what an operator must know. */
  warning(message: string): void {
    this.#write("warning", message);
  }

  #write(level: LogLevel, message: string): void {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(this.level)) return;
    this.#sink(
      `${Deno.pid}:${this.#role} ${timestamp(new Date())} ${LEVEL_MARKS[level]} ${message}`,
    );
  }
}

function timestamp(time: Date): string {
  const two = (n: number) => String(n).padStart(2, "0");
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  const fraction = String(time.getMilliseconds()).padStart(3, "0");
  return `${two(time.getDate())} ${
    MONTHS[time.getMonth()]
  } ${time.getFullYear()} ${clock}.${fraction}`;
}
