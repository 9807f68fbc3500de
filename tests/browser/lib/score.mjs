// What was checked and how it went: lines `ok …` and `not ok …`, and the closing line that scripts/count_tests.py reads.

export class Score {
  passed = 0;
  failed = 0;

  /** @param {string} what @param {string[]} faults none: it is well */
  tell(what, faults = []) {
    if (faults.length === 0) {
      this.passed += 1;
      console.log(`ok ${what}`);
    } else {
      this.failed += 1;
      console.log(`not ok ${what}`);
      for (const fault of faults) console.log(`       ${fault}`);
    }
  }

  /**
   * @param {string} what
   * @param {() => Promise<unknown>} test gives true, or what it found instead
   */
  async check(what, test) {
    try {
      const found = await test();
      this.tell(what, found === true ? [] : [`found: ${typeof found === "string" ? found : JSON.stringify(found)}`]);
    } catch (error) {
      this.tell(what, String(error.stack ?? error).split("\n").filter((line) => !line.includes("playwright-core")).slice(0, 6));
    }
  }

  /** The closing line; the status of the process. */
  close() {
    console.log(`${this.passed} passed, ${this.failed} failed`);
    return this.failed > 0 || this.passed === 0 ? 1 : 0;
  }
}
