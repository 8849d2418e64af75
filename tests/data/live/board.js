// A page that edits a circle's board together with others, and does what the test asks of it.

import * as Y from "yjs";
import { Connection, newKey } from "/nats.js";

const decoder = new TextDecoder();
const VALUES = "$JS.LIVE.API.$KV.circles";
const READS = "$JS.LIVE.API.DIRECT.GET.KV_circles.$KV.circles";
const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const { circle, name, url } = Object.fromEntries(new URLSearchParams(location.search));

const board = new Y.Doc();
const text = board.getText("board");
let connection, unsaved = false;

async function post(path, value) {
  const answer = await fetch(path, { method: "POST", body: JSON.stringify(value) });
  return answer.json();
}

const tell = (what, details) => post("/said", { name, what, details });

text.observe(() => {
  document.getElementById("board").textContent = text.toString();
});
board.on("update", (update, origin) => {
  if (origin === "others") return;
  unsaved = true;
  connection?.publish(`circle.${circle}.board`, update);
});

const merge = (update) => Y.applyUpdate(board, update, "others");

async function catchUp() {
  const kept = await connection.request(`${READS}.${circle}.state.board`);
  if (kept.status) return 0;
  merge(kept.data);
  return Number(kept.headers["Nats-Sequence"]);
}

async function save() {
  for (;; await wait(300)) {
    if (!unsaved || !connection) continue;
    unsaved = false;
    try {
      const last = await catchUp();
      const headers = { "Nats-Expected-Last-Subject-Sequence": last };
      const answer = await connection.request(`${VALUES}.${circle}.state.board`, Y.encodeStateAsUpdate(board), headers);
      if (answer.status || JSON.parse(decoder.decode(answer.data)).error) unsaved = true;
    } catch {
      unsaved = true;
    }
  }
}

async function credential(changes = {}) {
  const key = await newKey();
  const { token } = await post("/token", { key: key.name, name, circle, ...changes });
  return { key, token };
}

// Connects, and comes back whenever the connection ends.
async function share() {
  for (;; await wait(500)) {
    try {
      const { key, token } = await credential();
      connection = await Connection.open(url, key, token);
      await connection.subscribe(`circle.${circle}.board`, (message) => merge(message.data));
      await connection.subscribe(`changed.${circle}.state.board`, (message) => message.data.length && merge(message.data));
      await catchUp();
      await connection.request(`${VALUES}.${circle}.presence.u-${name}`, new Uint8Array(), { "Nats-TTL": "30s" });
      await tell("connected", "");
      await tell("ended", await connection.ended);
    } catch (error) {
      await tell("refused", error.message);
    }
    connection = undefined;
  }
}

const ORDERS = {
  async write(words) {
    text.insert(text.length, words);
  },
  async publish(subject) {
    connection.publish(subject, new Uint8Array());
    await connection.flush();
    await tell("published", connection.errors.join("; "));
  },
  async listen(subject) {
    await connection.subscribe(subject, () => {});
    await tell("listens", connection.errors.join("; "));
  },
  async connect(changes) {
    const { key, token } = await credential(changes);
    try {
      (await Connection.open(url, key, token)).close();
      await tell("tried", "");
    } catch (error) {
      await tell("tried", error.message);
    }
  },
};

async function obey() {
  for (;; await wait(100)) {
    for (const [order, details] of await post("/orders", { name })) await ORDERS[order](details);
    await tell("text", text.toString());
  }
}

obey();
save();
share();
