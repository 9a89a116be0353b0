/**
 * The root file system of the virtual machine: busybox, this Deno, the libraries they need,
 * libnuma, and the project's sources, in one cpio archive that the kernel unpacks into memory.
 *
 * @module
 */

import { run } from "./programs.ts";

const PROJECT_ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

/** Where the sources lie in the guest. */
export const GUEST_PROJECT = "/project";
const GUEST_DENO = "/bin/deno";
const GUEST_FOLDERS = ["bin", "dev", "proc", "sys", "tmp", "project"];

const LEFT_OUT = new Set(["node_modules", "results", "deno.lock"]);
const SOURCE_BYTES_MAX = 1024 * 1024;

/** The line that the guest's init writes when the entry has ended; its exit code follows. */
export const EXIT_MARK = "NUMARIS-EXIT ";
/** The guest's device for the entry's output: kernel messages go to the first port. */
export const OUTPUT_DEVICE = "/dev/ttyS1";

const DENO_FLAGS = ["run", "--quiet", "--no-prompt", "--no-check", "--no-lock", "-A"];

/**
 * Writes the archive to `${folder}/initramfs.cpio` and returns that path. The guest runs `entry` (a
 * path inside the project) with `parameters`, reports the exit code and powers off.
 */
export async function buildInitramfs(
  folder: string,
  entry: string,
  parameters: readonly string[],
): Promise<string> {
  const root = `${folder}/root`;
  for (const name of GUEST_FOLDERS) Deno.mkdirSync(`${root}/${name}`, { recursive: true });
  const numactl = await programPath("numactl");
  place(root, await programPath("busybox"), "/bin/busybox");
  place(root, Deno.execPath(), GUEST_DENO);
  place(root, numactl, "/bin/numactl");
  // numactl is linked with libnuma, so that its list of libraries names that one too.
  const libraries = [...await librariesOf(Deno.execPath()), ...await librariesOf(numactl)];
  for (const path of new Set(libraries)) place(root, path, path);
  placeSources(root, PROJECT_ROOT, GUEST_PROJECT);
  Deno.writeTextFileSync(`${root}/init`, initScript(entry, parameters), { mode: 0o755 });
  return await pack(root, `${folder}/initramfs.cpio`);
}

function initScript(entry: string, parameters: readonly string[]): string {
  const command = [GUEST_DENO, ...DENO_FLAGS, `${GUEST_PROJECT}/${entry}`, ...parameters];
  return [
    "#!/bin/busybox sh",
    "/bin/busybox --install -s /bin",
    "mount -t proc proc /proc",
    "mount -t sysfs sysfs /sys",
    "mount -t devtmpfs devtmpfs /dev",
    "mount -t tmpfs tmpfs /tmp",
    "ifconfig lo 127.0.0.1 up",
    "export PATH=/bin HOME=/tmp DENO_DIR=/tmp/deno NO_COLOR=1 DENO_NO_UPDATE_CHECK=1",
    `cd ${GUEST_PROJECT}`,
    `${command.map(quoted).join(" ")} > ${OUTPUT_DEVICE} 2>&1 < /dev/null`,
    `echo "${EXIT_MARK}$?" > ${OUTPUT_DEVICE}`,
    "poweroff -f",
    "",
  ].join("\n");
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Puts a link to `path` at `guestPath`: the archiver follows links, so that nothing is copied. */
function place(root: string, path: string, guestPath: string): void {
  const target = `${root}${guestPath}`;
  Deno.mkdirSync(target.slice(0, target.lastIndexOf("/")), { recursive: true });
  Deno.symlinkSync(Deno.realPathSync(path), target);
}

function placeSources(root: string, folder: string, guestFolder: string): void {
  for (const { name, isDirectory, isFile } of Deno.readDirSync(folder)) {
    if (name.startsWith(".") || LEFT_OUT.has(name)) continue;
    const path = `${folder}/${name}`;
    if (isDirectory) placeSources(root, path, `${guestFolder}/${name}`);
    else if (isFile && Deno.statSync(path).size <= SOURCE_BYTES_MAX) {
      place(root, path, `${guestFolder}/${name}`);
    }
  }
}

/** The libraries that the dynamic linker would load for a program, its own file among them. */
async function librariesOf(program: string): Promise<string[]> {
  const lines = await run("ldd", [program]);
  return Array.from(lines.matchAll(/(?:=> |^\s+)(\/\S+) \(/gm), (match) => match[1]);
}

async function programPath(name: string): Promise<string> {
  return (await run("sh", ["-c", `command -v ${name}`])).trim();
}

async function pack(root: string, archivePath: string): Promise<string> {
  const command = `find . | cpio --quiet -o -L -H newc > ${quoted(archivePath)}`;
  await run("sh", ["-c", command], root);
  return archivePath;
}
