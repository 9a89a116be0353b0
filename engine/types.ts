/**
 * The engine's branded numbers: values that are all `number` to the machine and must not be mixed
 * up.
 *
 * @module
 */

/** A reference to a block inside its shard's window, in units of 16 bytes. `NONE` names no block. */
export type Ref = number & { readonly __brand: "Ref" };

/** Index of a node *slot*: 0 for the first usable node, and so on (not the kernel's node number). */
export type NodeSlot = number & { readonly __brand: "NodeSlot" };

/** Index of a shard, from 0. */
export type ShardIndex = number & { readonly __brand: "ShardIndex" };

/** The reference that names no block. */
export const NONE = 0 as Ref;

/** Bytes per unit of a `Ref`. */
export const REF_UNIT_BYTES = 16;
/** log2 of `REF_UNIT_BYTES`. */
export const REF_UNIT_SHIFT = 4;
