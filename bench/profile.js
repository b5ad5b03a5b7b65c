import { readFileSync } from "node:fs";

/** CPU microseconds per message by folder of server/src; what Node does itself counts for its caller. */
export function cpuByFolder(file, messages) {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, "utf8"));
  const parents = new Map();
  const byId = new Map(nodes.map((node) => [node.id, node]));
  for (const node of nodes) for (const child of node.children ?? []) parents.set(child, node.id);
  const names = new Map();
  const nameOf = (id) => {
    if (id === undefined) return "node itself";
    const known = names.get(id);
    if (known !== undefined) return known;
    const { functionName, url } = byId.get(id).callFrame;
    const name = ownName(functionName, url) ?? nameOf(parents.get(id));
    names.set(id, name);
    return name;
  };
  const sums = {};
  samples.forEach((sample, index) => {
    const name = nameOf(sample);
    sums[name] = (sums[name] ?? 0) + timeDeltas[index];
  });
  return Object.fromEntries(
    Object.entries(sums)
      .filter(([name]) => name !== "(idle)")
      .map(([name, micros]) => [name, Math.round((micros / messages) * 10) / 10])
      .sort(([, one], [, two]) => two - one),
  );
}

function ownName(functionName, url) {
  if (functionName === "(idle)" || functionName === "(garbage collector)") return functionName;
  const server = /\/server\/dist\/([^/]+)/.exec(url)?.[1];
  if (server !== undefined) return server;
  return /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
}
