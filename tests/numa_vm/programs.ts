/**
 * Running a program for its output.
 *
 * @module
 */

/** Runs a program to its end and returns what it printed. Throws with its errors when it fails. */
export async function run(
  program: string,
  parameters: string[],
  cwd?: string,
): Promise<string> {
  const output = await new Deno.Command(program, { args: parameters, cwd, stdin: "null" }).output();
  if (!output.success) {
    const errors = new TextDecoder().decode(output.stderr).trim();
    throw new Error(`Cannot run ${program} ${parameters.join(" ")}: ${errors}`);
  }
  return new TextDecoder().decode(output.stdout);
}
