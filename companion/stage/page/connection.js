// The WebSocket: it comes back by itself, and takes the page's token along.
import { change, take } from "./state.js";

const AGAIN_MS = [250, 500, 1000, 2000, 4000];
const OVER = 1001;
const token = new URLSearchParams(location.search).get("token");
let socket = null;
let tries = 0;

export function connect() {
  const query = token ? `?token=${encodeURIComponent(token)}` : "";
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/socket${query}`);
  socket.onmessage = (event) => {
    tries = 0;
    take(JSON.parse(event.data));
  };
  socket.onclose = (event) => {
    change({ link: event.code === OVER ? "over" : "lost", why: event.reason });
    setTimeout(connect, AGAIN_MS[Math.min(tries++, AGAIN_MS.length - 1)]);
  };
}

export function ask(command) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(command));
}
