/**
 * What the configuration needs of the file system, and Deno's answer to it.
 *
 * @module
 */

/** Files as the configuration uses them. Every function throws what `reasonOf` can explain. */
export interface ConfigFileSystem {
  /** The whole file. */
  readFile(path: string): Uint8Array;
  /** Names in a directory, in any order, without `.` and `..`. */
  listDirectory(path: string): string[];
  /** Standard input up to its end. */
  readStandardInput(): Uint8Array;
  /** Makes `path` the working directory; returns its absolute path. `.` changes nothing. */
  enterDirectory(path: string): string;
  /** Puts `bytes` in the place of the file at `path` at once, keeping its permissions. */
  replaceFile(path: string, bytes: Uint8Array): void;
}

const CHUNK_BYTES = 64 * 1024;
const PERMISSION_BITS = 0o777;

/** The file system of the machine. */
export const denoFileSystem: ConfigFileSystem = {
  readFile: (path) => Deno.readFileSync(path),
  listDirectory: (path) => [...Deno.readDirSync(path)].map((entry) => entry.name),
  readStandardInput: () => {
    let bytes = new Uint8Array(0);
    const chunk = new Uint8Array(CHUNK_BYTES);
    for (;;) {
      const count = Deno.stdin.readSync(chunk);
      if (count === null) return bytes;
      const longer = new Uint8Array(bytes.length + count);
      longer.set(bytes);
      longer.set(chunk.subarray(0, count), bytes.length);
      bytes = longer;
    }
  },
  enterDirectory: (path) => {
    if (path !== ".") Deno.chdir(path);
    return Deno.cwd();
  },
  replaceFile: (path, bytes) => {
    const mode = (Deno.statSync(path).mode ?? 0o644) & PERMISSION_BITS;
    const temporaryPath = `${path}.${Deno.pid}-${crypto.randomUUID()}.tmp`;
    try {
      Deno.writeFileSync(temporaryPath, bytes, { createNew: true, mode });
      const file = Deno.openSync(temporaryPath, { write: true });
      file.syncSync();
      file.close();
      Deno.renameSync(temporaryPath, path);
    } catch (error) {
      try {
        Deno.removeSync(temporaryPath);
      } catch {
        // It was never made, or is gone already: the first error is the one to report.
      }
      throw error;
    }
  },
};

/** Why the file system refused, in the words of the C library where it has some. */
export function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "No such file or directory";
  if (error instanceof Deno.errors.PermissionDenied) return "Permission denied";
  if (error instanceof Deno.errors.IsADirectory) return "Is a directory";
  if (error instanceof Deno.errors.NotADirectory) return "Not a directory";
  if (error instanceof Deno.errors.NotCapable) {
    return "Permission denied: the serve task's --allow-read and --allow-write do not cover it";
  }
  return error instanceof Error ? error.message : String(error);
}
