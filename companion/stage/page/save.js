// Saves how the rig stands as a preset, under a name; over one that is there only when asked again.
import { ask } from "./connection.js";
import { html } from "./html.js";
import { change, useStage } from "./state.js";

const LONGEST = 48;

export function Save() {
  const { presets, saving } = useStage();
  if (!presets) return null;
  const there = saving?.kind === "there";
  const onSubmit = (event) => {
    event.preventDefault();
    const name = new FormData(event.target).get("name").trim();
    if (name) ask({ save: name, over: there && name === saving.name });
    change({ saving: null });
  };
  const told = there ? `${saving.why}.` : saving ? `Saved as ${saving.file}.` : "";
  return html`<section class="save"><h3>save as a preset</h3>
    <form onSubmit=${onSubmit}>
      <input type="text" name="name" maxlength=${LONGEST} autocomplete="off" aria-label="name of the preset" placeholder="name"
        onInput=${() => saving && change({ saving: null })} />
      <button type="submit" class="button">${there ? "write over" : "save"}</button>
      ${there && html`<button type="button" class="button" onClick=${() => change({ saving: null })}>cancel</button>`}
    </form>
    <p role="status" class="saving">${told}</p>
  </section>`;
}
