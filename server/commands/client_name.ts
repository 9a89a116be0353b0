/**
 * The name that a client gives its connection.
 *
 * @module
 */

import type { Client } from "../client.ts";
import { CommandError } from "../command_error.ts";

const FIRST_PRINTABLE = 0x21;
const LAST_PRINTABLE = 0x7e;

/**
 * Names the connection; an empty name removes the one it had.
 *
 * Throws `CommandError`, and the name stays, when a byte is not printable ASCII or is a space.
 */
export function setClientName(client: Client, name: string): void {
  for (let i = 0; i < name.length; i++) {
    const byte = name.charCodeAt(i);
    if (byte < FIRST_PRINTABLE || byte > LAST_PRINTABLE) {
      throw new CommandError(
        "ERR Client names cannot contain spaces, newlines or special characters.",
      );
    }
  }
  client.name = name;
}
