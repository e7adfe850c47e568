// The way through the test: consent, headphones, practice, ratings, pairs, thanks.

import { headphones } from "/page/headphones.js";
import { element, page, show } from "/page/parts.js";
import { answer, join, known } from "/page/server.js";
import { load, wake } from "/page/sound.js";
import { ask } from "/page/trial.js";

const text = (...parts) => element("p", {}, ...parts);
const list = (...items) => element("ul", {}, ...items.map((item) => element("li", {}, item)));

async function consent() {
  await page("How well do they play together?", [
    text("You will hear short pieces of music, to which one instrument was added. Tell us how well it " +
      "fits. There is no right or wrong: what counts is your ear. It takes about 20 minutes."),
    element("h2", {}, "What is kept"),
    list("Your answers, how long you took for them and how often you listened.",
      "Nothing about you: no name, no address. So nobody can tell which answers are yours, and they " +
      "cannot be taken back once they are given."),
    element("h2", {}, "You need"),
    list("headphones, in a quiet place;", "to be 18 or older, and to take part because you want to. " +
      "You can stop at any time by closing the page; in this browser you can also go on later."),
  ], "I agree: begin");
}

async function instructions() {
  await page("What to do", [
    list("Each piece is a mix with one instrument added. Listen to its end, then say how well that " +
      "instrument fits the rest: in time, in harmony, in style. How it was recorded, or whether you " +
      "like the music, does not matter.",
      "After that you hear pairs: the same mix with two different additions. Say in which the added " +
      "instrument fits better, even where it is hard to tell.",
      "A few sounds have beeps over them. Count these, and choose their number as your answer; of a pair " +
      "choose the one with the beeps. They tell us that you are listening."),
    text("It begins with a check of your headphones and three trials for practice. Use the whole scale."),
  ], "Go on");
}

/** What the beeps of a practice trial were. */
async function told(trial, value) {
  const right = value === trial.expected;
  await page(right ? "That is right" : "Not quite", [
    text(`This sound had ${trial.expected} ${trial.expected === 1 ? "beep" : "beeps"}, and you answered ` +
      `${value}. ${right ? "" : "Where you hear beeps, their number is the answer."}`)], "Go on");
}

function progress(done, all) {
  const bar = document.getElementById("progress");
  bar.hidden = false;
  bar.value = done / all;
  document.getElementById("place").textContent = done < all ? `${done + 1} of ${all}` : "done";
}

async function run() {
  const back = known();
  if (!back) await consent();
  else await page("Welcome back", [text("You can go on where you were.")], "Go on");
  await wake();
  const { trials, answered } = await join();
  if (!(0 in answered)) await instructions();
  for (const [n, trial] of trials.entries()) {
    if (n in answered) continue;
    progress(n, trials.length);
    for (const name of [...trial.sounds, ...(trials[n + 1]?.sounds ?? [])]) load(name).catch(() => {});
    const given = trial.kind === "headphones"
      ? { value: await headphones(), seconds: 0, plays: 0 } : await ask(trial);
    await answer(n, given.value, given.seconds, given.plays);
    if (trial.practice && trial.expected) await told(trial, given.value);
  }
  progress(trials.length, trials.length);
  show("Thank you", [text("All your answers are stored. You can close this page.")]);
}

run().catch((error) => show("This cannot go on", [
  text(`The server says: ${error.message}. Please reload the page.`)]));
