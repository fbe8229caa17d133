// Reads TC strings, one a line, and writes what the IAB's official library
// reads in them, or why it does not, one JSON object a line.
import { createInterface } from 'node:readline';
import { describe } from './describe.mjs';

for await (const tcString of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = { decoded: describe(tcString) };
  } catch (error) {
    answer = { error: error.message };
  }
  console.log(JSON.stringify(answer));
}
