/**
 * A directory to load strategies from.
 *
 * @module
 */

/** Calls `body` with a fresh directory, with an odd name, that holds `files`: texts by name. */
export async function withDirectory(
  files: Record<string, string>,
  body: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "numaris strategy ü%# " });
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${directory}/${name}`, text);
    }
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
