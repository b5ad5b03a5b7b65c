import { readFileSync } from "node:fs";

const FUNCTIONS_SHOWN = 50;

/** The profile that a process with --cpu-prof wrote. */
export function readProfile(file) {
  return JSON.parse(readFileSync(file, "utf8"));
}

/** CPU microseconds per message by folder of server/src; what Node does itself counts for its caller. */
export function cpuByFolder(profile, messages) {
  return cpuByOwner(profile, messages, folderOf);
}

/** The same by file: `messages/pump.js`. */
export function cpuByFile(profile, messages) {
  return cpuByOwner(profile, messages, fileOf);
}

function cpuByOwner({ nodes, samples, timeDeltas }, messages, ownerOf) {
  const parents = new Map();
  const byId = new Map(nodes.map((node) => [node.id, node]));
  for (const node of nodes) for (const child of node.children ?? []) parents.set(child, node.id);
  const names = new Map();
  const nameOf = (id) => {
    if (id === undefined) return "node itself";
    const known = names.get(id);
    if (known !== undefined) return known;
    const { functionName, url } = byId.get(id).callFrame;
    const name = ownName(functionName, url, ownerOf) ?? nameOf(parents.get(id));
    names.set(id, name);
    return name;
  };
  return perMessage(samples.map(nameOf), timeDeltas, messages);
}

/** CPU microseconds per message of the costliest functions, each by itself. */
export function cpuByFunction({ nodes, samples, timeDeltas }, messages) {
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      `${functionName || "(anonymous)"} ${url.replace(/^.*\/(?=node_modules|server)/, "")}:${lineNumber + 1}`,
    ]),
  );
  const all = perMessage(
    samples.map((sample) => names.get(sample)),
    timeDeltas,
    messages,
  );
  return Object.fromEntries(Object.entries(all).slice(0, FUNCTIONS_SHOWN));
}

function perMessage(names, timeDeltas, messages) {
  const sums = {};
  names.forEach((name, index) => {
    sums[name] = (sums[name] ?? 0) + timeDeltas[index];
  });
  return Object.fromEntries(
    Object.entries(sums)
      .filter(([name]) => !name.startsWith("(idle)"))
      .map(([name, micros]) => [name, Math.round((micros / messages) * 10) / 10])
      .sort(([, one], [, two]) => two - one),
  );
}

const folderOf = (url) => /\/server\/dist\/([^/]+)/.exec(url)?.[1];
/** The benchmark's own are the far ends, not a part of who calls them. */
const fileOf = (url) => /\/server\/dist\/(.+)/.exec(url)?.[1] ?? /\/(bench\/[^/]+)$/.exec(url)?.[1];

function ownName(functionName, url, ownerOf) {
  if (functionName === "(idle)" || functionName === "(garbage collector)") return functionName;
  const server = ownerOf(url);
  if (server !== undefined) return server;
  return /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
}
