/**
 * Splits a line of a configuration file into words, and writes words so that they split again.
 *
 * Words are separated by blanks. In double quotes `\n \r \t \b \a \xHH` stand for bytes and `\`
 * takes the next character as it is; in single quotes only `\'` is special. A closing quote must be
 * followed by a blank or the end of the line, and ends its word. All texts are byte texts.
 *
 * @module
 */

const ESCAPES: Record<string, string> = { n: "\n", r: "\r", t: "\t", b: "\b", a: "\x07" };
const BLANK = /[ \t\n\v\f\r]/;
const WORD_END = /[ \t\n\r]/;
const HEXADECIMAL_BYTE = /^[0-9a-fA-F]{2}$/;
const PLAIN_WORD = /^[!#-&(-[\]-~]+$/;
const UNPRINTABLE = /[^ -~]/;

/** One word and where it ended. */
interface Word {
  text: string;
  end: number;
}

/**
 * The words of `line`, quotes and escapes resolved; a NUL ends the line.
 *
 * @returns `null` when a quote is not closed, or something follows a closing quote at once.
 */
export function splitArguments(line: string): string[] | null {
  const terminator = line.indexOf("\0");
  const text = terminator < 0 ? line : line.slice(0, terminator);
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (at < text.length && BLANK.test(text[at])) at++;
    if (at === text.length) return words;
    const word = readWord(text, at);
    if (word === null) return null;
    words.push(word.text);
    at = word.end;
  }
}

/** `words` as one line that `splitArguments` takes apart again; plain words stay unquoted. */
export function joinArguments(words: readonly string[]): string {
  return words.map((word) => PLAIN_WORD.test(word) ? word : quoteArgument(word)).join(" ");
}

/** `word` in double quotes, whatever bytes it holds. */
export function quoteArgument(word: string): string {
  let quoted = '"';
  for (const character of word) {
    if (character === "\\" || character === '"') quoted += `\\${character}`;
    else if (UNPRINTABLE.test(character)) quoted += escaped(character);
    else quoted += character;
  }
  return `${quoted}"`;
}

function escaped(character: string): string {
  for (const [letter, meaning] of Object.entries(ESCAPES)) {
    if (meaning === character) return `\\${letter}`;
  }
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

/** Reads the word that starts at `start`, which is no blank. */
function readWord(line: string, start: number): Word | null {
  let text = "";
  let at = start;
  while (at < line.length && !WORD_END.test(line[at])) {
    const character = line[at];
    if (character !== '"' && character !== "'") {
      text += character;
      at++;
      continue;
    }
    const quoted = readQuoted(line, at + 1, character);
    if (quoted === null) return null;
    return { text: text + quoted.text, end: quoted.end };
  }
  return { text, end: at };
}

/** Reads up to the closing `quote`; `end` is the offset behind it. */
function readQuoted(line: string, start: number, quote: string): Word | null {
  let text = "";
  let at = start;
  while (at < line.length) {
    const character = line[at];
    if (character === quote) {
      const isClosed = at + 1 === line.length || BLANK.test(line[at + 1]);
      return isClosed ? { text, end: at + 1 } : null;
    }
    if (character !== "\\" || at + 1 === line.length) {
      text += character;
      at++;
    } else if (quote === "'") {
      const isEscape = line[at + 1] === "'";
      text += isEscape ? "'" : "\\";
      at += isEscape ? 2 : 1;
    } else if (line[at + 1] === "x" && HEXADECIMAL_BYTE.test(line.slice(at + 2, at + 4))) {
      text += String.fromCharCode(parseInt(line.slice(at + 2, at + 4), 16));
      at += 4;
    } else {
      text += ESCAPES[line[at + 1]] ?? line[at + 1];
      at += 2;
    }
  }
  return null;
}
