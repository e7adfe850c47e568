// What is sent and kept. An answer lies in the browser until the server says that it is stored; sent
// twice it is known by its id, so nothing is lost and nothing counts double.

import { say } from "/page/parts.js";

const LISTENER = "listener", PENDING = "answer to send";
const WAIT_MS = 2000;

const drawn = () => Array.from(crypto.getRandomValues(new Uint8Array(16)),
  (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Where the browser keeps things; where it keeps nothing, this page does. */
const store = (() => {
  try {
    localStorage.setItem("probe", "1");
    localStorage.removeItem("probe");
    return localStorage;
  } catch {
    const kept = new Map();
    return { getItem: (k) => kept.get(k) ?? null, setItem: (k, v) => kept.set(k, v),
      removeItem: (k) => kept.delete(k) };
  }
})();

export const known = () => store.getItem(LISTENER) !== null;

/** Join the test, or come back to it: its trials, and what was answered. */
export async function join() {
  if (!known()) store.setItem(LISTENER, drawn());
  const pending = JSON.parse(store.getItem(PENDING) ?? "null");
  let told = await send("/api/listeners", { id: store.getItem(LISTENER) });
  if (pending && !(pending.trial in told.answered)) {
    await deliver(pending);
    told = await send("/api/listeners", { id: store.getItem(LISTENER) });
  }
  store.removeItem(PENDING);
  return told;
}

/** Have an answer stored; returns when it is. */
export async function answer(trial, value, seconds, plays) {
  const told = { listener: store.getItem(LISTENER), trial, id: drawn(), value, seconds, plays };
  store.setItem(PENDING, JSON.stringify(told));
  await deliver(told);
  store.removeItem(PENDING);
}

/** 409: another window has answered this trial, and that answer stays. */
const deliver = (told) => send("/api/answers", told, [409]);

/** Post until it is taken; what will never be taken is an error. */
async function send(path, body, alsoFine = []) {
  for (;;) {
    try {
      const got = await fetch(path, { method: "POST", body: JSON.stringify(body),
        headers: { "Content-Type": "application/json" } });
      if (got.ok || alsoFine.includes(got.status)) {
        say("");
        return await got.json();
      }
      if (got.status < 500 && got.status !== 429) {
        const told = await got.json().catch(() => ({}));
        throw Object.assign(new Error(told.error ?? `status ${got.status}`), { final: true });
      }
    } catch (error) {
      if (error.final) throw error;
    }
    say("The server cannot be reached. Your answer is kept here and will be sent: please wait.", true);
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  }
}
