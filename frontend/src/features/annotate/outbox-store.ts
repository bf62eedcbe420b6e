import type { OutboxStore, Submission } from "./outbox";

const DATABASE = "lodestar-annotation";
const TABLE = "submissions";

/** IndexedDB, or, where a browser has none for us, a memory that ends with the page. */
export function browserStore(): OutboxStore {
  const memory = memoryStore();
  const opened = open().catch(() => null);
  const inTable = async <T>(mode: IDBTransactionMode, ask: (table: IDBObjectStore) => IDBRequest<T>): Promise<T | null> => {
    const database = await opened;
    return database ? answered(ask(database.transaction(TABLE, mode).objectStore(TABLE))) : null;
  };
  return {
    all: async () => (await inTable<Submission[]>("readonly", (table) => table.getAll() as IDBRequest<Submission[]>)) ?? memory.all(),
    put: async (submission) => {
      await memory.put(submission);
      await inTable("readwrite", (table) => table.put(submission));
    },
    remove: async (clientId) => {
      await memory.remove(clientId);
      await inTable("readwrite", (table) => table.delete(clientId));
    },
  };
}

export function memoryStore(kept: Submission[] = []): OutboxStore {
  const byId = new Map(kept.map((one) => [one.client_id, one]));
  return {
    all: () => Promise.resolve([...byId.values()]),
    put: (submission) => Promise.resolve(void byId.set(submission.client_id, submission)),
    remove: (clientId) => Promise.resolve(void byId.delete(clientId)),
  };
}

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(TABLE, { keyPath: "client_id" });
  return answered(request);
}

function answered<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("The browser's store does not answer."));
  });
}
