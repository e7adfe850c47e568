// What the steps of the page are built of.

const main = document.getElementById("main");
const said = document.getElementById("said");

/** An element: `props` are its properties, "class" and "aria-..." as attributes. */
export function element(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "class" || name.includes("-")) made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

/** Put a step on the page; its heading takes the focus, so that it is read out. */
export function show(title, children, above = []) {
  const heading = element("h1", { tabIndex: -1 }, title);
  main.replaceChildren(...above, heading, ...children);
  heading.focus();
  say("");
}

/** Tell something below the page; a screen reader says it. */
export function say(text, bad = false) {
  if (said.textContent !== text) said.textContent = text;
  said.classList.toggle("bad", bad);
}

export const button = (text, onclick, quiet = false) =>
  element("button", { type: "button", class: quiet ? "quiet-button" : "main-button", onclick }, text);

/** A step that is read and left; resolves when it is. */
export function page(title, body, go) {
  return new Promise((resolve) => {
    show(title, [...body, element("div", { class: "row" }, button(go, resolve))]);
  });
}

/** Radio buttons; `onchoose` gets the value, `choose(value)` chooses one by key. */
export function choices(legend, options, onchoose) {
  const inputs = options.map(({ value }) => element("input", {
    type: "radio", name: "choice", value, onchange: () => onchoose(value),
  }));
  const labels = options.map(({ mark, text }, n) => element("label", { class: "choice" },
    inputs[n], element("b", {}, mark), element("span", {}, text)));
  const box = element("fieldset", { disabled: true }, element("legend", {}, legend),
    element("div", { class: `choices ${options.length === 5 ? "five" : ""}` }, ...labels));
  return {
    box,
    choose(value) {
      const at = options.findIndex((option) => option.value === value);
      if (at < 0 || box.disabled) return;
      inputs[at].checked = true;
      inputs[at].focus();
      onchoose(value);
    },
  };
}

/** Keys of a step, by what they say; off again when the step is left. */
export function keys(actions) {
  const onkey = (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    const key = event.key.toLowerCase();
    // What a focused button does with these keys is its own.
    if (event.target.tagName === "BUTTON" && (key === " " || key === "enter")) return;
    if (!Object.hasOwn(actions, key)) return;
    event.preventDefault();
    actions[key]();
  };
  document.addEventListener("keydown", onkey);
  return () => document.removeEventListener("keydown", onkey);
}
