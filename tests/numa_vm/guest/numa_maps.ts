/**
 * /proc/<pid>/numa_maps: the kernel's account of where a process's pages are.
 *
 * ```text
 *  7f3a40000000 prefer:1 anon=2049 dirty=2049 N1=2049 kernelpagesize_kB=4
 *  address      policy   pages of the range by kind, then by node
 * ```
 *
 * @module
 */

/** Pages of one range that is bound to a node. */
export interface BoundPages {
  /** The node that its policy names. */
  node: number;
  /** How many pages it has on which nodes. */
  pagesByNode: Map<number, number>;
}

/** Each range of a process (its number, or `self`) that is bound to one node and has pages. */
export function boundPages(process: number | "self"): BoundPages[] {
  const ranges: BoundPages[] = [];
  for (const line of Deno.readTextFileSync(`/proc/${process}/numa_maps`).split("\n")) {
    const policy = /^\S+ prefer:(\d+) /.exec(line);
    if (policy === null) continue;
    const pagesByNode = new Map<number, number>();
    for (const [, node, count] of line.matchAll(/ N(\d+)=(\d+)/g)) {
      pagesByNode.set(Number(node), Number(count));
    }
    if (pagesByNode.size > 0) ranges.push({ node: Number(policy[1]), pagesByNode });
  }
  return ranges;
}
