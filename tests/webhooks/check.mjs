// Reads lines of {headers, body}, and says what each of the two receivers of the page takes them for.
import { createInterface } from "node:readline";
import { verified as byHand } from "./by_hand.js";
import { verified as byPackage } from "./receiver.js";

for await (const line of createInterface({ input: process.stdin })) {
  const { headers, body, secret } = JSON.parse(line);
  const types = [byPackage, byHand].map((verified) => verified(headers, body, secret)?.type ?? null);
  console.log(JSON.stringify(types));
}
