/**
 * Programs that tests run beside Numaris, the Debian package that carries each, and tests that are
 * ignored, with the reason in their name, where one is missing.
 *
 * @module
 */

/** A program or file outside this repository that some tests need, by its Debian package. */
export type Peer =
  | "busybox-static"
  | "cpio"
  | "libnuma1"
  | "linux-image-amd64"
  | "numactl"
  | "qemu-system-x86"
  | "redis-server"
  | "redis-tools";

const LIBRARY_FOLDERS = ["/lib", "/usr/lib", "/lib64", "/usr/lib64"];

const PRESENT: Record<Peer, () => boolean> = {
  "busybox-static": () => hasProgram("busybox"),
  "cpio": () => hasProgram("cpio"),
  "libnuma1": () => hasLibrary("libnuma.so.1"),
  "linux-image-amd64": () => folderHas("/boot", (name) => name.startsWith("vmlinuz-")),
  "numactl": () => hasProgram("numactl"),
  "qemu-system-x86": () => hasProgram("qemu-system-x86_64"),
  "redis-server": () => hasProgram("redis-server"),
  "redis-tools": () => hasProgram("redis-cli") && hasProgram("redis-benchmark"),
};

/** Every peer, in the order in which they are reported. */
export const ALL_PEERS: readonly Peer[] = Object.keys(PRESENT) as Peer[];

/** The peers among `peers` that this machine lacks. Looks at the file system anew. */
export function missingPeers(peers: readonly Peer[] = ALL_PEERS): Peer[] {
  return peers.filter((peer) => !PRESENT[peer]());
}

/** Whether a continuous-integration run asked that a missing peer be a failure (`CI=true`). */
export function peersAreMandatory(): boolean {
  return Deno.env.get("CI") === "true";
}

/** Registers a test that needs `peers`: ignored where one is missing, a failure with `CI=true`. */
export function peerTest(
  name: string,
  peers: readonly Peer[],
  run: (context: Deno.TestContext) => void | Promise<void>,
): void {
  const missing = missingPeers(peers);
  if (missing.length === 0) {
    Deno.test(name, run);
    return;
  }
  const reason = `needs ${missing.join(", ")}`;
  if (peersAreMandatory()) {
    Deno.test(name, () => {
      throw new Error(`Cannot run this test: it ${reason}, and CI=true makes that a failure`);
    });
    return;
  }
  Deno.test({ name: `${name} (ignored: ${reason})`, ignore: true, fn: run });
}

function hasProgram(name: string): boolean {
  const folders = (Deno.env.get("PATH") ?? "").split(":").concat("/usr/sbin", "/usr/bin", "/bin");
  return folders.some((folder) => folder !== "" && exists(`${folder}/${name}`));
}

function hasLibrary(name: string): boolean {
  return LIBRARY_FOLDERS.some((folder) =>
    exists(`${folder}/${name}`) ||
    folderHas(folder, (child) => child.includes("-linux-") && exists(`${folder}/${child}/${name}`))
  );
}

function folderHas(folder: string, accepts: (name: string) => boolean): boolean {
  try {
    for (const entry of Deno.readDirSync(folder)) if (accepts(entry.name)) return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return false;
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
