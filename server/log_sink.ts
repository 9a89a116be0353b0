/**
 * Where log lines go: standard output, or a file.
 *
 * @module
 */

/**
 * Writes lines to `path`, or to standard output when it is empty.
 *
 * The file is opened for every line, as in Redis, so that it can be rotated by renaming it, and so
 * that several threads append whole lines to it.
 */
export function createLogSink(path: string): (line: string) => void {
  if (path === "") return console.log;
  return (line) => Deno.writeTextFileSync(path, line + "\n", { append: true });
}
