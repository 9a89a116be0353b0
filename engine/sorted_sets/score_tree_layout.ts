/**
 * Where the parts of a score tree's header and nodes are.
 *
 * The header is eight words inside the root block of a sorted set (see the `TREE_*` constants). A
 * node is one of two blocks, both a whole number of cache lines:
 *
 * ```text
 * leaf, 768 bytes                               branch, 1,024 bytes
 *   0    4  number of elements                    0    4  number of children
 *   4    4  ref of the leaf before                4   12  unused
 *   8    4  ref of the leaf behind               16  400  50 least scores of the children, f64
 *  12    4  unused                              416  200  50 refs of the members with them
 *  16  496  62 scores, f64                      616  200  50 refs of the children
 * 512  248  62 refs of members                  816  200  50 numbers of elements below the children
 * 760    8  unused                             1016    8  unused
 * ```
 *
 * With 500,000 elements in random order, leaves of 41 to 126 slots and branches of 24 to 100 lie
 * within the noise of one another (1.3 to 2.6 µs for an insertion, 17.9 to 19.1 bytes of nodes per
 * element); longer leaves cost more where members leave from the front, as ZPOPMIN's do. These are
 * in the middle.
 *
 * @module
 */

import { assert } from "../assert.ts";

/** Word of the header: ref of the root node; `NONE` in an empty tree. */
export const TREE_ROOT = 0;
/** Word of the header: levels of nodes, 0 in an empty tree, 1 when the root is a leaf. */
export const TREE_HEIGHT = 1;
/** Word of the header: number of elements. */
export const TREE_COUNT = 2;
/** Word of the header: number of leaves. */
export const TREE_LEAVES = 3;
/** Word of the header: number of branches. */
export const TREE_BRANCHES = 4;
/** Words that the header takes (three are spare). */
export const TREE_HEADER_WORDS = 8;
/** No tree is higher: 2^32 elements in nodes that hold two on average. */
export const TREE_HEIGHT_MAX = 32;

const NODE_HEADER_BYTES = 16;
const SCORE_BYTES = 8;
const REF_BYTES = 4;
/** Word of a node: number of its elements or children. */
export const NODE_COUNT = 0;
/** Word of a leaf: ref of the one before. */
export const LEAF_PREVIOUS = 1;
/** Word of a leaf: ref of the one behind. */
export const LEAF_NEXT = 2;
/** First score of a node, in 8-byte units from its start. */
export const NODE_SCORES: number = NODE_HEADER_BYTES / SCORE_BYTES;

/** Elements that a leaf holds. */
export const LEAF_SLOTS = 62;
/** Bytes of a leaf. */
export const LEAF_BYTES = 768;
/** Word of a leaf's first member ref. */
export const LEAF_MEMBERS: number = (NODE_HEADER_BYTES + LEAF_SLOTS * SCORE_BYTES) / 4;

/** Children that a branch holds. */
export const BRANCH_SLOTS = 50;
/** Bytes of a branch. */
export const BRANCH_BYTES = 1024;
/** Word of a branch's first member ref. */
export const BRANCH_MEMBERS: number = (NODE_HEADER_BYTES + BRANCH_SLOTS * SCORE_BYTES) / 4;
/** Word of a branch's first child. */
export const BRANCH_CHILDREN: number = BRANCH_MEMBERS + BRANCH_SLOTS;
/** Word of the number of elements below a branch's first child. */
export const BRANCH_COUNTS: number = BRANCH_CHILDREN + BRANCH_SLOTS;

assert(TREE_BRANCHES < TREE_HEADER_WORDS, "a tree's header holds its fields");
assert(NODE_COUNT === 0 && LEAF_NEXT * 4 < NODE_HEADER_BYTES, "a node's header holds its fields");
assert((LEAF_MEMBERS + LEAF_SLOTS) * REF_BYTES <= LEAF_BYTES, "a leaf holds its slots");
assert((BRANCH_COUNTS + BRANCH_SLOTS) * REF_BYTES <= BRANCH_BYTES, "a branch holds its slots");
assert(LEAF_BYTES % 64 === 0 && BRANCH_BYTES % 64 === 0, "nodes are whole cache lines");
