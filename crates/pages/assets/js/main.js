// The script of the pages. It only makes them better: everything but the live stream works without it.
"use strict";

import { start as copy } from "./copy.js";
import { start as forms } from "./forms.js";
import { start as histogram } from "./histogram.js";
import { start as keys } from "./keys.js";
import { start as live } from "./live.js";
import { start as preferences } from "./preferences.js";
import { start as progress } from "./progress.js";
import { start as proof } from "./proof.js";
import { start as rows } from "./rows.js";
import { start as suggest } from "./suggest.js";
import { start as time } from "./time.js";
import { start as viewer } from "./viewer.js";

document.documentElement.classList.add("js");
for (const part of [time, preferences, forms, copy, rows, keys, suggest, histogram, live, proof, progress, viewer]) {
  try {
    part();
  } catch (error) {
    // One part that fails leaves the others, and the page without it.
    console.error(error);
  }
}
