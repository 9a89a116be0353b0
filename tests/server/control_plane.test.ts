import { assert, assertEquals, assertRejects } from "@std/assert";
import { ControlHub } from "../../server/control_hub.ts";
import {
  type ClientFilter,
  ControlError,
  ControlPlane,
  type ShutdownOptions,
  type ToWorker,
} from "../../server/control_plane.ts";

const EVERY_CLIENT: ClientFilter = {
  ids: null,
  type: null,
  address: null,
  localAddress: null,
  user: null,
  skippedId: null,
};

interface Plane {
  hub: ControlHub;
  workers: ControlPlane[];
  shutdowns: ShutdownOptions[];
}

/** A hub and its workers joined by ports that copy and delay as `postMessage` does. */
function createPlane(workerCount: number, timeoutMs = 1000, pendingCountMax?: number): Plane {
  const workers: ControlPlane[] = [];
  const shutdowns: ShutdownOptions[] = [];
  const posts = Array.from({ length: workerCount }, (_, index) => (message: ToWorker) => {
    const copy = structuredClone(message);
    queueMicrotask(() => workers[index].receive(copy));
  });
  const hub = new ControlHub(posts, (options) => shutdowns.push(options), timeoutMs);
  for (let index = 0; index < workerCount; index++) {
    const post: ConstructorParameters<typeof ControlPlane>[1] = (message) => {
      const copy = structuredClone(message);
      queueMicrotask(() => hub.receive(index, copy));
    };
    workers.push(new ControlPlane(workerCount, post, pendingCountMax));
  }
  return { hub, workers, shutdowns };
}

for (const workerCount of [1, 3]) {
  Deno.test(`control plane: answers come in order, ${workerCount} workers`, async () => {
    const { workers, hub } = createPlane(workerCount);
    workers.forEach((worker, index) => {
      worker.handle("clientList", (message) => {
        assertEquals(message.filter, EVERY_CLIENT);
        const line = `id=${index}\n`;
        return index === 1 ? new Promise((done) => setTimeout(() => done(line), 5)) : line;
      });
    });
    const answers: string[] = await workers[0].gather({
      kind: "clientList",
      filter: EVERY_CLIENT,
    });
    assertEquals(answers, workers.map((_, index) => `id=${index}\n`));
    assertEquals([hub.roundCount, workers[0].pendingCount], [0, 0]);
  });

  Deno.test(`control plane: the asker learns of errors, ${workerCount} workers`, async () => {
    const { workers, hub } = createPlane(workerCount);
    for (const worker of workers) {
      worker.handle("clientKill", () => {
        throw new Error("broken");
      });
    }
    const question = workers[0].gather({ kind: "clientKill", filter: EVERY_CLIENT });
    await assertRejects(() => question, ControlError, "broken");
    assertEquals([hub.roundCount, workers[0].pendingCount], [0, 0]);
  });
}

Deno.test("control plane: all workers apply concurrent broadcasts in one order", async () => {
  const { workers } = createPlane(3);
  const seen: string[][] = workers.map(() => []);
  workers.forEach((worker, index) => {
    worker.handle("config", (message) => {
      seen[index].push(message.pairs[0][1]);
      return null;
    });
  });
  const broadcasts: Promise<void>[] = [];
  for (let i = 0; i < 20; i++) {
    const pairs = [["maxclients", String(i)]] as const;
    broadcasts.push(workers[i % 3].broadcast({ kind: "config", pairs }));
  }
  await Promise.all(broadcasts);
  assertEquals(seen[0].length, 20);
  assertEquals(seen[1], seen[0]);
  assertEquals(seen[2], seen[0]);
});

Deno.test("control plane: a silent worker is named after the time limit", async () => {
  const { workers, hub } = createPlane(2, 20);
  let finish: (answer: number) => void = () => {};
  workers[0].handle("clientKill", () => 1);
  workers[1].handle("clientKill", () => new Promise((resolve) => finish = resolve));
  await assertRejects(
    () => workers[0].gather({ kind: "clientKill", filter: EVERY_CLIENT }),
    ControlError,
    "no answer from worker 1 within 20 ms",
  );
  // The late answer finds no round and harms nobody.
  finish(1);
  await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals([hub.roundCount, workers[0].pendingCount], [0, 0]);
});

Deno.test("control plane: questions under way are bounded", async () => {
  const { workers, hub } = createPlane(2, 1000, 2);
  for (const worker of workers) worker.handle("clientKill", () => new Promise(() => {}));
  const message = { kind: "clientKill", filter: EVERY_CLIENT } as const;
  const first = workers[0].gather(message);
  const second = workers[0].gather(message);
  await assertRejects(() => workers[0].gather(message), ControlError, "too many questions");
  await new Promise((resolve) => setTimeout(resolve, 5));
  hub.close();
  await assertRejects(() => first, ControlError, "going down");
  await assertRejects(() => second, ControlError, "going down");
});

Deno.test("control plane: SHUTDOWN reaches the supervisor and never settles", async () => {
  const { workers, shutdowns } = createPlane(2);
  let settled = false;
  workers[1].shutdown({ reason: "User requested shutdown...", now: true }).then(() =>
    settled = true
  );
  await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(shutdowns, [{ reason: "User requested shutdown...", now: true }]);
  assert(!settled);
});

Deno.test("control plane: the hub broadcasts on its own account", async () => {
  const { workers, hub } = createPlane(2);
  const seen: boolean[] = [];
  for (const worker of workers) {
    worker.handle("shutdown", (message) => {
      seen.push(message.now);
      return null;
    });
  }
  await hub.broadcast({ kind: "shutdown", now: true }, 1000);
  assertEquals(seen, [true, true]);
});
