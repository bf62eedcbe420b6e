import type { Worker } from "@/api/shapes";

export function freeSlots(workers: Pick<Worker, "online" | "slots" | "running">[]): { free: number; total: number; online: number } {
  const online = workers.filter((worker) => worker.online);
  const total = online.reduce((sum, worker) => sum + worker.slots, 0);
  const used = online.reduce((sum, worker) => sum + Math.min(worker.slots, worker.running.length), 0);
  return { free: total - used, total, online: online.length };
}
