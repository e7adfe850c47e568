// The stage page: from the top, what is read from afar; then the lanes; then the knobs.
import { render } from "preact";
import { connect } from "./connection.js";
import { Head } from "./head.js";
import { html } from "./html.js";
import { LearnBar } from "./learn.js";
import { Panel } from "./panel.js";
import { Lanes } from "./players.js";
import { useStage } from "./state.js";
import { Trouble } from "./trouble.js";
import "./theme.js";

function Page() {
  const { link, said = [], names } = useStage();
  if (link === "over") return html`<main class="waiting"><h1>The set is over.</h1></main>`;
  if (!names) {
    return html`<main class="waiting"><h1>companion</h1><p role="status">${said.at(-1) ?? (link === "lost" ? "It does not answer; trying again." : "Getting ready.")}</p></main>`;
  }
  return html`<${Head} /><${Trouble} /><${LearnBar} /><${Lanes} /><${Panel} />`;
}

render(html`<${Page} />`, document.getElementById("stage"));
connect();
