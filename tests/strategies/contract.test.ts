import { compositeLru } from "../../strategies/composite_lru.ts";
import balanceByBytes from "../../strategies/examples/balance_by_bytes.ts";
import pinByPattern from "../../strategies/examples/pin_by_pattern.ts";
import { noOp } from "../../strategies/no_op.ts";
import { testContract } from "./contract.ts";

testContract("no-op", { factory: noOp, pairs: [] });
testContract("composite LRU", { factory: compositeLru, pairs: [] });
testContract("balance by bytes", { factory: balanceByBytes, pairs: [["threshold", "5"]] });
testContract("pin by pattern", {
  factory: pinByPattern,
  pairs: [["pattern", "^key:.*7$"], ["node", "1"]],
});
