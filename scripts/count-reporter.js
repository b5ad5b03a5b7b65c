/**
 * Ends a run with lines that machines can read: `FAILED which test` for each that failed, then
 * `N passed, N failed, N skipped`.
 */
export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    const failed = unhandledErrors.map(({ message }) => `outside of any test: ${message}`);
    for (const module of modules) {
      const file = `${module.project.name} ${module.relativeModuleId}`;
      for (const { message } of module.errors()) failed.push(`${file}: ${message}`);
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result();
        counts[state === "passed" || state === "failed" ? state : "skipped"] += 1;
        if (state === "failed") {
          const { line = 0, column = 0 } = errors?.[0]?.stacks?.[0] ?? {};
          failed.push(`${file}:${line}:${column} > ${test.fullName}: ${errors?.[0]?.message}`);
        }
      }
      counts.failed += module.errors().length > 0 ? 1 : 0;
    }
    const lines = failed.map((what) => `FAILED ${what.split("\n", 1)[0]}`);
    lines.push(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
    process.stdout.write(`\n${lines.join("\n")}\n`);
  }
}
