/**
 * What the parser may accept from one client, asked anew for every request.
 *
 * @module
 */

import type { ParserLimits } from "../resp/request_parser.ts";
import type { ServedClient } from "./connection_environment.ts";
import type { TransportLimits } from "./limits.ts";

/** The parser's limits, as they are for one client at the moment of asking. */
export class ClientParserLimits implements ParserLimits {
  readonly #client: ServedClient;
  readonly #limits: TransportLimits;

  /** Reads `client` and `limits` at every question. */
  constructor(client: ServedClient, limits: TransportLimits) {
    this.#client = client;
    this.#limits = limits;
  }

  get protoMaxBulkBytes(): number {
    return this.#limits.protoMaxBulkBytes;
  }

  get authenticated(): boolean {
    return this.#client.authenticated;
  }
}
