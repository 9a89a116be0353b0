/**
 * A file system in memory for the tests of the configuration.
 *
 * @module
 */

import { bytesToByteText, toByteText } from "../../../server/config/byte_text.ts";
import type { ConfigFileSystem } from "../../../server/config/file_system.ts";

const encoder = new TextEncoder();

/** Files by absolute path; folders exist where a file lies below them. */
export class MemoryFiles implements ConfigFileSystem {
  readonly files: Map<string, Uint8Array>;
  readonly standardInput: string;
  folder = "/work";

  constructor(files: Record<string, string> = {}, standardInput = "") {
    this.files = new Map(
      Object.entries(files).map(([path, text]) => [path, encoder.encode(text)]),
    );
    this.standardInput = standardInput;
  }

  /** A file's content as byte text. */
  text(path: string): string {
    return bytesToByteText(this.readFile(path));
  }

  readFile = (path: string): Uint8Array => {
    const bytes = this.files.get(this.#absolute(path));
    if (bytes === undefined) throw new Deno.errors.NotFound(path);
    return bytes;
  };

  listDirectory = (path: string): string[] => {
    const prefix = this.#absolute(path === "." ? "" : path).replace(/\/*$/, "/");
    const names = [...this.files.keys()].filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length).split("/")[0]);
    if (names.length === 0) throw new Deno.errors.NotFound(path);
    return [...new Set(names)].reverse();
  };

  readStandardInput = (): Uint8Array => encoder.encode(this.standardInput);

  enterDirectory = (path: string): string => {
    if (path === ".") return this.folder;
    const folder = this.#absolute(path);
    this.listDirectory(folder);
    this.folder = folder;
    return folder;
  };

  replaceFile = (path: string, bytes: Uint8Array): void => {
    if (!this.files.has(path)) throw new Deno.errors.PermissionDenied(toByteText(path));
    this.files.set(path, bytes);
  };

  #absolute(path: string): string {
    return path.startsWith("/") ? path : `${this.folder}/${path}`;
  }
}
