import { type Behaviour, behaviourOf } from "./behaviours.ts";
import { type Dialect, dialectOf } from "./dialects.ts";
import { isScenarioName, type ScenarioName } from "./scenarios.ts";

/** How a bind is dealt with, as a list of names chose it: dialects, a scenario, a suffix. */
export type Manners = {
  readonly names: string;
  readonly dialect: Dialect;
  readonly scenario: ScenarioName | undefined;
  /** Of recipients whose number chooses nothing. */
  readonly behaviour: Behaviour | undefined;
};

export const noManners: Manners = mannersOf("");

/** What is no name of ours says nothing: a system_type may mean something to its gateway alone. */
export function mannersOf(list: string): Manners {
  const known = list
    .split(",")
    .map((name) => name.trim())
    .filter(isManner);
  return {
    names: known.join(","),
    dialect: dialectOf(known),
    scenario: known.findLast(isScenarioName),
    behaviour: known.map(behaviourOf).findLast((behaviour) => behaviour !== undefined),
  };
}

export function isManner(name: string): boolean {
  return dialectOf([name]).name !== "" || isScenarioName(name) || behaviourOf(name) !== undefined;
}
